//! Do the controls do what they are there for? A control that scores like the model, or shuffled labels that
//! score above chance, must be seen before any verdict.

use crate::controls::SHUFFLED_LABELS;
use crate::score::{OwnedTruth, SplitResampling};
use crate::verdicts::{FilledCell, chosen, compare_cells, names};
use seqprobe_core::{Dataset, Split};
use seqprobe_report::record::{EstimateRecord, Role, ScoreValue, Status};
use seqprobe_stats::{Estimate, metric};

/// What the controls of a dataset give away, in sentences.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ControlFindings {
    /// Shuffled labels above chance: something but the labels' meaning is learned.
    pub(crate) leaks: Vec<String>,
    /// Controls that no model is surely better than, one sentence per model and probe.
    pub(crate) rivals: Vec<String>,
    /// Models that are surely better than their random initialisation, one sentence per model and probe.
    pub(crate) gains: Vec<String>,
}

/// What is said of a model's own architecture without its training.
const RANDOM: &str = "the random initialisation scores";

impl ControlFindings {
    /// Looks at the controls of one dataset.
    pub(crate) fn of(dataset: &Dataset, cells: &[FilledCell], probes: &[String], replicates: usize) -> Self {
        let truth = OwnedTruth::of(dataset, Split::Test);
        let resampling = SplitResampling::of(dataset, Split::Test, replicates);
        let difference = |one: &FilledCell, other: &FilledCell| {
            compare_cells(one, other, dataset, &truth, &resampling).ok().map(|difference| difference.estimate)
        };
        let mut findings = Self::default();
        let constant = cells.iter().find(|cell| {
            cell.record.role == Role::Control && cell.record.id.probe == "-" && cell.result.is_some()
        });
        for cell in shuffled(cells) {
            findings.leaks.extend(leak(dataset, cell, constant, &difference));
        }
        for model in names(cells, |cell| cell.role == Role::Model) {
            for probe in probes {
                let Some(cell) = chosen(cells, &model, Some(probe)) else { continue };
                let mut rivals = Vec::new();
                for (control, what) in controls_of(cells, &model, probe) {
                    let Some(estimate) = difference(cell, control) else { continue };
                    let other = &control.record.id.probe;
                    let with = if other == probe { String::new() } else { format!(" with {other}") };
                    let shown = shown(&estimate, &dataset.metric);
                    if estimate.lower <= 0.0 {
                        let like = if estimate.upper < 0.0 { "better than" } else { "like" };
                        rivals.push(format!("{what}{with} {like} the model ({shown})"));
                    } else if what == RANDOM {
                        let training =
                            format!("{model} with {probe} is better than its random initialisation");
                        findings.gains.push(format!("{training}{with}: {shown}"));
                    }
                }
                if !rivals.is_empty() {
                    let rivals = rivals.join("; ");
                    findings.rivals.push(format!("{}: {model} with {probe}: {rivals}", dataset.id));
                }
            }
        }
        findings
    }
}

/// The controls that a model with a probe is to be better than: with the same probe where there is one.
fn controls_of<'a>(cells: &'a [FilledCell], model: &str, probe: &str) -> Vec<(&'a FilledCell, &'static str)> {
    let best = |representation: &str| {
        chosen(cells, representation, Some(probe)).or_else(|| chosen(cells, representation, None))
    };
    let of_model = || shuffled(cells).filter(|cell| cell.record.id.variant == model);
    let labels = of_model().find(|cell| cell.record.id.probe == probe).or_else(|| of_model().next());
    [
        (best(&format!("random:{model}")), RANDOM),
        (best("composition"), "composition scores"),
        (labels, "shuffled labels score"),
    ]
    .into_iter()
    .filter_map(|(cell, what)| cell.map(|cell| (cell, what)))
    .collect()
}

fn shuffled(cells: &[FilledCell]) -> impl Iterator<Item = &FilledCell> {
    cells
        .iter()
        .filter(|cell| cell.record.id.representation == SHUFFLED_LABELS && cell.record.status == Status::Ok)
}

/// The sentence about shuffled labels whose score's interval lies above chance; where the metric's chance depends
/// on the data, above the constant prediction.
fn leak(
    dataset: &Dataset,
    cell: &FilledCell,
    constant: Option<&FilledCell>,
    difference: &impl Fn(&FilledCell, &FilledCell) -> Option<Estimate>,
) -> Option<String> {
    let id = &cell.record.id;
    let name = &dataset.metric;
    if let Some(chance) = chance(name) {
        let score = cell.record.scores.iter().find(|score| score.primary && score.split == "test")?;
        let ScoreValue::Estimate(EstimateRecord { point, lower, upper, .. }) = &score.value else {
            return None;
        };
        return (*lower > chance).then(|| {
            format!(
                "{id}: the labels were shuffled, and yet {name} is above chance: {point:.3} [{lower:.3}, {upper:.3}]"
            )
        });
    }
    let estimate = difference(cell, constant?)?;
    (estimate.lower > 0.0).then(|| {
        format!(
            "{id}: the labels were shuffled, and yet the score is better than that of a constant prediction ({})",
            shown(&estimate, name)
        )
    })
}

