//! The keys that a suite may give the probe `linear`, their checks, and the probe that they describe.

use crate::linear_probe::options::{FoldGrouping, Selection, Solver};
use crate::linear_probe::probe::LinearProbe;
use crate::prepare::penalties::check_penalty_setting;
use seqprobe_core::{ClassWeight, SettingsError, settings_from_table};
use serde::Deserialize;

/// Folds when a suite gives no number.
const DEFAULT_FOLDS: usize = 5;

/// The keys of the probe `linear`. A key that is left out keeps the default of [`LinearProbe::default`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearSettings {
    /// Who solves the optimisation.
    pub solver: Option<Solver>,
    /// Penalties tried, each above 0.
    pub penalties: Option<Vec<f64>>,
    /// On which rows the penalty is chosen.
    pub selection: Option<SelectionMethod>,
    /// How many folds, at least 2; only with `selection = "k-fold"`.
    pub folds: Option<usize>,
    /// Which rows always share a fold; only with `selection = "k-fold"`.
    pub fold_by: Option<FoldGrouping>,
    /// How much each class counts.
    pub class_weight: Option<ClassWeight>,
}

/// The words of the key `selection`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SelectionMethod {
    /// The validation split.
    Validation,
    /// Folds of the training rows.
    KFold,
}

impl TryFrom<LinearSettings> for LinearProbe {
    type Error = SettingsError;

    fn try_from(settings: LinearSettings) -> Result<Self, SettingsError> {
        let default = Self::default();
        let selection = match settings.selection {
            Some(SelectionMethod::KFold) => Selection::KFold {
                folds: settings.folds.unwrap_or(DEFAULT_FOLDS),
                grouping: settings.fold_by.unwrap_or(FoldGrouping::Auto),
            },
            Some(SelectionMethod::Validation) | None => {
                if settings.folds.is_some() || settings.fold_by.is_some() {
                    return Err(SettingsError::Combination(
                        "folds and fold_by belong to selection = \"k-fold\"\n  \
                         hint: add selection = \"k-fold\" or remove them"
                            .to_owned(),
                    ));
                }
                Selection::Validation
            }
        };
        if let Selection::KFold { folds, .. } = selection
            && folds < 2
        {
            return Err(SettingsError::value("folds", &folds, "a number of at least 2"));
        }
        if let Some(penalties) = &settings.penalties {
            check_penalty_setting(penalties)?;
        }
        Ok(Self {
            solver: settings.solver.unwrap_or(default.solver),
            penalties: settings.penalties.unwrap_or(default.penalties),
            selection,
            class_weight: settings.class_weight,
            ..Self::default()
        })
    }
}

impl LinearProbe {
    /// Reads the keys of one `[[probe]]` of a suite, without its `id`.
    ///
    /// # Errors
    /// [`SettingsError`] for a key that does not exist and for a value that is not allowed.
    pub fn from_table(table: &toml::Table) -> Result<Self, SettingsError> {
        settings_from_table::<LinearSettings>(table)?.try_into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seqprobe_core::{Probe, known_keys};

    fn json(text: &str) -> String {
        LinearProbe::from_table(&text.parse().unwrap()).unwrap().settings().to_string()
    }

    #[test]
    fn the_keys_are_those_of_the_manual() {
        let expected = ["solver", "penalties", "selection", "folds", "fold_by", "class_weight"];
        assert_eq!(known_keys::<LinearSettings>(), expected);
    }

    #[test]
    fn settings_enter_the_cell_key_as_they_always_did() {
        let penalties = "[0.001,0.01,0.1,1.0,10.0,100.0,1000.0,10000.0,100000.0,1000000.0]";
        let default = format!(r#"{{"solver":"exact","penalties":{penalties}}}"#);
        assert_eq!(json(""), default);
        assert_eq!(json("selection = 'validation'\nsolver = 'exact'"), default);
        assert_eq!(
            json("penalties = [1, 2.5]\nsolver = 'linfa'"),
            r#"{"solver":"linfa","penalties":[1.0,2.5]}"#
        );
        assert_eq!(
            json("penalties = [1]\nclass_weight = 'balanced'"),
            r#"{"solver":"exact","penalties":[1.0],"class_weight":"balanced"}"#
        );
        for (keys, folds) in [
            ("", r#"{"number":5,"keep":"known"}"#),
            ("folds = 4\nfold_by = 'row'", r#"{"number":4,"keep":"row"}"#),
            ("fold_by = 'group'", r#"{"number":5,"keep":"group"}"#),
            ("fold_by = 'chromosome'", r#"{"number":5,"keep":"chromosome"}"#),
            ("fold_by = 'known'", r#"{"number":5,"keep":"known"}"#),
        ] {
            let text = json(&format!("penalties = [1]\nselection = 'k-fold'\n{keys}"));
            assert_eq!(text, format!(r#"{{"solver":"exact","penalties":[1.0],"folds":{folds}}}"#));
        }
    }

    #[test]
    fn values_that_are_not_allowed_are_named() {
        for (text, says) in [
            ("folds = 4", "folds and fold_by belong to selection = \"k-fold\"\n  hint: "),
            ("fold_by = 'row'", "folds and fold_by belong to selection"),
            ("selection = 'k-fold'\nfolds = 1", "folds is 1, expected a number of at least 2"),
            (
                "selection = 'k-folds'",
                "selection is \"k-folds\", expected \"validation\" or \"k-fold\"\n  hint: did you",
            ),
            ("selection = 'k-fold'\nfold_by = 'groups'", "fold_by is \"groups\", expected "),
            ("solver = 'sgd'", "solver is \"sgd\", expected \"exact\" or \"linfa\""),
            ("class_weight = 'equal'", "class_weight is \"equal\", expected \"balanced\""),
            ("penalties = []", "penalties is [], expected at least one number above 0"),
            ("penalties = [1, 0]", "penalties is [1.0, 0.0], expected numbers above 0"),
            ("penalties = [inf]", "penalties is [inf], expected numbers above 0"),
            ("batch_size = 3", "unknown key \"batch_size\"\n  hint: the keys are solver, penalties"),
        ] {
            let error = LinearProbe::from_table(&text.parse().unwrap()).unwrap_err().to_string();
            assert!(error.starts_with(says), "{text}: {error}");
        }
    }
}
