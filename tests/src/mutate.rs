//! Damaged copies of good input, the same in every run: what a reader makes of them is for the caller to judge.
//!
//! Tests of other packages take this file by its path. `SEQPROBE_FUZZ_SECONDS` makes them go on for that long.

use std::time::{Duration, Instant};

/// Where inputs are made from.
pub struct Mutations<'a> {
    /// Good inputs.
    pub corpus: &'a [Vec<u8>],
    /// Words with a meaning to the reader.
    pub words: &'a [&'a str],
    /// Inputs tried at a time.
    pub count: usize,
}

/// Prints the input that a panic came from.
struct Shown<'a>(&'a [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("the input was b\"{}\"", self.0.escape_ascii());
        }
    }
}

impl Mutations<'_> {
    /// Hands damaged inputs to a reader, which must not panic, for the time asked for or [`Self::count`] of them.
    pub fn try_all(&self, mut reader: impl FnMut(&[u8])) {
        let time = std::env::var("SEQPROBE_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
        let end = time.map(|seconds: u64| Instant::now() + Duration::from_secs(seconds));
        let mut tried = 0;
        let mut seed = 0;
        while end.map_or(tried < self.count, |end| Instant::now() < end) {
            self.try_some(seed, &mut reader);
            tried += self.count;
            seed += 1;
        }
        println!("{tried} inputs");
    }

    /// Hands [`Self::count`] damaged inputs to a reader, which must not panic.
    pub fn try_some(&self, seed: u64, mut reader: impl FnMut(&[u8])) {
        let mut random = Random(seed << 32);
        for _ in 0..self.count {
            let mut input = self.corpus[random.below(self.corpus.len())].clone();
            for _ in 0..=random.below(4) {
                self.change(&mut input, &mut random);
            }
            let shown = Shown(&input);
            reader(shown.0);
        }
    }

    fn change(&self, input: &mut Vec<u8>, random: &mut Random) {
        let place = random.below(input.len() + 1);
        let end = (place + 1 + random.below(16)).min(input.len()).max(place);
        match random.below(9) {
            0 if place < input.len() => input[place] ^= 1 << random.below(8),
            1 if place < input.len() => {
                input[place] = b"\0\n\r\t \",;>{}[]:=-0\x7f\x80\xff"[random.below(20)];
            }
            2 => drop(input.drain(place..end)),
            3 => input.truncate(place),
            4 => {
                let part = input[place..end].to_vec();
                input.splice(place..place, part.repeat(1 + random.below(64)));
            }
            5 => {
                let other = &self.corpus[random.below(self.corpus.len())];
                let from = random.below(other.len() + 1);
                input.truncate(place);
                input.extend_from_slice(&other[from..]);
            }
            6 => {
                let numbers =
                    ["-1", "0", "1e999", "18446744073709551616", "9223372036854775807", "4294967296"];
                input.splice(place..end, numbers[random.below(numbers.len())].bytes());
            }
            7 => drop(input.splice(place..place, (0..random.below(9)).map(|_| random.below(256) as u8))),
            _ if !self.words.is_empty() => {
                drop(input.splice(place..place, self.words[random.below(self.words.len())].bytes()));
            }
            _ => {}
        }
    }
}

/// Random numbers that are the same in every run (SplitMix64, Steele et al. 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}
