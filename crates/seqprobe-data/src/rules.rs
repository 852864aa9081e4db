//! Rules that predict without a model: the nearest training example, twins of shuffled or altered sequences, a table
//! of motifs at positions, a Markov chain, length and other simple properties.
//!
//! What a rule knows comes from training rows. Rules that look a row up (`nearest`, twins) learn from pairs of training
//! rows whether to copy or to flip; for a validation row they look in train, for a test row in train and validation.
//! A row that a rule says nothing about gets the prediction of the Markov chain (numbers: the training mean).

mod composition_twins;
mod lookup;
mod markov;
mod nearest;
mod outcome;
mod partners;
mod position_motifs;
mod positional_twins;
mod postings;
mod properties;
mod word;

pub use outcome::{NotApplicable, Pairs, Rule, RuleFit, RulePredictions};
pub use partners::{Partners, partners};

use outcome::Fallback;
use rayon::prelude::*;
use seqprobe_core::Dataset;

/// Raised whenever a rule would give other predictions for the same dataset.
pub const RULES_VERSION: u32 = 1;

/// Fits every rule and predicts validation and test rows, in the order of [`Rule::ALL`].
pub fn fit_rules(dataset: &Dataset) -> Vec<RuleFit> {
    let markov = markov::fit(dataset);
    let fallback = Fallback::new(dataset, markov.as_ref().ok());
    let fit = |&rule: &Rule| {
        let predictions = match rule {
            Rule::Nearest => nearest::fit(dataset, &fallback, false),
            Rule::NearestOpposite => nearest::fit(dataset, &fallback, true),
            Rule::CompositionTwins => composition_twins::fit(dataset, &fallback),
            Rule::PositionalTwins => positional_twins::fit(dataset, &fallback),
            Rule::PositionMotifs => position_motifs::fit(dataset),
            Rule::Markov => markov.clone(),
            Rule::Length => properties::length(dataset),
            Rule::Gc => properties::gc(dataset),
            Rule::UnknownBases => properties::unknown_bases(dataset),
            Rule::RowOrder => properties::row_order(dataset),
            Rule::IdNumber => properties::id_number(dataset),
            Rule::Word => word::fit(dataset),
            Rule::Case => Err("case is not kept: lower case is read as upper case".to_owned().into()),
        };
        RuleFit { rule, predictions }
    };
    Rule::ALL.par_iter().map(fit).collect()
}
