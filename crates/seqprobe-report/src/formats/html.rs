//! `report.html`: one self-contained page, without outside addresses, fonts or scripts. Names of users are escaped. The
//! page is complete without its script, which only sorts and filters tables.

mod context;
mod costs;
mod curves;
mod dataset_context;
mod difference;
mod fits;
mod forest;
mod panel;
mod ranks;
mod score_tables;
mod shade;
mod svg;
mod sweep;

use crate::derive::RunView;
use crate::error::ReportError;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value, context};

/// Colours and rules of the drawings; a drawing in a file of its own contains them.
const DRAWING_STYLE: &str = include_str!("html/drawing.css");

/// The drawings of a run as files of their own, for papers: names within a folder, and SVG text.
pub(crate) fn figures(view: &RunView<'_>) -> Vec<(String, String)> {
    let mut figures: Vec<(String, String)> = Vec::new();
    let mut add = |name: String, drawing: String| {
        if !drawing.is_empty() {
            figures.push((name, with_style(&drawing)));
        }
    };
    for (number, dataset) in view.datasets.iter().enumerate() {
        let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
        let id: String = dataset.record.id.chars().map(plain).take(60).collect();
        let name = format!("{:02}-{id}.svg", number + 1);
        add(format!("scores-{name}"), forest::draw(dataset));
        add(format!("differences-{name}"), difference::draw(dataset));
        add(format!("curves-{name}"), curves::draw(dataset));
        add(format!("costs-{name}"), costs::draw(dataset));
        for sweep in dataset_context::sweeps(dataset) {
            add(format!("{}-{name}", sweep.id), sweep.drawing);
        }
    }
    if let Some(summary) = &view.ranks {
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
fn with_style(drawing: &str) -> String {
    let head =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" font-family=\"system-ui, Helvetica, Arial, sans-serif\" ";
    let style = format!("<style>{DRAWING_STYLE}svg {{ background: var(--card); }}</style></svg>");
    let body = drawing.strip_prefix("<svg ").unwrap_or(drawing);
    format!("{head}{}{style}\n", body.strip_suffix("</svg>").unwrap_or(body))
}

pub(crate) fn render(view: &RunView<'_>) -> Result<String, ReportError> {
    let page = || {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        // Escaping is on because the name ends in .html.
        environment.add_template("report.html", include_str!("html/report.html"))?;
        environment.get_template("report.html")?.render(context! {
            page => context::page(view),
            style => Value::from_safe_string(format!("{DRAWING_STYLE}{}", include_str!("html/style.css"))),
            script => Value::from_safe_string(include_str!("html/tables.js").to_owned()),
        })
    };
    // The template engine drops the last line break.
    page().map(|page| page + "\n").map_err(|error| ReportError::render("html", error))
}
