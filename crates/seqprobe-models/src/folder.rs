//! Files of a model folder: `config.json`, other small files, and tables of numbers.

pub mod config_file;
pub(crate) mod misplaced;
pub(crate) mod model_folder;
pub(crate) mod npy_table;
pub(crate) mod small_file;
