//! Numbers of bytes as people write them.

use seqprobe_report::quantities;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// A text that is not a number of bytes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?} is not a number of bytes\n  hint: write it like 500MB, 20GiB or 1.5TB")]
pub(crate) struct ByteSizeError {
    text: String,
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ByteSize(pub(crate) u64);

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(text: &str) -> Result<Self, ByteSizeError> {
        let unknown = || ByteSizeError { text: text.to_owned() };
        let known = UNITS.iter().find_map(|&(unit, bytes)| {
            text.len().checked_sub(unit.len()).and_then(|start| {
                let (number, ending) = (text.get(..start)?, text.get(start..)?);
                ending.eq_ignore_ascii_case(unit).then_some((number, bytes))
            })
        });
        let (number, unit) = known.unwrap_or((text, 1));
        let number: f64 = number.trim().parse().map_err(|_| unknown())?;
        let bytes = number * unit as f64;
        // Above this not every whole number has a double of its own; nobody has such a disk.
        if (0.0..9e15).contains(&bytes) { Ok(Self(bytes as u64)) } else { Err(unknown()) }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&quantities::bytes(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::ByteSize;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("0", 0),
            ("17", 17),
            ("17B", 17),
            ("2kB", 2000),
            ("1.5 MB", 1_500_000),
            ("2gib", 2 << 30),
            ("1TiB", 1 << 40),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
        for text in ["", "GB", "-1", "1XB", "nan", "inf", "1e300", "é", "1 G B"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
        assert_eq!(ByteSize(1_540_000).to_string(), "1.5 MB");
        assert_eq!(ByteSize(12).to_string(), "12 B");
    }
}
