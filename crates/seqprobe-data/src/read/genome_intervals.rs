//! The sequences of intervals, from a FASTA file: through its `.fai` index where there is one that fits, else in one pass.

use super::columns::Column;
use super::fasta::read_fasta;
use super::genome::MAX_CHROMOSOME;
use super::genome_index::IndexedGenome;
use super::input::open;
use super::interval::Interval;
use crate::card::Format;
use crate::error::DataError;
use seqprobe_core::{BaseCounts, DnaSequence};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::path::Path;

/// Sequences of intervals.
pub(crate) struct IntervalSequences {
    /// One per interval, in their order.
    pub(crate) sequences: Vec<DnaSequence>,
    /// Bases of all, and how many were changed by the rules of [`DnaSequence::parse`].
    pub(crate) letters: BaseCounts,
    /// What the user should know, one sentence each.
    pub(crate) notes: Vec<String>,
}

/// Why intervals have no sequences.
pub(crate) enum IntervalError {
    /// The genome cannot be read.
    Genome(DataError),
    /// One interval does not fit the genome: its place in the list, and why.
    Interval(usize, String),
}

impl From<DataError> for IntervalError {
    fn from(error: DataError) -> Self {
        Self::Genome(error)
    }
}

/// Reads the sequence of each interval from a genome, plain, BGZF or gzip, whose digest is checked where one is given.
/// A chromosome `chr1` is also found as `1`, and `1` as `chr1`, where the genome does not have the name itself.
pub(crate) fn read_intervals(
    path: &Path,
    sha256: Option<&str>,
    intervals: &[Interval],
) -> Result<IntervalSequences, IntervalError> {
    let mut opened = open(path, sha256, None, None)?;
    if opened.format != Format::Fasta {
        return Err(DataError::file(path, "a genome is a FASTA file, which starts with \">\"").into());
    }
    let mut wanted = Wanted::new(path, intervals);
    match IndexedGenome::open(path)? {
        Some(mut genome) => {
            for name in genome.names() {
                let Some(place) = wanted.place(&name) else { continue };
                let length = genome.check(&name)?;
                wanted.take(place, length, &mut |interval| {
                    genome.read(&name, interval.start, interval.end)
                })?;
            }
        }
        None => {
            opened.reader.set_max_record(MAX_CHROMOSOME);
            let mut lines: HashMap<String, u64> = HashMap::new();
            let columns = [Column::Sequence("sequence"), Column::Named("header")];
            read_fasta(path, opened.reader, &columns, &mut |row| {
                let [letters, name] = row.values else { return Ok(ControlFlow::Continue(())) };
                if let Some(first) = lines.insert((*name).to_owned(), row.line) {
                    let message = format!("duplicate record name {name:?}, first seen at line {first}");
                    return Err(DataError::line(path, row.line, message));
                }
                if let Some(place) = wanted.place(name) {
                    let part = |interval: &Interval| {
                        let range = usize::try_from(interval.start).ok()?..usize::try_from(interval.end).ok()?;
                        letters.as_bytes().get(range).map(<[u8]>::to_vec)
                    };
                    wanted.take(place, letters.len() as u64, &mut |interval| {
                        part(interval).ok_or_else(|| DataError::file(path, "an interval is not in its chromosome"))
                    })?;
                }
                Ok(ControlFlow::Continue(()))
            })?;
        }
    }
    wanted.finish()
}

/// The other usual name of a chromosome: with `chr` before it, or without.
fn other_name(name: &str) -> String {
    match name.strip_prefix("chr") {
        Some(bare) if !bare.is_empty() => bare.to_owned(),
        _ => format!("chr{name}"),
    }
}

/// Where the sequences of one record of the genome belong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NameMatch {
    Same,
    Other,
}

/// The intervals of one chromosome.
struct Chromosome {
    /// Its name, as the intervals have it.
    name: String,
    /// Places of its intervals in the list.
    members: Vec<usize>,
    /// How the record was found that its sequences come from.
    found: Option<(NameMatch, u64)>,
}

/// What is wanted of a genome, and what has been found.
struct Wanted<'a> {
    path: &'a Path,
    intervals: &'a [Interval],
    chromosomes: Vec<Chromosome>,
    by_name: HashMap<String, usize>,
    sequences: Vec<Option<(DnaSequence, BaseCounts)>>,
    /// The first interval, in their order, that does not fit.
    problem: BTreeMap<usize, String>,
    seen: BTreeSet<String>,
}

