//! Facts about a published checkpoint: its size, the repository of its weights, its licence. The lists are in the files
//! of their families. Nothing here reads or downloads a file.

/// A checkpoint that its authors published on the Hugging Face hub.
///
/// A number that could not be confirmed from the authors' own files or paper is `None`, never a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedModel {
    /// Identifier that suites and commands may use in place of the repository: `dnabert-6`.
    pub id: &'static str,
    /// Repository on the hub: `owner/name`.
    pub repository: &'static str,
    /// Number of parameters of the encoder.
    pub n_parameters: Option<u64>,
    /// Blocks.
    pub layers: u32,
    /// Values per token.
    pub hidden: u32,
    /// The most tokens, added ones included; `None` if there is no limit.
    pub max_tokens: Option<u32>,
    /// The kind of tokens: `6-mers, stride 1`, `single bases`, `byte pairs`, ….
    pub tokenizer: &'static str,
    /// Licence of the weights, by its SPDX identifier if it has one.
    pub licence: Option<&'static str>,
    /// Paper or repository that describes it.
    pub source: &'static str,
}
