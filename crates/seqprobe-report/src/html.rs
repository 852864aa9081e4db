//! `report.html`: one self-contained page. No outside address, font or script; what users named is escaped;
//! everything is there without scripts, which only sort tables.

mod context;
mod difference;
mod fits;
mod forest;
mod svg;

use crate::error::ReportError;
use crate::record::RunRecord;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value, context};

pub(crate) fn render(record: &RunRecord) -> Result<String, ReportError> {
    let page = || {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        // The name's ending turns escaping on.
        environment.add_template("report.html", include_str!("html/report.html"))?;
        environment.get_template("report.html")?.render(context! {
            page => context::page(record),
            style => Value::from_safe_string(include_str!("html/style.css").to_owned()),
            script => Value::from_safe_string(include_str!("html/sort.js").to_owned()),
        })
    };
    // The template engine drops the last line break.
    page().map(|page| page + "\n").map_err(|error| ReportError::render("html", error))
}
