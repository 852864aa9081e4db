//! Every format and every way a card or a file can be wrong, cards made from one file, export, the bundled cards,
//! audits and simulated tasks.

mod audit;
mod bad_input;
mod card_for_file;
mod common;
mod dataset_cards;
mod formats;
mod mutated;
mod packed;
mod pipes;
mod public_data;
mod simulated;
mod table_starts;
mod written_tables;
