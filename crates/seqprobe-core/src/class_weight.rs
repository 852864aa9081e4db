//! How much the rows of each class count in a fit.

use serde::{Deserialize, Serialize};

/// How much the rows of each class count in a fit. A probe without one counts every row the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeight {
    /// Every class counts the same: each row weighs rows / (classes · rows of its class), in the objective and in the
    /// validation loss. Predicted probabilities are then those of equally frequent classes.
    Balanced,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_word_is_the_one_of_suites_and_stored_settings() {
        assert_eq!(serde_json::to_string(&ClassWeight::Balanced).unwrap(), "\"balanced\"");
        assert_eq!(serde_json::from_str::<ClassWeight>("\"balanced\"").unwrap(), ClassWeight::Balanced);
        assert!(serde_json::from_str::<ClassWeight>("\"equal\"").is_err());
    }
}
