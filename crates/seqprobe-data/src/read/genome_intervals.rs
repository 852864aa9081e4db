//! The sequences of intervals, from a FASTA file: through its `.fai` index where there is one that fits, else in one pass.

use super::columns::{Column, Layout};
use super::data_file::DataFile;
use super::fasta::read_fasta;
use super::genome_index::IndexedGenome;
use super::input::{Opened, open};
use super::interval::Interval;
use crate::error::DataError;
use seqprobe_core::{BaseCounts, DnaSequence};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::path::Path;

/// Sequences of intervals.
pub(crate) struct IntervalSequences {
    /// One per interval, in their order, with its bases and how many were changed by the rules of
    /// [`DnaSequence::parse`].
    pub(crate) sequences: Vec<(DnaSequence, BaseCounts)>,
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

/// Reads the sequence of each interval from a genome, plain or compressed. A chromosome `chr1` is also found as `1`, and `1` as `chr1`, where the genome does not have the name itself.
pub(crate) fn read_intervals(
    file: &DataFile,
    intervals: &[Interval],
) -> Result<IntervalSequences, IntervalError> {
    let path = file.path();
    let Opened::Fasta(reader) = open(file, Layout { format: None, delimiter: None, has_header: false })?
    else {
        return Err(DataError::file(path, "is not a genome: a FASTA file starts with \">\"").into());
    };
    let mut wanted = Wanted::new(path, intervals);
    match IndexedGenome::open(file)? {
        Some(mut genome) => {
            for name in genome.names() {
                let Some(place) = wanted.place(&name) else { continue };
                let length = genome.check(&name)?;
                wanted.take(place, &name, length, &mut |interval| {
                    genome.read(&name, interval.start, interval.end)
                })?;
            }
        }
        None => {
            let mut lines: HashMap<String, u64> = HashMap::new();
            let columns = [Column::Sequence("sequence"), Column::Named("header")];
            read_fasta(path, reader, &columns, &mut |row| {
                let [letters, name] = row.values else { return Ok(ControlFlow::Continue(())) };
                if let Some(first) = lines.insert((*name).to_owned(), row.line) {
                    let message = format!("duplicate record name {name:?}, first seen at line {first}");
                    return Err(DataError::line(path, row.line, message));
                }
                if let Some(place) = wanted.place(name) {
                    let part = |interval: &Interval| {
                        let range =
                            usize::try_from(interval.start).ok()?..usize::try_from(interval.end).ok()?;
                        letters.as_bytes().get(range).map(<[u8]>::to_vec)
                    };
                    wanted.take(place, name, letters.len() as u64, &mut |interval| {
                        part(interval)
                            .ok_or_else(|| DataError::file(path, "an interval is not in its chromosome"))
                    })?;
                }
                Ok(ControlFlow::Continue(()))
            })?;
        }
    }
    file.check_unchanged().map_err(IntervalError::Genome)?;
    wanted.finish()
}

/// The other usual names of a record: with `chr` before it or without, without the version behind the last dot, and chrM for the
/// name that FlyBase and Ensembl give it. chrM and MT are not one name: in GRCh37 they are different sequences.
fn other_names(name: &str) -> Vec<String> {
    let mut names = vec![match name.strip_prefix("chr") {
        Some(bare) if !bare.is_empty() => bare.to_owned(),
        _ => format!("chr{name}"),
    }];
    if let Some((bare, version)) = name.rsplit_once('.')
        && !bare.is_empty()
        && !version.is_empty()
        && version.bytes().all(|byte| byte.is_ascii_digit())
    {
        names.push(bare.to_owned());
    }
    if name == "mitochondrion_genome" {
        names.push("chrM".to_owned());
    }
    names
}

/// The intervals of one chromosome.
struct Chromosome {
    /// Its name, as the intervals have it.
    name: String,
    /// Places of its intervals in the list.
    members: Vec<usize>,
    /// Why it could be two records, neither of which has its name.
    ambiguous: Option<String>,
    /// The record that its sequences come from.
    found: Option<String>,
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
                chromosomes.push(Chromosome { name, members: Vec::new(), ambiguous: None, found: None });
                chromosomes.len() - 1
            });
            chromosomes[place].members.push(index);
        }
        let sequences = intervals.iter().map(|_| None).collect();
        Self {
            path,
            intervals,
            chromosomes,
            by_name,
            sequences,
            problem: BTreeMap::new(),
            seen: BTreeSet::new(),
        }
    }

    /// The chromosome that a record of the genome is wanted for. A record of the same name replaces one of the other name.
    fn place(&mut self, record: &str) -> Option<usize> {
        if self.seen.len() < 30 {
            self.seen.insert(record.to_owned());
        }
        if let Some(&place) = self.by_name.get(record) {
            return Some(place);
        }
        let place = other_names(record).into_iter().find_map(|name| self.by_name.get(&name).copied())?;
        let chromosome = &mut self.chromosomes[place];
        match &chromosome.found {
            None => Some(place),
            Some(found) if *found == chromosome.name => None,
            Some(found) => {
                let message = format!(
                    "chromosome {:?} could be {found:?} or {record:?} of {}\n  hint: use the names of the genome",
                    chromosome.name,
                    self.path.display()
                );
                chromosome.ambiguous.get_or_insert(message);
                None
            }
        }
    }

    /// Reads the sequences of the intervals of one chromosome, which has `length` bases.
    fn take(
        &mut self,
        place: usize,
        record: &str,
        length: u64,
        read: &mut dyn FnMut(&Interval) -> Result<Vec<u8>, DataError>,
    ) -> Result<(), DataError> {
        let chromosome = &mut self.chromosomes[place];
        chromosome.found = Some(record.to_owned());
        if record == chromosome.name {
            chromosome.ambiguous = None;
        }
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
            let is_it = |one: &&Chromosome| {
                one.found.as_ref().is_some_and(|record| other_names(record).contains(name))
            };
            if let Some(one) = self.chromosomes.iter().find(is_it) {
                let message = format!(
                    "chromosome {name:?} is also called {:?} in these intervals, as in {}\n  hint: use one name for it",
                    one.name,
                    self.path.display()
                );
                let second = one.members.first().copied().unwrap_or_default().max(index);
                return Err(IntervalError::Interval(second, message));
            }
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
        let mut intervals_of: HashMap<&str, &Chromosome> = HashMap::new();
        for chromosome in &self.chromosomes {
            let first = chromosome.members.first().copied().unwrap_or_default();
            if let Some(message) = &chromosome.ambiguous {
                return Err(IntervalError::Interval(first, message.clone()));
            }
            let record = chromosome.found.as_deref().unwrap_or_default();
            if let Some(other) = intervals_of.insert(record, chromosome) {
                let message = format!(
                    "chromosome {:?} is also called {:?} in these intervals, and is {record:?} in {}\n  hint: use one name \
                    for it",
                    chromosome.name,
                    other.name,
                    self.path.display()
                );
                return Err(IntervalError::Interval(first, message));
            }
        }
        let renamed = self.chromosomes.iter().filter(|one| one.found.as_ref() != Some(&one.name));
        let renamed: Vec<(&str, &str)> = renamed
            .filter_map(|chromosome| Some((chromosome.name.as_str(), chromosome.found.as_deref()?)))
            .collect();
        let mut notes = Vec::new();
        if let Some((name, record)) = renamed.first() {
            notes.push(format!(
                "{} of {} chromosomes have another name in the genome: {name:?} is {record:?} there",
                renamed.len(),
                self.chromosomes.len()
            ));
        }
        let mut sequences = Vec::with_capacity(self.sequences.len());
        for (index, found) in self.sequences.into_iter().enumerate() {
            let Some(sequence) = found else {
                return Err(IntervalError::Interval(
                    index,
                    "the genome has no sequence for this interval".to_owned(),
                ));
            };
            sequences.push(sequence);
        }
        Ok(IntervalSequences { sequences, notes })
    }
}
