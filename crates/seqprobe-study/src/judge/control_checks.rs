//! Do the controls show what they are for? A control that the model is not clearly better than, or shuffled labels that
//! score above chance, must be seen before any verdict.

use crate::judge::filled_cell::{FilledCell, chosen, names};
use crate::judge::score::SplitResampling;
use crate::judge::truth::TruthLabels;
use crate::judge::verdicts::compare_cells;
use seqprobe_core::{Dataset, Split};
use seqprobe_report::record::{
    ControlComparison, ControlKind, Gain, PairedDifference, RepresentationName, Role, ScoreValue, Status,
    Variant, Warning,
};
use seqprobe_stats::metric;

/// What the controls of a dataset show.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ControlFindings {
    /// Shuffled labels above chance: something other than the labels' meaning is learned.
    pub(crate) shuffled_label_leaks: Vec<Warning>,
    /// Controls that no model is clearly better than, one warning per model and probe.
    pub(crate) controls_not_beaten: Vec<Warning>,
    /// Models that are clearly better than their random initialisation, one per model and probe.
    pub(crate) gains: Vec<Gain>,
}

impl ControlFindings {
    /// Looks at the controls of one dataset.
    pub(crate) fn of(dataset: &Dataset, cells: &[FilledCell], probes: &[String], replicates: usize) -> Self {
        let truth = TruthLabels::of(dataset, Split::Test);
        let resampling = SplitResampling::of(dataset, Split::Test, replicates);
        // An undefined difference shows nothing; the cells themselves have the reason.
        let difference = |one: &FilledCell, other: &FilledCell| {
            let estimate = compare_cells(&dataset.metric, [one, other], &truth, &resampling).ok()?.estimate;
            Some(PairedDifference {
                metric: dataset.metric.clone(),
                point: estimate.point,
                lower: estimate.lower,
                upper: estimate.upper,
            })
        };
        let constant = cells.iter().find(|cell| {
            cell.record.role == Role::Control && cell.record.id.probe.is_none() && cell.result.is_some()
        });
        let mut findings = Self::default();
        for cell in shuffled(cells) {
            findings.shuffled_label_leaks.extend(leak(dataset, cell, constant, &difference));
        }
        for model in names(cells, |cell| cell.record.role == Role::Model) {
            for probe in probes {
                let Some(cell) = chosen(cells, &model, Some(probe)) else { continue };
                let compared: Vec<ControlComparison> = controls_of(cells, &model, probe)
                    .into_iter()
                    .filter_map(|(control, kind)| {
                        let probe = control.record.id.probe_word().to_owned();
                        Some(ControlComparison {
                            control: kind,
                            probe,
                            difference: difference(cell, control)?,
                        })
                    })
                    .collect();
                findings.add(dataset, &model, probe, compared);
            }
        }
        findings
    }

    /// Sorts the comparisons of a model with a probe into what was beaten and what was not.
    fn add(&mut self, dataset: &Dataset, model: &str, probe: &str, compared: Vec<ControlComparison>) {
        let (beaten, not_beaten): (Vec<_>, Vec<_>) =
            compared.into_iter().partition(|one| one.difference.lower > 0.0);
        self.gains.extend(beaten.into_iter().filter(|one| one.control == ControlKind::RandomInit).map(
            |one| Gain::OverRandomInit {
                model: model.to_owned(),
                probe: probe.to_owned(),
                control_probe: one.probe,
                difference: one.difference,
            },
        ));
        if !not_beaten.is_empty() {
            self.controls_not_beaten.push(Warning::ControlsNotBeaten {
                dataset: dataset.id.clone(),
                model: model.to_owned(),
                probe: probe.to_owned(),
                controls: not_beaten,
            });
        }
    }
}

/// The controls that a model with a probe should be better than: with the same probe where there is one.
fn controls_of<'a>(cells: &'a [FilledCell], model: &str, probe: &str) -> Vec<(&'a FilledCell, ControlKind)> {
    let best = |representation: &str| {
        chosen(cells, representation, Some(probe)).or_else(|| chosen(cells, representation, None))
    };
    let is_of_model = |cell: &&FilledCell| cell.record.id.variant == Variant::Of(model.to_owned());
    let of_model = || shuffled(cells).filter(is_of_model);
    let labels = of_model().find(|cell| cell.record.id.probe_word() == probe).or_else(|| of_model().next());
    [
        (best(RepresentationName::random_init_of(model).as_str()), ControlKind::RandomInit),
        (best("composition"), ControlKind::Composition),
        (labels, ControlKind::ShuffledLabels),
    ]
    .into_iter()
    .filter_map(|(cell, kind)| cell.map(|cell| (cell, kind)))
    .collect()
}

fn shuffled(cells: &[FilledCell]) -> impl Iterator<Item = &FilledCell> {
    cells.iter().filter(|cell| {
        cell.record.id.representation == RepresentationName::ShuffledLabels
            && cell.record.status == Status::Ok
    })
}

