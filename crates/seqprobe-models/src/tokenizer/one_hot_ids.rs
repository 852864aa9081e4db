//! One token per base for models that read one-hot sequences: A 0, C 1, G 2, T 3, N 4, nothing added. There is no
//! file to read. Padding is N, whose one-hot vector is all zeros.

use super::contract::{Tokenizer, TokenizerKind};
use crate::batch::Tokens;
use crate::error::ModelError;
use crate::folder::config_file::ConfigFile;
use seqprobe_core::digest::DigestBuilder;
use seqprobe_core::{Digest, DnaSequence};
use std::path::Path;

pub(super) const ONE_HOT_IDS: TokenizerKind = TokenizerKind {
    id: "nucleotides",
    former_ids: &[],
    title: "single bases as A C G T N = 0 1 2 3 4, nothing added, no file",
    read: read_one_hot_ids,
};

/// Bases that have a one-hot channel. N comes after them.
pub(crate) const N_CHANNELS: i64 = 4;

/// Ids run from 0 to below this number.
pub(crate) const N_ONE_HOT_IDS: usize = N_CHANNELS as usize + 1;

/// Returns the tokenizer; folder and config are not used.
///
/// # Errors
/// None.
pub(crate) fn read_one_hot_ids(_: &Path, _: &ConfigFile) -> Result<Box<dyn Tokenizer>, ModelError> {
    Ok(Box::new(OneHotIds))
}

struct OneHotIds;

impl Tokenizer for OneHotIds {
    fn pad_id(&self) -> i64 {
        N_CHANNELS
    }

    fn largest_id(&self) -> i64 {
        N_CHANNELS
    }

    fn digest(&self) -> Digest {
        DigestBuilder::new("nucleotides v1").finish()
    }

    fn tokenize(&self, sequence: &DnaSequence) -> Result<Tokens, ModelError> {
        let ids: Vec<i64> = sequence.codes().map(i64::from).collect();
        let special = vec![false; ids.len()];
        Ok(Tokens { ids, special })
    }
}
