//! From filled cells to verdicts: one layer and pooling per model and probe, chosen on validation, against
//! every baseline with the same probe; and the best probe of each against the best of the others.

use crate::judge::filled_cell::{FilledCell, chosen_or_failed, names};
use crate::judge::partial_means::PartialMean;
use crate::judge::score::SplitResampling;
use crate::judge::significance_tests::significance_tests;
use crate::judge::truth::{TruthLabels, overall_target};
use seqprobe_core::{Dataset, Split};
use seqprobe_report::record::{
    CellId, CompanionRecord, ComparisonRecord, PowerRecord, ProbeScope, Role, ScoreValue, ScoredTarget,
    TestRecord, VerdictRecord,
};
use seqprobe_stats::verdict::{Judgement, Row, judge};
use seqprobe_stats::{Difference, MarginScale, NoEstimate, benjamini_hochberg, compare, metric, power};
use std::collections::BTreeMap;

/// A robust metric for numbers of which a few decide the primary one.
const COMPANION: &str = "spearman";

/// The comparisons of one model and probe on one dataset, before correction over datasets and models.
pub(crate) struct VerdictRow {
    dataset: String,
    target: ScoredTarget,
    metric: String,
    model: CellId,
    role: Role,
    probe: ProbeScope,
    margin_unit: Option<f64>,
    baselines: Vec<CellId>,
    comparisons: Vec<Result<Difference, NoEstimate>>,
    /// `1 of 2 targets`, where the metric leaves some of them out.
    partial: Option<String>,
    /// Significance tests of each comparison.
    tests: Vec<Vec<TestRecord>>,
    /// The difference by a robust metric, where the primary one is decided by a few examples.
    companions: Vec<Option<CompanionRecord>>,
}

/// The rows of one dataset. Random draws of an architecture get rows too: they are the control.
pub(crate) fn rows_of_dataset(
    dataset: &Dataset,
    cells: &[FilledCell],
    probes: &[String],
    replicates: usize,
) -> Vec<VerdictRow> {
    let truth = TruthLabels::of(dataset, Split::Test);
    let resampling = SplitResampling::of(dataset, Split::Test, replicates);
    let models = names(cells, FilledCell::is_of_model);
    let baselines = names(cells, |cell| cell.record.role == Role::Baseline);
    let partial = PartialMean::of(dataset, Split::Test).map(|partial| partial.flag());
    let margin_unit = margin_unit(dataset);
    let mut rows = Vec::new();
    for model in &models {
        for scope in &scopes(probes) {
            let probe = probe_of(scope);
            let Some(candidate) = chosen_or_failed(cells, model, probe) else { continue };
            let mut row = VerdictRow {
                dataset: dataset.id.clone(),
                target: overall_target(dataset),
                metric: dataset.metric.clone(),
                model: candidate.record.id.clone(),
                role: candidate.record.role,
                probe: scope.clone(),
                margin_unit,
                baselines: Vec::new(),
                comparisons: Vec::new(),
                partial: partial.clone(),
                tests: Vec::new(),
                companions: Vec::new(),
            };
            let of_probe = baselines.iter().filter_map(|baseline| chosen_or_failed(cells, baseline, probe));
            // A rule needs no probe: it is a baseline of each.
            let rules = cells.iter().filter(|cell| cell.record.role == Role::Rule && cell.result.is_some());
            for other in of_probe.chain(rules) {
                row.baselines.push(other.record.id.clone());
                let compared = compare_cells(&dataset.metric, [candidate, other], &truth, &resampling);
                row.companions.push(companion(&compared, [candidate, other], &truth, &resampling));
                row.comparisons.push(compared);
                row.tests.push(match metric(&dataset.metric) {
                    Some(metric) => significance_tests(metric, candidate, other, &truth, &resampling),
                    None => Vec::new(),
                });
            }
            if !row.comparisons.is_empty() {
                rows.push(row);
            }
        }
    }
    rows
}

/// Each probe, and the best of them if there are several.
pub(crate) fn scopes(probes: &[String]) -> Vec<ProbeScope> {
    let each = probes.iter().cloned().map(ProbeScope::Probe);
    each.chain((probes.len() > 1).then_some(ProbeScope::Best)).collect()
}

/// The probe of a scope; `None` for the best.
pub(crate) fn probe_of(scope: &ProbeScope) -> Option<&str> {
    match scope {
        ProbeScope::Probe(probe) => Some(probe),
        ProbeScope::Best => None,
    }
}

