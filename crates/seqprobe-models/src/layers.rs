//! Layers that several families share, packing of batches, and the step from a network to an encoder. Nothing here
//! knows a family.

pub(crate) mod attention;
pub(crate) mod bert_settings;
pub(crate) mod bert_stack;
pub(crate) mod causal_convolution;
pub(crate) mod channel_layers;
pub(crate) mod convolution;
pub mod language_model_head;
pub(crate) mod layer_plan;
pub(crate) mod linear;
pub(crate) mod network;
pub(crate) mod packing;
pub(crate) mod selective_scan;
