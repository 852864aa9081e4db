//! Models as a study needs them: found, loaded once, on a device.

pub(crate) mod device;
pub(crate) mod finder;
pub(crate) mod loaded;