/// What the margin is a share of: the spread of the target in train, for metrics in its units; else `None`.
pub(crate) fn margin_unit(dataset: &Dataset) -> Option<f64> {
    let metric = metric(&dataset.metric)?;
    let has_units = metric.margin_scale != MarginScale::Score;
    has_units.then(|| metric.margin_unit(&TruthLabels::of(dataset, Split::Train).view()))
}

/// First minus second cell on the test examples; undefined where one of them failed.
pub(crate) fn compare_cells(
    metric_id: &str,
    [first, second]: [&FilledCell; 2],
    truth: &TruthLabels,
    resampling: &SplitResampling,
) -> Result<Difference, NoEstimate> {
    let undefined = |reason: String| NoEstimate::Undefined { reason };
    let metric = metric(metric_id).ok_or_else(|| undefined(format!("unknown metric {metric_id:?}")))?;
    let (ours, theirs) = (outputs(first)?, outputs(second)?);
    compare(metric, &truth.view(), &ours, &theirs, &resampling.view())
}

/// The same difference by ranks, where the values have heavy tails.
fn companion(
    compared: &Result<Difference, NoEstimate>,
    cells: [&FilledCell; 2],
    truth: &TruthLabels,
    resampling: &SplitResampling,
) -> Option<CompanionRecord> {
    let flags = &compared.as_ref().ok()?.estimate.flags;
    flags.contains(&"heavy-tails").then(|| CompanionRecord {
        metric: COMPANION.to_owned(),
        delta: compare_cells(COMPANION, cells, truth, resampling).map(|ranks| ranks.estimate).into(),
    })
}

/// The test predictions of each fit.
fn outputs(cell: &FilledCell) -> Result<Vec<&[f64]>, NoEstimate> {
    match &cell.result {
        Some(result) => Ok(result.test.slices()),
        None => Err(NoEstimate::Undefined { reason: format!("{} failed", cell.record.id) }),
    }
}

/// Judges all rows: all models and datasets with the same probe together. Random initialisations are judged apart, each
/// architecture for itself, so that controls do not make it harder for models.
pub(crate) fn judge_rows(rows: &[VerdictRow], margin: f64) -> Vec<VerdictRecord> {
    let mut families: BTreeMap<(&str, &ProbeScope), Vec<usize>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        let family = if row.role == Role::Model { "" } else { row.model.representation.as_str() };
        families.entry((family, &row.probe)).or_default().push(index);
    }
    let mut judgements: Vec<Option<Judgement>> = vec![None; rows.len()];
    for indices in families.values() {
        let of = |&index: &usize| {
            let row = &rows[index];
            Row { comparisons: &row.comparisons, margin: margin * row.margin_unit.unwrap_or(1.0) }
        };
        let family: Vec<Row<'_>> = indices.iter().map(of).collect();
        for (&index, judgement) in indices.iter().zip(judge(&family)) {
            judgements[index] = Some(judgement);
        }
    }
    let rates = false_discovery_rates(rows);
    rows.iter()
        .zip(judgements)
        .zip(&rates)
        .filter_map(|((row, judgement), rates)| {
            let margin = margin * row.margin_unit.unwrap_or(1.0);
            judgement.map(|judgement| verdict_record(row, &judgement, rates, margin))
        })
        .collect()
}

/// For each comparison of each row the p value of no difference at all, corrected over all of them; `None` where the
/// difference is undefined.
fn false_discovery_rates(rows: &[VerdictRow]) -> Vec<Vec<Option<f64>>> {
    let p_value =
        |difference: &Difference| (2.0 * difference.p_above(0.0).min(difference.p_below(0.0))).min(1.0);
    let p_values: Vec<f64> =
        rows.iter().flat_map(|row| row.comparisons.iter().flatten()).map(p_value).collect();
    let mut corrected = benjamini_hochberg(&p_values).into_iter();
    let mut of_row = |row: &VerdictRow| {
        row.comparisons.iter().map(|one| one.as_ref().ok().and_then(|_| corrected.next())).collect()
    };
    rows.iter().map(&mut of_row).collect()
}

/// The difference as it is recorded; flagged where its metric leaves some of the targets out.
fn delta_of(comparison: &Result<Difference, NoEstimate>, partial: Option<&str>) -> ScoreValue {
    let mut value: ScoreValue = comparison.clone().map(|difference| difference.estimate).into();
    if let (Some(partial), ScoreValue::Estimate(estimate)) = (partial, &mut value) {
        estimate.flags.insert(0, partial.to_owned());
    }
    value
}

