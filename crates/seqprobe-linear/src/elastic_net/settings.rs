//! The keys that a suite may give the probes `lasso` and `elastic-net`, and the probes that they describe.

use crate::elastic_net::options::SparseSolver;
use crate::elastic_net::probe::ElasticNetProbe;
use crate::prepare::penalties::check_penalty_setting;
use crate::solvers::elastic_net_path::PenaltyPath;
use seqprobe_core::{SettingsError, settings_from_table};
use serde::Deserialize;

/// The keys of the probe `lasso`. A key that is left out keeps the default of [`ElasticNetProbe::lasso`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LassoSettings {
    /// Who solves the optimisation.
    pub solver: Option<SparseSolver>,
    /// Penalties tried, each above 0.
    pub penalties: Option<Vec<f64>>,
}

/// The keys of the probe `elastic-net`. A key that is left out keeps the default of [`ElasticNetProbe::elastic_net`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElasticNetSettings {
    /// Who solves the optimisation.
    pub solver: Option<SparseSolver>,
    /// Penalties tried, each above 0.
    pub penalties: Option<Vec<f64>>,
    /// Share of the penalty on absolute values, above 0 and at most 1.
    pub l1_ratio: Option<f64>,
}

impl TryFrom<LassoSettings> for ElasticNetProbe {
    type Error = SettingsError;

    fn try_from(settings: LassoSettings) -> Result<Self, SettingsError> {
        with_settings(Self::lasso(), settings.solver, settings.penalties, None)
    }
}

impl TryFrom<ElasticNetSettings> for ElasticNetProbe {
    type Error = SettingsError;

    fn try_from(settings: ElasticNetSettings) -> Result<Self, SettingsError> {
        with_settings(Self::elastic_net(), settings.solver, settings.penalties, settings.l1_ratio)
    }
}

impl ElasticNetProbe {
    /// Reads the keys of one `[[probe]]` of a suite with the id `elastic-net`, without its `id`.
    ///
    /// # Errors
    /// [`SettingsError`] for a key that does not exist and for a value that is not allowed.
    pub fn from_table(table: &toml::Table) -> Result<Self, SettingsError> {
        settings_from_table::<ElasticNetSettings>(table)?.try_into()
    }

    /// Reads the keys of one `[[probe]]` of a suite with the id `lasso`, without its `id`.
    ///
    /// # Errors
    /// As [`Self::from_table`].
    pub fn lasso_from_table(table: &toml::Table) -> Result<Self, SettingsError> {
        settings_from_table::<LassoSettings>(table)?.try_into()
    }
}

fn with_settings(
    mut probe: ElasticNetProbe,
    solver: Option<SparseSolver>,
    penalties: Option<Vec<f64>>,
    l1_ratio: Option<f64>,
) -> Result<ElasticNetProbe, SettingsError> {
    if let Some(solver) = solver {
        probe.solver = solver;
    }
    if let Some(penalties) = penalties {
        check_penalty_setting(&penalties)?;
        probe.path.penalties = PenaltyPath::Given(penalties);
    }
    if let Some(l1_ratio) = l1_ratio {
        if !(l1_ratio > 0.0 && l1_ratio <= 1.0) {
            return Err(SettingsError::value(
                "l1_ratio",
                &l1_ratio,
                "a number above 0 and at most 1\n  hint: without an L1 penalty use the probe linear",
            ));
        }
        probe.path.l1_ratio = l1_ratio;
    }
    Ok(probe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use seqprobe_core::{Probe, known_keys};

    fn json(probe: &ElasticNetProbe) -> String {
        probe.settings().to_string()
    }

    #[test]
    fn the_keys_are_those_of_the_manual() {
        assert_eq!(known_keys::<LassoSettings>(), ["solver", "penalties"]);
        assert_eq!(known_keys::<ElasticNetSettings>(), ["solver", "penalties", "l1_ratio"]);
    }

    #[test]
    fn settings_enter_the_cell_key_as_they_always_did() {
        let lasso = |text: &str| ElasticNetProbe::lasso_from_table(&text.parse().unwrap()).unwrap();
        let net = |text: &str| ElasticNetProbe::from_table(&text.parse().unwrap()).unwrap();
        assert_eq!((lasso("").id(), net("").id()), ("lasso", "elastic-net"));
        assert_eq!(
            json(&lasso("")),
            r#"{"solver":"exact","path":{"l1_ratio":1.0,"penalties":{"automatic":100},"tolerance":1e-10}}"#
        );
        assert_eq!(
            json(&lasso("solver = 'linfa'\npenalties = [0.5, 1]")),
            r#"{"solver":"linfa","path":{"l1_ratio":1.0,"penalties":[0.5,1.0],"tolerance":1e-10}}"#
        );
        assert_eq!(
            json(&net("solver = 'exact'\nl1_ratio = 0.25")),
            r#"{"solver":"exact","path":{"l1_ratio":0.25,"penalties":{"automatic":100},"tolerance":1e-10}}"#
        );
        assert_eq!(
            json(&net("")),
            r#"{"solver":"exact","path":{"l1_ratio":0.5,"penalties":{"automatic":100},"tolerance":1e-10}}"#
        );
    }

    #[test]
    fn values_that_are_not_allowed_are_named() {
        for (text, says) in [
            (
                "l1_ratio = 0",
                "l1_ratio is 0, expected a number above 0 and at most 1\n  hint: without an L1 penalty",
            ),
            ("l1_ratio = 1.5", "l1_ratio is 1.5, expected a number above 0 and at most 1"),
            ("l1_ratio = nan", "l1_ratio is NaN, expected"),
            ("penalties = []", "penalties is [], expected at least one number above 0"),
            ("penalties = [-1]", "penalties is [-1.0], expected numbers above 0"),
            (
                "solver = 'exakt'",
                "solver is \"exakt\", expected \"exact\" or \"linfa\"\n  hint: did you mean \"exact\"?",
            ),
        ] {
            let error = ElasticNetProbe::from_table(&text.parse().unwrap()).unwrap_err().to_string();
            assert!(error.starts_with(says), "{text}: {error}");
        }
        let error = ElasticNetProbe::lasso_from_table(&"l1_ratio = 0.5".parse().unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "unknown key \"l1_ratio\"\n  hint: the keys are solver, penalties");
    }
}
