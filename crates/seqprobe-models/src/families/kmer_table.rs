//! Static k-mer vectors, for example dna2vec (Ng 2017, arXiv:1701.06279): each overlapping k-mer has one row of a
//! table, independent of its context. This is the cheapest pretrained representation, and a baseline for models
//! that read context.
//!
//! Such tables are not published in Hugging Face layout, so the `config.json` is this program's own:
//! `{"model_type": "kmer-table", "k": 6, "hidden_size": 100, "table": "dna2vec-6mer.npy", "order": "acgt",
//! "first_row": 1, "null_row": 0}`. The table is a `.npy` file in the same folder or, without `table`, the tensor
//! `embeddings.weight` of `model.safetensors`. There are no blocks: layer 0 is the last.

use crate::batch::TokenBatch;
use crate::encoder::EncoderSpec;
use crate::error::ModelError;
use crate::families::family::{Claim, Family, LoadedEncoder};
use crate::families::published::PublishedModel;
use crate::folder::config_file::ConfigFile;
use crate::folder::npy_table::NpyTable;
use crate::layers::layer_plan::{Kept, LayerPlan};
use crate::layers::network::Network;
use crate::layers::packing::check_batch;
use crate::parameters::Parameters;
use crate::parameters::initialise::Initialisation;
use crate::parameters::tensor_names::TensorNames;
use crate::tokenizer::{KmerRows, read_kmer_rows};
use seqprobe_core::{Digest, LayerIndex};
use std::path::{Component, Path};
use tch::{Device, Kind, Tensor};

pub(super) const FAMILY: Family = Family {
    id: "kmer-table",
    title: "static vectors of overlapping k-mers, such as dna2vec",
    model_types: &["kmer-table"],
    architectures: &[],
    claim: Claim::Always,
    tensors: TensorNames { prefixes: &[""], probe: TABLE, ignored: &[] },
    tokenizer: read_kmer_rows,
    published: PUBLISHED,
    head: None,
    load,
};

const PUBLISHED: &[PublishedModel] = &[];

/// Raised whenever the same weights and tokens would give other values.
const VERSION: u32 = 1;

/// Name of the only parameter.
pub(crate) const TABLE: &str = "embeddings.weight";

/// Reads the table that a config names; `None` if it is in `model.safetensors`.
///
/// # Errors
/// [`ModelError::Config`] for a name that is not a file of the folder, and as [`NpyTable::read`].
pub(crate) fn read_table(folder: &Path, file: &ConfigFile) -> Result<Option<NpyTable>, ModelError> {
    if file.text("model_type") != Some(FAMILY.id) {
        return Ok(None);
    }
    let Some(value) = file.value("table") else {
        return Ok(None);
    };
    let name = value.as_str().map(Path::new);
    match name.map(|name| name.components().collect::<Vec<_>>()).as_deref() {
        Some([Component::Normal(name)]) => NpyTable::read(&folder.join(name)).map(Some),
        _ => Err(file.error(format!(
            "key \"table\" is {value}, expected the name of a .npy file in the folder of config.json"
        ))),
    }
}

/// Settings that change values.
#[derive(serde::Serialize)]
struct Config {
    rows: (usize, [usize; 4], usize, usize),
    hidden_size: usize,
}

struct KmerTable {
    device: Device,
    n_rows: usize,
    /// `[rows, hidden]`
    table: Tensor,
}

fn load(file: &ConfigFile, parameters: &mut Parameters) -> Result<LoadedEncoder, ModelError> {
    let rows = KmerRows::read(file)?;
    let hidden_size = file.size("hidden_size")?;
    // dna2vec is trained by word2vec of gensim, which starts uniform within half of 1 / width.
    let start = Initialisation::Uniform { bound: 0.5 / hidden_size as f64 };
    let table = parameters.take(TABLE, &[rows.n_rows(), hidden_size], start)?;
    if parameters.is_random() {
        let _zeroed = table.f_narrow(0, rows.null_row() as i64, 1)?.f_zero_()?;
    }
    let spec = EncoderSpec {
        family: FAMILY.id,
        n_blocks: 0,
        hidden: hidden_size,
        max_tokens: None,
        has_final_norm: false,
        has_cls: false,
        state_stride: 1,
        n_parameters: parameters.n_values(),
        version: VERSION,
    };
    let config = Config { rows: rows.settings(), hidden_size };
    let config_digest = Digest::of_value(&config).map_err(|error| file.error(error.to_string()))?;
    let n_rows = rows.n_rows();
    let network = KmerTable { device: parameters.device(), n_rows, table };
    Ok(LoadedEncoder { spec, network: Box::new(network), config_digest, vocab_size: n_rows })
}

impl Network for KmerTable {
    fn forward(
        &self,
        spec: &EncoderSpec,
        batch: &TokenBatch,
        layers: &[LayerIndex],
    ) -> Result<Kept, ModelError> {
        let mut plan = LayerPlan::new(spec, layers)?;
        check_batch(batch, self.n_rows, spec.max_tokens)?;
        let (n_sequences, n_tokens) = batch.ids.dim();
        let ids: Vec<i64> = batch.ids.iter().copied().collect();
        let ids = Tensor::f_from_slice(&ids)?.f_to_device_(self.device, Kind::Int64, false, false)?;
        let sizes = [n_sequences as i64, n_tokens as i64, spec.hidden as i64];
        plan.keep(0, || Ok(self.table.f_index_select(0, &ids)?.f_reshape(sizes)?))?; // [batch, tokens, hidden]
        Ok(plan.finish())
    }
}
