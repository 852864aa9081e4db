//! The probes that suites may name: one line each, from which planning, listing, building and restoring
//! follow. How a probe fits is in its own crate, and so are its settings.

use crate::suite::error::SuiteProblem;
use crate::suite::file::ProbeEntry;
use seqprobe_core::{FeatureKind, FittedProbe, Probe, ProbeError, SettingsError, StoredProbe, known_keys};
use seqprobe_linear::{
    DexterProbe, DexterSettings, ElasticNetProbe, ElasticNetSettings, LassoSettings, LinearProbe,
    LinearSettings,
};
use seqprobe_neural::{
    AttentionProbe, AttentionProbeSettings, CnnProbe, MlpProbe, NeuralSettings, Preset, PresetProbe,
    Reduction, preset,
};

/// A probe that suites may name.
pub struct ProbeFamily {
    /// Identifier in suites and results.
    pub id: &'static str,
    /// One line that says what it is.
    pub about: &'static str,
    /// What it reads: one vector per sequence, or one per token.
    pub reads: FeatureKind,
    kind: Kind,
}

/// Which code builds and restores a probe.
enum Kind {
    Linear,
    Lasso,
    ElasticNet,
    Dexter,
    Mlp(Reduction),
    Cnn(Reduction),
    Attention,
    Published(&'static Preset),
}

/// A probe of a suite, built from its settings.
pub(crate) struct SuiteProbe {
    pub(crate) family: &'static ProbeFamily,
    pub(crate) probe: Box<dyn Probe>,
}

/// All probes.
pub static PROBES: &[ProbeFamily] = &[
    ProbeFamily {
        id: "linear",
        about: "ridge or logistic regression, penalty chosen on validation",
        reads: FeatureKind::Pooled,
        kind: Kind::Linear,
    },
    ProbeFamily {
        id: "lasso",
        about: "linear or logistic regression that selects features, penalty chosen on validation",
        reads: FeatureKind::Pooled,
        kind: Kind::Lasso,
    },
    ProbeFamily {
        id: "elastic-net",
        about: "like lasso, with part of the penalty on squares; penalty chosen on validation",
        reads: FeatureKind::Pooled,
        kind: Kind::ElasticNet,
    },
    ProbeFamily {
        id: "dexter",
        about: "k-mers in regions of aligned sequences, found greedily and chosen by a lasso (after DExTER, Menichelli et al. 2021)",
        reads: FeatureKind::Tokens,
        kind: Kind::Dexter,
    },
    ProbeFamily {
        id: "mlp",
        about: "linear reduction to 64, two hidden layers, early stopping on validation",
        reads: FeatureKind::Pooled,
        kind: Kind::Mlp(Reduction::Learned),
    },
    ProbeFamily {
        id: "mlp-fixed-projection",
        about: "mlp with a fixed random projection instead of the learned reduction",
        reads: FeatureKind::Pooled,
        kind: Kind::Mlp(Reduction::FixedRandom),
    },
    ProbeFamily {
        id: "cnn",
        about: "linear reduction to 64, convolutions over tokens of any length, early stopping on validation",
        reads: FeatureKind::Tokens,
        kind: Kind::Cnn(Reduction::Learned),
    },
    ProbeFamily {
        id: "cnn-fixed-projection",
        about: "cnn with a fixed random projection instead of the learned reduction",
        reads: FeatureKind::Tokens,
        kind: Kind::Cnn(Reduction::FixedRandom),
    },
    ProbeFamily {
        id: "attention",
        about: "linear reduction to 64, tokens of any length weighted by a learned query, linear layer",
        reads: FeatureKind::Tokens,
        kind: Kind::Attention,
    },
    published(&preset::TANG_MPRA_CNN),
    published(&preset::TANG_CHIP_CNN),
    published(&preset::TANG_MLP),
    published(&preset::TANG_INSERT_CNN),
    published(&preset::BEND_CNN),
    published(&preset::MPRANN),
    published(&preset::RESNET),
];

/// A network of a publication; its source and training are in the neural crate.
const fn published(preset: &'static Preset) -> ProbeFamily {
    ProbeFamily { id: preset.id, about: preset.about, reads: preset.reads, kind: Kind::Published(preset) }
}

/// The probe of an identifier.
pub(crate) fn probe_family(id: &str) -> Option<&'static ProbeFamily> {
    PROBES.iter().find(|family| family.id == id)
}

impl ProbeFamily {
    /// Whether it reads the bases themselves, which only one-hot tokens keep.
    pub(crate) fn reads_bases(&self) -> bool {
        matches!(self.kind, Kind::Dexter)
    }

