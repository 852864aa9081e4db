//! libtorch's messages as sentences: without its stack of C++ functions, and with what to do where memory ran out.

const MEMORY: &str = "\n  hint: read long sequences in windows (--window SIZE, or window in the suite), or use a \
    machine with more memory";

/// The sentence for a message of libtorch.
///
/// ```
/// let text = "Internal torch error: [enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate \
///     memory: you tried to allocate 75161927680 bytes. Error code 12 (Cannot allocate memory)\nframe #0: c10::Throw";
/// assert!(seqprobe_core::torch_text::sentence(text).starts_with("not enough memory: 70.0 GiB were asked for"));
/// ```
pub fn sentence(message: &str) -> String {
    let text = message.strip_prefix("Internal torch error: ").unwrap_or(message);
    let text = text.split("\nException raised from").next().unwrap_or(text);
    let text = text.split("\nframe #").next().unwrap_or(text).trim();
    if let Some((_, rest)) = text.split_once("you tried to allocate ") {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        if let Ok(bytes) = digits.parse::<u64>() {
            let gib = bytes as f64 / (1_u64 << 30) as f64;
            return format!("not enough memory: {gib:.1} GiB were asked for{MEMORY}");
        }
    }
    if text.contains("CUDA out of memory") || text.contains("CUDA error: out of memory") {
        return format!("not enough memory on the GPU{MEMORY}");
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn the_stack_of_functions_is_left_out_and_memory_has_a_hint() {
        assert_eq!(
            sentence("sizes differ: 3 and 4\nframe #0: f (0x1 in lib.so)\nframe #1: g"),
            "sizes differ: 3 and 4"
        );
        assert_eq!(
            sentence("Internal torch error: bad\nException raised from f at x.cpp:1\nframe #0: g"),
            "bad"
        );
        assert!(sentence("CUDA out of memory. Tried to allocate 2.00 GiB").contains("on the GPU\n  hint: "));
        assert!(sentence("you tried to allocate bytes") == "you tried to allocate bytes");
    }
}
