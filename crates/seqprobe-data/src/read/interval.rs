//! Intervals on a genome, as the columns of a BED, CSV or TSV file give them: 0-based, half-open.

use super::genomic_position::{GenomicPosition, PositionProblem};
use thiserror::Error;

/// A row that is not an interval.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum IntervalProblem {
    #[error(transparent)]
    Position(#[from] PositionProblem),
    #[error("{what} {text:?} is not a whole number of bases from 0")]
    Number { what: &'static str, text: String },
    #[error(
        "the interval {start}-{end} has no bases\n  hint: start is 0-based and end is the first base behind the interval, so \
        start is below end"
    )]
    Empty { start: u64, end: u64 },
    #[error(
        "the strand {0:?} is not + or -\n  hint: an unknown strand is \".\" or an empty field, and is read forward"
    )]
    Strand(String),
    #[error("{length} bases around the centre of {start}-{end} begin before the chromosome does")]
    BeforeStart { length: u64, start: u64, end: u64 },
}

/// A part of a chromosome and the strand on which it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    /// Name of the chromosome as given.
    pub(crate) chromosome: String,
    /// 0-based start.
    pub(crate) start: u64,
    /// The first base behind the interval.
    pub(crate) end: u64,
    /// True for the reverse complement.
    pub(crate) is_reverse: bool,
}

impl Interval {
    /// Reads the texts of the columns. `start_and_end` is `None` where the chromosome's text is `chr:start-end`. With
    /// `length`, the interval becomes that many bases around its centre, one more before the centre than behind it for an
    /// odd one.
    pub(crate) fn parse(
        chromosome: &str,
        start_and_end: Option<(&str, &str)>,
        strand: Option<&str>,
        length: Option<u64>,
    ) -> Result<Self, IntervalProblem> {
        let text = chromosome.trim();
        let (chromosome, start, end) = match start_and_end {
            Some(_) if text.is_empty() => return Err(PositionProblem::NoChromosome.into()),
            Some((start, end)) => (text.to_owned(), number("the start", start)?, number("the end", end)?),
            None => split_range(text)?,
        };
        let is_reverse = match strand.unwrap_or_default().trim() {
            "" | "." | "+" | "1" => false,
            "-" | "-1" => true,
            other => return Err(IntervalProblem::Strand(other.to_owned())),
        };
        if start >= end {
            return Err(IntervalProblem::Empty { start, end });
        }
        let (start, end) = match length {
            None => (start, end),
            Some(length) => {
                let centre = start + (end - start) / 2;
                let before = length.div_ceil(2);
                let Some(first) = centre.checked_sub(before) else {
                    return Err(IntervalProblem::BeforeStart { length, start, end });
                };
                (first, first.saturating_add(length))
            }
        };
        Ok(Self { chromosome, start, end, is_reverse })
    }

    /// Where it starts.
    pub(crate) fn position(&self) -> GenomicPosition {
        GenomicPosition { chromosome: self.chromosome.clone(), start: Some(self.start) }
    }
}

fn number(what: &'static str, text: &str) -> Result<u64, IntervalProblem> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if is_number { text.parse().ok() } else { None };
    number.ok_or_else(|| IntervalProblem::Number { what, text: text.to_owned() })
}

/// `chr:start-end`. A strand in brackets behind it is an error: it would be read for one column and not for another.
fn split_range(text: &str) -> Result<(String, u64, u64), IntervalProblem> {
    let wrong = || PositionProblem::Range(text.to_owned());
    let (chromosome, range) = text.rsplit_once(':').ok_or_else(wrong)?;
    let (start, end) = range.split_once('-').ok_or_else(wrong)?;
    if chromosome.is_empty() {
        return Err(PositionProblem::NoChromosome.into());
    }
    Ok((chromosome.to_owned(), number("the start", start)?, number("the end", end)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(start: &str, end: &str, strand: &str, length: Option<u64>) -> Result<(u64, u64, bool), String> {
        Interval::parse("chr1", Some((start, end)), Some(strand), length)
            .map(|interval| (interval.start, interval.end, interval.is_reverse))
            .map_err(|problem| problem.to_string())
    }

    #[test]
    fn intervals_are_half_open_and_have_a_strand() {
        assert_eq!(parse("0", "1", "+", None), Ok((0, 1, false)));
        assert_eq!(parse(" 5", "9 ", "-", None), Ok((5, 9, true)));
        assert_eq!(parse("5", "9", ".", None), Ok((5, 9, false)));
        assert_eq!(parse("5", "9", "", None), Ok((5, 9, false)));
        let by_name = Interval::parse("HLA:A*01:5-9", None, None, None).unwrap();
        assert_eq!((by_name.chromosome.as_str(), by_name.start, by_name.end), ("HLA:A*01", 5, 9));
        for (start, end, strand, reason) in [
            ("9", "5", "+", "has no bases"),
            ("5", "5", "+", "has no bases"),
            ("-1", "5", "+", "the start \"-1\""),
            ("1", "x", "+", "the end \"x\""),
            ("1e3", "2000", "+", "the start \"1e3\""),
            ("+1", "5", "+", "the start \"+1\""),
            ("1", "", "+", "the end \"\""),
            ("1", "5", "forward", "is not + or -"),
        ] {
            let error = parse(start, end, strand, None).unwrap_err();
            assert!(error.contains(reason), "{start} {end} {strand}: {error}");
        }
        assert!(Interval::parse("chr1", None, None, None).is_err());
        assert!(Interval::parse(" ", Some(("1", "2")), None, None).is_err());
    }

    #[test]
    fn a_window_lies_around_the_centre() {
        assert_eq!(parse("10", "20", "+", Some(4)), Ok((13, 17, false)));
        assert_eq!(parse("10", "21", "-", Some(5)), Ok((12, 17, true)));
        assert_eq!(parse("0", "4", "+", Some(4)), Ok((0, 4, false)));
        assert!(parse("0", "4", "+", Some(6)).unwrap_err().contains("begin before"));
    }
}
