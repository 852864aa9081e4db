//! What the template of the page is filled with: text, which the template escapes, and finished drawings.

use super::dataset_context::{anchor, of_dataset};
use super::ranks;
use super::shade::shade;
use crate::derive::{RankView, RunView};
use crate::record::{DatasetRecord, RunRecord, Status, VerdictRecord};
use crate::wording::names::{cell_name, metric_name};
use crate::wording::quantities::{duration, number, p_value};
use crate::wording::sentences::{of_suite, primary_score, with_probe};
use crate::wording::warnings::warning_text;
use minijinja::value::Serde;
use minijinja::{Value, context};

/// The whole page.
pub(super) fn page(view: &RunView<'_>) -> Value {
    let record = view.record;
    let datasets: Vec<Value> =
        view.datasets.iter().enumerate().map(|(index, dataset)| of_dataset(index, dataset)).collect();
    let verdicts: Vec<Value> = view
        .verdict_counts()
        .into_iter()
        .map(|(verdict, n)| context! { word => verdict.as_str(), n })
        .collect();
    let provenance = &record.provenance;
    context! {
        suite => &record.suite,
        warnings => record.warnings.iter().map(warning_text).collect::<Vec<_>>(),
        verdicts,
        sentences => of_suite(view),
        has_verdicts => !record.verdicts.is_empty(),
        n_ok => view.n_cells(Status::Ok),
        n_failed => view.n_cells(Status::Failed),
        n_not_applicable => view.n_cells(Status::NotApplicable),
        n_reused => view.n_reused,
        took => duration(provenance.seconds),
        overview => overview(record),
        gaps => gaps(view),
        ranks => view.ranks.as_ref().map(of_ranks),
        heat => heat(view),
        datasets,
        provenance => Value::from(Serde(provenance)),
    }
}

/// Datasets by models and probes; each field has the verdicts of that model and probe.
fn overview(record: &RunRecord) -> Value {
    let mut columns: Vec<(&str, &str)> = Vec::new();
    for verdict in &record.verdicts {
        let column = (verdict.model.as_str(), verdict.probe.as_str());
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    let rows: Vec<Value> = record
        .datasets
        .iter()
        .enumerate()
        .map(|(index, dataset)| {
            let fields: Vec<Vec<Value>> = columns
                .iter()
                .map(|(model, probe)| {
                    record
                        .verdicts
                        .iter()
                        .filter(|row| {
                            row.dataset == dataset.id && row.model == *model && row.probe.as_str() == *probe
                        })
                        .map(|row| badge(dataset, row))
                        .collect()
                })
                .collect();
            context! { id => &dataset.id, anchor => anchor(index), fields }
        })
        .collect();
    let columns: Vec<Value> =
        columns.iter().map(|(model, probe)| context! { model => *model, probe => *probe }).collect();
    context! { columns, rows }
}

fn badge(dataset: &DatasetRecord, row: &VerdictRecord) -> Value {
    let target = (dataset.targets.len() > 1).then(|| row.target.as_str());
    context! { word => row.verdict.as_str(), target }
}

fn gaps(view: &RunView<'_>) -> Vec<Value> {
    let gaps = view.datasets.iter().enumerate().filter_map(|(index, dataset)| {
        let gap = dataset.oracle_gap.as_ref()?;
        Some(context! {
            id => &dataset.record.id, anchor => anchor(index), metric => metric_name(&dataset.record.metric),
            oracle => primary_score(gap.oracle), best => with_probe(gap.best), score => primary_score(gap.best),
            gap => number(gap.gap), reached => gap.is_reached,
        })
    });
    gaps.collect()
}

fn of_ranks(view: &RankView<'_>) -> Value {
    let ranks = view.record;
    let name = |index: usize| ranks.representations.get(index).cloned().unwrap_or_default();
    let pairs: Vec<Value> = ranks
        .pairs
        .iter()
        .map(|&(left, right, p)| context! { left => name(left), right => name(right), p => p_value(p) })
        .collect();
    context! {
        drawing => Value::from_safe_string(ranks::draw(view)),
        n_datasets => ranks.n_datasets,
        friedman => p_value(ranks.friedman_p),
        pairs,
        note => &ranks.note,
    }
}

/// Datasets by representations. The shade is 1 for the worst score of a row to 5 for the best, 0 for none.
fn heat(view: &RunView<'_>) -> Value {
    let rows: Vec<Value> = view
        .datasets
        .iter()
        .zip(&view.score_map.rows)
        .enumerate()
        .map(|(index, (dataset, fields))| {
            let fields: Vec<Value> = fields
                .iter()
                .map(|field| match field {
                    None => context! { text => "", shade => 0, title => "", best => false },
                    Some(field) => context! {
                        text => number(field.point), shade => shade(field.share),
                        title => cell_name(&field.cell.id), best => field.is_best,
                    },
                })
                .collect();
            let metric = metric_name(&dataset.record.metric);
            context! { id => &dataset.record.id, anchor => anchor(index), metric, fields }
        })
        .collect();
    let columns: Vec<String> = view.score_map.representations.iter().map(|name| (*name).to_owned()).collect();
    context! { columns, rows }
}
