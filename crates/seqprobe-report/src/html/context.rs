//! What the page's template is filled with: plain text, which the template escapes, and finished drawings.

use super::difference::p_text;
use super::{costs, curves, difference, fits, forest, ranks, sweep};
use crate::audit::{audit_lines, has_copies, shift_lines};
use crate::cell_id::word_or_dash;
use crate::diagnostics::{RankRecord, Shown};
use crate::elements::{Selection, region, selections};
use crate::record::{
    CellRecord, DatasetRecord, RunRecord, ScoreRecord, ScoreValue, ScoredTarget, Status, TestRecord, Verdict,
    VerdictRecord,
};
use crate::sentences::{of_dataset, of_suite, oracle_gap};
use crate::sweeps::{fraction_curves, grids, layer_curves};
use crate::warning_words::warning_text;
use crate::words::{
    best_on_validation, cell_detail, cell_name, cells_of, count, duration, headline, level, lower_is_better,
    metric_name, number, point, role_word, value, value_reason,
};
use minijinja::value::Serde;
use minijinja::{Value, context};
use seqprobe_core::SelectedElement;
use seqprobe_core::Split;
use std::collections::BTreeSet;

/// The whole page.
pub(super) fn page(record: &RunRecord) -> Value {
    let datasets: Vec<Value> = record
        .datasets
        .iter()
        .enumerate()
        .map(|(index, dataset)| of_one_dataset(record, index, dataset))
        .collect();
    let n_with = |status: Status| record.cells.iter().filter(|cell| cell.status == status).count();
    let n_reused = record.cells.iter().filter(|cell| cell.reused).count();
    let verdicts: Vec<Value> = [Verdict::Beats, Verdict::Ties, Verdict::Loses, Verdict::Unclear]
        .into_iter()
        .map(|verdict| {
            let n = record.verdicts.iter().filter(|row| row.verdict == verdict).count();
            context! { word => verdict.as_str(), n }
        })
        .collect();
    let provenance = &record.provenance;
    context! {
        suite => &record.suite,
        warnings => record.warnings.iter().map(warning_text).collect::<Vec<_>>(),
        verdicts,
        sentences => of_suite(record),
        has_verdicts => !record.verdicts.is_empty(),
        n_ok => n_with(Status::Ok),
        n_failed => n_with(Status::Failed),
        n_not_applicable => n_with(Status::NotApplicable),
        n_reused,
        took => duration(provenance.seconds),
        overview => overview(record),
        gaps => gaps(record),
        ranks => record.ranks.as_ref().map(of_ranks),
        heat => heat(record),
        datasets,
        provenance => Value::from(Serde(provenance)),
    }
}

/// A role for a dataset's legend, with its marker where the dataset has such cells.
fn legend(record: &RunRecord, dataset: &DatasetRecord, word: &str) -> Value {
    let role = cells_of(record, dataset).map(|cell| cell.role).find(|role| role_word(*role) == word);
    context! { word, marker => role.map(|role| Value::from_safe_string(super::svg::marker(role, 7.0, 7.0))) }
}

/// Datasets by models and probes; each field the verdicts that stand there.
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

fn gaps(record: &RunRecord) -> Vec<Value> {
    let gap = |(index, dataset): (usize, &DatasetRecord)| {
        let gap = oracle_gap(record, dataset)?;
        Some(context! {
            id => &dataset.id, anchor => anchor(index), metric => metric_name(&dataset.metric),
            oracle => gap.oracle, best => gap.best, score => gap.score, gap => gap.gap, reached => gap.reached,
        })
    };
    record.datasets.iter().enumerate().filter_map(gap).collect()
}

fn of_ranks(ranks: &RankRecord) -> Value {
    let name = |index: usize| ranks.representations.get(index).cloned().unwrap_or_default();
    let pairs: Vec<Value> = ranks
        .pairs
        .iter()
        .map(|&(left, right, p)| context! { left => name(left), right => name(right), p => p_text(p) })
        .collect();
    context! {
        drawing => Value::from_safe_string(ranks::draw(ranks)),
        n_datasets => ranks.n_datasets,
        friedman => p_text(ranks.friedman_p),
        pairs,
        note => &ranks.note,
    }
}

