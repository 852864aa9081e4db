//! Every format and every way a card or a file can be wrong, cards made from one file, export, the bundled cards,
//! audits and simulated tasks.

mod audit;
mod bad_input;
mod card_for_file;
mod common;
mod dataset_cards;
mod formats;
mod genomic_benchmarks;
mod ids;
mod intervals;
mod mutated;
mod packed;
mod pipes;
mod public_data;
mod ready_predictions;
mod record_formats;
mod rules;
mod simulated;
mod splits_of_files;
mod table_starts;
mod targets_of_files;
mod written_tables;
mod wrong_values;
