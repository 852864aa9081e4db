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
    "apa-variants",
    "azimuth",
    "bend-chromatin-accessibility",
    "bend-cpg-methylation",
    "bend-histone-modification",
    "ctcf-pu1",
    "dart-eval-cell-types",
    "fastutr-mpra",
    "genomic-benchmarks-demo-coding-vs-intergenomic-seqs",
    "genomic-benchmarks-demo-human-or-worm",
    "genomic-benchmarks-drosophila-enhancers-stark",
    "genomic-benchmarks-dummy-mouse-enhancers-ensembl",
    "genomic-benchmarks-human-enhancers-cohn",
    "genomic-benchmarks-human-enhancers-ensembl",
    "genomic-benchmarks-human-ensembl-regulatory",
    "genomic-benchmarks-human-nontata-promoters",
    "genomic-benchmarks-human-ocr-ensembl",
    "gue-emp-h3",
    "gue-emp-h3-full",
    "gue-emp-h3k14ac",
    "gue-emp-h3k36me3",
    "gue-emp-h3k4me1",
    "gue-emp-h3k4me2",
    "gue-emp-h3k4me3",
    "gue-emp-h3k79me3",
    "gue-emp-h3k9ac",
    "gue-emp-h4",
    "gue-emp-h4ac",
    "gue-mouse-0",
    "gue-mouse-1",
    "gue-mouse-2",
    "gue-mouse-3",
    "gue-mouse-4",
    "gue-prom-300-all",
    "gue-prom-300-notata",
    "gue-prom-300-tata",
    "gue-prom-core-all",
    "gue-prom-core-notata",
    "gue-prom-core-tata",
    "gue-splice",
    "gue-splice-full",
    "gue-tf-0",
    "gue-tf-1",
    "gue-tf-2",
    "gue-tf-3",
    "gue-tf-4",
    "gue-virus-covid",
    "ienhancer",
    "nt-enhancers",
    "nt-enhancers-types",
    "nt-h3",
    "nt-h3k14ac",
    "nt-h3k36me3",
    "nt-h3k4me1",
    "nt-h3k4me2",
    "nt-h3k4me3",
    "nt-h3k79me3",
    "nt-h3k9ac",
    "nt-h4",
    "nt-h4ac",
    "nt-promoter-all",
    "nt-promoter-no-tata",
    "nt-promoter-tata",
    "nt-splice-sites-acceptors",
    "nt-splice-sites-all",
    "nt-splice-sites-donors",
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