/// Datasets by representations, each with its best probe by validation; the shade tells the distance to the best of the row.
fn heat(record: &RunRecord) -> Value {
    let mut columns: Vec<&str> = Vec::new();
    let with_probe = |cell: &&CellRecord| cell.fits.iter().any(|fit| fit.report.validation_loss.is_some());
    for cell in record.cells.iter().filter(with_probe) {
        if !columns.contains(&cell.id.representation.as_str()) {
            columns.push(cell.id.representation.as_str());
        }
    }
    let row = |(index, dataset): (usize, &DatasetRecord)| {
        let sign = if lower_is_better(&dataset.metric) { -1.0 } else { 1.0 };
        let cells: Vec<Option<(&CellRecord, f64)>> = columns
            .iter()
            .map(|column| {
                let cell = best_on_validation(record, dataset, column)?;
                Some((cell, point(&headline(cell)?.value)?))
            })
            .collect();
        let points = || cells.iter().flatten().map(|(_, point)| sign * point);
        let (best, worst) =
            (points().fold(f64::NEG_INFINITY, f64::max), points().fold(f64::INFINITY, f64::min));
        let fields: Vec<Value> = cells
            .iter()
            .map(|cell| match cell {
                None => context! { text => "", shade => 0, title => "", best => false },
                Some((cell, point)) => {
                    let share = if best > worst { (sign * point - worst) / (best - worst) } else { 1.0 };
                    context! {
                        text => number(*point), shade => (share * 4.0).round() as u8 + 1, title => cell_name(&cell.id),
                        best => sign * point >= best,
                    }
                }
            })
            .collect();
        context! { id => &dataset.id, anchor => anchor(index), metric => metric_name(&dataset.metric), fields }
    };
    let rows: Vec<Value> = record.datasets.iter().enumerate().map(row).collect();
    let columns: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
    context! { columns, rows }
}

/// Confusion matrices of the cells that are drawn.
fn confusions(record: &RunRecord, dataset: &DatasetRecord) -> Vec<Value> {
    curves::drawn(record, dataset)
        .into_iter()
        .filter_map(|one| {
            let (Shown::Binary { confusion, .. } | Shown::Multiclass { confusion }) = &one.shown else {
                return None;
            };
            let rows: Vec<Value> = confusion
                .iter()
                .zip(&dataset.classes)
                .map(|(row, class)| {
                    let total: f64 = row.iter().sum();
                    let fields: Vec<Value> = row
                        .iter()
                        .map(|n| {
                            let shade = if total > 0.0 { (4.0 * n / total).round() as u8 + 1 } else { 0 };
                            context! { n => if one.n_seeds == 1 { format!("{n:.0}") } else { format!("{n:.1}") }, shade }
                        })
                        .collect();
                    context! { class, fields }
                })
                .collect();
            Some(context! { name => curves::name(one), rows, seeds => one.n_seeds })
        })
        .collect()
}

/// A drawing of scores along something.
pub(super) struct Sweep {
    /// `layers` or `fractions`.
    pub(super) id: &'static str,
    /// What stands below the axis across, and in the caption.
    about: &'static str,
    names: Vec<String>,
    /// SVG; empty where there is nothing to draw.
    pub(super) drawing: String,
}

/// The drawings over layers and over parts of the training split.
pub(super) fn sweeps(record: &RunRecord, dataset: &DatasetRecord) -> Vec<Sweep> {
    let metric = metric_name(&dataset.metric);
    let of = |id, about, curves: Vec<crate::sweeps::Curve<'_>>| {
        let label = format!("{metric} on test of {} by {about}, with intervals", dataset.id);
        let drawing = sweep::draw(&curves, &label, about, &metric);
        Sweep { id, about, names: sweep::names(&curves), drawing }
    };
    let all = [
        of("layers", "layer", layer_curves(record, dataset)),
        of("fractions", "part of the training split", fraction_curves(record, dataset)),
    ];
    all.into_iter().filter(|sweep| !sweep.drawing.is_empty()).collect()
}

/// Anchors are numbers: names may hold anything.
fn anchor(index: usize) -> String {
    format!("dataset-{}", index + 1)
}

fn of_one_dataset(record: &RunRecord, index: usize, dataset: &DatasetRecord) -> Value {
    let verdicts: Vec<&VerdictRecord> =
        record.verdicts.iter().filter(|row| row.dataset == dataset.id).collect();
    let sentences: Vec<Value> = of_dataset(record, dataset)
        .into_iter()
        .map(|sentence| context! { word => sentence.verdict.map(Verdict::as_str), text => sentence.text })
        .collect();
    let unscored: Vec<Value> = cells_of(record, dataset)
        .filter(|cell| cell.status != Status::Ok)
        .map(|cell| {
            context! {
                failed => cell.status == Status::Failed, name => cell.id.representation.as_str(),
                detail => cell_detail(&cell.id), probe => cell.id.probe_word(),
                reason => cell.reason.as_deref().unwrap_or("no reason given"),
            }
        })
        .collect();
    let metric = seqprobe_stats::metric(&dataset.metric);
    let level = level(record, dataset);
    context! {
        id => &dataset.id,
        anchor => anchor(index),
        title => &dataset.title,
        metric => metric_name(&dataset.metric),
        metric_title => metric.map(|metric| metric.full_name),
        metric_note => metric.map(|metric| metric.note),
        lower_is_better => lower_is_better(&dataset.metric),
        level,
        facts => facts(dataset),
        citation => &dataset.citation,
        source => &dataset.source,
        notes => &dataset.notes,
        audit => dataset.audit.as_ref().map(audit_lines),
        shifts => dataset.audit.as_ref().map(shift_lines),
        leaks => dataset.audit.as_ref().is_some_and(has_copies),
        digest => &dataset.digest,
        sentences,
        roles => ["model", "baseline", "control", "oracle"].map(|role| legend(record, dataset, role)),
        forest => Value::from_safe_string(forest::draw(record, dataset)),
        differences => Value::from_safe_string(difference::draw(dataset, &verdicts)),
        comparisons => comparisons(&verdicts),
        margin => verdicts.first().map(|row| format!("{}", row.margin)),
        unscored,
        scores => scores(record, dataset),
        elements => elements(record, dataset),
        fits => fits::rows(record, dataset),
        curves => Value::from_safe_string(curves::draw(record, dataset)),
        curve_names => curves::drawn(record, dataset).into_iter().map(curves::name).collect::<Vec<_>>(),
        confusions => confusions(record, dataset),
        cost => Value::from_safe_string(costs::draw(record, dataset)),
        cost_names => costs::names(record, dataset),
        costs => costs::rows(record, dataset),
        sweeps => sweeps(record, dataset)
            .into_iter()
            .map(|sweep| {
                let chosen = sweep.id == "layers";
                context! { about => sweep.about, names => sweep.names, drawing => Value::from_safe_string(sweep.drawing), chosen }
            })
            .collect::<Vec<_>>(),
        grids => grids(record, dataset)
            .into_iter()
            .map(|grid| context! { title => grid.title, header => grid.header, rows => grid.rows })
            .collect::<Vec<_>>(),
    }
}

