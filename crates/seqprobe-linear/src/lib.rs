//! Linear probes: ridge and logistic regression.
