//! The table for the terminal: warnings, one table per dataset, the findings in sentences.

use crate::derive::RunView;
use crate::derive::dataset_view::DatasetView;
use crate::error::ReportError;
use crate::record::choice::{primary_test_score, value_reason};
use crate::record::{CellRecord, DatasetRecord, ScoreValue, Status};
use crate::wording::grids::{Grid, description_grid, fraction_grid};
use crate::wording::names::{cell_detail, metric_name, one_line, plain, role_word};
use crate::wording::quantities::count;
use crate::wording::sentences::{of_dataset, of_gap, of_suite, primary_score};
use crate::wording::warnings::warning_text;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, LineStyle, Table};
use std::fmt::Write;

/// The run as text: warnings first, then the scores of each dataset, then the findings.
pub(crate) fn render_table(view: &RunView<'_>) -> String {
    let mut text = String::new();
    for warning in &view.record.warnings {
        line(&mut text, &format!("warning: {}", plain(&one_line(&warning_text(warning)))));
    }
    if !view.record.warnings.is_empty() {
        text.push('\n');
    }
    for dataset in &view.datasets {
        line(&mut text, &plain(&heading(dataset.record)));
        line(&mut text, &table(dataset).trim_fmt());
        // The table has a row for each layer already.
        for grid in [fraction_grid(dataset), description_grid(dataset)].into_iter().flatten() {
            text.push('\n');
            line(&mut text, &plain(&format!("{}: {}", dataset.record.id, grid.title)));
            line(&mut text, &of_grid(&grid).trim_fmt());
        }
        text.push('\n');
    }
    for sentence in of_suite(view) {
        line(&mut text, &plain(&one_line(&sentence)));
    }
    for dataset in &view.datasets {
        let id = &dataset.record.id;
        for sentence in of_dataset(dataset) {
            line(&mut text, &plain(&format!("{id}: {}", one_line(&sentence.text))));
        }
        if let Some(gap) = &dataset.oracle_gap {
            line(&mut text, &plain(&format!("{id}: {}", of_gap(gap))));
        }
    }
    text
}

pub(crate) fn render(view: &RunView<'_>) -> Result<String, ReportError> {
    Ok(render_table(view))
}

/// The note in the last column of a cell's row.
pub(crate) fn note(cell: &CellRecord) -> String {
    if cell.status != Status::Ok {
        let word = if cell.status == Status::Failed { "failed" } else { "not applicable" };
        return format!("{word}: {}", one_line(cell.reason.as_deref().unwrap_or("no reason given")));
    }
    let mut notes: Vec<String> = cell.chosen_rule().map(str::to_owned).into_iter().collect();
    match primary_test_score(cell) {
        Some(score) => {
            notes.extend(value_reason(&score.value).map(str::to_owned));
            if let ScoreValue::Estimate(estimate) = &score.value {
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

fn table(dataset: &DatasetView<'_>) -> Table {
    let mut table = Table::new();
    let style = UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none());
    table.load_style(style).set_content_arrangement(ContentArrangement::Disabled);
    let header = ["representation", "setting", "probe", "role", &metric_name(&dataset.record.metric), "note"]
        .map(str::to_owned);
    table.set_header(header);
    for cell in &dataset.whole_cells {
        let row = [
            cell.id.representation.to_string(),
            cell_detail(&cell.id),
            cell.id.probe_word().to_owned(),
            role_word(cell.role).to_owned(),
            primary_score(cell),
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
