//! Tests of the linear probes against scikit-learn, by properties, and through the probe's contract.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests, which fail by panicking and say what they skip"
)]

mod description_length;
mod dexter;
mod elastic_net;
mod elastic_net_probe;
mod probe;
mod properties;
mod real;
mod selection;
mod streaming;
mod support;
mod synthetic;