fn verdict_record(
    row: &VerdictRow,
    judgement: &Judgement,
    rates: &[Option<f64>],
    margin: f64,
) -> VerdictRecord {
    let comparisons = row
        .baselines
        .iter()
        .zip(&row.comparisons)
        .zip(row.tests.iter().zip(&row.companions))
        .zip(rates)
        .map(|(((baseline, comparison), (tests, companion)), rate)| ComparisonRecord {
            baseline: baseline.clone(),
            delta: delta_of(comparison, row.partial.as_deref()),
            p_adjusted: Some(judgement.p_adjusted),
            false_discovery: *rate,
            tests: tests.clone(),
            power: comparison.as_ref().ok().and_then(|difference| power_record(difference, margin)),
            companion: companion.clone(),
        })
        .collect();
    VerdictRecord {
        dataset: row.dataset.clone(),
        target: row.target.clone(),
        model: row.model.representation.to_string(),
        layer: row.model.layer,
        pooling: row.model.pooling,
        probe: row.probe.clone(),
        metric: row.metric.clone(),
        margin,
        verdict: judgement.verdict,
        comparisons,
        margin_unit: row.margin_unit,
        reason: judgement.reason.clone(),
        qualifications: Vec::new(),
    }
}

fn power_record(difference: &Difference, margin: f64) -> Option<PowerRecord> {
    power(difference, margin).map(|power| PowerRecord {
        smallest_detectable: power.smallest_detectable,
        examples_to_settle: power.examples_to_settle,
        examples_for_a_tie: power.examples_for_a_tie,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::filled_cell::chosen;
    use crate::judge::truth::Predictions;
    use crate::test_fixtures::{Knows, REPLICATES, cell, dataset};
    use seqprobe_report::record::Fraction;

    #[test]
    fn false_discoveries_are_corrected_over_the_suite() {
        let dataset = dataset(200, false);
        let cell = |name, layer, role, knows| cell(&dataset, [name, "-", layer, "linear"], role, knows, 0.5);
        let cells = [
            cell("good", "1", Role::Model, Knows::Much),
            cell("equals", "1", Role::Model, Knows::Nothing),
            cell("kmer-4", "-", Role::Baseline, Knows::Nothing),
        ];
        let rows = rows_of_dataset(&dataset, &cells, &["linear".to_owned()], REPLICATES);
        let records = judge_rows(&rows, 0.01);
        let mut raw = Vec::new();
        let mut rates = Vec::new();
        for (row, record) in rows.iter().zip(&records) {
            for (one, told) in row.comparisons.iter().zip(&record.comparisons) {
                let one = one.as_ref().unwrap();
                raw.push((2.0 * one.p_above(0.0).min(one.p_below(0.0))).min(1.0));
                rates.push(told.false_discovery.unwrap());
            }
        }
        assert_eq!(rates, benjamini_hochberg(&raw));
        assert!(
            rates.len() == 2
                && rates.iter().any(|rate| *rate < 1e-4)
                && rates.iter().any(|rate| *rate > 0.05)
        );
        assert!(rates.iter().zip(&raw).all(|(rate, raw)| rate >= raw));
    }

    #[test]
    fn the_layer_is_chosen_on_validation_and_test_scores_cannot_change_it() {
        let dataset = dataset(100, false);
        let at =
            |layer: &str, knows, loss| cell(&dataset, ["m", "-", layer, "linear"], Role::Model, knows, loss);
        let layer =
            |cells: &[FilledCell]| chosen(cells, "m", Some("linear")).unwrap().record.id.words()[1].clone();
        // Layer 2 has the lower validation loss and is worse on test, then better, then its examples are gone.
        let worse = [at("1", Knows::Much, 0.5), at("2", Knows::Nothing, 0.4)];
        let better = [at("1", Knows::Nothing, 0.5), at("2", Knows::Much, 0.4)];
        let mut unseen = [at("1", Knows::Much, 0.5), at("2", Knows::Nothing, 0.4)];
        for cell in &mut unseen {
            cell.record.scores.clear();
            cell.result.as_mut().unwrap().test = Predictions::default();
        }
        for cells in [&worse, &better, &unseen] {
            assert_eq!(layer(cells), "2");
        }
        // The loss decides, and nothing but it.
        assert_eq!(layer(&[at("1", Knows::Much, 0.3), at("2", Knows::Much, 0.4)]), "1");
        // A fit on a part of the training rows is never chosen.
        let mut part = at("3", Knows::Much, 0.1);
        part.record.id.fraction = Fraction::new(0.5).unwrap();
        assert_eq!(layer(&[at("1", Knows::Much, 0.3), part]), "1");
    }
}
