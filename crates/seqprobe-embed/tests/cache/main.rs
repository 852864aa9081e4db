//! The cache from outside: extraction with a small encoder, interruption, damage.

#[cfg(test)]
mod common;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod export;
#[cfg(test)]
mod extraction;
#[cfg(test)]
mod independence;
#[cfg(test)]
mod key;
#[cfg(test)]
mod mutated;
#[cfg(test)]
mod removal;
#[cfg(test)]
mod reuse;
