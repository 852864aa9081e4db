//! Splitting rows: random, by group, by chromosome, by a column. On values only, without files.
