//! The tables of all scores and of all comparisons of a dataset.

use crate::derive::dataset_view::DatasetView;
use crate::record::cell_id::word_or_dash;
use crate::record::choice::value_reason;
use crate::record::{CellRecord, ScoreRecord, ScoreValue, ScoredTarget, TestRecord};
use crate::wording::names::{cell_detail, metric_name, role_word};
use crate::wording::quantities::{number, p_value, value};
use minijinja::{Value, context};
use seqprobe_core::Split;
use std::collections::BTreeSet;

/// A row per comparison of every verdict.
pub(super) fn comparisons(view: &DatasetView<'_>) -> Vec<Value> {
    let mut rows = Vec::new();
    for verdict in view.verdicts.iter().map(|verdict| verdict.record) {
        for comparison in &verdict.comparisons {
            let cell = &comparison.baseline;
            rows.push(context! {
                model => &verdict.model, probe => verdict.probe.as_str(), target => verdict.target.as_str(),
                layer => word_or_dash(verdict.layer.as_ref()), pooling => word_or_dash(verdict.pooling.as_ref()),
                baseline => cell.representation.as_str(),
                how => cell_detail(cell),
                baseline_probe => cell.probe_word(),
                delta => value(&comparison.delta),
                reason => value_reason(&comparison.delta),
                method => method(&comparison.delta),
                p => comparison.p_adjusted.map(p_value),
                false_discovery => comparison.false_discovery.map(p_value),
                tests => comparison.tests.iter().map(test_text).collect::<Vec<_>>(),
                word => verdict.verdict.as_str(),
            });
        }
    }
    rows
}

fn test_text(test: &TestRecord) -> String {
    let note = test.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    format!("{} {}{note}", test.test, p_value(test.p))
}

fn method(value: &ScoreValue) -> &str {
    match value {
        ScoreValue::Estimate(estimate) => &estimate.method,
        _ => "",
    }
}

/// A row per cell, split and target; a column per metric.
pub(super) fn scores(view: &DatasetView<'_>) -> Value {
    let dataset = view.record;
    let mut metrics: Vec<&str> = Vec::new();
    let mut methods = BTreeSet::new();
    for score in view.cells.iter().flat_map(|cell| &cell.scores) {
        if !metrics.contains(&score.metric.as_str()) {
            metrics.push(&score.metric);
        }
        methods.insert(method(&score.value));
    }
    methods.remove("");
    metrics.sort_by_key(|metric| *metric != dataset.metric);
    let with_targets = dataset.targets.len() > 1;
    let mut rows = Vec::new();
    for cell in &view.cells {
        let mut places: Vec<(Split, &ScoredTarget)> = Vec::new();
        for score in &cell.scores {
            let place = (score.split, &score.target);
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places.sort_by_key(|(split, _)| *split != Split::Test);
        rows.extend(places.into_iter().map(|place| score_row(cell, place, &metrics)));
    }
    let metrics: Vec<String> = metrics.into_iter().map(metric_name).collect();
    context! { metrics, rows, with_targets, methods => methods.into_iter().map(str::to_owned).collect::<Vec<String>>() }
}

fn score_row(cell: &CellRecord, (split, target): (Split, &ScoredTarget), metrics: &[&str]) -> Value {
    let at = |metric: &str| {
        let is_here =
            |score: &&ScoreRecord| score.split == split && score.target == *target && score.metric == metric;
        cell.scores.iter().find(is_here)
    };
    let fields: Vec<Value> = metrics
        .iter()
        .map(|metric| match at(metric).map(|score| &score.value) {
            Some(ScoreValue::Estimate(estimate)) => context! {
                point => number(estimate.point),
                interval => format!("{} to {}", number(estimate.lower), number(estimate.upper)),
                note => (!estimate.flags.is_empty()).then(|| estimate.flags.join(", ")),
            },
            Some(ScoreValue::PointOnly { point, reason }) => {
                context! { point => number(*point), interval => "no interval", note => reason }
            }
            Some(ScoreValue::Undefined { reason }) => {
                context! { point => "", interval => "undefined", note => reason }
            }
            None => context! { point => "", interval => "", note => () },
        })
        .collect();
    let n = metrics.iter().find_map(|metric| at(metric)).map(|score| score.n);
    context! {
        name => cell.id.representation.as_str(), detail => cell_detail(&cell.id), probe => cell.id.probe_word(),
        role => role_word(cell.role), split => split.as_str(), target => target.as_str(), fields, n,
        seeds => cell.n_seeds,
    }
}
