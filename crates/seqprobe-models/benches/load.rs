//! Loading a BERT of 100 million parameters (400 MB of f32) compared with reading its file into a buffer: time
//! and peak memory. Every measurement is a new process, so that none profits from another. The
//! file is in the page cache. Linux only: the numbers are the kernel's (`VmHWM`).

use seqprobe_core::Seed;
use seqprobe_models::{LoadOptions, Precision, Weights, create, open_model};
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const RUNS: usize = 7;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "read", folder] => read(Path::new(folder)),
        [_, "load", folder] => load(Path::new(folder)),
        _ => compare(),
    }
}

fn compare() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::TempDir::new()?;
    create::bert(folder.path(), 6, 14, 768, 12, Seed(1))?;
    let n_bytes = std::fs::metadata(folder.path().join("model.safetensors"))?.len() as f64;
    let (mut reads, mut loads, mut memories) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        reads.push(measure("read", folder.path())?.0);
        let (seconds, memory) = measure("load", folder.path())?;
        loads.push(seconds);
        memories.push(memory / n_bytes);
    }
    let (read, load) = (median(&mut reads), median(&mut loads));
    let memory = memories.into_iter().fold(0.0, f64::max);
    writeln!(
        std::io::stdout(),
        "model.safetensors of {:.0} MB, medians of {RUNS} runs: reading {:.0} ms, loading {:.0} ms, ratio {:.2}; \
         fastest: {:.0} and {:.0} ms; largest peak memory over the program's own: {memory:.3} × the file",
        n_bytes / 1e6,
        read * 1e3,
        load * 1e3,
        load / read,
        reads[0] * 1e3,
        loads[0] * 1e3,
    )?;
    Ok(())
}

/// Sorts; there is at least one run.
fn median(seconds: &mut [f64]) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// Seconds and bytes that a process of its own says.
fn measure(what: &str, folder: &Path) -> Result<(f64, f64), Box<dyn Error>> {
    let output = Command::new(std::env::current_exe()?).arg(what).arg(folder).output()?;
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match numbers.as_slice() {
        &[seconds, bytes] if output.status.success() => Ok((seconds, bytes)),
        _ => Err(format!("{what}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

fn read(folder: &Path) -> Result<(), Box<dyn Error>> {
    let before = peak_memory()?;
    let start = Instant::now();
    let bytes = std::fs::read(folder.join("model.safetensors"))?;
    let seconds = start.elapsed().as_secs_f64();
    std::hint::black_box(bytes);
    writeln!(std::io::stdout(), "{seconds} {}", peak_memory()? - before)?;
    Ok(())
}

fn load(folder: &Path) -> Result<(), Box<dyn Error>> {
    let options = LoadOptions {
        weights: Weights::Pretrained,
        precision: Precision::F32,
        device: tch::Device::Cpu,
        allow_code: false,
    };
    // The program's own memory: libtorch and its threads, as after loading a small model.
    let small = tempfile::TempDir::new()?;
    create::bert(small.path(), 3, 1, 8, 2, Seed(1))?;
    open_model(small.path(), options)?;
    let before = peak_memory()?;
    let start = Instant::now();
    let model = open_model(folder, options)?;
    let seconds = start.elapsed().as_secs_f64();
    std::hint::black_box(&model);
    writeln!(std::io::stdout(), "{seconds} {}", peak_memory()? - before)?;
    Ok(())
}

/// Returns the peak memory of this process so far, in bytes.
fn peak_memory() -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? * 1024.0)
}
