//! The table for the terminal: warnings, one table per dataset, verdicts in words.

use crate::error::ReportError;
use crate::record::{CellRecord, DatasetRecord, RunRecord, Status};
use crate::sentences::{of_dataset, of_suite, oracle_gap};
use crate::sweeps::{Grid, description_grid, fraction_grid};
use crate::warning_words::warning_text;
use crate::words::{
    cell_detail, count, headline, metric_name, one_line, plain, role_word, value, value_reason,
    whole_cells_of,
};
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, LineStyle, Table};
use std::fmt::Write;

/// The run as text for a terminal: warnings first, then each dataset's scores, then what they mean.
pub fn render_table(record: &RunRecord) -> String {
    let mut text = String::new();
    for warning in &record.warnings {
        line(&mut text, &format!("warning: {}", plain(&one_line(&warning_text(warning)))));
    }
    if !record.warnings.is_empty() {
        text.push('\n');
    }
    for dataset in &record.datasets {
        line(&mut text, &plain(&heading(dataset)));
        line(&mut text, &table(record, dataset).trim_fmt());
        // Layers stand in the table already.
        for grid in [fraction_grid(record, dataset), description_grid(record, dataset)].into_iter().flatten()
        {
            text.push('\n');
            line(&mut text, &plain(&format!("{}: {}", dataset.id, grid.title)));
            line(&mut text, &of_grid(&grid).trim_fmt());
        }
        text.push('\n');
    }
    for sentence in of_suite(record) {
        line(&mut text, &plain(&one_line(&sentence)));
    }
    for dataset in &record.datasets {
        for sentence in of_dataset(record, dataset) {
            line(&mut text, &plain(&format!("{}: {}", dataset.id, one_line(&sentence.text))));
        }
        if let Some(gap) = oracle_gap(record, dataset) {
            line(&mut text, &plain(&format!("{}: {}", dataset.id, gap.sentence())));
        }
    }
    text
}

pub(crate) fn render(record: &RunRecord) -> Result<String, ReportError> {
    Ok(render_table(record))
}

/// What the right-hand column says of a cell beside its number.
pub(crate) fn note(cell: &CellRecord) -> String {
    if cell.status != Status::Ok {
        let word = if cell.status == Status::Failed { "failed" } else { "not applicable" };
        return format!("{word}: {}", one_line(cell.reason.as_deref().unwrap_or("no reason given")));
    }
    let mut notes = Vec::new();
    match headline(cell) {
        Some(score) => {
            notes.extend(value_reason(&score.value).map(str::to_owned));
            if let crate::record::ScoreValue::Estimate(estimate) = &score.value {
                notes.extend(estimate.flags.iter().cloned());
            }
        }
        None => notes.push("no score on test".to_owned()),
    }
    if cell.fits.iter().any(|fit| fit.report.converged == Some(false)) {
        notes.push("did not converge".to_owned());
    }
    notes.join(", ")
}

/// The number a cell is shown by; empty where there is none.
pub(crate) fn shown(cell: &CellRecord) -> String {
    headline(cell).map(|score| value(&score.value)).unwrap_or_default()
}

/// `gue-tf-0, MCC on test: 1000 examples in 40 genes`.
fn heading(dataset: &DatasetRecord) -> String {
    let clusters =
        dataset.clusters.as_ref().map(|(what, n)| format!(" in {} clusters by {what}", count(*n as u64)));
    let n = count(dataset.n_test as u64);
    format!(
        "{}, {} on test, {n} examples{}",
        dataset.id,
        metric_name(&dataset.metric),
        clusters.unwrap_or_default()
    )
}

fn table(record: &RunRecord, dataset: &DatasetRecord) -> Table {
    let mut table = Table::new();
    let style = UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none());
    table.load_style(style).set_content_arrangement(ContentArrangement::Disabled);
    let header =
        ["representation", "how", "probe", "role", &metric_name(&dataset.metric), "note"].map(str::to_owned);
    table.set_header(header);
    for cell in whole_cells_of(record, dataset) {
        let row = [
            cell.id.representation.to_string(),
            cell_detail(&cell.id),
            cell.id.probe_word().to_owned(),
            role_word(cell.role).to_owned(),
            shown(cell),
            note(cell),
        ];
        table.add_row(row.map(|field| plain(&field)));
    }
    table
}

fn of_grid(grid: &Grid) -> Table {
    let mut table = Table::new();
    let style = UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none());
    table.load_style(style).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(grid.header.iter().map(|field| plain(field)));
    for row in &grid.rows {
        table.add_row(row.iter().map(|field| plain(field)));
    }
    table
}

fn line(text: &mut String, line: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{}", line.trim_end());
}
