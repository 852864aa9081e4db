//! Files of a model folder: `config.json`, other small files, and tables of numbers.

pub mod config_file;
pub(crate) mod npy_table;
pub(crate) mod small_file;
