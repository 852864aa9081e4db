//! The tokens of a static k-mer table: overlapping k-mers with stride 1, whose ids are rows of the table. A k-mer
//! with N has the null row. No token is added, and there is no vocabulary file: `config.json` says how the rows are
//! numbered.

use super::contract::{Tokenizer, TokenizerKind};
use crate::batch::Tokens;
use crate::error::ModelError;
use crate::folder::config_file::ConfigFile;
use seqprobe_core::digest::DigestBuilder;
use seqprobe_core::{Digest, DnaSequence};
use std::path::Path;

pub(super) const KMER_ROWS: TokenizerKind = TokenizerKind {
    id: "kmer-rows",
    former_ids: &[],
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

/// More than all 8-mers and any rows before them, so that a wrong number never allocates a huge table.
const MAX_ROWS: u64 = 1_000_000;

/// How the rows of a k-mer table are numbered.
#[derive(Clone, Debug)]
pub(crate) struct KmerRows {
    k: usize,
    /// Place of A, C, G and T in the table's order of bases.
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
        let places = b"ACGT".map(|base| order.bytes().position(|other| other == base));
        let [Some(a), Some(c), Some(g), Some(t)] = places else {
            return Err(Self::order_error(config));
        };
        if order.len() != 4 {
            return Err(Self::order_error(config));
        }
        let row = |key: &str| match config.value(key).map(serde_json::Value::as_u64) {
            Some(Some(row @ 0..=MAX_ROWS)) => Ok(row as usize),
            _ => Err(config.error(format!(
                "key {key:?} is missing or not a row, expected a whole number from 0 to {MAX_ROWS}"
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
        config.error(format!("key \"order\" is {got}, expected the order of bases, for example \"acgt\""))
    }

    /// The number of rows of the table.
    pub(crate) fn n_rows(&self) -> usize {
        (self.first_row + 4_usize.pow(self.k as u32)).max(self.null_row + 1)
    }

    /// The row of k-mers with N.
    pub(crate) fn null_row(&self) -> usize {
        self.null_row
    }

    /// All four settings, for a digest.
    pub(crate) fn settings(&self) -> (usize, [usize; 4], usize, usize) {
        (self.k, self.places, self.first_row, self.null_row)
    }

    /// The text of the settings that the digest covers. It must stay the same, or cached embeddings are lost.
    fn digest_text(&self) -> String {
        let Self { k, places: [a, c, g, t], first_row, null_row } = self;
        format!("k-mer rows ({k}, [{a}, {c}, {g}, {t}], {first_row}, {null_row})")
    }

    fn row(&self, kmer: &[u8]) -> usize {
        let code = kmer.iter().try_fold(0, |code, base| {
            let place = b"ACGT".iter().zip(self.places).find(|(known, _)| *known == base)?.1;
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
        builder.part(self.digest_text().as_bytes());
        builder.finish()
    }

    fn tokenize(&self, sequence: &DnaSequence) -> Result<Tokens, ModelError> {
        if sequence.len() < self.k {
            return Err(ModelError::TooShort { bases: sequence.len(), k: self.k });
        }
        let ids: Vec<i64> = sequence.as_bytes().windows(self.k).map(|kmer| self.row(kmer) as i64).collect();
        let special = vec![false; ids.len()];
        Ok(Tokens { ids, special })
    }
}

#[cfg(test)]
mod tests {
    use super::KmerRows;

    #[test]
    fn the_digest_text_never_changes() {
        let rows = KmerRows { k: 6, places: [0, 1, 3, 2], first_row: 1, null_row: 0 };
        assert_eq!(rows.digest_text(), "k-mer rows (6, [0, 1, 3, 2], 1, 0)");
    }
}
