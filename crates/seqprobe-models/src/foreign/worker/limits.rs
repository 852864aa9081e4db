//! The version and the limits of the worker protocol.

/// The version that this program uses.
pub(super) const PROTOCOL: u32 = 1;

/// The most bytes of a header.
pub(super) const MAX_HEADER: u32 = 1 << 20;

/// The most bytes of a payload.
pub(super) const MAX_PAYLOAD: u64 = 1 << 31;
