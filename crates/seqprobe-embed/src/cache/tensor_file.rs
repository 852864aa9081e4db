//! The head of a safetensors file whose values are written afterwards, one after another.

use serde_json::{Map, Value, json};

/// Largest header that readers of the format accept.
pub(crate) const MAX_HEADER_BYTES: usize = 100_000_000;

/// Values start at a multiple of this, so that readers can map them.
const ALIGNMENT: usize = 64;

/// Name, type and shape of one tensor.
pub(crate) struct TensorHead {
    pub(crate) name: &'static str,
    pub(crate) dtype: &'static str,
    pub(crate) shape: Vec<u64>,
    /// Bytes of one value.
    pub(crate) width: u64,
}

impl TensorHead {
    pub(crate) fn bytes(&self) -> u64 {
        self.shape.iter().product::<u64>() * self.width
    }
}

/// The bytes before the first tensor: length, JSON header, spaces up to the alignment. The tensors must follow
/// without gaps, in the same order.
pub(crate) fn file_head(metadata: &[(&str, String)], tensors: &[TensorHead]) -> Vec<u8> {
    let texts: Map<String, Value> =
        metadata.iter().map(|(name, text)| ((*name).to_owned(), Value::String(text.clone()))).collect();
    let mut header = Map::new();
    header.insert("__metadata__".to_owned(), Value::Object(texts));
    let mut start = 0;
    for tensor in tensors {
        let end = start + tensor.bytes();
        let entry = json!({"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": [start, end]});
        header.insert(tensor.name.to_owned(), entry);
        start = end;
    }
    let mut text = Value::Object(header).to_string().into_bytes();
    let length = (8 + text.len()).next_multiple_of(ALIGNMENT) - 8;
    text.resize(length, b' ');
    let mut head = (length as u64).to_le_bytes().to_vec();
    head.append(&mut text);
    head
}
