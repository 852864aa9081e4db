//! Settings of libtorch's own libraries, which read them only from the environment when they start.

/// Variables and what they are set to where the user has not set them.
const SETTINGS: [(&str, &str); 2] = [
    // NVIDIA's libraries: convolutions and products of 32-bit floats are not rounded to 10 bits (TF32), so that the
    // embeddings of a GPU and of a CPU differ only by rounding.
    ("NVIDIA_TF32_OVERRIDE", "0"),
    // oneDNN: compiled convolutions that are kept, one per shape of a batch. 1,024 of them took 120 MB; a model needs about
    // ten per batch, and batches of similar lengths share them.
    ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32"),
];

/// Sets what is not set. To be called before any thread is started.
pub(crate) fn set_library_defaults() {
    for (name, value) in SETTINGS {
        if std::env::var_os(name).is_none() {
            #[expect(unsafe_code, reason = "a library that is loaded later has no other setting")]
            // SAFETY: called first in `main`, when no other thread can be reading the environment.
            unsafe {
                std::env::set_var(name, value);
            }
        }
    }
}
