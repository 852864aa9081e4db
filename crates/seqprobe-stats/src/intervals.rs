//! Intervals: scores and paired differences of scores with their uncertainty over test examples and training seeds.
//!
//! [`estimate()`](crate::estimate()) and [`compare()`](crate::compare()) are the entry points. What differences mean is
//! decided in [`crate::tests_and_verdicts`].

mod bca;
pub(crate) mod bootstrap;
pub(crate) mod delong;
pub(crate) mod estimate;
mod methods;
mod poisson;
mod sample_size;
pub(crate) mod seeded_scores;
pub(crate) mod student_t;
pub(crate) mod types;
