//! Any bytes as a file of `torch.save`: no panic, and every tensor within the file.
#![no_main]

// The reader's own files; the rest of the crate needs libtorch.
#[path = "../../src/checkpoint"]
mod checkpoint {
    pub mod layout;
    pub mod torch_file;
}

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    for layout in checkpoint::torch_file::read(file).unwrap_or_default() {
        assert!(layout.span().end <= file.len(), "{layout:?}");
        let end = layout.n_bytes().min(1 << 12) / 16 * 16;
        assert_eq!(layout.bytes(file, 0..end, &mut Vec::new()).len(), end, "{layout:?}");
    }
});
