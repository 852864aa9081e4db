//! Positions on a chromosome, as FASTA names and columns give them: 0-based, half-open.

use thiserror::Error;

/// Length in bases of the blocks that are clusters of the bootstrap.
const BLOCK: u64 = 1_000_000;

/// A text that is not a position.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum PositionProblem {
    #[error("the chromosome is missing")]
    NoChromosome,
    #[error("{0:?} is not a position chr:start-end with start below end")]
    Range(String),
    #[error("{0:?} is not a range chr:start-end that counts from 1, as UCSC writes it")]
    OneBased(String),
    #[error("start {0:?} is not a whole number of bases from 0")]
    Start(String),
}

/// A chromosome and, where known, the 0-based start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GenomicPosition {
    /// Name of the chromosome as given.
    pub(crate) chromosome: String,
    /// 0-based start.
    pub(crate) start: Option<u64>,
}

impl GenomicPosition {
    /// Reads `chr:start-end` (0-based, half-open; the strand `(+)` or `(-)` may follow, `name::` may precede, as bedtools
    /// writes them) or a name alone.
    pub(crate) fn parse(text: &str) -> Result<Self, PositionProblem> {
        let text = text.trim();
        if text.is_empty() {
            return Err(PositionProblem::NoChromosome);
        }
        let position = text.rsplit_once("::").map_or(text, |(_, position)| position);
        let Some((chromosome, range)) = position.split_once(':') else {
            return Ok(Self { chromosome: position.to_owned(), start: None });
        };
        match ends_of(range) {
            Some((start, end)) if !chromosome.is_empty() && start < end => {
                Ok(Self { chromosome: chromosome.to_owned(), start: Some(start) })
            }
            _ => Err(PositionProblem::Range(text.to_owned())),
        }
    }

    /// Reads `chr:start-end` with a 1-based start and with the end, as UCSC's `range=` has it.
    pub(crate) fn parse_one_based(text: &str) -> Result<Self, PositionProblem> {
        let text = text.trim();
        let position =
            text.split_once(':').and_then(|(chromosome, range)| Some((chromosome, ends_of(range)?)));
        match position {
            Some((chromosome, (start, end))) if !chromosome.is_empty() && 0 < start && start <= end => {
                Ok(Self { chromosome: chromosome.to_owned(), start: Some(start - 1) })
            }
            _ => Err(PositionProblem::OneBased(text.to_owned())),
        }
    }

    /// Sets the start from a column. A whole number may have zeros after its point.
    pub(crate) fn with_start(self, text: &str) -> Result<Self, PositionProblem> {
        let text = text.trim();
        let whole = text.split_once('.').filter(|(_, zeros)| zeros.bytes().all(|byte| byte == b'0'));
        match whole.map_or(text, |(whole, _)| whole).parse() {
            Ok(start) => Ok(Self { start: Some(start), ..self }),
            Err(_) => Err(PositionProblem::Start(text.to_owned())),
        }
    }

    /// The 1 Mb block it starts in; the whole chromosome where the start is unknown.
    pub(crate) fn block(&self) -> String {
        match self.start {
            Some(start) => format!("{}:{}", self.chromosome, start / BLOCK),
            None => self.chromosome.clone(),
        }
    }
}

/// The two numbers of `start-end`, with or without the strand.
fn ends_of(range: &str) -> Option<(u64, u64)> {
    let range = range.trim_end_matches("(+)").trim_end_matches("(-)");
    let (start, end) = range.split_once('-')?;
    Some((start.parse().ok()?, end.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_with_and_without_range() {
        let position = GenomicPosition::parse("chr1:17036408-17036508").unwrap();
        assert_eq!((position.chromosome.as_str(), position.start), ("chr1", Some(17_036_408)));
        assert_eq!(position.block(), "chr1:17");
        assert_eq!(GenomicPosition::parse("chrX").unwrap().block(), "chrX");
        assert_eq!(GenomicPosition::parse("chrX").unwrap().with_start("999999").unwrap().block(), "chrX:0");
        assert_eq!(GenomicPosition::parse("chr2:5-9(-)").unwrap().start, Some(5));
        let named = GenomicPosition::parse("peak_1::chr2:5-9(+)").unwrap();
        assert_eq!((named.chromosome.as_str(), named.start), ("chr2", Some(5)));
        let ucsc = GenomicPosition::parse_one_based("chr1:1-40").unwrap();
        assert_eq!((ucsc.chromosome.as_str(), ucsc.start), ("chr1", Some(0)));
        assert_eq!(GenomicPosition::parse("chr1").unwrap().with_start("1000.0").unwrap().start, Some(1000));
    }

    #[test]
    fn other_texts_are_errors() {
        for text in ["", ":1-2", "chr1:2-1", "chr1:a-b", "chr1:1", "chr1:-1-5"] {
            assert!(GenomicPosition::parse(text).is_err(), "{text}");
        }
        for text in ["", "chr1", "chr1:0-5", "chr1:6-5", ":1-2"] {
            assert!(GenomicPosition::parse_one_based(text).is_err(), "{text}");
        }
        for text in ["x", "1.5", "1,000", "-1", ""] {
            assert!(GenomicPosition::parse("chr1").unwrap().with_start(text).is_err(), "{text}");
        }
    }
}
