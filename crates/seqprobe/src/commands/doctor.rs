//! `seqprobe doctor`: what the program found on this machine, and one tensor product as proof.

use crate::cli::PathArgs;
use crate::exit::{ExitCode, Failure};
use crate::output::print_line;
use seqprobe_models::hub::HubSettings;
use seqprobe_study::{LIBTORCH_VERSION, cuda_devices, device_name, processor};
use std::path::Path;
use std::time::Instant;
use tch::Device;

/// Side of the square matrices that are multiplied.
const SIDE: i64 = 1024;

pub(crate) fn run(folders: &PathArgs) -> Result<(), Failure> {
    let mut lines = vec![
        format!("program    seqprobe {} ({})", env!("CARGO_PKG_VERSION"), env!("SEQPROBE_COMMIT")),
        libtorch(),
        format!("processor  {}", processor()),
        format!(
            "threads    {} cores, libtorch uses {}, rayon uses {}",
            std::thread::available_parallelism().map_or(1, usize::from),
            tch::get_num_threads(),
            rayon::current_num_threads()
        ),
        format!(
            "devices    cpu, {}",
            match cuda_devices() {
                Ok(n) => format!("{n} cuda"),
                Err(reason) => format!("no cuda: {reason}"),
            }
        ),
    ];
    if folders.data_dirs().is_empty() {
        lines.push("data       none given (--data-dir or SEQPROBE_DATA_DIR)".to_owned());
    }
    for folder in &folders.data_dirs() {
        lines.push(format!("data       {}{}", folder.display(), state(folder)));
    }
    let cache = folders.cache_folder()?;
    lines.push(format!("cache      {}{}", cache.display(), state(&cache)));
    lines.extend(hub());
    lines.push(product(Device::Cpu)?);
    if cuda_devices().is_ok() {
        lines.push(product(Device::Cuda(0))?);
    }
    print_line(&lines.join("\n"))
}

/// The Hugging Face hub and its cache, as the environment has them.
fn hub() -> Vec<String> {
    match HubSettings::from_environment() {
        Ok(settings) => vec![
            format!(
                "hub        {}{}, {}",
                settings.endpoint,
                if settings.offline { " (HF_HUB_OFFLINE is set: nothing is fetched)" } else { "" },
                if settings.token.is_some() { "with a token" } else { "without a token" }
            ),
            format!("hub cache  {}{}", settings.cache.display(), state(&settings.cache)),
        ],
        Err(error) => vec![format!("hub        {error}")],
    }
}

fn state(folder: &Path) -> &'static str {
    match std::fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => "",
        Ok(_) => "  (not a folder)",
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "  (not there yet)",
        Err(_) => "  (cannot be read)",
    }
}

/// The file that was really loaded and the version its folder states, where the system has them.
fn libtorch() -> String {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let line = maps.lines().find(|line| line.contains("libtorch_cpu"));
    let Some(path) = line.and_then(|line| line.split_whitespace().last()).map(Path::new) else {
        return format!("libtorch   built for {LIBTORCH_VERSION}; the loaded file is not known");
    };
    let stated =
        path.ancestors().nth(2).and_then(|folder| std::fs::read_to_string(folder.join("build-version")).ok());
    match stated {
        Some(version) => format!("libtorch   {}, from {}", version.trim(), path.display()),
        None => {
            format!("libtorch   built for {LIBTORCH_VERSION}, from {} (states no version)", path.display())
        }
    }
}

/// Multiplies a matrix of ones by itself: each entry must be the side, and the rate is reported.
fn product(device: Device) -> Result<String, Failure> {
    let wrong = |error: tch::TchError| {
        Failure::new(ExitCode::Unexpected, format!("libtorch cannot multiply: {error}"))
    };
    let ones = tch::Tensor::f_ones([SIDE, SIDE], (tch::Kind::Float, device)).map_err(wrong)?;
    let _warm_up = ones.f_matmul(&ones).map_err(wrong)?;
    wait(device);
    let started = Instant::now();
    let product = ones.f_matmul(&ones).map_err(wrong)?;
    wait(device);
    let seconds = started.elapsed().as_secs_f64();
    let mean = product.f_mean(tch::Kind::Double).and_then(|mean| f64::try_from(&mean)).map_err(wrong)?;
    if (mean - SIDE as f64).abs() > 1e-9 {
        return Err(Failure::new(
            ExitCode::Unexpected,
            format!("libtorch multiplies wrongly: mean {mean}, expected {SIDE}"),
        ));
    }
    let operations = 2.0 * (SIDE as f64).powi(3);
    Ok(format!(
        "product    {SIDE} × {SIDE} float32 on {} in {:.1} ms, {:.0} GFLOP/s, right",
        device_name(device),
        seconds * 1e3,
        operations / seconds / 1e9
    ))
}

/// Waits until a GPU has finished.
fn wait(device: Device) {
    if let Device::Cuda(number) = device {
        tch::Cuda::synchronize(number as i64);
    }
}
