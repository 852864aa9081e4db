//! `seqprobe list`: what there is to choose from, for people and, with `--format json`, for programs.

use crate::cli::{ListFormat, Listing};
use crate::commands::cards::cards_here;
use crate::exit::{ExitCode, Failure, OrExit};
use crate::output::{print_error_line, print_line};
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, LineStyle, Table};
use seqprobe_models::hub::Needed;
use seqprobe_models::reference::published_models;
use seqprobe_models::{BUNDLED_MODELS, FAMILIES, HubReference, PublishedModel};
use seqprobe_study::{ModelFinder, PROBES};
use serde::Serialize;

pub(crate) fn run(what: Listing, format: ListFormat) -> Result<(), Failure> {
    let lines = match what {
        Listing::Models => return list_models(format),
        Listing::Datasets => datasets()?,
        Listing::Simulated => seqprobe_data::SIMULATED
            .iter()
            .map(|task| {
                let about = format!("{}, {}, scored by {}", task.title, task.kind.as_str(), task.metric);
                Line { id: format!("sim:{}", task.name), about }
            })
            .collect(),
        Listing::Probes => PROBES.iter().map(|family| Line::new(family.id, family.about)).collect(),
        Listing::Metrics => seqprobe_stats::METRICS
            .iter()
            .map(|metric| {
                let better = if metric.higher_is_better { "higher is better" } else { "lower is better" };
                Line { id: metric.id.to_owned(), about: format!("{}, {better}", metric.full_name) }
            })
            .collect(),
    };
    match format {
        ListFormat::Json => print_json(&lines),
        ListFormat::Table => print_line(&in_columns(&lines)),
    }
}

/// Something to choose, and one line saying what it is.
#[derive(Serialize)]
struct Line {
    id: String,
    about: String,
}

impl Line {
    fn new(id: &str, about: &str) -> Self {
        Self { id: id.to_owned(), about: about.to_owned() }
    }
}

fn datasets() -> Result<Vec<Line>, Failure> {
    let card_line = |id: String| {
        let card = seqprobe_data::find_card(&id, &["datasets".into()]).or_exit(ExitCode::Usage)?;
        Ok(Line { id, about: format!("{}, {}", card.title, card.task.as_str()) })
    };
    cards_here()?.into_iter().map(card_line).collect()
}

fn in_columns(lines: &[Line]) -> String {
    let width = lines.iter().map(|line| line.id.chars().count()).max().unwrap_or(0);
    let text: Vec<String> = lines.iter().map(|line| format!("{:<width$}  {}", line.id, line.about)).collect();
    text.join("\n")
}

/// A published model as programs read it.
#[derive(Serialize)]
struct ModelLine {
    id: &'static str,
    family: &'static str,
    parameters: Option<u64>,
    layers: u32,
    hidden: u32,
    max_tokens: Option<u32>,
    tokenizer: &'static str,
    licence: Option<&'static str>,
    repository: &'static str,
    source: &'static str,
    /// Whether weights, settings and tokenizer are in the program or in the Hugging Face cache; unknown where there is
    /// none.
    here: Option<bool>,
}

/// Published models with what is known of them, then the families.
fn list_models(format: ListFormat) -> Result<(), Failure> {
    let finder = ModelFinder::local();
    let hub = finder.hub();
    if let Err(error) = &hub {
        print_error_line(&format!("warning: the Hugging Face cache is not looked at: {error}"));
    }
    let is_here = |model: &PublishedModel| {
        let reference = HubReference::parse(model.repository).ok()?;
        Some(hub.as_ref().ok()?.find(&reference, Needed::Weights).is_some())
    };
    let bundled = BUNDLED_MODELS.iter().map(|model| ModelLine {
        id: model.id,
        family: model.family,
        parameters: Some(model.n_parameters),
        layers: model.layers,
        hidden: model.hidden,
        max_tokens: None,
        tokenizer: model.tokenizer,
        licence: Some(env!("CARGO_PKG_LICENSE")),
        repository: "part of the program",
        source: model.source,
        here: Some(true),
    });
    let published = published_models().map(|(family, model)| ModelLine {
        id: model.id,
        family: family.id,
        parameters: model.n_parameters,
        layers: model.layers,
        hidden: model.hidden,
        max_tokens: model.max_tokens,
        tokenizer: model.tokenizer,
        licence: model.licence,
        repository: model.repository,
        source: model.source,
        here: is_here(model),
    });
    let models: Vec<ModelLine> = bundled.chain(published).collect();
    let families: Vec<Line> = FAMILIES.iter().map(|family| Line::new(family.id, family.title)).collect();
    if format == ListFormat::Json {
        return print_json(&serde_json::json!({ "models": models, "families": families }));
    }
    if !models.is_empty() {
        print_line(&model_table(&models))?;
        print_line("")?;
    }
    print_line("families, for folders and hf:owner/name")?;
    print_line(&in_columns(&families))
}

fn model_table(models: &[ModelLine]) -> String {
    let mut table = Table::new();
    let style = UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none());
    table.load_style(style).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header([
        "model",
        "family",
        "parameters",
        "layers",
        "width",
        "tokens at most",
        "tokenizer",
        "licence",
        "repository",
        "here",
    ]);
    for model in models {
        let here = match model.here {
            Some(true) => "yes",
            Some(false) => "no",
            None => "?",
        };
        table.add_row([
            model.id.to_owned(),
            model.family.to_owned(),
            model.parameters.map_or_else(|| "unknown".to_owned(), parameters),
            model.layers.to_string(),
            model.hidden.to_string(),
            model.max_tokens.map_or_else(|| "any".to_owned(), |tokens| tokens.to_string()),
            model.tokenizer.to_owned(),
            model.licence.unwrap_or("unknown").to_owned(),
            model.repository.to_owned(),
            here.to_owned(),
        ]);
    }
    table.trim_fmt()
}

/// `86.2 M`
fn parameters(n: u64) -> String {
    match n {
        0..1_000_000 => format!("{:.1} k", n as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} M", n as f64 / 1e6),
        _ => format!("{:.2} G", n as f64 / 1e9),
    }
}

fn print_json<T: Serialize>(value: &T) -> Result<(), Failure> {
    print_line(&serde_json::to_string_pretty(value).or_exit(ExitCode::Unexpected)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_counts_are_readable() {
        assert_eq!([999, 86_200_000, 2_537_000_000].map(parameters), ["1.0 k", "86.2 M", "2.54 G"]);
    }

    #[test]
    fn the_table_says_what_is_unknown() {
        let table = model_table(&[ModelLine {
            id: "some-model",
            family: "bert",
            parameters: None,
            layers: 12,
            hidden: 768,
            max_tokens: None,
            tokenizer: "letters",
            licence: None,
            repository: "owner/name",
            source: "nowhere",
            here: Some(true),
        }]);
        let row: Vec<&str> =
            table.lines().find(|line| line.contains("some-model")).unwrap().split_whitespace().collect();
        let expected =
            ["some-model", "bert", "unknown", "12", "768", "any", "letters", "unknown", "owner/name", "yes"];
        assert_eq!(row, expected);
    }
}
