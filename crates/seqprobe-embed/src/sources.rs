//! Further feature sources: pooled or flattened on reading, several in a row, or computed on reading.

pub mod adapters;
pub mod chained;
pub mod live;