/// What a prediction without knowledge scores, where that does not depend on the data.
fn chance(id: &str) -> Option<f64> {
    match id {
        "auroc" => Some(0.5),
        "mcc" | "pearson" | "spearman" => Some(0.0),
        _ => None,
    }
}

/// `difference +0.003 [-0.010, 0.016] auroc`; a positive one favours the first.
fn shown(estimate: &Estimate, metric_id: &str) -> String {
    let Estimate { point, lower, upper, .. } = estimate;
    let turned = metric(metric_id).is_some_and(|metric| !metric.higher_is_better);
    let turned = if turned { ", positive where it is better" } else { "" };
    format!("difference {point:+.3} [{lower:.3}, {upper:.3}] {metric_id}{turned}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made::{Knows, REPLICATES, cell, dataset};

    fn findings(dataset: &Dataset, cells: &[FilledCell]) -> ControlFindings {
        ControlFindings::of(dataset, cells, &["linear".to_owned()], REPLICATES)
    }

    #[test]
    fn a_control_that_scores_like_the_model_is_told_and_one_that_does_not_is_not() {
        let dataset = dataset(300, false);
        let model = || cell(&dataset, ["m", "-", "4", "linear"], Role::Model, Knows::Much, 0.4);
        let control = |name: &str, layer: &str, knows| {
            cell(&dataset, [name, "-", layer, "linear"], Role::Control, knows, 0.5)
        };
        let noise = cell(&dataset, [SHUFFLED_LABELS, "m", "-", "linear"], Role::Control, Knows::Nothing, 0.7);
        let weak = [
            model(),
            control("random:m", "4", Knows::Nothing),
            control("composition", "-", Knows::Nothing),
            noise,
        ];
        let found = findings(&dataset, &weak);
        assert_eq!((found.leaks.len(), found.rivals.len(), found.gains.len()), (0, 0, 1), "{found:?}");
        let told = &found.gains[0];
        let start = "m with linear is better than its random initialisation: difference +";
        assert!(told.starts_with(start) && told.ends_with("] auroc"), "{told}");
        let strong =
            [model(), control("random:m", "4", Knows::Much), control("composition", "-", Knows::Nothing)];
        let found = findings(&dataset, &strong);
        assert_eq!((found.leaks.len(), found.rivals.len(), found.gains.len()), (0, 1, 0), "{found:?}");
        let told = &found.rivals[0];
        assert!(
            told.starts_with(
                "made: m with linear: the random initialisation scores like the model (difference "
            ) && told.contains("auroc")
                && !told.contains("composition"),
            "{told}"
        );
        // A model that knows nothing: what scores like it is told, what is better is said to be.
        let ignorant = cell(&dataset, ["m", "-", "4", "linear"], Role::Model, Knows::Nothing, 0.7);
        let noise = cell(&dataset, [SHUFFLED_LABELS, "m", "-", "linear"], Role::Control, Knows::Nothing, 0.7);
        let found = findings(&dataset, &[ignorant, control("composition", "-", Knows::Much), noise]);
        let told = &found.rivals[0];
        assert!(
            told.contains("composition scores better than the model")
                && told.contains("shuffled labels score like the model"),
            "{told}"
        );
    }

    #[test]
    fn a_control_with_another_probe_is_told_with_it() {
        let dataset = dataset(300, false);
        let model = cell(&dataset, ["m", "-", "4", "cnn"], Role::Model, Knows::Much, 0.4);
        let control = cell(&dataset, ["composition", "-", "-", "linear"], Role::Control, Knows::Much, 0.4);
        let found = ControlFindings::of(&dataset, &[model, control], &["cnn".to_owned()], REPLICATES);
        assert!(found.rivals[0].contains("composition scores with linear like the model"), "{found:?}");
    }

    #[test]
    fn shuffled_labels_above_chance_are_told_for_metrics_with_and_without_a_fixed_chance() {
        for (metric, word) in [("auroc", "auroc is above chance"), ("log-loss", "constant prediction")] {
            let mut dataset = dataset(300, false);
            dataset.metric = metric.to_owned();
            let majority =
                || cell(&dataset, ["majority", "-", "-", "-"], Role::Control, Knows::Constant, 0.7);
            let noise =
                |knows| cell(&dataset, [SHUFFLED_LABELS, "m", "-", "linear"], Role::Control, knows, 0.7);
            assert_eq!(findings(&dataset, &[noise(Knows::Nothing), majority()]).leaks.len(), 0, "{metric}");
            let found = findings(&dataset, &[noise(Knows::Much), majority()]);
            assert_eq!(found.leaks.len(), 1, "{metric}");
            assert!(found.leaks[0].contains(word), "{found:?}");
        }
    }
}
