//! The cache from outside: extraction with a small encoder, interruption, damage.

#[cfg(test)]
mod common;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod extraction;
#[cfg(test)]
mod independence;
