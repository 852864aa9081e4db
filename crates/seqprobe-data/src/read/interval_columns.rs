//! Finds the columns of intervals: by the names of a header, or by their places in a BED file, which has no header.

use super::columns::{Column, FileLayout, Layout};
use super::data_file::DataFile;
use super::genome_intervals::{IntervalError, IntervalSequences, read_intervals};
use super::interval::Interval;
use super::limited_reader::read_error;
use super::rows::{column_names, read_rows};
use super::sequence_column::find_named;
use crate::error::DataError;
use seqprobe_files::FileKind;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;

/// Names, in lower case, that the columns may have.
const CHROMOSOME: &[&str] = &["chromosome", "chrom", "chr", "region", "seqnames", "#chrom", "#chr"];
const START: &[&str] = &["start", "chromstart", "chrom_start"];
const END: &[&str] = &["end", "chromend", "chrom_end", "stop"];
const STRAND: &[&str] = &["strand"];

/// The columns of intervals, and how their file is read.
pub(crate) struct IntervalColumns {
    /// Without a header for BED.
    pub(crate) layout: Layout,
    pub(crate) chromosome: String,
    pub(crate) start: String,
    pub(crate) end: String,
    pub(crate) strand: Option<String>,
}

impl IntervalColumns {
    /// Finds the columns.
    pub(crate) fn find(file: &DataFile, layout: &FileLayout) -> Result<Self, DataError> {
        let mut rows = layout.layout();
        let mut start = Vec::new();
        let read = file.text().take(super::data_file::BUFFER as u64).read_to_end(&mut start);
        read.map_err(|source| read_error(file.path(), 1, source))?;
        if FileKind::of(&start) == FileKind::Bed {
            rows.has_header = false;
        }
        let Some(names) = column_names(file, rows)? else {
            let message = "is FASTA, but with a genome the rows are intervals: chromosome, start, end\n  hint: leave out --genome";
            return Err(DataError::file(file.path(), message));
        };
        if !rows.has_header {
            if names.len() < 3 {
                return Err(DataError::file(
                    file.path(),
                    "has fewer than the three columns chromosome, start and end",
                ));
            }
            // The sixth column of BED is the strand; the fourth and fifth are a name and a score.
            let strand = (names.len() >= 6 && is_strand(file, rows)?).then(|| "5".to_owned());
            let [chromosome, start, end] = ["0", "1", "2"].map(str::to_owned);
            return Ok(Self { layout: rows, chromosome, start, end, strand });
        }
        let find = |wanted: &[&str]| {
            find_named(&names, wanted).map(str::to_owned).ok_or_else(|| {
                let message = format!(
                    "no column named {}: with a genome the rows are intervals\n  hint: the columns are {}; rename them, write a \
                    card, or give --no-header for a BED file",
                    wanted.first().copied().unwrap_or_default(),
                    names.join(", ")
                );
                DataError::file(file.path(), message)
            })
        };
        Ok(Self {
            layout: rows,
            chromosome: find(CHROMOSOME)?,
            start: find(START)?,
            end: find(END)?,
            strand: find_named(&names, STRAND).map(str::to_owned),
        })
    }

    /// One sentence for the user.
    pub(crate) fn guess(&self) -> String {
        let strand = match &self.strand {
            Some(column) => format!("strand {column:?}"),
            None => "no strand, so all are read forward".to_owned(),
        };
        format!(
            "the intervals are columns {:?}, {:?} and {:?} (0-based, half-open), {strand}",
            self.chromosome, self.start, self.end
        )
    }
}

/// True when the sixth column of the first rows has strands.
fn is_strand(file: &DataFile, layout: Layout) -> Result<bool, DataError> {
    let (mut n_rows, mut is_strand) = (0, true);
    read_rows(file, layout, &[Column::Named("5")], &mut |row| {
        is_strand &= row.values.iter().all(|text| matches!(text.trim(), "+" | "-" | "." | ""));
        n_rows += 1;
        Ok(if n_rows < 100 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(is_strand)
}

/// Reads the intervals of a file and their sequences from a genome.
pub(crate) fn sequences_on_genome(
    file: &DataFile,
    columns: &IntervalColumns,
    genome: &Path,
) -> Result<IntervalSequences, DataError> {
    let mut asked =
        vec![Column::Named(&columns.chromosome), Column::Named(&columns.start), Column::Named(&columns.end)];
    asked.extend(columns.strand.as_deref().map(Column::Named));
    let (mut intervals, mut lines) = (Vec::new(), Vec::new());
    read_rows(file, columns.layout, &asked, &mut |row| {
        let text = |index: usize| row.values.get(index).copied();
        let start_and_end = text(1).zip(text(2));
        let interval = Interval::parse(text(0).unwrap_or_default(), start_and_end, text(3), None)
            .map_err(|problem| DataError::line(file.path(), row.line, problem.to_string()))?;
        intervals.push(interval);
        lines.push(row.line);
        Ok(ControlFlow::Continue(()))
    })?;
    match read_intervals(&DataFile::open(genome)?, &intervals) {
        Ok(found) => Ok(found),
        Err(IntervalError::Genome(error)) => Err(error),
        Err(IntervalError::Interval(index, message)) => {
            let line = lines.get(index).copied().unwrap_or_default();
            Err(DataError::line(file.path(), line, message))
        }
    }
}