fn facts(dataset: &DatasetRecord) -> Vec<Value> {
    let count = |n: usize| count(n as u64);
    let fact = |name: &str, value: String| context! { name, value };
    let (shortest, longest) = dataset.lengths;
    let lengths = if shortest == longest {
        count(longest)
    } else {
        format!("{} to {}", count(shortest), count(longest))
    };
    let mut facts = vec![
        fact("task", dataset.task.as_str().to_owned()),
        fact("train", count(dataset.n_train)),
        fact("valid", count(dataset.n_valid)),
        fact("test", count(dataset.n_test)),
        fact("sequence length", format!("{lengths} bp")),
    ];
    if let Some((what, n)) = &dataset.clusters {
        facts.push(fact("clusters in test", format!("{} by {what}", count(*n))));
    }
    if !dataset.classes.is_empty() {
        facts.push(fact("classes", few(&dataset.classes)));
    }
    facts.push(fact(if dataset.targets.len() == 1 { "target" } else { "targets" }, few(&dataset.targets)));
    facts.push(fact("letters read as N", crate::words::count(dataset.undefined_letters)));
    facts.push(fact("licence", dataset.licence.clone()));
    facts
}

/// The first dozen names and how many more there are.
fn few(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(12).map(String::as_str).collect();
    let rest = names.len().saturating_sub(12);
    if rest == 0 { shown.join(", ") } else { format!("{} and {rest} more", shown.join(", ")) }
}

/// What probes selected that look for words in regions.
fn elements(record: &RunRecord, dataset: &DatasetRecord) -> Vec<Value> {
    let row = |element: &&SelectedElement| {
        context! {
            word => &element.word, region => region(element),
            weight => number(element.weight), correlation => number(element.correlation),
        }
    };
    let table = |selection: Selection<'_>| {
        let rows: Vec<Value> = selection.shown.iter().map(row).collect();
        context! { name => selection.name, rows, n_more => selection.n_more }
    };
    selections(record, dataset).into_iter().map(table).collect()
}

fn comparisons(verdicts: &[&VerdictRecord]) -> Vec<Value> {
    let mut rows = Vec::new();
    for verdict in verdicts {
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
                p => comparison.p_adjusted.map(p_text),
                false_discovery => comparison.false_discovery.map(p_text),
                tests => comparison.tests.iter().map(test_text).collect::<Vec<_>>(),
                word => verdict.verdict.as_str(),
            });
        }
    }
    rows
}

fn test_text(test: &TestRecord) -> String {
    let note = test.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    format!("{} {}{note}", test.test, p_text(test.p))
}

fn method(value: &ScoreValue) -> &str {
    match value {
        ScoreValue::Estimate(estimate) => &estimate.method,
        _ => "",
    }
}

/// A row per cell, split and target; a column per metric.
fn scores(record: &RunRecord, dataset: &DatasetRecord) -> Value {
    let mut metrics: Vec<&str> = Vec::new();
    let mut methods = BTreeSet::new();
    for score in cells_of(record, dataset).flat_map(|cell| &cell.scores) {
        if !metrics.contains(&score.metric.as_str()) {
            metrics.push(&score.metric);
        }
        methods.insert(method(&score.value));
    }
    methods.remove("");
    metrics.sort_by_key(|metric| *metric != dataset.metric);
    let with_targets = dataset.targets.len() > 1;
    let mut rows = Vec::new();
    for cell in cells_of(record, dataset) {
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
        role => role_word(cell.role), split => split.as_str(), target => target.as_str(), fields, n, seeds => cell.n_seeds,
    }
}
