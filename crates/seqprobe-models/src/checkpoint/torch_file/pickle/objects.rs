//! Values of a pickle, and the results of the few known names for their arguments.

use super::globals::Global;
use safetensors::Dtype;
use thiserror::Error;

/// Bytes of the pickle, 0-based, half-open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    pub(super) fn bytes_of(self, pickle: &[u8]) -> &[u8] {
        pickle.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// Text that was checked to be UTF-8 when it was read.
    pub(super) fn of(self, pickle: &[u8]) -> &str {
        std::str::from_utf8(self.bytes_of(pickle)).unwrap_or_default()
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    None,
    Bool(bool),
    Integer(i64),
    Text(Span),
    Global(Global),
    /// Number of an object.
    Object(u32),
    /// Floats, bytes, sets: plain data that is not needed.
    Data,
}

#[derive(Debug)]
pub(super) enum Object {
    List(Vec<Value>),
    Tuple(Vec<Value>),
    Dictionary(Vec<(Value, Value)>),
    Storage(Storage),
    Tensor(Box<Tensor>),
}

/// A member of the archive and its element type; `None` for plain bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Storage {
    pub(super) dtype: Option<Dtype>,
    pub(super) key: Span,
    /// Elements, or bytes if there is no type.
    pub(super) length: usize,
}

/// A view of a storage. Its numbers are checked when the tensor is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tensor {
    pub(super) dtype: Dtype,
    pub(super) storage: Storage,
    pub(super) offset: Value,
    pub(super) shape: Value,
    pub(super) strides: Value,
}

/// The result of a call: an existing value or a new object.
pub(super) enum Made {
    Value(Value),
    Object(Object),
}

/// A call that is refused.
#[derive(Debug, Error)]
pub(super) enum RefusedCall {
    #[error("{0:?} is called in a way torch.save does not use")]
    Unusual(Global),
    #[error("a tensor is made of a storage that has no element type")]
    Untyped,
    #[error("a tensor is marked {0:?}, which is not supported")]
    Marked(String),
}

fn object(value: Value, objects: &[Object]) -> Option<&Object> {
    match value {
        Value::Object(index) => objects.get(index as usize),
        _ => None,
    }
}

/// Items of a tuple or list.
pub(super) fn items(value: Value, objects: &[Object]) -> Option<&[Value]> {
    match object(value, objects)? {
        Object::Tuple(items) | Object::List(items) => Some(items),
        _ => None,
    }
}

/// Entries of a dictionary.
pub(super) fn entries(value: Value, objects: &[Object]) -> Option<&[(Value, Value)]> {
    match object(value, objects)? {
        Object::Dictionary(entries) => Some(entries),
        _ => None,
    }
}

/// A tensor.
pub(super) fn tensor(value: Value, objects: &[Object]) -> Option<&Tensor> {
    match object(value, objects)? {
        Object::Tensor(tensor) => Some(tensor),
        _ => None,
    }
}

/// The storage behind `("storage", type, key, device, length)`.
pub(super) fn storage(id: Value, objects: &[Object], pickle: &[u8]) -> Result<Object, &'static str> {
    let expected = "expected a storage: (\"storage\", type, key, device, length)";
    let (head, rest) = items(id, objects).and_then(|items| items.split_at_checked(5)).ok_or(expected)?;
    let &[Value::Text(kind), Value::Global(class), Value::Text(key), _, Value::Integer(length)] = head else {
        return Err(expected);
    };
    if kind.of(pickle) != "storage" {
        return Err(expected);
    }
    if rest.iter().any(|item| !matches!(item, Value::None)) {
        return Err("a storage is a view of another one, as in files from before PyTorch 0.4");
    }
    let dtype = match class {
        Global::Storage(dtype) => Some(dtype),
        Global::UntypedStorage => None,
        _ => return Err(expected),
    };
    let length = usize::try_from(length).map_err(|_| "a storage has a negative length")?;
    Ok(Object::Storage(Storage { dtype, key, length }))
}

/// Returns the result of a known name for its arguments.
pub(super) fn call(
    global: Global,
    arguments: Value,
    objects: &[Object],
    pickle: &[u8],
) -> Result<Made, RefusedCall> {
    let unusual = || RefusedCall::Unusual(global);
    let Some(Object::Tuple(arguments)) = object(arguments, objects) else {
        return Err(unusual());
    };
    match (global, arguments.as_slice()) {
        (Global::Dictionary, [] | [Value::Global(_) | Value::None]) => {
            Ok(Made::Object(Object::Dictionary(Vec::new())))
        }
        // Python 2 passes a list of pairs.
        (Global::Dictionary, [list]) => {
            let pair = |item: &Value| match items(*item, objects) {
                Some(&[key, value]) => Some((key, value)),
                _ => None,
            };
            let pairs = items(*list, objects).and_then(|list| list.iter().map(pair).collect());
            Ok(Made::Object(Object::Dictionary(pairs.ok_or_else(unusual)?)))
        }
        (Global::RebuildTensor, &[storage, offset, shape, strides, ref rest @ ..]) => {
            let Some(&Object::Storage(storage)) = object(storage, objects) else {
                return Err(unusual());
            };
            let Some(dtype) = storage.dtype else {
                return Err(RefusedCall::Untyped);
            };
            check_not_lazy(rest.get(2), objects, pickle)?;
            Ok(Made::Object(Object::Tensor(Box::new(Tensor { dtype, storage, offset, shape, strides }))))
        }
        (
            Global::RebuildTypedTensor,
            &[
                storage,
                offset,
                shape,
                strides,
                _,
                _,
                Value::Global(Global::ElementType(dtype)),
                ref rest @ ..,
            ],
        ) => {
            let Some(&Object::Storage(storage)) = object(storage, objects) else {
                return Err(unusual());
            };
            check_not_lazy(rest.first(), objects, pickle)?;
            Ok(Made::Object(Object::Tensor(Box::new(Tensor { dtype, storage, offset, shape, strides }))))
        }
        (Global::RebuildParameter | Global::TensorClass, &[data, ..]) if tensor(data, objects).is_some() => {
            Ok(Made::Value(data))
        }
        (
            Global::RebuildFromType,
            &[Value::Global(rebuild), Value::Global(Global::TensorClass), arguments, _],
        ) if rebuild != Global::RebuildFromType => call(rebuild, arguments, objects, pickle),
        (Global::Size, &[sizes]) if items(sizes, objects).is_some() => Ok(Made::Value(sizes)),
        (Global::Data, _) => Ok(Made::Value(Value::Data)),
        _ => Err(unusual()),
    }
}

/// Refuses a tensor that is marked as the conjugate or the negative of the stored values.
fn check_not_lazy(metadata: Option<&Value>, objects: &[Object], pickle: &[u8]) -> Result<(), RefusedCall> {
    let Some(marks) = metadata.and_then(|metadata| entries(*metadata, objects)) else {
        return Ok(());
    };
    let set = marks.iter().find_map(|(key, value)| match (key, value) {
        (_, Value::Bool(false)) => None,
        (Value::Text(name), _) => Some(name.of(pickle)),
        _ => Some("?"),
    });
    match set {
        Some(mark) => Err(RefusedCall::Marked(mark.to_owned())),
        None => Ok(()),
    }
}
