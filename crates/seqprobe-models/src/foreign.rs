//! Models that bring their own code: a TorchScript file or a worker process, described by a manifest. No code runs
//! unless the caller allows it.

pub(crate) mod model_manifest;
mod torchscript;
mod worker;
