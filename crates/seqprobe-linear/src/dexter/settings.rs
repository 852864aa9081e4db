//! The keys that a suite may give the probe `dexter`, their checks, and the probe that they describe.

use crate::dexter::aligned_bases::Align;
use crate::dexter::probe::DexterProbe;
use crate::dexter::regional_kmers::MAX_K;
use crate::prepare::penalties::check_penalty_setting;
use crate::solvers::elastic_net_path::PenaltyPath;
use seqprobe_core::{SettingsError, settings_from_table};
use serde::Deserialize;

/// The keys of the probe `dexter`. A key that is left out keeps the default of [`DexterProbe::default`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DexterSettings {
    /// Penalties of the lasso, each above 0.
    pub penalties: Option<Vec<f64>>,
    /// At which end sequences of unequal length are aligned.
    pub align: Option<Align>,
    /// Equal pieces that the sequences are cut into, at least 1.
    pub bins: Option<usize>,
    /// Bases of the longest k-mers, 1 to 15.
    pub longest: Option<usize>,
    /// What a longer k-mer must add to the absolute correlation of the shorter one, at least 0.
    pub gain: Option<f64>,
    /// How many k-mers of each length are kept and extended, at least 1.
    pub beam: Option<usize>,
}

impl TryFrom<DexterSettings> for DexterProbe {
    type Error = SettingsError;

    fn try_from(settings: DexterSettings) -> Result<Self, SettingsError> {
        let mut probe = Self { align: settings.align, ..Self::default() };
        let search = &mut probe.search;
        search.bins = settings.bins.unwrap_or(search.bins);
        search.longest = settings.longest.unwrap_or(search.longest);
        search.first_length = search.first_length.min(search.longest);
        search.gain = settings.gain.unwrap_or(search.gain);
        search.beam = settings.beam.unwrap_or(search.beam);
        for (key, value) in [("bins", search.bins), ("beam", search.beam)] {
            if value == 0 {
                return Err(SettingsError::value(key, &value, "a number of at least 1"));
            }
        }
        if !(1..=MAX_K).contains(&search.longest) {
            let expected = format!("k-mers of 1 to {MAX_K} bases");
            return Err(SettingsError::value("longest", &search.longest, expected));
        }
        if !(search.gain.is_finite() && search.gain >= 0.0) {
            return Err(SettingsError::value("gain", &search.gain, "a number of at least 0"));
        }
        if let Some(penalties) = settings.penalties {
            check_penalty_setting(&penalties)?;
            probe.path.penalties = PenaltyPath::Given(penalties);
        }
        Ok(probe)
    }
}

impl DexterProbe {
    /// Reads the keys of one `[[probe]]` of a suite, without its `id`.
    ///
    /// # Errors
    /// [`SettingsError`] for a key that does not exist and for a value that is not allowed.
    pub fn from_table(table: &toml::Table) -> Result<Self, SettingsError> {
        settings_from_table::<DexterSettings>(table)?.try_into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seqprobe_core::{Probe, known_keys};

    #[test]
    fn settings_enter_the_cell_key_as_they_always_did() {
        let json =
            |text: &str| DexterProbe::from_table(&text.parse().unwrap()).unwrap().settings().to_string();
        let path = r#"{"l1_ratio":1.0,"penalties":{"automatic":100},"tolerance":1e-10}"#;
        assert_eq!(
            json(""),
            format!(
                concat!(
                    r#"{{"bins":13,"first_length":2,"longest":10,"gain":0.005,"beam":64,"#,
                    r#""least_rows":20,"align":null,"path":{path}}}"#
                ),
                path = path
            )
        );
        assert_eq!(
            json("align = 'right'\nbins = 1\nlongest = 1\ngain = 0\nbeam = 3\npenalties = [2]"),
            concat!(
                r#"{"bins":1,"first_length":1,"longest":1,"gain":0.0,"beam":3,"least_rows":20,"align":"right","#,
                r#""path":{"l1_ratio":1.0,"penalties":[2.0],"tolerance":1e-10}}"#
            )
        );
        assert!(json("align = 'left'").contains(r#""align":"left","#));
    }

    #[test]
    fn values_that_are_not_allowed_are_named() {
        let keys = ["penalties", "align", "bins", "longest", "gain", "beam"];
        assert_eq!(known_keys::<DexterSettings>(), keys);
        for (text, says) in [
            ("bins = 0", "bins is 0, expected a number of at least 1"),
            ("beam = 0", "beam is 0, expected a number of at least 1"),
            ("longest = 0", "longest is 0, expected k-mers of 1 to 15 bases"),
            ("longest = 16", "longest is 16, expected k-mers of 1 to 15 bases"),
            ("gain = -0.1", "gain is -0.1, expected a number of at least 0"),
            ("align = 'centre'", "align is \"centre\", expected \"left\" or \"right\""),
            ("penalties = []", "penalties is [], expected at least one number above 0"),
        ] {
            let error = DexterProbe::from_table(&text.parse().unwrap()).unwrap_err().to_string();
            assert_eq!(error, says, "{text}");
        }
    }
}