/// The warning about shuffled labels whose score's interval lies above chance; where the metric's chance depends on the
/// data, above the constant prediction.
fn leak(
    dataset: &Dataset,
    cell: &FilledCell,
    constant: Option<&FilledCell>,
    difference: &impl Fn(&FilledCell, &FilledCell) -> Option<PairedDifference>,
) -> Option<Warning> {
    let id = cell.record.id.clone();
    if let Some(chance) = metric(&dataset.metric).and_then(|metric| metric.chance) {
        let mut scores = cell.record.scores.iter();
        let score = scores.find(|score| score.primary && score.split == Split::Test)?;
        let ScoreValue::Estimate(score) = &score.value else { return None };
        let (metric, score) = (dataset.metric.clone(), score.clone());
        return (score.lower > chance).then_some(Warning::ShuffledLabelsAboveChance {
            cell: id,
            metric,
            score,
        });
    }
    let difference = difference(cell, constant?)?;
    (difference.lower > 0.0).then_some(Warning::ShuffledLabelsAboveConstant { cell: id, difference })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_fixtures::{Knows, REPLICATES, cell, dataset};
    use seqprobe_report::{gain_text, warning_text};

    fn findings(dataset: &Dataset, cells: &[FilledCell]) -> ControlFindings {
        ControlFindings::of(dataset, cells, &["linear".to_owned()], REPLICATES)
    }

    #[test]
    fn a_control_that_scores_like_the_model_is_reported_and_one_that_does_not_is_not() {
        let dataset = dataset(300, false);
        let model = || cell(&dataset, ["m", "-", "4", "linear"], Role::Model, Knows::Much, 0.4);
        let control = |name: &str, layer: &str, knows| {
            cell(&dataset, [name, "-", layer, "linear"], Role::Control, knows, 0.5)
        };
        let noise =
            cell(&dataset, ["shuffled-labels", "m", "-", "linear"], Role::Control, Knows::Nothing, 0.7);
        let weak = [
            model(),
            control("random:m", "4", Knows::Nothing),
            control("composition", "-", Knows::Nothing),
            noise,
        ];
        let found = findings(&dataset, &weak);
        assert_eq!(
            (found.shuffled_label_leaks.len(), found.controls_not_beaten.len(), found.gains.len()),
            (0, 0, 1),
            "{found:?}"
        );
        let told = &gain_text(&found.gains[0]);
        let start = "m with linear is better than its random initialisation: difference +";
        assert!(told.starts_with(start) && told.ends_with("] auroc"), "{told}");
        let strong =
            [model(), control("random:m", "4", Knows::Much), control("composition", "-", Knows::Nothing)];
        let found = findings(&dataset, &strong);
        assert_eq!(
            (found.shuffled_label_leaks.len(), found.controls_not_beaten.len(), found.gains.len()),
            (0, 1, 0),
            "{found:?}"
        );
        let told = &warning_text(&found.controls_not_beaten[0]);
        assert!(
            told.starts_with(
                "made: m with linear: no advantage of the model over the random initialisation could be shown \
                 (difference "
            ) && told.contains("auroc")
                && !told.contains("composition"),
            "{told}"
        );
        // A model that knows nothing: what scores like it is told, what is better is said to be.
        let ignorant = cell(&dataset, ["m", "-", "4", "linear"], Role::Model, Knows::Nothing, 0.7);
        let noise =
            cell(&dataset, ["shuffled-labels", "m", "-", "linear"], Role::Control, Knows::Nothing, 0.7);
        let found = findings(&dataset, &[ignorant, control("composition", "-", Knows::Much), noise]);
        let told = &warning_text(&found.controls_not_beaten[0]);
        assert!(
            told.contains("composition scores better than the model")
                && told.contains("no advantage of the model over shuffled labels could be shown"),
            "{told}"
        );
    }

    #[test]
    fn a_control_with_another_probe_is_reported_with_it() {
        let dataset = dataset(300, false);
        let model = cell(&dataset, ["m", "-", "4", "cnn"], Role::Model, Knows::Much, 0.4);
        let control = cell(&dataset, ["composition", "-", "-", "linear"], Role::Control, Knows::Much, 0.4);
        let found = ControlFindings::of(&dataset, &[model, control], &["cnn".to_owned()], REPLICATES);
        assert!(
            warning_text(&found.controls_not_beaten[0])
                .contains("no advantage of the model over composition with linear could be shown"),
            "{found:?}"
        );
    }

    #[test]
    fn shuffled_labels_above_chance_are_reported_for_metrics_with_and_without_a_fixed_chance() {
        for (metric, word) in [("auroc", "auroc is above chance"), ("log-loss", "constant prediction")] {
            let mut dataset = dataset(300, false);
            dataset.metric = metric.to_owned();
            let majority =
                || cell(&dataset, ["majority", "-", "-", "-"], Role::Control, Knows::Constant, 0.7);
            let noise =
                |knows| cell(&dataset, ["shuffled-labels", "m", "-", "linear"], Role::Control, knows, 0.7);
            assert_eq!(
                findings(&dataset, &[noise(Knows::Nothing), majority()]).shuffled_label_leaks.len(),
                0,
                "{metric}"
            );
            let found = findings(&dataset, &[noise(Knows::Much), majority()]);
            assert_eq!(found.shuffled_label_leaks.len(), 1, "{metric}");
            assert!(warning_text(&found.shuffled_label_leaks[0]).contains(word), "{found:?}");
        }
    }
}
