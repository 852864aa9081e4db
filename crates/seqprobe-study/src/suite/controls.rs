//! The baselines and controls that every run has: which of them a suite wants, and what is added to the
//! representations that it names. They are planned like any other cell.

use crate::suite::error::SuiteProblem;
use crate::suite::file::ControlsEntry;
use crate::suite::probes::{PROBES, probe_family};
use crate::suite::representation::{ModelRepresentation, RANDOM_DRAWS, Representation};
use seqprobe_embed::PlainRepresentation;
use seqprobe_report::record::RepresentationName;

/// The word that asks for fits to permuted labels.
pub(crate) const SHUFFLED_LABELS: &str = "shuffled-labels";
/// The word that asks for the best rule without a model, and the name of its cell.
pub(crate) const BEST_RULE: &str = "best-rule";
/// Permutations of the labels that a deterministic probe is fitted to.
pub(crate) const PERMUTATIONS: usize = 5;
/// The k-mer baseline where a suite names none.
const KMERS: PlainRepresentation = PlainRepresentation::Kmer(4);
/// The probe that is fitted to shuffled labels when no other is asked for.
const SHUFFLED_PROBE: &str = "linear";

/// The words of the key `controls`.
const WORDS: [&str; 7] =
    ["onehot", "kmer-4", "composition", "random", SHUFFLED_LABELS, "constant", BEST_RULE];

/// What is to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Controls {
    onehot: bool,
    kmers: bool,
    composition: bool,
    random: bool,
    /// The class frequencies or the mean of the training split.
    pub(crate) constant: bool,
    /// The rule without a model that is best on validation.
    pub(crate) best_rule: bool,
    /// The probes that are fitted to shuffled labels.
    pub(crate) shuffled: Vec<String>,
}

/// A control that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MissingControl {
    pub(crate) representation: String,
    pub(crate) reason: String,
}

impl Controls {
    /// Checks the key; all of them where it is not given.
    pub(crate) fn check(entry: Option<&ControlsEntry>) -> Result<Self, SuiteProblem> {
        let words: Vec<&str> = match entry {
            None | Some(ControlsEntry::Switch(true)) => WORDS.to_vec(),
            Some(ControlsEntry::Switch(false)) => Vec::new(),
            Some(ControlsEntry::Some(words)) => words.iter().map(String::as_str).collect(),
        };
        let mut shuffled: Vec<String> = Vec::new();
        for word in &words {
            match word.split_once('/') {
                Some((SHUFFLED_LABELS, probe)) if probe_family(probe).is_some() => {
                    shuffled.push(probe.to_owned());
                }
                Some((SHUFFLED_LABELS, probe)) => {
                    let known: Vec<&str> = PROBES.iter().map(|family| family.id).collect();
                    return Err(SuiteProblem::unknown("controls", "probe", probe, &known));
                }
                _ if !WORDS.contains(word) => {
                    return Err(SuiteProblem::unknown("controls", "control", word, &WORDS));
                }
                _ if *word == SHUFFLED_LABELS => shuffled.push(SHUFFLED_PROBE.to_owned()),
                _ => {}
            }
        }
        shuffled.dedup();
        let wants = |word: &str| words.contains(&word);
        Ok(Self {
            onehot: wants("onehot"),
            kmers: wants("kmer-4"),
            composition: wants("composition"),
            random: wants("random"),
            constant: wants("constant"),
            best_rule: wants(BEST_RULE),
            shuffled,
        })
    }

