//! The tokens of a static k-mer table: overlapping k-mers with stride 1, each id the row of the table. A
//! k-mer with N has the null row. Nothing is added, and there is no vocabulary file: `config.json` says how
//! the rows are numbered.

use super::{Tokenizer, TokenizerKind};
use crate::batch::Tokens;
use crate::config_file::ConfigFile;
use crate::error::ModelError;
use seqprobe_core::digest::DigestBuilder;
use seqprobe_core::{Digest, DnaSequence};
use std::path::Path;

pub(super) const KMER_ROWS: TokenizerKind = TokenizerKind {
    id: "kmer-rows",
    title: "overlapping k-mers as rows of a table, numbered as config.json says",
    read: read_kmer_rows,
};

/// Reads the numbering from `config.json`.
///
/// # Errors
/// As [`KmerRows::read`].
pub(crate) fn read_kmer_rows(_: &Path, config: &ConfigFile) -> Result<Box<dyn Tokenizer>, ModelError> {
    Ok(Box::new(KmerRows::read(config)?))
}

/// More than all 8-mers and anything in front of them; a table is never allocated by a slip of the pen.
const MOST_ROWS: u64 = 1_000_000;

/// How the rows of a k-mer table are numbered.
#[derive(Clone, Debug)]
pub(crate) struct KmerRows {
    k: usize,
    /// Place of A, C, G and T in the table's order of letters.
    places: [usize; 4],
    first_row: usize,
    null_row: usize,
}

impl KmerRows {
    /// Keys: `k` (1 to 8), `order` (a permutation of `acgt`), `first_row` (that of the first k-mer) and
    /// `null_row` (that of k-mers with N).
    ///
    /// # Errors
    /// [`ModelError::Config`] naming the key.
    pub(crate) fn read(config: &ConfigFile) -> Result<Self, ModelError> {
        let k = config.size("k")?;
        if k > 8 {
            return Err(config.error(format!("key \"k\" is {k}, expected 1 to 8")));
        }
        let order = config.text("order").unwrap_or_default().to_ascii_uppercase();
        let places = b"ACGT".map(|letter| order.bytes().position(|other| other == letter));
        let [Some(a), Some(c), Some(g), Some(t)] = places else {
            return Err(Self::order_error(config));
        };
        if order.len() != 4 {
            return Err(Self::order_error(config));
        }
        let row = |key: &str| match config.value(key).map(serde_json::Value::as_u64) {
            Some(Some(row @ 0..=MOST_ROWS)) => Ok(row as usize),
            _ => Err(config.error(format!(
                "key {key:?} is missing or no row, expected a whole number from 0 to {MOST_ROWS}"
            ))),
        };
        let rows = Self { k, places: [a, c, g, t], first_row: row("first_row")?, null_row: row("null_row")? };
        if (rows.first_row..rows.first_row + 4_usize.pow(k as u32)).contains(&rows.null_row) {
            return Err(config.error(format!(
                "key \"null_row\" is {}, which is the row of a {k}-mer, expected another",
                rows.null_row
            )));
        }
        Ok(rows)
    }

    fn order_error(config: &ConfigFile) -> ModelError {
        let got = config.value("order").map_or("missing".to_owned(), |value| format!("{value}"));
        config.error(format!("key \"order\" is {got}, expected the order of letters, for example \"acgt\""))
    }

    /// Rows of the table.
    pub(crate) fn n_rows(&self) -> usize {
        (self.first_row + 4_usize.pow(self.k as u32)).max(self.null_row + 1)
    }

    /// Row of k-mers with N.
    pub(crate) fn null_row(&self) -> usize {
        self.null_row
    }

    /// All four, for a digest.
    pub(crate) fn settings(&self) -> (usize, [usize; 4], usize, usize) {
        (self.k, self.places, self.first_row, self.null_row)
    }

    fn row(&self, word: &[u8]) -> usize {
        let code = word.iter().try_fold(0, |code, letter| {
            let place = b"ACGT".iter().zip(self.places).find(|(known, _)| *known == letter)?.1;
            Some(4 * code + place)
        });
        code.map_or(self.null_row, |code| self.first_row + code)
    }
}

impl Tokenizer for KmerRows {
    fn pad_id(&self) -> i64 {
        self.null_row as i64
    }

    fn largest_id(&self) -> i64 {
        self.n_rows() as i64 - 1
    }

    fn digest(&self) -> Digest {
        let mut builder = DigestBuilder::new("tokenizer v1");
        builder.part(format!("k-mer rows {:?}", self.settings()).as_bytes());
        builder.finish()
    }

    fn tokenize(&self, sequence: &DnaSequence) -> Result<Tokens, ModelError> {
        if sequence.len() < self.k {
            return Err(ModelError::TooShort { letters: sequence.len(), k: self.k });
        }
        let ids: Vec<i64> = sequence.as_bytes().windows(self.k).map(|word| self.row(word) as i64).collect();
        let special = vec![false; ids.len()];
        Ok(Tokens { ids, special })
    }
}
