//! The seven checkpoints of HyenaDNA. The list has the `-hf` repositories, because they contain
//! `model.safetensors`. Sizes are those of the architecture and agree with the table of the paper. The token limit
//! is the length of the training sequences plus the two tokens that the first files add.

use crate::families::published::PublishedModel;

pub(super) const PUBLISHED: &[PublishedModel] = &[
    model("hyenadna-tiny-1k", "LongSafari/hyenadna-tiny-1k-seqlen-hf", 436_096, 2, 128, 1_026),
    model("hyenadna-tiny-1k-d256", "LongSafari/hyenadna-tiny-1k-seqlen-d256-hf", 1_641_088, 2, 256, 1_026),
    model("hyenadna-tiny-16k", "LongSafari/hyenadna-tiny-16k-seqlen-d128-hf", 436_096, 2, 128, 16_386),
    model("hyenadna-small-32k", "LongSafari/hyenadna-small-32k-seqlen-hf", 3_277_568, 4, 256, 32_770),
    model("hyenadna-medium-160k", "LongSafari/hyenadna-medium-160k-seqlen-hf", 6_550_528, 8, 256, 160_002),
    model("hyenadna-medium-450k", "LongSafari/hyenadna-medium-450k-seqlen-hf", 6_550_528, 8, 256, 450_002),
    model("hyenadna-large-1m", "LongSafari/hyenadna-large-1m-seqlen-hf", 6_550_528, 8, 256, 1_000_002),
];

const fn model(
    id: &'static str,
    repository: &'static str,
    n_parameters: u64,
    layers: u32,
    hidden: u32,
    max_tokens: u32,
) -> PublishedModel {
    PublishedModel {
        id,
        repository,
        n_parameters: Some(n_parameters),
        layers,
        hidden,
        max_tokens: Some(max_tokens),
        tokenizer: "single bases",
        licence: Some("BSD-3-Clause"),
        source: "Nguyen et al. 2023, arXiv:2306.15794",
    }
}