    /// Adds what is wanted and not named, after what is there; returns what cannot be made.
    pub(crate) fn add(&self, representations: &mut Vec<Representation>) -> Vec<MissingControl> {
        let has = |wanted: fn(PlainRepresentation) -> bool| {
            representations.iter().any(|representation| {
                matches!(representation, Representation::Plain { representation, .. } if wanted(*representation))
            })
        };
        let plain = [
            (self.onehot && !has(|plain| plain == PlainRepresentation::OneHot), PlainRepresentation::OneHot),
            (self.kmers && !has(|plain| matches!(plain, PlainRepresentation::Kmer(_))), KMERS),
            (
                self.composition && !has(|plain| plain == PlainRepresentation::Composition),
                PlainRepresentation::Composition,
            ),
        ];
        let plain = plain.into_iter().filter(|(is_missing, _)| *is_missing);
        let mut added: Vec<Representation> = plain
            .map(|(_, representation)| Representation::Plain { representation, poolings: None })
            .collect();
        let mut missing = Vec::new();
        for representation in representations.iter().filter(|_| self.random) {
            let name = RepresentationName::random_init_of(&representation.name()).to_string();
            if representations.iter().any(|other| other.name() == name) {
                continue;
            }
            match representation {
                Representation::Model(model) if model.random_draws.is_some() => {}
                Representation::Model(model) if model.reference.ends_with(".toml") => {
                    let reason = "the model runs its own code, so its weights cannot be initialised here\n  hint: describe a second model whose own weights are random".to_owned();
                    missing.push(MissingControl { representation: name, reason });
                }
                Representation::Model(model) => added.push(Representation::Model(ModelRepresentation {
                    name,
                    random_draws: Some(RANDOM_DRAWS),
                    ..model.clone()
                })),
                Representation::Imported(_) => {
                    let reason = "the embeddings were imported, so there is no architecture to initialise\n  hint: import embeddings of the same model with random weights as well".to_owned();
                    missing.push(MissingControl { representation: name, reason });
                }
                Representation::Plain { .. } => {}
            }
        }
        representations.append(&mut added);
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::representation::{Layers, check_extraction};
    use seqprobe_core::{LayerIndex, Pooling};

    fn model(name: &str, random_draws: Option<u32>) -> Representation {
        Representation::Model(ModelRepresentation {
            name: name.to_owned(),
            reference: name.trim_start_matches("random:").to_owned(),
            base: "".into(),
            random_draws,
            layers: Layers::Some(vec![LayerIndex::Final]),
            poolings: vec![Pooling::Mean],
            extraction: check_extraction(None, None, None, None).unwrap(),
            store: true,
        })
    }

    fn plain(representation: PlainRepresentation) -> Representation {
        Representation::Plain { representation, poolings: None }
    }

    fn names(representations: &[Representation]) -> Vec<String> {
        representations.iter().map(Representation::name).collect()
    }

    #[test]
    fn what_is_not_named_is_added_once() {
        let controls = Controls::check(None).unwrap();
        assert!(controls.constant && controls.best_rule && controls.shuffled == ["linear"]);
        let mut all = vec![model("m", None)];
        assert_eq!(controls.add(&mut all), []);
        assert_eq!(names(&all), ["m", "onehot", "kmer-4", "composition", "random:m"]);
        let Representation::Model(drawn) = &all[4] else { panic!("{:?}", all[4]) };
        assert_eq!((drawn.random_draws, drawn.reference.as_str()), (Some(3), "m"));
        let before = names(&all);
        controls.add(&mut all);
        assert_eq!(names(&all), before, "nothing a second time");

        let mut named = vec![plain(PlainRepresentation::Kmer(2)), model("random:m", Some(3))];
        controls.add(&mut named);
        assert_eq!(names(&named), ["kmer-2", "random:m", "onehot", "composition"]);
    }

    #[test]
    fn they_can_be_switched_off_or_chosen() {
        let none = Controls::check(Some(&ControlsEntry::Switch(false))).unwrap();
        let mut all = vec![model("m", None)];
        none.add(&mut all);
        assert_eq!(names(&all), ["m"]);
        assert!(!none.constant && none.shuffled.is_empty());
        let words = ["random", "shuffled-labels", "shuffled-labels/cnn"].map(str::to_owned);
        let some = Controls::check(Some(&ControlsEntry::from_words(&words))).unwrap();
        some.add(&mut all);
        assert_eq!(names(&all), ["m", "random:m"]);
        assert_eq!(some.shuffled, ["linear", "cnn"]);
        for (word, near) in [("compositon", "composition"), ("shuffled-labels/cn", "cnn")] {
            let wrong = Controls::check(Some(&ControlsEntry::from_words(&[word.to_owned()]))).unwrap_err();
            assert!(wrong.to_string().contains(near), "{wrong}");
        }
    }

    #[test]
    fn models_without_an_architecture_of_ours_are_told() {
        let controls = Controls::check(None).unwrap();
        let mut all = vec![model("worker.toml", None)];
        let missing = controls.add(&mut all);
        assert_eq!(missing.len(), 1);
        assert_eq!(missing[0].representation, "random:worker.toml");
        assert!(missing[0].reason.contains("cannot be initialised"), "{}", missing[0].reason);
    }
}
