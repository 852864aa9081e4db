//! The cells of one dataset, in the order that the record has them.

use super::combinations::combinations;
use super::{Fit, Reason};
use crate::prepare::PreparedRepresentation;
use crate::run::training_rows::Training;
use crate::suite::Suite;
use crate::suite::controls::{BEST_RULE, SHUFFLED_LABELS};
use crate::suite::published::PreparedReference;
use seqprobe_core::{Dataset, LayerIndex, Pooling, TaskKind};
use seqprobe_embed::PlainRepresentation;
use seqprobe_report::record::{CellId, Fraction, RepresentationName, Role, Variant};

/// A cell to be filled.
#[derive(Clone, Debug)]
pub(crate) struct PlannedCell {
    pub(crate) id: CellId,
    pub(crate) role: Role,
    /// Number of the representation that it reads; `None` for one that reads none.
    pub(crate) representation: Option<usize>,
    pub(crate) work: Work,
}

/// What filling a cell takes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Work {
    /// Fit a probe.
    Fit(Fit),
    /// Fit a probe to shuffled labels, on the layer and pooling that validation chooses among the fits before it.
    ChooseThenShuffle {
        /// Number of the probe in the suite.
        probe: usize,
    },
    /// Fit the rules without a model and score the one that is best on validation.
    BestRule,
    /// Score ready predictions.
    Ready {
        /// Number of the reference in the suite.
        reference: usize,
    },
    /// Score the true generating model of a simulated task.
    Oracle,
    /// Predict the training split's class frequencies or mean.
    Constant,
    /// Nothing: the combination cannot exist.
    NotApplicable(Reason),
}

/// The cells of one dataset, in suite order: representations, then probes; controls and oracle last.
pub(crate) fn plan_dataset(
    suite: &Suite,
    prepared: &[PreparedRepresentation],
    references: &[PreparedReference],
    dataset: &Dataset,
) -> Vec<PlannedCell> {
    let mut cells = Vec::new();
    for (number, representation) in prepared.iter().enumerate() {
        for probe in 0..suite.probes.len() {
            cells.extend(fits_of(suite, dataset, (number, representation), probe));
        }
    }
    for missing in &suite.missing_controls {
        let id = id_of(dataset, RepresentationName::from(missing.representation.as_str()), Variant::None);
        let work = Work::NotApplicable(Reason(missing.reason.clone()));
        cells.push(PlannedCell { id, role: Role::Control, representation: None, work });
    }
    for representation in shuffled_representations(prepared) {
        for probe in &suite.controls.shuffled {
            cells.push(shuffled(suite, dataset, (representation, &prepared[representation]), probe));
        }
    }
    let mut alone = |name: RepresentationName, role, work| {
        let id = id_of(dataset, name, Variant::None);
        cells.push(PlannedCell { id, role, representation: None, work });
    };
    if suite.controls.constant {
        let is_regression = dataset.task.kind == TaskKind::Regression;
        let name = if is_regression { RepresentationName::Mean } else { RepresentationName::Majority };
        alone(name, Role::Control, Work::Constant);
    }
    if suite.controls.best_rule {
        alone(RepresentationName::Named(BEST_RULE.to_owned()), Role::Rule, Work::BestRule);
    }
    for (number, reference) in references.iter().enumerate() {
        if reference.is_for(dataset) {
            let name = RepresentationName::Named(reference.asked.name.clone());
            alone(name, Role::Reference, Work::Ready { reference: number });
        }
    }
    if dataset.oracle.is_some() {
        alone(RepresentationName::Oracle, Role::Oracle, Work::Oracle);
    }
    cells
}

/// An id without layer, pooling and probe, on all of the training split.
fn id_of(dataset: &Dataset, representation: RepresentationName, variant: Variant) -> CellId {
    CellId {
        dataset: dataset.id.clone(),
        representation,
        variant,
        layer: None,
        pooling: None,
        probe: None,
        fraction: Fraction::WHOLE,
    }
}

