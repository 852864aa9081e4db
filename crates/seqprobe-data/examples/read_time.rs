//! Reads a file of sequences and prints the time: `cargo run --release -p seqprobe-data --example read_time -- FILE`.
#![expect(clippy::print_stdout, reason = "an example")]

use seqprobe_data::{DataError, FileLayout, read_sequences};

fn main() -> Result<(), DataError> {
    for path in std::env::args_os().skip(1) {
        let start = std::time::Instant::now();
        let read = read_sequences(path.as_ref(), &FileLayout::default())?;
        println!("{} rows, {:.3} s", read.ids.len(), start.elapsed().as_secs_f64());
    }
    Ok(())
}