impl<'a> Wanted<'a> {
    fn new(path: &'a Path, intervals: &'a [Interval]) -> Self {
        let mut chromosomes: Vec<Chromosome> = Vec::new();
        let mut by_name: HashMap<String, usize> = HashMap::new();
        for (index, interval) in intervals.iter().enumerate() {
            let place = *by_name.entry(interval.chromosome.clone()).or_insert_with(|| {
                let name = interval.chromosome.clone();
                chromosomes.push(Chromosome { name, members: Vec::new(), found: None });
                chromosomes.len() - 1
            });
            chromosomes[place].members.push(index);
        }
        let sequences = intervals.iter().map(|_| None).collect();
        Self { path, intervals, chromosomes, by_name, sequences, problem: BTreeMap::new(), seen: BTreeSet::new() }
    }

    /// The chromosome that a record of the genome is wanted for. A record of the same name replaces one of the other name.
    fn place(&mut self, record: &str) -> Option<(usize, NameMatch)> {
        if self.seen.len() < 30 {
            self.seen.insert(record.to_owned());
        }
        if let Some(&place) = self.by_name.get(record) {
            return Some((place, NameMatch::Same));
        }
        let place = *self.by_name.get(&other_name(record))?;
        (self.chromosomes[place].found.is_none()).then_some((place, NameMatch::Other))
    }

    /// Reads the sequences of the intervals of one chromosome, which has `length` bases.
    fn take(
        &mut self,
        (place, how): (usize, NameMatch),
        length: u64,
        read: &mut dyn FnMut(&Interval) -> Result<Vec<u8>, DataError>,
    ) -> Result<(), DataError> {
        let chromosome = &mut self.chromosomes[place];
        chromosome.found = Some((how, length));
        for &index in &chromosome.members {
            let interval = &self.intervals[index];
            self.problem.remove(&index);
            if interval.end > length {
                let message = format!(
                    "the interval {}:{}-{} ends behind the chromosome, which has {length} bases in {}\n  hint: are the \
                    intervals of this version of the genome?",
                    interval.chromosome,
                    interval.start,
                    interval.end,
                    self.path.display()
                );
                self.problem.insert(index, message);
                continue;
            }
            let letters = read(interval)?;
            let text = std::str::from_utf8(&letters).unwrap_or("\u{fffd}");
            match DnaSequence::parse(text) {
                Ok((sequence, counts)) => {
                    let sequence = if interval.is_reverse { sequence.reverse_complement() } else { sequence };
                    self.sequences[index] = Some((sequence, counts));
                }
                Err(cause) => {
                    self.problem.insert(index, format!("{}: {cause}", self.path.display()));
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<IntervalSequences, IntervalError> {
        let absent = self.chromosomes.iter().filter(|chromosome| chromosome.found.is_none());
        let absent = absent.filter_map(|chromosome| Some((*chromosome.members.first()?, &chromosome.name)));
        if let Some((index, name)) = absent.min() {
            let known: Vec<&str> = self.seen.iter().map(String::as_str).collect();
            let message = format!(
                "chromosome {name:?} is not in {}\n  hint: its records begin with {}",
                self.path.display(),
                known.join(", ")
            );
            return Err(IntervalError::Interval(index, message));
        }
        if let Some((index, message)) = self.problem.into_iter().next() {
            return Err(IntervalError::Interval(index, message));
        }
        let renamed: Vec<&Chromosome> = self
            .chromosomes
            .iter()
            .filter(|chromosome| chromosome.found.is_some_and(|(how, _)| how == NameMatch::Other))
            .collect();
        if let Some(twice) = renamed.iter().find(|one| self.by_name.contains_key(&other_name(&one.name))) {
            let message = format!(
                "chromosome {:?} is also called {:?} in these intervals, and is one chromosome of {}\n  hint: use one name for it",
                twice.name,
                other_name(&twice.name),
                self.path.display()
            );
            return Err(IntervalError::Interval(twice.members.first().copied().unwrap_or_default(), message));
        }
        let mut notes = Vec::new();
        if let Some(first) = renamed.first() {
            notes.push(format!(
                "{} of {} chromosomes have another name in the genome: {:?} is {:?} there",
                renamed.len(),
                self.chromosomes.len(),
                first.name,
                other_name(&first.name)
            ));
        }
        let mut letters = BaseCounts::default();
        let mut sequences = Vec::with_capacity(self.sequences.len());
        for (index, found) in self.sequences.into_iter().enumerate() {
            let Some((sequence, counts)) = found else {
                return Err(IntervalError::Interval(index, "the genome has no sequence for this interval".to_owned()));
            };
            letters += counts;
            sequences.push(sequence);
        }
        Ok(IntervalSequences { sequences, letters, notes })
    }
}