/// The cells of a representation with a probe: each on all of the training split, then on its parts.
fn fits_of(
    suite: &Suite,
    dataset: &Dataset,
    (number, representation): (usize, &PreparedRepresentation),
    probe: usize,
) -> Vec<PlannedCell> {
    let family = suite.probes[probe].family;
    let mut cells = Vec::new();
    for combination in combinations(representation, family) {
        let id = CellId {
            layer: combination.layer,
            pooling: combination.pooling,
            probe: Some(family.id.to_owned()),
            ..id_of(dataset, representation.id(), representation.variant())
        };
        let cell =
            |id, work| PlannedCell { id, role: representation.role(), representation: Some(number), work };
        let pooling = match combination.reads {
            Ok(pooling) => pooling,
            Err(reason) => {
                cells.push(cell(id, Work::NotApplicable(reason)));
                continue;
            }
        };
        let is_described = is_described(suite, dataset, probe);
        let fit = Fit { layer: combination.layer, pooling, probe, training: Training::Whole, is_described };
        cells.push(cell(id.clone(), Work::Fit(fit)));
        for &fraction in &suite.fractions {
            let id = CellId { fraction, ..id.clone() };
            cells.push(cell(
                id,
                Work::Fit(Fit { training: Training::Part(fraction), is_described: false, ..fit }),
            ));
        }
    }
    cells
}

/// Whether a probe's fits on all of the training split get a description length: the linear probe of a task with
/// classes, if the suite asks for it.
fn is_described(suite: &Suite, dataset: &Dataset, probe: usize) -> bool {
    suite.description_length
        && suite.probes[probe].family.id == "linear"
        && dataset.task.kind != TaskKind::Regression
}

/// The fit of a probe to shuffled labels; its layer is not chosen yet.
fn shuffled(
    suite: &Suite,
    dataset: &Dataset,
    (number, representation): (usize, &PreparedRepresentation),
    probe: &str,
) -> PlannedCell {
    let variant = Variant::Of(representation.name());
    let mut id = id_of(dataset, RepresentationName::ShuffledLabels, variant);
    id.probe = Some(probe.to_owned());
    let work = match suite.probes.iter().position(|one| one.family.id == probe) {
        Some(probe) => Work::ChooseThenShuffle { probe },
        None => Work::NotApplicable(Reason(format!(
            "labels are shuffled for the probe {probe}, which the suite does not name\n  hint: controls = [\"{SHUFFLED_LABELS}/PROBE\"] asks for another"
        ))),
    };
    PlannedCell { id, role: Role::Control, representation: Some(number), work }
}

/// The representations whose labels are shuffled: every model, or else one-hot, or else the first.
fn shuffled_representations(prepared: &[PreparedRepresentation]) -> Vec<usize> {
    let numbers = |is_wanted: fn(&PreparedRepresentation) -> bool| -> Vec<usize> {
        (0..prepared.len()).filter(|&number| is_wanted(&prepared[number])).collect()
    };
    let models = numbers(|representation| representation.role() == Role::Model);
    if !models.is_empty() {
        return models;
    }
    let onehot = numbers(|representation| {
        matches!(
            representation,
            PreparedRepresentation::Plain { representation: PlainRepresentation::OneHot, .. }
        )
    });
    vec![onehot.first().copied().unwrap_or(0)]
}

impl PlannedCell {
    /// Cells of one group share their features; those that wait for a choice come after what it is made among.
    pub(crate) fn group(&self) -> (Option<usize>, bool) {
        (self.representation, matches!(self.work, Work::ChooseThenShuffle { .. }))
    }

