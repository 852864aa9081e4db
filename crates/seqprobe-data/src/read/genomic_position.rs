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
    /// Reads `chr:start-end` (0-based, half-open; the strand `(+)` or `(-)` may follow) or a name alone.
    pub(crate) fn parse(text: &str) -> Result<Self, PositionProblem> {
        let text = text.trim();
        if text.is_empty() {
            return Err(PositionProblem::NoChromosome);
        }
        let Some((chromosome, range)) = text.split_once(':') else {
            return Ok(Self { chromosome: text.to_owned(), start: None });
        };
        let range = range.trim_end_matches("(+)").trim_end_matches("(-)");
        let ends =
            range.split_once('-').and_then(|(start, end)| Some((start.parse().ok()?, end.parse().ok()?)));
        match ends {
            Some((start, end)) if !chromosome.is_empty() && start < end => {
                let _: u64 = end;
                Ok(Self { chromosome: chromosome.to_owned(), start: Some(start) })
            }
            _ => Err(PositionProblem::Range(text.to_owned())),
        }
    }

    /// Sets the start from a column.
    pub(crate) fn with_start(self, text: &str) -> Result<Self, PositionProblem> {
        match text.trim().parse() {
            Ok(start) => Ok(Self { start: Some(start), ..self }),
            Err(_) => Err(PositionProblem::Start(text.trim().to_owned())),
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
    }

    #[test]
    fn other_texts_are_errors() {
        for text in ["", ":1-2", "chr1:2-1", "chr1:a-b", "chr1:1", "chr1:-1-5"] {
            assert!(GenomicPosition::parse(text).is_err(), "{text}");
        }
        assert!(GenomicPosition::parse("chr1").unwrap().with_start("x").is_err());
    }
}
