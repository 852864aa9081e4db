//! The cards of the folder `datasets`, which are part of the program. Their data are not.

use super::Card;
use crate::error::DataError;
use std::path::PathBuf;

/// A dataset card that is part of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BundledCard {
    /// Its id.
    pub id: &'static str,
    /// The card as TOML.
    pub text: &'static str,
}

macro_rules! cards {
    ($($id:literal),* $(,)?) => {
        &[$(BundledCard {
            id: $id,
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../datasets/", $id, ".toml")),
        }),*]
    };
}

/// Every file of the folder `datasets`, sorted by id; a test compares the two.
static BUNDLED: &[BundledCard] = cards![
    "azimuth",
    "ctcf-pu1",
    "fastutr-mpra",
    "gue-emp-h3",
    "gue-mouse-0",
    "gue-prom-300-tata",
    "gue-prom-core-all",
    "gue-prom-core-tata",
    "gue-splice",
    "gue-tf-0",
    "ienhancer",
];

/// The cards that are part of the program, sorted by id.
pub fn bundled_cards() -> &'static [BundledCard] {
    BUNDLED
}

impl BundledCard {
    /// Reads and checks the card. Its data files are looked for in the working folder and the data folders.
    ///
    /// # Errors
    /// [`DataError`] when the text is not a card of this version.
    pub fn card(&self) -> Result<Card, DataError> {
        Card::parse(self.text, &format!("bundled card {}", self.id), PathBuf::new())
    }
}
