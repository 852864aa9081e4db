//! Any bytes as the pickle of a state dictionary: no panic, and memory within a multiple of the pickle.
#![no_main]

// The reader's own files; the rest of the crate needs libtorch.
#[path = "../../src/checkpoint"]
mod checkpoint {
    pub mod layout;
    pub mod torch_file;
}

use checkpoint::torch_file::pickle;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for tensor in pickle::read(bytes).unwrap_or_default() {
        assert!(tensor.shape.len() == tensor.strides.len(), "{tensor:?}");
        assert!(tensor.shape.len() <= pickle::MAX_DIMENSIONS, "{tensor:?}");
    }
});
