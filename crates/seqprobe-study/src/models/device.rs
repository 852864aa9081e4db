//! The device that models compute on: the CPU, or a GPU if libtorch's CUDA part and a driver are found when the program
//! starts. One program serves both. Probes are always fitted on the CPU.

use libloading::Library;
use std::sync::OnceLock;
use tch::{Cuda, Device};
use thiserror::Error;

/// The driver's library: without it there is no GPU to use, and nothing more is loaded.
const DRIVER: &str = "libcuda.so.1";

/// The part of libtorch that knows CUDA. It is found where libtorch is, or on `LD_LIBRARY_PATH`.
const CUDA_PART: &str = "libtorch_cuda.so";

/// A device that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DeviceError {
    /// Not a device's name.
    #[error("--device {0:?}, expected cpu, cuda or cuda:NUMBER")]
    Name(String),
    /// There is no GPU that can be used.
    #[error("--device {name}: {reason}\n  hint: `seqprobe doctor` lists the devices")]
    NoGpu {
        /// As it was asked for.
        name: String,
        /// Why.
        reason: NoGpu,
    },
    /// There are fewer GPUs.
    #[error(
        "--device {name}: there are {n} GPUs, numbered from 0\n  hint: `seqprobe doctor` lists the devices"
    )]
    Number {
        /// As it was asked for.
        name: String,
        /// GPUs found.
        n: usize,
    },
}

/// Why there is no GPU.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoGpu {
    /// The driver or libtorch's CUDA part is not on this machine.
    #[error("{library} cannot be loaded: {reason}")]
    Library {
        /// The library.
        library: &'static str,
        /// The system's reason.
        reason: String,
    },
    /// They are there, and find nothing.
    #[error("libtorch finds no GPU that its CUDA part can use")]
    None,
}

/// The device of a name; without a name the first GPU, or the CPU if there is none.
///
/// # Errors
/// [`DeviceError`] for another word, or a GPU that does not exist.
pub fn parse_device(name: Option<&str>) -> Result<Device, DeviceError> {
    let number = match name {
        Some("cpu") => return Ok(Device::Cpu),
        None if cuda_devices().is_err() => return Ok(Device::Cpu),
        None | Some("cuda") => Some(0),
        Some(other) => other.strip_prefix("cuda:").and_then(|number| number.parse().ok()),
    };
    let name = name.unwrap_or_default().to_owned();
    let Some(number) = number else { return Err(DeviceError::Name(name)) };
    match cuda_devices() {
        Err(reason) => Err(DeviceError::NoGpu { name, reason }),
        Ok(n) if number >= n => Err(DeviceError::Number { name, n }),
        Ok(_) => Ok(Device::Cuda(number)),
    }
}

/// The number of GPUs, at least 1. The libraries are loaded at the first call.
///
/// # Errors
/// [`NoGpu`] says why there is none.
pub fn cuda_devices() -> Result<usize, NoGpu> {
    static LOADED: OnceLock<Result<(), NoGpu>> = OnceLock::new();
    LOADED.get_or_init(load).clone()?;
    match Cuda::device_count() {
        n if n > 0 && Cuda::is_available() => Ok(n as usize),
        _ => Err(NoGpu::None),
    }
}

fn load() -> Result<(), NoGpu> {
    // A program linked with all of libtorch has it already.
    if Cuda::is_available() {
        return Ok(());
    }
    for name in [DRIVER, CUDA_PART] {
        #[expect(
            unsafe_code,
            reason = "libtorch registers its CUDA part when that is loaded, and in no other way"
        )]
        // SAFETY: both libraries are made to be loaded in this way by their authors; no function of them is called.
        let library = unsafe { Library::new(name) };
        let library = library.map_err(|error| NoGpu::Library { library: name, reason: error.to_string() })?;
        // It stays loaded for as long as the program runs: tensors hold its functions.
        std::mem::forget(library);
    }
    Ok(())
}

/// A device as records and people name it.
pub fn device_name(device: Device) -> String {
    match device {
        Device::Cuda(number) => format!("cuda:{number}"),
        _ => "cpu".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_devices() {
        assert_eq!(parse_device(Some("cpu")).unwrap(), Device::Cpu);
        for wrong in ["gpu", "cuda:", "cuda:x", "cuda:-1", ""] {
            let message = parse_device(Some(wrong)).unwrap_err().to_string();
            assert!(message.contains("expected cpu, cuda or cuda:NUMBER"), "{message}");
        }
        assert_eq!(device_name(Device::Cpu), "cpu");
        assert_eq!(device_name(Device::Cuda(2)), "cuda:2");
    }

    #[test]
    fn an_existing_device_is_used_and_a_missing_one_is_an_error() {
        let found = cuda_devices();
        let (unnamed, first) = (parse_device(None).unwrap(), parse_device(Some("cuda")));
        match found {
            Ok(n) => {
                assert_eq!((unnamed, first.unwrap()), (Device::Cuda(0), Device::Cuda(0)));
                let message = parse_device(Some(&format!("cuda:{n}"))).unwrap_err().to_string();
                assert!(message.contains("numbered from 0"), "{message}");
            }
            Err(why) => {
                assert_eq!(unnamed, Device::Cpu);
                let message = first.unwrap_err().to_string();
                assert!(
                    message.contains(&why.to_string()) && message.contains("seqprobe doctor"),
                    "{message}"
                );
            }
        }
    }
}
