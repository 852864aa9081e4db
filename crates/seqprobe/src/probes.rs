//! The probes that suites may name: one line each, from which planning, listing, building and restoring
//! follow. How a probe fits stands in its own crate.

use crate::probe_entry::ProbeEntry;
use seqprobe_core::{FeatureKind, FittedProbe, Probe, ProbeError, StoredProbe};
use seqprobe_linear::{
    Align, ClassWeight, DexterProbe, ElasticNetProbe, FoldGrouping, LinearProbe, PenaltyPath, Selection,
    Solver, SparseSolver,
};
use seqprobe_neural::{
    AttentionProbe, AttentionSettings, CnnProbe, CnnSettings, MlpProbe, MlpSettings, Preset, PresetProbe,
    Reduction, TrainingSettings, preset,
};

/// A probe as the program knows it.
pub(crate) struct ProbeFamily {
    /// Identifier in suites and results.
    pub(crate) id: &'static str,
    /// One line saying what it is.
    pub(crate) about: &'static str,
    /// What it reads: one vector per sequence, or one per token.
    pub(crate) reads: FeatureKind,
    /// Whether it reads the letters themselves, which only one-hot tokens keep.
    pub(crate) reads_letters: bool,
    /// Keys of its suite entry beside `id`.
    pub(crate) keys: &'static [&'static str],
    /// Builds it from its checked suite entry.
    pub(crate) build: fn(&ProbeEntry) -> Box<dyn Probe>,
    /// Restores a fitted one.
    pub(crate) restore: fn(&StoredProbe) -> Result<Box<dyn FittedProbe>, ProbeError>,
}

/// Keys of a neural probe: how it is trained. `heads` belongs to attention alone.
const ATTENTION_KEYS: &[&str] = &[
    "heads",
    "epochs",
    "steps",
    "batch_size",
    "learning_rate",
    "weight_decay",
    "optimiser",
    "schedule",
    "warm_up_epochs",
    "patience",
    "clip_norm",
    "loss",
    "class_weight",
    "search",
];
const TRAINING_KEYS: &[&str] = ATTENTION_KEYS.split_at(1).1;

/// All probes.
pub(crate) static PROBES: &[ProbeFamily] = &[
    ProbeFamily {
        id: "linear",
        about: "ridge or logistic regression, penalty chosen on validation",
        reads: FeatureKind::Pooled,
        reads_letters: false,
        keys: &["solver", "penalties", "selection", "folds", "fold_by", "class_weight"],
        build: linear,
        restore: seqprobe_linear::restore,
    },
    ProbeFamily {
        id: "lasso",
        about: "linear or logistic regression that selects features, penalty chosen on validation",
        reads: FeatureKind::Pooled,
        reads_letters: false,
        keys: &["solver", "penalties"],
        build: lasso,
        restore: seqprobe_linear::restore,
    },
    ProbeFamily {
        id: "elastic-net",
        about: "as lasso, with a share of the penalty on squares; penalty chosen on validation",
        reads: FeatureKind::Pooled,
        reads_letters: false,
        keys: &["solver", "penalties", "l1_ratio"],
        build: elastic_net,
        restore: seqprobe_linear::restore,
    },
    ProbeFamily {
        id: "dexter",
        about: "words in regions of aligned sequences, found greedily and chosen by a lasso (after DExTER, Menichelli et al. 2021)",
        reads: FeatureKind::Tokens,
        reads_letters: true,
        keys: &["penalties", "align", "bins", "longest", "gain", "beam"],
        build: dexter,
        restore: seqprobe_linear::restore_dexter,
    },
    ProbeFamily {
        id: "mlp",
        about: "linear reduction to 64, two hidden layers, early stopping on validation",
        reads: FeatureKind::Pooled,
        reads_letters: false,
        keys: TRAINING_KEYS,
        build: |entry| mlp(entry, Reduction::Learned),
        restore: seqprobe_neural::restore,
    },
    ProbeFamily {
        id: "mlp-fixed-projection",
        about: "mlp with a fixed random projection instead of the learned reduction",
        reads: FeatureKind::Pooled,
        reads_letters: false,
        keys: TRAINING_KEYS,
        build: |entry| mlp(entry, Reduction::FixedRandom),
        restore: seqprobe_neural::restore,
    },
    ProbeFamily {
        id: "cnn",
        about: "linear reduction to 64, convolutions over tokens of any length, early stopping on validation",
        reads: FeatureKind::Tokens,
        reads_letters: false,
        keys: TRAINING_KEYS,
        build: |entry| cnn(entry, Reduction::Learned),
        restore: seqprobe_neural::restore,
    },
    ProbeFamily {
        id: "cnn-fixed-projection",
        about: "cnn with a fixed random projection instead of the learned reduction",
        reads: FeatureKind::Tokens,
        reads_letters: false,
        keys: TRAINING_KEYS,
        build: |entry| cnn(entry, Reduction::FixedRandom),
        restore: seqprobe_neural::restore,
    },
    ProbeFamily {
        id: "attention",
        about: "linear reduction to 64, tokens of any length weighed by a learned query, linear layer",
        reads: FeatureKind::Tokens,
        reads_letters: false,
        keys: ATTENTION_KEYS,
        build: attention,
        restore: seqprobe_neural::restore,
    },
    preset_family(&preset::TANG_MPRA_CNN),
    preset_family(&preset::TANG_CHIP_CNN),
    preset_family(&preset::TANG_MLP),
    preset_family(&preset::TANG_INSERT_CNN),
    preset_family(&preset::BEND_CNN),
    preset_family(&preset::MPRANN),
    preset_family(&preset::RESNET),
];

