//! Tests of the repository itself: manifests, rules for files, and the script that prepares libtorch. None
//! needs the built program.

mod circles;
mod direction;
mod files;
mod invariants;
mod links;
mod markdown;
mod prepare_libtorch;
mod schemas;
mod terms;

use std::path::PathBuf;

/// The root of the repository.
fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Every Markdown document that git holds, without its code blocks.
fn documents() -> Vec<markdown::Document> {
    let texts = files::texts(&[".md"]).into_iter();
    texts
        .map(|(path, text)| markdown::Document { path, lines: markdown::outside_code_blocks(&text) })
        .collect()
}
