//! The device that models compute on: the processor, or a card where libtorch's CUDA part and a driver are found when
//! the program starts. One program serves both. Probes are fitted on the processor whatever is chosen here.

use crate::exit::Failure;
use libloading::Library;
use std::sync::OnceLock;
use tch::{Cuda, Device};

/// The driver's library: without it there is no card to use, and nothing more is loaded.
const DRIVER: &str = "libcuda.so.1";

/// The part of libtorch that knows CUDA. It is found where libtorch is, or on `LD_LIBRARY_PATH`.
const CUDA_PART: &str = "libtorch_cuda.so";

/// The device of a name, or where there is none the first card, or the processor where there is no card.
pub(crate) fn device_of(name: Option<&str>) -> Result<Device, Failure> {
    let absent = |why: &str| {
        let hint = "`seqprobe doctor` tells the devices there are";
        Failure::usage(format!("--device {}: {why}\n  hint: {hint}", name.unwrap_or_default()))
    };
    let number = match name {
        Some("cpu") => return Ok(Device::Cpu),
        None if cuda().is_err() => return Ok(Device::Cpu),
        None | Some("cuda") => Some(0),
        Some(other) => other.strip_prefix("cuda:").and_then(|number| number.parse().ok()),
    };
    let Some(number) = number else {
        let name = name.unwrap_or_default();
        return Err(Failure::usage(format!("--device {name:?}, expected cpu, cuda or cuda:NUMBER")));
    };
    let cards = cuda().map_err(|why| absent(&why))?;
    if number >= cards {
        return Err(absent(&format!("there are {cards} cards, numbered from 0")));
    }
    Ok(Device::Cuda(number))
}

/// The number of cards, at least 1, or why there is none. Libraries are loaded when this is first asked.
pub(crate) fn cuda() -> Result<usize, String> {
    static LOADED: OnceLock<Result<(), String>> = OnceLock::new();
    LOADED.get_or_init(load).clone()?;
    match Cuda::device_count() {
        cards if cards > 0 && Cuda::is_available() => Ok(cards as usize),
        _ => Err("libtorch finds no card that its CUDA part can use".to_owned()),
    }
}

fn load() -> Result<(), String> {
    // A program linked with all of libtorch has it already.
    if Cuda::is_available() {
        return Ok(());
    }
    for name in [DRIVER, CUDA_PART] {
        #[expect(
            unsafe_code,
            reason = "libtorch registers its CUDA part when that is loaded, and in no other way"
        )]
        // SAFETY: both are libraries made to be loaded so, by the driver's and libtorch's own makers; nothing is called.
        let library = unsafe { Library::new(name) };
        let library = library.map_err(|error| format!("{name} cannot be loaded: {error}"))?;
        // It stays for as long as the program runs: tensors hold its functions.
        std::mem::forget(library);
    }
    Ok(())
}

/// A device as records and people name it.
pub(crate) fn device_name(device: Device) -> String {
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
        assert_eq!(device_of(Some("cpu")).unwrap(), Device::Cpu);
        for wrong in ["gpu", "cuda:", "cuda:x", "cuda:-1", ""] {
            let message = device_of(Some(wrong)).unwrap_err().error.to_string();
            assert!(message.contains("expected cpu, cuda or cuda:NUMBER"), "{message}");
        }
        assert_eq!(device_name(Device::Cpu), "cpu");
        assert_eq!(device_name(Device::Cuda(2)), "cuda:2");
    }

    #[test]
    fn what_is_there_is_taken_and_what_is_not_is_told() {
        let found = cuda();
        let (unnamed, first) = (device_of(None).unwrap(), device_of(Some("cuda")));
        match found {
            Ok(cards) => {
                assert_eq!((unnamed, first.unwrap()), (Device::Cuda(0), Device::Cuda(0)));
                let message = device_of(Some(&format!("cuda:{cards}"))).unwrap_err().error.to_string();
                assert!(message.contains("numbered from 0"), "{message}");
            }
            Err(why) => {
                assert_eq!(unnamed, Device::Cpu);
                let message = first.unwrap_err().error.to_string();
                assert!(message.contains(&why) && message.contains("seqprobe doctor"), "{message}");
            }
        }
    }
}