    /// The same cell with the layer and pooling that were chosen for its shuffled labels, or the reason that none was.
    pub(crate) fn with_choice(
        &self,
        probe: usize,
        chosen: Result<(Option<LayerIndex>, Pooling), Reason>,
    ) -> Self {
        let work = match chosen {
            Ok((layer, pooling)) => {
                let training = Training::Shuffled;
                Work::Fit(Fit { layer, pooling, probe, training, is_described: false })
            }
            Err(reason) => Work::NotApplicable(reason),
        };
        Self { work, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::StudyEvent;
    use crate::models::finder::ModelFinder;
    use crate::prepare::prepare_all;
    use crate::run::training_rows::Training;
    use crate::suite::controls::SHUFFLED_LABELS;
    use seqprobe_core::{DnaSequence, parse_toml};

    fn plan(keys: &str, dataset: &Dataset) -> Vec<PlannedCell> {
        let text = format!(
            "schema = 1\nname = \"s\"\n{keys}\ndatasets = [\"made\"]\n[[representation]]\nid = \"onehot\"\n[[probe]]\nid = \"linear\"\n[[probe]]\nid = \"cnn\"\n"
        );
        let file = parse_toml(&text, "test").unwrap();
        let suite = Suite::check(&file, "".into(), "test", text).unwrap();
        let prepared = prepare_all(&suite, &[], &ModelFinder::local(), &mut |_: StudyEvent<'_>| {}).unwrap();
        plan_dataset(&suite, &prepared, &[], dataset)
    }

    fn of<'a>(cells: &'a [PlannedCell], representation: &str, probe: &str) -> Vec<&'a PlannedCell> {
        let is_it = |cell: &&PlannedCell| {
            cell.id.representation.as_str() == representation && cell.id.probe_word() == probe
        };
        cells.iter().filter(is_it).collect()
    }

    #[test]
    fn parts_follow_what_is_fitted_and_controls_come_last() {
        let dataset = crate::test_fixtures::dataset(15, false);
        let cells = plan("fractions = [1.0, 0.5, 0.25]", &dataset);
        let fractions: Vec<String> =
            of(&cells, "onehot", "linear").iter().map(|cell| cell.id.fraction.to_string()).collect();
        assert_eq!(fractions, ["1", "0.25", "0.5"]);
        let Work::Fit(fit) = &of(&cells, "onehot", "cnn")[1].work else { panic!("a fit") };
        assert_eq!(fit.training, Training::Part(Fraction::new(0.25).unwrap()));
        assert_eq!(of(&cells, "kmer-4", "cnn").len(), 1, "what does not apply has no parts");
        let last: Vec<&str> =
            cells.iter().rev().take(3).map(|cell| cell.id.representation.as_str()).collect();
        assert_eq!(last, ["best-rule", "majority", SHUFFLED_LABELS]);
        let shuffled = of(&cells, SHUFFLED_LABELS, "linear");
        assert_eq!((shuffled.len(), shuffled[0].id.variant.clone()), (1, Variant::Of("onehot".to_owned())));
        assert!(matches!(shuffled[0].work, Work::ChooseThenShuffle { probe: 0 }));
        assert_eq!(shuffled[0].representation, Some(0));
        assert!(matches!(
            of(&plan("controls = [\"shuffled-labels/mlp\"]", &dataset), SHUFFLED_LABELS, "mlp")[0].work,
            Work::NotApplicable(_)
        ));
        assert!(
            plan("controls = false", &dataset).iter().all(|cell| cell.id.representation.as_str() == "onehot")
        );
    }

    #[test]
    fn a_fixed_length_is_that_of_the_longest_sequence_of_any_split() {
        let mut dataset = crate::test_fixtures::dataset(15, false);
        let work = |dataset: &Dataset, probe: &str| of(&plan("", dataset), "onehot", probe)[0].work.clone();
        assert!(matches!(work(&dataset, "linear"), Work::Fit(_)));
        dataset.sequences[90] = DnaSequence::parse("ACGTACGTA").unwrap().0;
        assert!(matches!(work(&dataset, "linear"), Work::Fit(_)), "a longer test sequence");
        assert!(matches!(work(&dataset, "cnn"), Work::Fit(_)));
        dataset.sequences[3] = DnaSequence::parse("ACGTACGTACGT").unwrap().0;
        assert!(matches!(work(&dataset, "linear"), Work::Fit(_)), "train has a longer one");
    }
}