/// A network of a publication, which stands in the neural crate with its source and training.
const fn preset_family(preset: &'static Preset) -> ProbeFamily {
    ProbeFamily {
        id: preset.id,
        about: preset.about,
        reads: preset.reads,
        reads_letters: false,
        keys: TRAINING_KEYS,
        build: published,
        restore: seqprobe_neural::restore,
    }
}

/// The probe of an identifier.
pub(crate) fn probe_family(id: &str) -> Option<&'static ProbeFamily> {
    PROBES.iter().find(|family| family.id == id)
}

fn linear(entry: &ProbeEntry) -> Box<dyn Probe> {
    let mut probe = LinearProbe::default();
    if entry.solver.as_deref() == Some("linfa") {
        probe.solver = Solver::Linfa;
    }
    if let Some(penalties) = &entry.penalties {
        probe.penalties.clone_from(penalties);
    }
    if entry.selection.as_deref() == Some("k-fold") {
        let keep = FoldGrouping::ALL.into_iter().find(|keep| Some(keep.as_str()) == entry.fold_by.as_deref());
        probe.selection = Selection::KFold {
            folds: entry.folds.unwrap_or(5),
            grouping: keep.unwrap_or(FoldGrouping::Auto),
        };
    }
    if entry.class_weight.is_some() {
        probe.class_weight = Some(ClassWeight::Balanced);
    }
    Box::new(probe)
}

fn lasso(entry: &ProbeEntry) -> Box<dyn Probe> {
    sparse(ElasticNetProbe::lasso(), entry)
}

fn elastic_net(entry: &ProbeEntry) -> Box<dyn Probe> {
    sparse(ElasticNetProbe::elastic_net(), entry)
}

fn sparse(mut probe: ElasticNetProbe, entry: &ProbeEntry) -> Box<dyn Probe> {
    if entry.solver.as_deref() == Some("linfa") {
        probe.solver = SparseSolver::Linfa;
    }
    if let Some(penalties) = &entry.penalties {
        probe.path.penalties = PenaltyPath::Given(penalties.clone());
    }
    if let Some(l1_ratio) = entry.l1_ratio {
        probe.path.l1_ratio = l1_ratio;
    }
    Box::new(probe)
}

fn dexter(entry: &ProbeEntry) -> Box<dyn Probe> {
    let align = entry.align.as_deref().and_then(Align::parse);
    let mut probe = DexterProbe { align, ..DexterProbe::default() };
    if let Some(penalties) = &entry.penalties {
        probe.path.penalties = PenaltyPath::Given(penalties.clone());
    }
    let search = &mut probe.search;
    search.bins = entry.bins.unwrap_or(search.bins);
    search.longest = entry.longest.unwrap_or(search.longest);
    search.first_length = search.first_length.min(search.longest);
    search.gain = entry.gain.unwrap_or(search.gain);
    search.beam = entry.beam.unwrap_or(search.beam);
    Box::new(probe)
}

fn mlp(entry: &ProbeEntry, reduction: Reduction) -> Box<dyn Probe> {
    let own = MlpSettings::default();
    let training = training_of(entry, &own.training);
    Box::new(MlpProbe::new(MlpSettings { reduction, training, ..own }))
}

fn cnn(entry: &ProbeEntry, reduction: Reduction) -> Box<dyn Probe> {
    let own = CnnSettings::default();
    let training = training_of(entry, &own.training);
    Box::new(CnnProbe::new(CnnSettings { reduction, training, ..own }))
}

fn attention(entry: &ProbeEntry) -> Box<dyn Probe> {
    let own = AttentionSettings::default();
    let training = training_of(entry, &own.training);
    let heads = entry.heads.unwrap_or(own.heads);
    Box::new(AttentionProbe::new(AttentionSettings { heads, training, ..own }))
}

fn published(entry: &ProbeEntry) -> Box<dyn Probe> {
    // Only the lines of presets build this way; the first would stand for an unknown one.
    let mut probe = PresetProbe::new(preset::find(&entry.id).unwrap_or(&preset::TANG_MPRA_CNN));
    probe.training = training_of(entry, &probe.training);
    Box::new(probe)
}

