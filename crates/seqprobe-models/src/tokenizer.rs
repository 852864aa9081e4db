//! From sequences to token ids: the contract, and the registry of tokenizers. The vocabulary is always the checkpoint's
//! own file or a rule that its authors wrote down.
//!
//! A tokenizer does not cut long sequences.

mod adjacent_kmers;
mod byte_pair;
mod contract;
mod kmer_rows;
mod kmers;
mod nucleotide_ids;
mod one_hot_ids;
mod rnabert;
mod single_bases;
mod vocabulary;

pub(crate) use adjacent_kmers::read_adjacent_kmers;
pub use byte_pair::BytePairTokenizer;
pub(crate) use byte_pair::{read_byte_pairs, read_byte_pairs_or_kmers};
pub use contract::{ReadTokenizer, Tokenizer, TokenizerKind};
pub(crate) use kmer_rows::{KmerRows, read_kmer_rows};
pub(crate) use kmers::read_kmers;
pub use kmers::{AddedTokens, KmerTokenizer};
pub use nucleotide_ids::NucleotideIds;
pub(crate) use one_hot_ids::{N_CHANNELS, N_ONE_HOT_IDS, read_one_hot_ids};
pub(crate) use rnabert::{RNABERT_VOCABULARY, read_rnabert_bases};
pub(crate) use single_bases::{read_bases_cls_sep, read_bases_sep};

/// All kinds of tokenizers.
pub static TOKENIZERS: &[TokenizerKind] = &[
    kmers::KMERS,
    kmers::KMERS_CLS_SEP,
    byte_pair::BYTE_PAIRS,
    kmer_rows::KMER_ROWS,
    single_bases::BASES_CLS_SEP,
    single_bases::BASES_SEP,
    one_hot_ids::ONE_HOT_IDS,
    rnabert::RNABERT_BASES,
    adjacent_kmers::SIX_MERS,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_names_of_its_own() {
        let names: Vec<&str> =
            TOKENIZERS.iter().flat_map(|kind| kind.former_ids.iter().chain([&kind.id])).copied().collect();
        for name in &names {
            assert_eq!(TOKENIZERS.iter().filter(|kind| kind.has_name(name)).count(), 1, "{name}");
        }
        assert!(names.contains(&"words-cls-sep"), "manifests of earlier versions are still read");
    }
}
