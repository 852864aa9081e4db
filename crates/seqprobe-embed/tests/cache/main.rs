//! The cache from outside: extraction with a small encoder, interruption, damage.

mod common;
mod damage;
mod extraction;