/// A probe's own way of training with what its suite entry says otherwise.
pub(crate) fn training_of(entry: &ProbeEntry, own: &TrainingSettings) -> TrainingSettings {
    TrainingSettings {
        max_epochs: entry.epochs.unwrap_or(own.max_epochs),
        max_steps: entry.steps.unwrap_or(own.max_steps),
        batch_size: entry.batch_size.unwrap_or(own.batch_size),
        learning_rate: entry.learning_rate.unwrap_or(own.learning_rate),
        weight_decay: entry.weight_decay.unwrap_or(own.weight_decay),
        optimiser: entry.optimiser.unwrap_or(own.optimiser),
        schedule: entry.schedule.unwrap_or(own.schedule),
        warm_up_epochs: entry.warm_up_epochs.unwrap_or(own.warm_up_epochs),
        patience: entry.patience.unwrap_or(own.patience),
        clip_norm: entry.clip_norm.or(own.clip_norm),
        loss: entry.loss.unwrap_or(own.loss),
        class_weight: entry.class_weight.or(own.class_weight),
        search: entry.search.or(own.search),
        ..own.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe_entry::check_probe;
    use seqprobe_neural::Search;

    #[test]
    fn training_is_as_the_entry_says() {
        let text = r#"
            id = "cnn"
            batch_size = 16
            learning_rate = 0.01
            weight_decay = 0.1
            optimiser = "adam"
            schedule = "cosine"
            warm_up_epochs = 0.5
            patience = 3
            clip_norm = 1.0
            loss = "poisson"
            class_weight = "balanced"
            search = "small"
        "#;
        let entry: ProbeEntry = toml::from_str(text).unwrap();
        assert!(check_probe(&entry).is_ok());
        let settings = serde_json::to_value(training_of(&entry, &TrainingSettings::default())).unwrap();
        for (key, value) in serde_json::to_value(&entry).unwrap().as_object().unwrap() {
            assert!(key == "id" || settings[key] == *value, "{key}: {}", settings[key]);
        }
        let error = |text: &str| check_probe(&toml::from_str(text).unwrap()).unwrap_err();
        let text = error("id = \"linear\"\nbatch_size = 3");
        assert!(text.starts_with("batch_size does not belong to \"linear\""), "{text}");
        let text = error("id = \"mlp\"\nlearning_rate = 0.0");
        assert!(text.contains("learning_rate is 0, must be a number above 0"), "{text}");
    }

    #[test]
    fn the_keys_of_the_linear_probe_reach_its_settings() {
        let entry = |text: &str| -> ProbeEntry { toml::from_str(&format!("id = 'linear'\n{text}")).unwrap() };
        let probe = |text: &str| linear(&entry(text)).settings();
        assert_eq!(probe(""), linear(&ProbeEntry::default()).settings());
        let folds = probe("selection = 'k-fold'\nfolds = 4\nfold_by = 'chromosome'");
        assert_eq!(folds["folds"], serde_json::json!({ "number": 4, "keep": "chromosome" }));
        assert_eq!(
            probe("selection = 'k-fold'")["folds"],
            serde_json::json!({ "number": 5, "keep": "known" })
        );
        assert_eq!(probe("class_weight = 'balanced'")["class_weight"], "balanced");
        for (text, says) in [
            ("folds = 4", "belong to selection"),
            ("selection = 'k-folds'", "k-fold"),
            ("selection = 'k-fold'\nfolds = 1", "at least 2"),
            ("selection = 'k-fold'\nfold_by = 'groups'", "group"),
        ] {
            let error = crate::probe_entry::check_probe(&entry(text)).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn every_family_builds_what_it_is_named_for() {
        for family in PROBES {
            let entry = ProbeEntry { id: family.id.to_owned(), epochs: Some(3), ..ProbeEntry::default() };
            let probe = (family.build)(&entry);
            assert_eq!(probe.id(), family.id);
            assert_eq!(probe.is_deterministic(), !family.keys.contains(&"epochs"), "{}", family.id);
            let searching = ProbeEntry { search: Some(Search::Small), ..entry };
            let candidates = (family.build)(&searching).candidates();
            assert_eq!(candidates.len(), if probe.is_deterministic() { 0 } else { 6 }, "{}", family.id);
            assert!(candidates.iter().all(|candidate| candidate.probe.id() == family.id));
            assert!(probe.candidates().is_empty());
            let unknown =
                StoredProbe { kind: "nothing".into(), config: serde_json::Value::Null, arrays: Vec::new() };
            assert!((family.restore)(&unknown).is_err(), "{}", family.id);
        }
        assert!(probe_family("cn").is_none());
    }
}
