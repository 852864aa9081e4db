//! What libtorch's own libraries are told: they read it from the environment when they start, and in no other way.

/// Variables and what they are set to where the user has not set them.
const SETTINGS: [(&str, &str); 2] = [
    // NVIDIA's libraries: convolutions and products of 32-bit floats are not rounded to 10 bits (TF32), so that the
    // embeddings of a card and of a processor are the same beyond rounding.
    ("NVIDIA_TF32_OVERRIDE", "0"),
    // oneDNN: compiled convolutions that are kept, one per shape of a batch. 1,024 of them took 120 MB; a model has some
    // ten in a batch, and neighbours in length share theirs.
    ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32"),
];

/// Sets what is not set. To be called before any thread is started.
pub(crate) fn tell_libraries() {
    for (name, value) in SETTINGS {
        if std::env::var_os(name).is_none() {
            #[expect(unsafe_code, reason = "a library loaded later can be told in no other way")]
            // SAFETY: called first in `main`, when no other thread can be reading the environment.
            unsafe {
                std::env::set_var(name, value);
            }
        }
    }
}
