//! `report.md`: a summary that fits a comment on a pull request: warnings, verdicts, scores, provenance.

use super::table::note;
use crate::derive::RunView;
use crate::derive::dataset_view::DatasetView;
use crate::error::ReportError;
use crate::record::Provenance;
use crate::wording::grids::{Grid, grids};
use crate::wording::names::{cell_detail, metric_name, one_line, region, role_word};
use crate::wording::quantities::{count, duration, level, number};
use crate::wording::sentences::{of_dataset, of_gap, of_suite, primary_score};
use crate::wording::warnings::warning_text;

/// Maximum length of the report; comment fields of the common code hosts take a little more.
const MAX_CHARACTERS: usize = 60_000;

/// Maximum length of the sentences; longer ones are replaced by counts.
const MAX_SENTENCES: usize = 20_000;

/// Maximum number of warnings that are listed.
const MAX_WARNINGS: usize = 30;

/// Maximum number of columns of a table.
const MAX_COLUMNS: usize = 9;

pub(crate) fn render(view: &RunView<'_>) -> Result<String, ReportError> {
    let record = view.record;
    let mut text = format!("## seqprobe: {}\n\n", escape(&record.suite));
    for warning in record.warnings.iter().take(MAX_WARNINGS) {
        text.push_str(&format!("> **Warning:** {}\n>\n", escape(&one_line(&warning_text(warning)))));
    }
    if record.warnings.len() > MAX_WARNINGS {
        text.push_str(&format!("> and {} more warnings\n", record.warnings.len() - MAX_WARNINGS));
    }
    if !record.warnings.is_empty() {
        text.push('\n');
    }
    let of_suite: String =
        of_suite(view).iter().map(|sentence| format!("- {}\n", escape(&one_line(sentence)))).collect();
    if !of_suite.is_empty() && of_suite.len() <= MAX_SENTENCES {
        text.push_str(&format!("{of_suite}\n"));
    }
    let sentences: String = view.datasets.iter().map(sentences).collect();
    if sentences.len() <= MAX_SENTENCES {
        text.push_str(&sentences);
    } else {
        view.datasets.iter().for_each(|dataset| text.push_str(&counts(dataset)));
    }
    let end = provenance(&record.provenance);
    let mut n_left_out = 0;
    for dataset in &view.datasets {
        let table = table(dataset) + &elements(dataset);
        if text.len() + table.len() + end.len() > MAX_CHARACTERS {
            n_left_out += 1;
        } else {
            text.push_str(&table);
        }
    }
    if n_left_out > 0 {
        text.push_str(&format!(
            "\nThe tables of {n_left_out} datasets are left out here; report.html has all of them.\n"
        ));
    }
    text.push_str(&end);
    Ok(text)
}

fn sentences(dataset: &DatasetView<'_>) -> String {
    let id = code(&dataset.record.id);
    let mut text = String::new();
    for sentence in of_dataset(dataset) {
        let verdict =
            sentence.verdict.map(|verdict| format!("**{}**: ", verdict.as_str())).unwrap_or_default();
        text.push_str(&format!("- {verdict}`{id}`: {}\n", escape(&one_line(&sentence.text))));
    }
    if let Some(gap) = &dataset.oracle_gap {
        text.push_str(&format!("- `{id}`: {}\n", escape(&of_gap(gap))));
    }
    text
}

/// `- `gue-tf-0`: 5 × beats, 2 × unclear`.
fn counts(dataset: &DatasetView<'_>) -> String {
    let counts: Vec<String> =
        dataset.verdict_counts().iter().map(|(verdict, n)| format!("{n} × {}", verdict.as_str())).collect();
    let counts = if counts.is_empty() { "no verdict".to_owned() } else { counts.join(", ") };
    format!("- `{}`: {counts}\n", code(&dataset.record.id))
}

fn table(view: &DatasetView<'_>) -> String {
    let dataset = view.record;
    let metric = metric_name(&dataset.metric);
    let n = count(dataset.n_test as u64);
    let id = escape(&dataset.id);
    let level = view.level.map(|one| format!(", {} interval in brackets", level(one))).unwrap_or_default();
    let mut text = format!(
        "\n### {id}\n\n{metric} on {n} test examples{level}.\n\n\
         | representation | setting | probe | role | {metric} | note |\n|---|---|---|---|---|---|\n"
    );
    for cell in &view.whole_cells {
        let row = [
            cell.id.representation.to_string(),
            cell_detail(&cell.id),
            cell.id.probe_word().to_owned(),
            role_word(cell.role).to_owned(),
            primary_score(cell),
            note(cell),
        ];
        text.push_str(&format!("| {} |\n", row.map(|field| escape(&field)).join(" | ")));
    }
    grids(view).iter().for_each(|grid| text.push_str(&of_grid(grid)));
    text
}

fn of_grid(grid: &Grid) -> String {
    let n = grid.header.len().min(MAX_COLUMNS);
    let line = |row: &[String]| {
        let fields: Vec<String> = row.iter().take(n).map(|field| escape(field)).collect();
        format!("| {} |\n", fields.join(" | "))
    };
    let left_out = match grid.header.len() - n {
        0 => String::new(),
        more => format!("; {more} more columns in report.html"),
    };
    let rows: String = grid.rows.iter().map(|row| line(row)).collect();
    format!("\n{}{left_out}.\n\n{}|{}\n{rows}", escape(&grid.title), line(&grid.header), "---|".repeat(n))
}

/// A table for each probe that selected k-mers in regions; empty if there is none.
fn elements(dataset: &DatasetView<'_>) -> String {
    let mut text = String::new();
    for selection in &dataset.selections {
        if text.is_empty() {
            text.push_str(
                "\n#### Selected regulatory elements\n\nk-mers whose frequency in a region (bases from the left, \
                half-open) \
                 enters the prediction. The weight is per standard deviation of the frequency; the correlation \
                 is in train.\n",
            );
        }
        text.push_str(&format!(
            "\n{}\n\n| k-mer | region | weight | correlation |\n|---|---|---|---|\n",
            escape(&one_line(&selection.name))
        ));
        for element in &selection.shown {
            let row =
                [element.word.clone(), region(element), number(element.weight), number(element.correlation)];
            text.push_str(&format!("| {} |\n", row.map(|field| escape(&field)).join(" | ")));
        }
        if selection.n_more > 0 {
            text.push_str(&format!("\nand {} more with smaller weights\n", selection.n_more));
        }
    }
    text
}

fn provenance(provenance: &Provenance) -> String {
    let Provenance { program, commit, libtorch, device, started, seconds, .. } = provenance;
    let line = format!(
        "seqprobe {program} ({commit}), libtorch {libtorch}, {device}; started {started}, took {}",
        duration(*seconds)
    );
    format!("\n<sub>{}</sub>\n", escape(&line))
}

/// Text that Markdown shows as it is: no markup, no table border, no mention of a person.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '@' => escaped.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '|' | '~' | '[' | ']' => escaped.extend(['\\', letter]),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// Text within a code span.
fn code(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() || matches!(letter, '`' | '|') { ' ' } else { letter })
        .collect()
}
