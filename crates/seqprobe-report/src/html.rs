//! `report.html`: one self-contained page. No outside address, font or script; what users named is escaped;
//! everything is there without scripts, which only sort and filter tables.

mod context;
mod costs;
mod curves;
mod difference;
mod fits;
mod forest;
mod panel;
mod ranks;
mod svg;
mod sweep;

use crate::error::ReportError;
use crate::record::RunRecord;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value, context};

/// Colours and the rules of the drawings, which a drawing takes along when it stands alone.
const DRAWING_STYLE: &str = include_str!("html/drawing.css");

/// The drawings of a run as files of their own, for papers: names within a folder, and SVG text.
pub(crate) fn figures(record: &RunRecord) -> Vec<(String, String)> {
    let mut figures: Vec<(String, String)> = Vec::new();
    let mut add = |name: String, drawing: String| {
        if !drawing.is_empty() {
            figures.push((name, standing_alone(&drawing)));
        }
    };
    for (number, dataset) in record.datasets.iter().enumerate() {
        let letters =
            dataset.id.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' });
        let name = format!("{:02}-{}.svg", number + 1, letters.take(60).collect::<String>());
        let verdicts: Vec<_> = record.verdicts.iter().filter(|row| row.dataset == dataset.id).collect();
        add(format!("scores-{name}"), forest::draw(record, dataset));
        add(format!("differences-{name}"), difference::draw(dataset, &verdicts));
        add(format!("curves-{name}"), curves::draw(record, dataset));
        add(format!("costs-{name}"), costs::draw(record, dataset));
        for sweep in context::sweeps(record, dataset) {
            add(format!("{}-{name}", sweep.id), sweep.drawing);
        }
    }
    if let Some(summary) = &record.ranks {
        add("ranks.svg".to_owned(), ranks::draw(summary));
    }
    figures
}

/// True for the names that [`figures`] gives.
pub(crate) fn is_figure_name(name: &str) -> bool {
    let kinds = ["scores-", "differences-", "curves-", "costs-", "layers-", "fractions-"];
    name == "ranks.svg" || name.ends_with(".svg") && kinds.iter().any(|kind| name.starts_with(kind))
}

/// A drawing with its name space, its style and a background.
fn standing_alone(drawing: &str) -> String {
    let head =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" font-family=\"system-ui, Helvetica, Arial, sans-serif\" ";
    let style = format!("<style>{DRAWING_STYLE}svg {{ background: var(--card); }}</style></svg>");
    let body = drawing.strip_prefix("<svg ").unwrap_or(drawing);
    format!("{head}{}{style}\n", body.strip_suffix("</svg>").unwrap_or(body))
}

pub(crate) fn render(record: &RunRecord) -> Result<String, ReportError> {
    let page = || {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        // The name's ending turns escaping on.
        environment.add_template("report.html", include_str!("html/report.html"))?;
        environment.get_template("report.html")?.render(context! {
            page => context::page(record),
            style => Value::from_safe_string(format!("{DRAWING_STYLE}{}", include_str!("html/style.css"))),
            script => Value::from_safe_string(include_str!("html/tables.js").to_owned()),
        })
    };
    // The template engine drops the last line break.
    page().map(|page| page + "\n").map_err(|error| ReportError::render("html", error))
}
