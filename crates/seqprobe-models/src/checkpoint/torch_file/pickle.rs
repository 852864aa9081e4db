//! Reads the pickle of a `torch.save` file: the names of its tensors and the place of each in its storage.
//!
//! A pickle is a program, and Python's own reader runs it. This reader knows a fixed list of names, builds plain
//! values, and runs nothing. Any other name is an error. The storages are not read here.

mod error;
mod globals;
mod machine;
mod objects;

pub use error::PickleError;
use machine::Pickle;
use objects::Value;
use safetensors::Dtype;
use std::collections::HashSet;

/// The most bytes of a pickle. About a hundred for each tensor are usual. Memory is at most a fixed multiple of it.
pub const MAX_PICKLE: usize = 16 << 20;

/// The most dimensions a tensor may have.
pub const MAX_DIMENSIONS: usize = 16;

/// Keys under which training code stores the parameters, next to other data.
const NESTED_UNDER: [&str; 3] = ["state_dict", "model_state_dict", "model"];

/// Levels of nested dictionaries that are searched.
const MAX_LEVELS: usize = 3;

/// A tensor as the pickle describes it. Whether its storage is long enough is checked later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PickledTensor {
    /// Its name.
    pub name: String,
    /// Element type.
    pub dtype: Dtype,
    /// Name of its storage.
    pub storage: String,
    /// Bytes that the storage should have.
    pub storage_bytes: usize,
    /// Elements before the first one.
    pub offset: usize,
    /// Sizes of the dimensions.
    pub shape: Vec<usize>,
    /// Elements from one index to the next, for each dimension.
    pub strides: Vec<usize>,
}

/// Reads the tensors of a pickled state dictionary, in the order of the file. Dictionaries under `state_dict`,
/// `model_state_dict` and `model` are searched too. Other data (numbers, text, containers of them) is skipped.
///
/// # Errors
/// [`PickleError`] for a name outside the list, a pickle that `torch.save` would not write, and a pickle without
/// named tensors.
pub fn read(bytes: &[u8]) -> Result<Vec<PickledTensor>, PickleError> {
    if bytes.len() > MAX_PICKLE {
        let problem = format!("it has {} bytes, at most {MAX_PICKLE} are read", bytes.len());
        return Err(PickleError::Malformed { place: 0, problem });
    }
    let pickle = machine::run(bytes)?;
    let mut dictionary = pickle.root;
    for _ in 0..MAX_LEVELS {
        let Some(nested) = NESTED_UNDER.iter().find_map(|key| inner_dictionary(&pickle, dictionary, key))
        else {
            break;
        };
        dictionary = nested;
    }
    let mut names = HashSet::new();
    let mut tensors = Vec::new();
    for (key, value) in objects::entries(dictionary, &pickle.objects).unwrap_or_default() {
        let Some(tensor) = objects::tensor(*value, &pickle.objects) else { continue };
        let Value::Text(name) = key else {
            let found = "tensors under keys that are not text".to_owned();
            return Err(PickleError::NoTensors { found });
        };
        let name = name.of(bytes);
        let problem =
            |problem: &str| PickleError::Tensor { name: name.to_owned(), problem: problem.to_owned() };
        if !names.insert(name) {
            return Err(problem("exists twice"));
        }
        tensors.push(described(&pickle, name, tensor).map_err(problem)?);
    }
    if tensors.is_empty() {
        return Err(PickleError::NoTensors { found: found(&pickle, dictionary) });
    }
    Ok(tensors)
}

fn inner_dictionary(pickle: &Pickle<'_>, outer: Value, wanted: &str) -> Option<Value> {
    let entries = objects::entries(outer, &pickle.objects)?;
    // As in Python, the last of several equal keys is used.
    let (_, value) = entries.iter().rev().find(|(key, _)| match key {
        Value::Text(text) => text.of(pickle.bytes) == wanted,
        _ => false,
    })?;
    objects::entries(*value, &pickle.objects).map(|_| *value)
}

fn described(
    pickle: &Pickle<'_>,
    name: &str,
    tensor: &objects::Tensor,
) -> Result<PickledTensor, &'static str> {
    let sizes = |value: Value, problem: &'static str| -> Result<Vec<usize>, &'static str> {
        let items = objects::items(value, &pickle.objects).ok_or(problem)?;
        if items.len() > MAX_DIMENSIONS {
            return Err("has more than 16 dimensions");
        }
        let size = |item: &Value| match item {
            Value::Integer(number) => usize::try_from(*number).map_err(|_| problem),
            _ => Err(problem),
        };
        items.iter().map(size).collect()
    };
    let shape = sizes(tensor.shape, "its shape is not a tuple of sizes")?;
    let strides = sizes(tensor.strides, "its strides are not a tuple of numbers from 0")?;
    if shape.len() != strides.len() {
        return Err("its shape and strides have different lengths");
    }
    let offset = match tensor.offset {
        Value::Integer(number) => usize::try_from(number).map_err(|_| "its offset is negative")?,
        _ => return Err("its offset is not a number"),
    };
    let storage_bits =
        tensor.storage.dtype.map_or(8, |dtype| dtype.bitsize()).checked_mul(tensor.storage.length);
    Ok(PickledTensor {
        name: name.to_owned(),
        dtype: tensor.dtype,
        storage: tensor.storage.key.of(pickle.bytes).to_owned(),
        storage_bytes: storage_bits.ok_or("its storage is too long")? / 8,
        offset,
        shape,
        strides,
    })
}

/// Describes the content of a pickle without named tensors, for the error.
fn found(pickle: &Pickle<'_>, dictionary: Value) -> String {
    if objects::tensor(dictionary, &pickle.objects).is_some() {
        return "one tensor without a name".to_owned();
    }
    let Some(entries) = objects::entries(dictionary, &pickle.objects) else {
        return "something that is not a dictionary".to_owned();
    };
    let keys: Vec<String> = entries
        .iter()
        .take(5)
        .map(|(key, _)| match key {
            Value::Text(text) => format!("{:?}", text.of(pickle.bytes).chars().take(40).collect::<String>()),
            _ => "one that is not text".to_owned(),
        })
        .collect();
    if keys.is_empty() { "an empty dictionary".to_owned() } else { format!("the keys {}", keys.join(", ")) }
}
