//! Neural probes and their training loop.
