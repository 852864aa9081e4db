//! `report.md`: what fits a comment on a pull request. Warnings, verdicts, scores, where they come from.

use crate::elements::{region, selections};
use crate::error::ReportError;
use crate::record::{DatasetRecord, Provenance, RunRecord, Verdict};
use crate::sentences::{of_dataset, of_suite, oracle_gap};
use crate::sweeps::{Grid, grids};
use crate::table::{note, shown};
use crate::warning_words::warning_text;
use crate::words::{
    cell_detail, count, duration, level, metric_name, number, one_line, role_word, whole_cells_of,
};

/// Longest report; what comment fields of the common forges take, with room to spare.
const MAX_CHARACTERS: usize = 60_000;

/// Longest list of sentences; longer ones give way to counts.
const MAX_SENTENCES: usize = 20_000;

/// Most warnings that are written out.
const MAX_WARNINGS: usize = 30;

/// Most columns of a table.
const MOST_COLUMNS: usize = 9;

pub(crate) fn render(record: &RunRecord) -> Result<String, ReportError> {
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
        of_suite(record).iter().map(|sentence| format!("- {}\n", escape(&one_line(sentence)))).collect();
    if !of_suite.is_empty() && of_suite.len() <= MAX_SENTENCES {
        text.push_str(&format!("{of_suite}\n"));
    }
    let sentences: String = record.datasets.iter().map(|dataset| sentences(record, dataset)).collect();
    if sentences.len() <= MAX_SENTENCES {
        text.push_str(&sentences);
    } else {
        record.datasets.iter().for_each(|dataset| text.push_str(&counts(record, dataset)));
    }
    let end = provenance(&record.provenance);
    let mut n_left_out = 0;
    for dataset in &record.datasets {
        let table = table(record, dataset) + &elements(record, dataset);
        if text.len() + table.len() + end.len() > MAX_CHARACTERS {
            n_left_out += 1;
        } else {
            text.push_str(&table);
        }
    }
    if n_left_out > 0 {
        text.push_str(&format!(
            "\nThe tables of {n_left_out} datasets are left out here; report.html holds them all.\n"
        ));
    }
    text.push_str(&end);
    Ok(text)
}

fn sentences(record: &RunRecord, dataset: &DatasetRecord) -> String {
    let id = code(&dataset.id);
    let mut text = String::new();
    for sentence in of_dataset(record, dataset) {
        let verdict =
            sentence.verdict.map(|verdict| format!("**{}**: ", verdict.as_str())).unwrap_or_default();
        text.push_str(&format!("- {verdict}`{id}`: {}\n", escape(&one_line(&sentence.text))));
    }
    if let Some(gap) = oracle_gap(record, dataset) {
        text.push_str(&format!("- `{id}`: {}\n", escape(&gap.sentence())));
    }
    text
}

/// `- `gue-tf-0`: 5 × beats, 2 × unclear`.
fn counts(record: &RunRecord, dataset: &DatasetRecord) -> String {
    let count = |verdict: &Verdict| {
        let n =
            record.verdicts.iter().filter(|row| row.dataset == dataset.id && row.verdict == *verdict).count();
        (n > 0).then(|| format!("{n} × {}", verdict.as_str()))
    };
    let all = [Verdict::Beats, Verdict::Ties, Verdict::Loses, Verdict::Unclear];
    let counts: Vec<String> = all.iter().filter_map(count).collect();
    let counts = if counts.is_empty() { "no verdict".to_owned() } else { counts.join(", ") };
    format!("- `{}`: {counts}\n", code(&dataset.id))
}

fn table(record: &RunRecord, dataset: &DatasetRecord) -> String {
    let metric = metric_name(&dataset.metric);
    let n = count(dataset.n_test as u64);
    let id = escape(&dataset.id);
    let level =
        level(record, dataset).map(|level| format!(", {level} interval in brackets")).unwrap_or_default();
    let mut text = format!(
        "\n### {id}\n\n{metric} on {n} test examples{level}.\n\n\
         | representation | how | probe | role | {metric} | note |\n|---|---|---|---|---|---|\n"
    );
    for cell in whole_cells_of(record, dataset) {
        let row = [
            cell.id.representation.to_string(),
            cell_detail(&cell.id),
            cell.id.probe_word().to_owned(),
            role_word(cell.role).to_owned(),
            shown(cell),
            note(cell),
        ];
        text.push_str(&format!("| {} |\n", row.map(|field| escape(&field)).join(" | ")));
    }
    grids(record, dataset).iter().for_each(|grid| text.push_str(&of_grid(grid)));
    text
}

fn of_grid(grid: &Grid) -> String {
    let n = grid.header.len().min(MOST_COLUMNS);
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

/// A table for each probe that selected words in regions; empty where none did.
fn elements(record: &RunRecord, dataset: &DatasetRecord) -> String {
    let mut text = String::new();
    for selection in selections(record, dataset) {
        if text.is_empty() {
            text.push_str(
                "\n#### Selected regulatory elements\n\nWords whose frequency in a region (bases from the left, half-open) \
                 enters the prediction; weight per standard deviation of the frequency, correlation in train.\n",
            );
        }
        text.push_str(&format!(
            "\n{}\n\n| word | region | weight | correlation |\n|---|---|---|---|\n",
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

/// Text that Markdown shows as it stands: no markup, no table border, no mention of a person.
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
