//! Reading data: every format and every way it can be wrong, cards made from one file, export.

mod bad_input;
mod common;
mod formats;
mod mutated;
mod one_file;
