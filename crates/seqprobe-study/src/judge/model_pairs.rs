//! The models of a suite against each other: paired differences of all pairs, corrected over all of them.

use crate::judge::filled_cell::{FilledCell, chosen, names};
use crate::judge::score::SplitResampling;
use crate::judge::truth::{TruthLabels, overall_target};
use crate::judge::verdicts::{compare_cells, margin_unit, probe_of, scopes};
use seqprobe_core::{Dataset, Split};
use seqprobe_report::record::{CellId, ModelComparison, ProbeScope, Role};
use seqprobe_stats::{Difference, NoEstimate, holm};

/// The difference of two models on one dataset, before correction.
pub(crate) struct ModelPair {
    record: ModelComparison,
    compared: Result<Difference, NoEstimate>,
}

/// The pairs of one dataset: with each probe, and best probe against best probe. Random initialisations are no models.
pub(crate) fn pairs_of_dataset(
    dataset: &Dataset,
    cells: &[FilledCell],
    probes: &[String],
    (replicates, margin): (usize, f64),
) -> Vec<ModelPair> {
    let models = names(cells, |cell| cell.record.role == Role::Model);
    if models.len() < 2 {
        return Vec::new();
    }
    let truth = TruthLabels::of(dataset, Split::Test);
    let resampling = SplitResampling::of(dataset, Split::Test, replicates);
    let margin = margin * margin_unit(dataset).unwrap_or(1.0);
    let mut pairs = Vec::new();
    for scope in scopes(probes) {
        let candidates: Vec<&FilledCell> =
            models.iter().filter_map(|model| chosen(cells, model, probe_of(&scope))).collect();
        for (place, &first) in candidates.iter().enumerate() {
            for &second in &candidates[place + 1..] {
                let compared = compare_cells(&dataset.metric, [first, second], &truth, &resampling);
                let record = ModelComparison {
                    dataset: dataset.id.clone(),
                    target: overall_target(dataset),
                    probe: scope.clone(),
                    metric: dataset.metric.clone(),
                    margin,
                    first: id(first),
                    second: id(second),
                    delta: compared.clone().map(|difference| difference.estimate).into(),
                    p_adjusted: None,
                };
                pairs.push(ModelPair { record, compared });
            }
        }
    }
    pairs
}

fn id(cell: &FilledCell) -> CellId {
    cell.record.id.clone()
}

/// Corrects the p values of all pairs: Holm over the pairs and datasets with the same probe. An undefined difference
/// counts as p = 1.
pub(crate) fn corrected(pairs: &[ModelPair]) -> Vec<ModelComparison> {
    let mut scopes: Vec<ProbeScope> = pairs.iter().map(|pair| pair.record.probe.clone()).collect();
    scopes.sort();
    scopes.dedup();
    let mut records: Vec<ModelComparison> = pairs.iter().map(|pair| pair.record.clone()).collect();
    for scope in scopes {
        let places: Vec<usize> =
            (0..pairs.len()).filter(|&place| pairs[place].record.probe == scope).collect();
        let p_values: Vec<f64> = places.iter().map(|&place| p_value(&pairs[place])).collect();
        for (&place, p) in places.iter().zip(holm(&p_values)) {
            records[place].p_adjusted = pairs[place].compared.is_ok().then_some(p);
        }
    }
    records
}

/// The two-sided p value of a difference beyond the margin.
fn p_value(pair: &ModelPair) -> f64 {
    let margin = pair.record.margin;
    pair.compared.as_ref().map_or(1.0, |difference| {
        (2.0 * difference.p_above(margin).min(difference.p_below(-margin))).min(1.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_fixtures::{Knows, REPLICATES, cell, dataset};
    use seqprobe_report::point;

    #[test]
    fn every_pair_of_models_is_compared_once_and_corrected() {
        let dataset = dataset(200, false);
        let made = |name, role, knows| cell(&dataset, [name, "-", "1", "linear"], role, knows, 0.5);
        let cells = [
            made("a", Role::Model, Knows::Nothing),
            made("good", Role::Model, Knows::Much),
            made("third", Role::Model, Knows::Nothing),
            made("random:a", Role::Control, Knows::Nothing),
            made("kmer-4", Role::Baseline, Knows::Nothing),
        ];
        let probes = ["linear".to_owned()];
        let records = corrected(&pairs_of_dataset(&dataset, &cells, &probes, (REPLICATES, 0.01)));
        let names: Vec<(String, String)> = records
            .iter()
            .map(|pair| (pair.first.representation.to_string(), pair.second.representation.to_string()))
            .collect();
        let expected = [("a", "good"), ("a", "third"), ("good", "third")];
        assert_eq!(names, expected.map(|(one, other)| (one.to_owned(), other.to_owned())));
        assert!(point(&records[0].delta).unwrap() < -0.1 && point(&records[2].delta).unwrap() > 0.1);
        assert!(records[0].p_adjusted.unwrap() < 0.001 && records[1].p_adjusted.unwrap() > 0.05);
        assert!(pairs_of_dataset(&dataset, &cells[1..2], &probes, (REPLICATES, 0.01)).is_empty());
    }
}
