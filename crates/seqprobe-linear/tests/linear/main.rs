//! Tests of the linear probes against scikit-learn, by properties, and through the probe's contract.

mod probe;
mod properties;
mod real;
mod support;
mod synthetic;
