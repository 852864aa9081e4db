//! The list of Python names that a pickle may use. A name outside the list is an error. A name in the list only
//! means its entry here: no Python object is ever looked up or called.

use safetensors::Dtype;

/// The meaning of a name of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Global {
    /// `collections.OrderedDict`, `defaultdict`: a dictionary.
    Dictionary,
    /// `torch._utils._rebuild_tensor` and `_rebuild_tensor_v2`.
    RebuildTensor,
    /// `torch._utils._rebuild_tensor_v3`: the element type is an argument.
    RebuildTypedTensor,
    /// `torch._utils._rebuild_parameter` and `_rebuild_parameter_with_state`.
    RebuildParameter,
    /// `torch._tensor._rebuild_from_type_v2`: a tensor with attributes.
    RebuildFromType,
    /// `torch.Tensor`, `torch.nn.parameter.Parameter`.
    TensorClass,
    /// `torch.FloatStorage` and the like.
    Storage(Dtype),
    /// `torch.storage.UntypedStorage`: bytes.
    UntypedStorage,
    /// `torch.float32` and the like.
    ElementType(Dtype),
    /// `torch.Size`: a tuple.
    Size,
    /// A class whose values are plain data: sets, complex numbers, bytes, devices. The values are skipped.
    Data,
    /// A class that may be named, as in `defaultdict(list)`, but not called.
    Named,
}

/// Module, name, meaning.
const GLOBALS: &[(&str, &str, Global)] = &[
    ("collections", "OrderedDict", Global::Dictionary),
    ("collections", "defaultdict", Global::Dictionary),
    ("collections", "Counter", Global::Data),
    ("torch._utils", "_rebuild_tensor", Global::RebuildTensor),
    ("torch._utils", "_rebuild_tensor_v2", Global::RebuildTensor),
    ("torch._utils", "_rebuild_tensor_v3", Global::RebuildTypedTensor),
    ("torch._utils", "_rebuild_parameter", Global::RebuildParameter),
    ("torch._utils", "_rebuild_parameter_with_state", Global::RebuildParameter),
    ("torch._tensor", "_rebuild_from_type_v2", Global::RebuildFromType),
    ("torch", "Tensor", Global::TensorClass),
    ("torch.nn.parameter", "Parameter", Global::TensorClass),
    ("torch", "BoolStorage", Global::Storage(Dtype::BOOL)),
    ("torch", "ByteStorage", Global::Storage(Dtype::U8)),
    ("torch", "CharStorage", Global::Storage(Dtype::I8)),
    ("torch", "ShortStorage", Global::Storage(Dtype::I16)),
    ("torch", "IntStorage", Global::Storage(Dtype::I32)),
    ("torch", "LongStorage", Global::Storage(Dtype::I64)),
    ("torch", "HalfStorage", Global::Storage(Dtype::F16)),
    ("torch", "BFloat16Storage", Global::Storage(Dtype::BF16)),
    ("torch", "FloatStorage", Global::Storage(Dtype::F32)),
    ("torch", "DoubleStorage", Global::Storage(Dtype::F64)),
    ("torch", "ComplexFloatStorage", Global::Storage(Dtype::C64)),
    ("torch.storage", "UntypedStorage", Global::UntypedStorage),
    ("torch", "bool", Global::ElementType(Dtype::BOOL)),
    ("torch", "uint8", Global::ElementType(Dtype::U8)),
    ("torch", "int8", Global::ElementType(Dtype::I8)),
    ("torch", "int16", Global::ElementType(Dtype::I16)),
    ("torch", "uint16", Global::ElementType(Dtype::U16)),
    ("torch", "int32", Global::ElementType(Dtype::I32)),
    ("torch", "uint32", Global::ElementType(Dtype::U32)),
    ("torch", "int64", Global::ElementType(Dtype::I64)),
    ("torch", "uint64", Global::ElementType(Dtype::U64)),
    ("torch", "float8_e4m3fn", Global::ElementType(Dtype::F8_E4M3)),
    ("torch", "float8_e5m2", Global::ElementType(Dtype::F8_E5M2)),
    ("torch", "float16", Global::ElementType(Dtype::F16)),
    ("torch", "bfloat16", Global::ElementType(Dtype::BF16)),
    ("torch", "float32", Global::ElementType(Dtype::F32)),
    ("torch", "float64", Global::ElementType(Dtype::F64)),
    ("torch", "complex64", Global::ElementType(Dtype::C64)),
    ("torch", "Size", Global::Size),
    ("torch", "device", Global::Data),
    ("torch.serialization", "_get_layout", Global::Data),
    ("_codecs", "encode", Global::Data),
    ("builtins", "set", Global::Data),
    ("builtins", "frozenset", Global::Data),
    ("builtins", "bytearray", Global::Data),
    ("builtins", "complex", Global::Data),
    ("builtins", "dict", Global::Named),
    ("builtins", "list", Global::Named),
    ("builtins", "int", Global::Named),
    ("builtins", "float", Global::Named),
    ("builtins", "bool", Global::Named),
    ("builtins", "str", Global::Named),
];

/// Returns the entry of a name. Protocol 2 writes `__builtin__` for `builtins`.
pub(super) fn find(module: &str, name: &str) -> Option<Global> {
    let module = if module == "__builtin__" { "builtins" } else { module };
    GLOBALS.iter().find(|entry| entry.0 == module && entry.1 == name).map(|entry| entry.2)
}
