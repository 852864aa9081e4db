//! The probes that suites may name: one line each, from which planning, listing, building and restoring
//! follow. How a probe fits stands in its own crate.

use crate::probe_entry::ProbeEntry;
use seqprobe_core::{FeatureKind, FittedProbe, Probe, ProbeError, StoredProbe};
use seqprobe_linear::{LinearProbe, Solver};
use seqprobe_neural::{CnnProbe, MlpProbe, TrainingSettings};

/// A probe as the program knows it.
pub(crate) struct ProbeFamily {
    /// Identifier in suites and results.
    pub(crate) id: &'static str,
    /// One line saying what it is.
    pub(crate) about: &'static str,
    /// What it reads: one vector per sequence, or one per token.
    pub(crate) reads: FeatureKind,
    /// Keys of its suite entry beside `id`.
    pub(crate) keys: &'static [&'static str],
    /// Builds it from its checked suite entry.
    pub(crate) build: fn(&ProbeEntry) -> Box<dyn Probe>,
    /// Restores a fitted one.
    pub(crate) restore: fn(&StoredProbe) -> Result<Box<dyn FittedProbe>, ProbeError>,
}

/// All probes.
pub(crate) static PROBES: &[ProbeFamily] = &[
    ProbeFamily {
        id: "linear",
        about: "ridge or logistic regression, penalty chosen on validation",
        reads: FeatureKind::Pooled,
        keys: &["solver", "penalties"],
        build: linear,
        restore: seqprobe_linear::restore,
    },
    ProbeFamily {
        id: "mlp",
        about: "two hidden layers, early stopping on validation",
        reads: FeatureKind::Pooled,
        keys: &["epochs", "steps"],
        build: mlp,
        restore: seqprobe_neural::restore,
    },
    ProbeFamily {
        id: "cnn",
        about: "convolutions over tokens of any length, early stopping on validation",
        reads: FeatureKind::Tokens,
        keys: &["epochs", "steps"],
        build: cnn,
        restore: seqprobe_neural::restore,
    },
];

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
    Box::new(probe)
}

fn mlp(entry: &ProbeEntry) -> Box<dyn Probe> {
    let mut probe = MlpProbe::default();
    bound_training(entry, &mut probe.settings.training);
    Box::new(probe)
}

fn cnn(entry: &ProbeEntry) -> Box<dyn Probe> {
    let mut probe = CnnProbe::default();
    bound_training(entry, &mut probe.settings.training);
    Box::new(probe)
}

fn bound_training(entry: &ProbeEntry, training: &mut TrainingSettings) {
    if let Some(epochs) = entry.epochs {
        training.max_epochs = epochs;
    }
    if let Some(steps) = entry.steps {
        training.max_steps = steps;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_builds_what_it_is_named_for() {
        for family in PROBES {
            let entry = ProbeEntry { id: family.id.to_owned(), epochs: Some(3), ..ProbeEntry::default() };
            let probe = (family.build)(&entry);
            assert_eq!(probe.id(), family.id);
            assert_eq!(probe.is_deterministic(), !family.keys.contains(&"epochs"), "{}", family.id);
            let unknown =
                StoredProbe { kind: "nothing".into(), config: serde_json::Value::Null, arrays: Vec::new() };
            assert!((family.restore)(&unknown).is_err(), "{}", family.id);
        }
        assert!(probe_family("cn").is_none());
    }
}
