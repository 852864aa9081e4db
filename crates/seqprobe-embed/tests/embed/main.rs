//! The crate from outside: extraction with a small encoder, interruption, damage, import and export.

#[cfg(test)]
mod common;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod export;
#[cfg(test)]
mod extraction;
#[cfg(test)]
mod forecast;
#[cfg(test)]
mod imported;
#[cfg(test)]
mod independence;
#[cfg(test)]
mod key;
#[cfg(test)]
mod long_inputs;
#[cfg(test)]
mod mutated;
#[cfg(test)]
mod removal;
#[cfg(test)]
mod reuse;
#[cfg(test)]
mod sources;
