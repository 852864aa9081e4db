//! The hub client against a server on this machine. One test program, so that there is one to link.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod data_files;
mod fetch;
mod loopback;
