//! The part of the page about one dataset.

use super::score_tables::{comparisons, scores};
use super::shade::shade;
use super::{costs, curves, difference, fits, forest, sweep};
use crate::derive::dataset_view::DatasetView;
use crate::derive::direction::lower_is_better;
use crate::derive::selected_elements::Selection;
use crate::derive::shares_of_rows;
use crate::derive::sweeps::Curve;
use crate::record::diagnostics::DiagnosticData;
use crate::record::{DatasetRecord, Status, Verdict};
use crate::wording::audit::{audit_lines, has_copies, shift_lines};
use crate::wording::grids::grids;
use crate::wording::names::{cell_detail, metric_name, region, role_word};
use crate::wording::quantities::{level, margin, number};
use crate::wording::{quantities, sentences};
use minijinja::{Value, context};
use seqprobe_core::{PublishedScore, SelectedElement};

/// The section of one dataset.
pub(super) fn of_dataset(index: usize, view: &DatasetView<'_>) -> Value {
    let dataset = view.record;
    let sentences: Vec<Value> = sentences::of_dataset(view)
        .into_iter()
        .map(|sentence| context! { word => sentence.verdict.map(Verdict::as_str), text => sentence.text })
        .collect();
    let unscored: Vec<Value> = view
        .cells
        .iter()
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
    context! {
        id => &dataset.id,
        anchor => anchor(index),
        title => &dataset.title,
        metric => metric_name(&dataset.metric),
        metric_title => metric.map(|metric| metric.full_name),
        metric_note => metric.map(|metric| metric.note),
        lower_is_better => lower_is_better(&dataset.metric),
        level => view.level.map(level),
        facts => facts(dataset),
        citation => &dataset.citation,
        source => &dataset.source,
        notes => &dataset.notes,
        published => published(dataset),
        audit => dataset.audit.as_ref().map(audit_lines),
        shifts => dataset.audit.as_ref().map(shift_lines),
        leaks => dataset.audit.as_ref().is_some_and(has_copies),
        digest => &dataset.digest,
        sentences,
        roles => ["model", "baseline", "control", "rule", "reference", "oracle"].map(|role| legend(view, role)),
        forest => Value::from_safe_string(forest::draw(view)),
        differences => Value::from_safe_string(difference::draw(view)),
        comparisons => comparisons(view),
        margin => view.verdicts.first().map(|verdict| margin(verdict.record.margin)),
        unscored,
        scores => scores(view),
        elements => elements(view),
        fits => fits::rows(view),
        curves => Value::from_safe_string(curves::draw(view)),
        curve_names => curves::drawn(view).iter().map(|one| curves::name(one)).collect::<Vec<_>>(),
        confusions => confusions(view),
        cost => Value::from_safe_string(costs::draw(view)),
        cost_names => costs::names(view),
        costs => costs::rows(view),
        sweeps => sweeps(view)
            .into_iter()
            .map(|sweep| {
                let chosen = sweep.id == "layers";
                let drawing = Value::from_safe_string(sweep.drawing);
                context! { about => sweep.about, names => sweep.names, drawing, chosen }
            })
            .collect::<Vec<_>>(),
        grids => grids(view)
            .into_iter()
            .map(|grid| context! { title => grid.title, header => grid.header, rows => grid.rows })
            .collect::<Vec<_>>(),
    }
}

/// Anchors are numbers, because names may contain anything.
pub(super) fn anchor(index: usize) -> String {
    format!("dataset-{}", index + 1)
}

/// A role for a dataset's legend, with its marker if the dataset has cells of it.
fn legend(view: &DatasetView<'_>, word: &str) -> Value {
    let role = view.cells.iter().map(|cell| cell.role).find(|role| role_word(*role) == word);
    context! { word, marker => role.map(|role| Value::from_safe_string(super::svg::marker(role, 7.0, 7.0))) }
}

fn published(dataset: &DatasetRecord) -> Vec<Value> {
    let row = |score: &PublishedScore| {
        let (metric, value) = (metric_name(&score.metric), quantities::number(score.value));
        context! { model => &score.model, metric, value, protocol => &score.protocol, citation => &score.citation }
    };
    dataset.published.iter().map(row).collect()
}

fn facts(dataset: &DatasetRecord) -> Vec<Value> {
    let count = |n: usize| quantities::count(n as u64);
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
    facts.push(fact("bases read as N", quantities::count(dataset.undefined_letters)));
    facts.push(fact("licence", dataset.licence.clone()));
    facts
}

/// The first twelve names and the number of the others.
fn few(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(12).map(String::as_str).collect();
    let rest = names.len().saturating_sub(12);
    if rest == 0 { shown.join(", ") } else { format!("{} and {rest} more", shown.join(", ")) }
}

/// The k-mers in regions that probes selected.
fn elements(view: &DatasetView<'_>) -> Vec<Value> {
    let row = |element: &&SelectedElement| {
        context! {
            word => &element.word, region => region(element),
            weight => number(element.weight), correlation => number(element.correlation),
        }
    };
    let table = |selection: &Selection<'_>| {
        let rows: Vec<Value> = selection.shown.iter().map(row).collect();
        context! { name => &selection.name, rows, n_more => selection.n_more }
    };
    view.selections.iter().map(table).collect()
}

/// Confusion matrices of the cells that are drawn.
fn confusions(view: &DatasetView<'_>) -> Vec<Value> {
    curves::drawn(view)
        .iter()
        .filter_map(|one| {
            let (DiagnosticData::Binary { confusion, .. } | DiagnosticData::Multiclass { confusion }) =
                &one.shown
            else {
                return None;
            };
            let shares = shares_of_rows(confusion);
            let rows: Vec<Value> = confusion
                .iter()
                .zip(&shares)
                .zip(&view.record.classes)
                .map(|((row, shares), class)| {
                    let fields: Vec<Value> = row
                        .iter()
                        .zip(shares)
                        .map(|(n, share)| {
                            let shade = share.map_or(0, shade);
                            let n = if one.n_seeds == 1 { format!("{n:.0}") } else { format!("{n:.1}") };
                            context! { n, shade }
                        })
                        .collect();
                    context! { class, fields }
                })
                .collect();
            Some(context! { name => curves::name(one), rows, seeds => one.n_seeds })
        })
        .collect()
}

/// A drawing of scores over layers or parts of the training split.
pub(super) struct Sweep {
    /// `layers` or `fractions`.
    pub(super) id: &'static str,
    /// The name of the horizontal axis, which is also in the caption.
    about: &'static str,
    names: Vec<String>,
    /// SVG; empty if there is nothing to draw.
    pub(super) drawing: String,
}

/// The drawings over layers and over parts of the training split.
pub(super) fn sweeps(view: &DatasetView<'_>) -> Vec<Sweep> {
    let metric = metric_name(&view.record.metric);
    let of = |id, about, curves: &[Curve<'_>]| {
        let label = format!("{metric} on test of {} by {about}, with intervals", view.record.id);
        let drawing = sweep::draw(curves, &label, about, &metric);
        Sweep { id, about, names: sweep::names(curves), drawing }
    };
    let all =
        [of("layers", "layer", &view.layers), of("fractions", "part of the training split", &view.fractions)];
    all.into_iter().filter(|sweep| !sweep.drawing.is_empty()).collect()
}
