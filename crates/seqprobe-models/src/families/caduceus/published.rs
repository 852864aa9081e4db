//! The six checkpoints of Caduceus. Sizes are those of the architecture, shared tensors counted once, and
//! agree with the 470 thousand, 1.9 million and 7.7 million of the paper. The input length is not limited: 1k and
//! 131k are the lengths of the training sequences.

use crate::families::published::PublishedModel;

pub(super) const PUBLISHED: &[PublishedModel] = &[
    model(
        "caduceus-ph-1k-d118",
        "kuleshov-group/caduceus-ph_seqlen-1k_d_model-118_n_layer-4_lr-8e-3",
        470_702,
        4,
        118,
    ),
    model(
        "caduceus-ps-1k-d118",
        "kuleshov-group/caduceus-ps_seqlen-1k_d_model-118_n_layer-4_lr-8e-3",
        470_702,
        4,
        2 * 118,
    ),
    model(
        "caduceus-ph-1k",
        "kuleshov-group/caduceus-ph_seqlen-1k_d_model-256_n_layer-4_lr-8e-3",
        1_934_592,
        4,
        256,
    ),
    model(
        "caduceus-ps-1k",
        "kuleshov-group/caduceus-ps_seqlen-1k_d_model-256_n_layer-4_lr-8e-3",
        1_934_592,
        4,
        2 * 256,
    ),
    model(
        "caduceus-ph-131k",
        "kuleshov-group/caduceus-ph_seqlen-131k_d_model-256_n_layer-16",
        7_725_312,
        16,
        256,
    ),
    model(
        "caduceus-ps-131k",
        "kuleshov-group/caduceus-ps_seqlen-131k_d_model-256_n_layer-16",
        7_725_312,
        16,
        2 * 256,
    ),
];

const fn model(
    id: &'static str,
    repository: &'static str,
    n_parameters: u64,
    layers: u32,
    hidden: u32,
) -> PublishedModel {
    PublishedModel {
        id,
        repository,
        n_parameters: Some(n_parameters),
        layers,
        hidden,
        max_tokens: None,
        tokenizer: "single bases",
        licence: Some("Apache-2.0"),
        source: "Schiff et al. 2024, arXiv:2403.03234",
    }
}
