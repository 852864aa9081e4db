//! Places on a chromosome, as FASTA names and columns give them: 0-based, half-open.

/// Length of the blocks that are clusters of the bootstrap, in bases.
const BLOCK: u64 = 1_000_000;

/// A place: its chromosome and, where known, its 0-based start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Name of the chromosome as given.
    pub(crate) chromosome: String,
    /// 0-based start.
    pub(crate) start: Option<u64>,
}

impl Place {
    /// Reads `chr:start-end` (0-based, half-open, the strand `(+)` or `(-)` may follow) or a name alone.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("the chromosome is missing".to_owned());
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
            _ => Err(format!("{text:?} is not a place chr:start-end with start below end")),
        }
    }

    /// Sets the start from a column.
    pub(crate) fn with_start(self, text: &str) -> Result<Self, String> {
        match text.trim().parse() {
            Ok(start) => Ok(Self { start: Some(start), ..self }),
            Err(_) => Err(format!("start {:?} is not a whole number of bases from 0", text.trim())),
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
    fn places_are_read_with_and_without_range() {
        let place = Place::parse("chr1:17036408-17036508").unwrap();
        assert_eq!((place.chromosome.as_str(), place.start), ("chr1", Some(17_036_408)));
        assert_eq!(place.block(), "chr1:17");
        assert_eq!(Place::parse("chrX").unwrap().block(), "chrX");
        assert_eq!(Place::parse("chrX").unwrap().with_start("999999").unwrap().block(), "chrX:0");
        assert_eq!(Place::parse("chr2:5-9(-)").unwrap().start, Some(5));
    }

    #[test]
    fn other_texts_are_errors() {
        for text in ["", ":1-2", "chr1:2-1", "chr1:a-b", "chr1:1", "chr1:-1-5"] {
            assert!(Place::parse(text).is_err(), "{text}");
        }
        assert!(Place::parse("chr1").unwrap().with_start("x").is_err());
    }
}