    /// The keys of its suite entry, without `id`.
    pub fn keys(&self) -> Vec<String> {
        match self.kind {
            Kind::Linear => known_keys::<LinearSettings>(),
            Kind::Lasso => known_keys::<LassoSettings>(),
            Kind::ElasticNet => known_keys::<ElasticNetSettings>(),
            Kind::Dexter => known_keys::<DexterSettings>(),
            Kind::Mlp(_) | Kind::Cnn(_) | Kind::Published(_) => known_keys::<NeuralSettings>(),
            Kind::Attention => known_keys::<AttentionProbeSettings>(),
        }
    }

    /// Builds it from the keys of its suite entry.
    pub(crate) fn build(&self, settings: &toml::Table) -> Result<Box<dyn Probe>, SettingsError> {
        Ok(match self.kind {
            Kind::Linear => Box::new(LinearProbe::from_table(settings)?),
            Kind::Lasso => Box::new(ElasticNetProbe::lasso_from_table(settings)?),
            Kind::ElasticNet => Box::new(ElasticNetProbe::from_table(settings)?),
            Kind::Dexter => Box::new(DexterProbe::from_table(settings)?),
            Kind::Mlp(reduction) => Box::new(MlpProbe::from_table(settings, reduction)?),
            Kind::Cnn(reduction) => Box::new(CnnProbe::from_table(settings, reduction)?),
            Kind::Attention => Box::new(AttentionProbe::from_table(settings)?),
            Kind::Published(preset) => Box::new(PresetProbe::from_table(preset, settings)?),
        })
    }

    /// Restores a fitted one.
    pub(crate) fn restore(&self, stored: &StoredProbe) -> Result<Box<dyn FittedProbe>, ProbeError> {
        match self.kind {
            Kind::Linear | Kind::Lasso | Kind::ElasticNet => seqprobe_linear::restore(stored),
            Kind::Dexter => seqprobe_linear::restore_dexter(stored),
            Kind::Mlp(_) | Kind::Cnn(_) | Kind::Attention | Kind::Published(_) => {
                seqprobe_neural::restore(stored)
            }
        }
    }
}

impl SuiteProbe {
    /// Checks one `[[probe]]` and builds it.
    pub(crate) fn check(entry: &ProbeEntry) -> Result<Self, SuiteProblem> {
        if entry.id.is_empty() {
            return Err(SuiteProblem::NoId);
        }
        let family = probe_family(&entry.id).ok_or_else(|| {
            let known: Vec<&str> = PROBES.iter().map(|family| family.id).collect();
            SuiteProblem::unknown("id", "probe", &entry.id, &known)
        })?;
        let probe = family
            .build(&entry.settings)
            .map_err(|problem| SuiteProblem::Probe { probe: entry.id.clone(), problem })?;
        Ok(Self { family, probe })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<SuiteProbe, SuiteProblem> {
        SuiteProbe::check(&toml::from_str(text).unwrap())
    }

    #[test]
    fn settings_reach_the_probe_and_others_are_refused_with_a_hint() {
        let probe = check("id = 'cnn'\nbatch_size = 16\nschedule = 'cosine'").unwrap().probe;
        assert_eq!(probe.settings()["training"]["batch_size"], 16);
        let folds = check("id = 'linear'\nselection = 'k-fold'\nfolds = 4\nfold_by = 'chromosome'").unwrap();
        let expected = serde_json::json!({ "number": 4, "keep": "chromosome" });
        assert_eq!(folds.probe.settings()["folds"], expected);
        for (text, says) in [
            ("id = 'linear'\nbatch_size = 3", "linear: unknown key \"batch_size\""),
            ("id = 'linear'\nfold = 3", "did you mean \"folds\"?"),
            ("id = 'mlp'\nlearning_rate = 0.0", "learning_rate is 0"),
            ("id = 'cn'", "unknown probe \"cn\"\n  hint: did you mean \"cnn\"?"),
        ] {
            let Err(error) = check(text) else { panic!("{text}") };
            assert!(error.to_string().contains(says), "{error}");
        }
    }

    #[test]
    fn every_family_builds_what_it_is_named_for() {
        for family in PROBES {
            let build = |text: &str| family.build(&text.parse().unwrap());
            let is_neural = family.keys().contains(&"epochs".to_owned());
            let probe = build(if is_neural { "epochs = 3" } else { "" }).unwrap();
            assert_eq!(probe.id(), family.id);
            assert_eq!(probe.is_deterministic(), !is_neural, "{}", family.id);
            assert!(probe.candidates().is_empty());
            if is_neural {
                let candidates = build("search = 'small'").unwrap().candidates();
                assert_eq!(candidates.len(), 6, "{}", family.id);
                assert!(candidates.iter().all(|candidate| candidate.probe.id() == family.id));
            } else {
                assert!(build("search = 'small'").is_err(), "{}", family.id);
            }
            let unknown =
                StoredProbe { kind: "nothing".into(), config: serde_json::Value::Null, arrays: Vec::new() };
            assert!(family.restore(&unknown).is_err(), "{}", family.id);
        }
        assert!(probe_family("cn").is_none());
    }
}
