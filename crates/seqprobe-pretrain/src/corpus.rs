//! The windows for training and validation, and how many were left out for which reason.

use crate::config::PretrainConfig;
use crate::error::PretrainError;
use seqprobe_core::config::nearest;
use seqprobe_core::sequence::base_code;
use seqprobe_core::{DnaSequence, Split};
use seqprobe_data::audit::windows::{LONG_K, LongKmers, windows_near};
use seqprobe_data::{Card, DataFolders, Genome, card_ids, find_card, find_file, load, read_genome};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::PathBuf;

/// Where the config's files and dataset cards are searched.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Folders of data files, searched after the config's own folder.
    pub data: Vec<PathBuf>,
    /// Folders of dataset cards.
    pub cards: Vec<PathBuf>,
}

/// One record of the corpus.
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) sequence: DnaSequence,
    pub(crate) soft_masked: Vec<bool>,
}

/// A stretch of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) record: usize,
    /// First base, 0-based.
    pub(crate) start: usize,
}

/// Training and validation windows.
pub struct Corpus {
    pub(crate) records: Vec<Record>,
    /// Bases per window.
    pub(crate) length: usize,
    pub(crate) train: Vec<Window>,
    /// Windows of the held-out records, without gap or overlap.
    pub(crate) valid: Vec<Window>,
    /// What was read, kept and left out.
    pub report: CorpusReport,
}

/// The contents of a corpus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CorpusReport {
    /// Files: path as in the config, SHA-256, records, bases A C G T.
    pub files: Vec<(String, String, usize, u64)>,
    /// Held-out records and their bases A C G T.
    pub valid: Vec<(String, u64)>,
    /// Training windows that were kept.
    pub n_train: usize,
    /// Bases A C G T in them, each counted once.
    pub train_bases: u64,
    /// Validation windows.
    pub n_valid: usize,
    /// Training windows before anything was left out.
    pub n_windows: usize,
    /// Windows left out for each reason, in the order of the checks.
    pub left_out: Vec<Exclusion>,
    /// Distinct 31-mers of the held-out records.
    pub valid_kmers: usize,
    /// Share of them that also occur in the other records.
    pub shared_before: f64,
    /// Share of them that also occur in the kept training windows.
    pub shared_after: f64,
}

/// Windows that were left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusion {
    /// Why.
    pub reason: String,
    /// Number of windows, among those not left out before.
    pub windows: usize,
}

impl Corpus {
    /// Reads the files and leaves out what must not be trained on. `report_step` is called with each step that takes a
    /// while.
    ///
    /// # Errors
    /// [`PretrainError`] for a file, record or card that does not exist or cannot be used, and for too few bases.
    pub fn read(
        config: &PretrainConfig,
        places: &Places,
        report_step: &mut dyn FnMut(&str),
    ) -> Result<Self, PretrainError> {
        let genomes = read_files(config, places)?;
        let mut report = CorpusReport {
            files: genomes
                .iter()
                .zip(&config.data.files)
                .map(|(genome, file)| {
                    let bases = genome.records.iter().map(|record| defined(&record.sequence)).sum();
                    (file.path.clone(), genome.sha256.clone(), genome.records.len(), bases)
                })
                .collect(),
            valid: Vec::new(),
            n_train: 0,
            train_bases: 0,
            n_valid: 0,
            n_windows: 0,
            left_out: Vec::new(),
            valid_kmers: 0,
            shared_before: 0.0,
            shared_after: 0.0,
        };
        let records: Vec<Record> = genomes
            .into_iter()
            .flat_map(|genome| genome.records)
            .map(|one| Record { name: one.name, sequence: one.sequence, soft_masked: one.soft_masked })
            .collect();
        let is_valid = held_out(config, &records)?;
        let length = config.data.window;
        let mut corpus =
            Self { records, length, train: Vec::new(), valid: Vec::new(), report: report.clone() };
        corpus.valid = corpus.windows(&is_valid, true, length);
        corpus.train = corpus.windows(&is_valid, false, config.data.stride);
        report.n_windows = corpus.train.len();
        let most = config.data.most_n * length as f64;
        corpus.leave_out(&mut report, format!("more than {} N", config.data.most_n), |corpus| {
            corpus.train.iter().map(|window| corpus.n_of(window) > most).collect()
        });
        let valid = std::mem::take(&mut corpus.valid).into_iter();
        corpus.valid = valid.filter(|window| corpus.n_of(window) <= most).collect();
        report_step("looking for held-out sequence in the training records");
        corpus.leave_out_held_out(&mut report, &is_valid);
        for (id, sequences) in excluded_sequences(config, places)? {
            report_step(&format!("looking for {} validation and test sequences of {id}", sequences.len()));
            let reason = format!("near-duplicates of validation or test sequences of {id}");
            corpus.leave_out(&mut report, reason, |corpus| {
                let windows: Vec<DnaSequence> =
                    corpus.train.iter().filter_map(|window| corpus.sequence(window)).collect();
                windows_near(&windows, &sequences, config.data.near)
            });
        }
        report.n_train = corpus.train.len();
        report.n_valid = corpus.valid.len();
        report.train_bases = corpus.covered_bases();
        corpus.report = report;
        corpus.check(config)?;
        Ok(corpus)
    }

    /// The sequence of a window.
    pub(crate) fn sequence(&self, window: &Window) -> Option<DnaSequence> {
        self.records[window.record].sequence.part(window.start..window.start + self.length)
    }

    /// Number of N in a window.
    fn n_of(&self, window: &Window) -> f64 {
        let letters =
            &self.records[window.record].sequence.as_bytes()[window.start..window.start + self.length];
        letters.iter().filter(|&&letter| letter == b'N').count() as f64
    }

    /// All complete windows of the records that are, or are not, held out.
    fn windows(&self, is_valid: &[bool], wanted: bool, stride: usize) -> Vec<Window> {
        let mut windows = Vec::new();
        for (record, one) in self.records.iter().enumerate().filter(|(record, _)| is_valid[*record] == wanted)
        {
            let last = one.sequence.len().checked_sub(self.length);
            windows.extend(
                last.into_iter()
                    .flat_map(|last| (0..=last).step_by(stride))
                    .map(|start| Window { record, start }),
            );
        }
        windows
    }

    fn leave_out(
        &mut self,
        report: &mut CorpusReport,
        reason: String,
        find: impl FnOnce(&Self) -> Vec<bool>,
    ) {
        let found = find(self);
        let before = self.train.len();
        let mut out = found.iter();
        self.train.retain(|_| !out.next().copied().unwrap_or(false));
        report.left_out.push(Exclusion { reason, windows: before - self.train.len() });
    }

    /// Leaves out the windows that share a 31-mer with the held-out records.
    fn leave_out_held_out(&mut self, report: &mut CorpusReport, is_valid: &[bool]) {
        let held_out = (0..self.records.len()).filter(|&record| is_valid[record]);
        let kmers = LongKmers::of(held_out.clone().map(|record| &self.records[record].sequence));
        report.valid = held_out
            .map(|record| {
                let one = &self.records[record];
                (one.name.clone(), defined(&one.sequence))
            })
            .collect();
        report.valid_kmers = kmers.len();
        let share = |seen: &HashSet<u64>| seen.len() as f64 / kmers.len().max(1) as f64;
        let mut seen = HashSet::new();
        let shared: Vec<Vec<usize>> = (0..self.records.len())
            .map(|record| {
                if is_valid[record] {
                    return Vec::new();
                }
                kmers.note(&self.records[record].sequence, |_| true, &mut seen);
                kmers.shared_starts(&self.records[record].sequence)
            })
            .collect();
        report.shared_before = share(&seen);
        let holds = |window: &Window, length: usize| {
            let starts = &shared[window.record];
            let first = starts.partition_point(|&start| start < window.start);
            starts.get(first).is_some_and(|&start| start + LONG_K <= window.start + length)
        };
        self.leave_out(report, format!("a {LONG_K}-mer of a held-out record"), |corpus| {
            corpus.train.iter().map(|window| holds(window, corpus.length)).collect()
        });
        let mut kept = HashSet::new();
        for window in &self.train {
            if holds(window, self.length)
                && let Some(sequence) = self.sequence(window)
            {
                kmers.note(&sequence, |_| true, &mut kept);
            }
        }
        report.shared_after = share(&kept);
    }

    /// For each record, which of its bases are in a training window.
    pub(crate) fn covered(&self) -> Vec<Vec<bool>> {
        let mut covered: Vec<Vec<bool>> = self.records.iter().map(|_| Vec::new()).collect();
        for window in &self.train {
            let places = &mut covered[window.record];
            places.resize(self.records[window.record].sequence.len(), false);
            places[window.start..window.start + self.length].fill(true);
        }
        covered
    }

    fn covered_bases(&self) -> u64 {
        let covered = self.covered();
        let count = |record: &Record, places: &[bool]| {
            let letters = record.sequence.as_bytes().iter().zip(places);
            letters.filter(|(letter, covered)| **covered && **letter != b'N').count() as u64
        };
        self.records.iter().zip(&covered).map(|(record, places)| count(record, places)).sum()
    }

    fn check(&self, config: &PretrainConfig) -> Result<(), PretrainError> {
        let hint = "add more sequence, or decrease data.window or training.batch";
        if self.train.len() < config.training.batch {
            let report = &self.report;
            return Err(PretrainError::Corpus(format!(
                "{} training windows of {} bases remain ({} bases), expected at least training.batch {}; {} of \
                 {} were left out\n  hint: {hint}",
                self.train.len(),
                self.length,
                report.train_bases,
                config.training.batch,
                report.n_windows - self.train.len(),
                report.n_windows
            )));
        }
        if self.valid.is_empty() {
            return Err(PretrainError::Corpus(format!(
                "the held-out records have no window of {} bases\n  hint: name longer records in data.valid, or \
                 decrease data.window",
                self.length
            )));
        }
        Ok(())
    }
}

fn defined(sequence: &DnaSequence) -> u64 {
    sequence.as_bytes().iter().filter(|&&letter| base_code(letter) < 4).count() as u64
}

fn read_files(config: &PretrainConfig, places: &Places) -> Result<Vec<Genome>, PretrainError> {
    let folders: Vec<PathBuf> =
        std::iter::once(config.folder.clone()).chain(places.data.iter().cloned()).collect();
    let mut genomes = Vec::with_capacity(config.data.files.len());
    for file in &config.data.files {
        let path = find_file(&folders, &file.path).map_err(|problem| config.error(problem.to_string()))?;
        genomes.push(read_genome(&path, file.sha256.as_deref())?);
    }
    Ok(genomes)
}

/// Which records are held out.
fn held_out(config: &PretrainConfig, records: &[Record]) -> Result<Vec<bool>, PretrainError> {
    for name in &config.data.valid {
        let n = records.iter().filter(|record| record.name == *name).count();
        if n == 1 {
            continue;
        }
        let names = records.iter().map(|record| record.name.as_str());
        let hint = match nearest(name, names) {
            Some(near) if n == 0 => format!("did you mean {near:?}?"),
            _ => "the name of a record is the first word of its definition line".to_owned(),
        };
        let message =
            format!("key \"data.valid\": {n} records are named {name:?}, expected one\n  hint: {hint}");
        return Err(config.error(message));
    }
    Ok(records.iter().map(|record| config.data.valid.contains(&record.name)).collect())
}

/// Validation and test sequences to leave out, by dataset card.
fn excluded_sequences(
    config: &PretrainConfig,
    places: &Places,
) -> Result<Vec<(String, Vec<DnaSequence>)>, PretrainError> {
    let ids = match config.data.exclude_cards.as_slice() {
        [all] if all == "all" => card_ids(&places.cards),
        listed => listed.to_vec(),
    };
    if !config.data.exclude_cards.is_empty() && ids.is_empty() {
        return Err(config.error(
            "key \"data.exclude_cards\" is \"all\", but no card was found\n  hint: run in a \
         folder that contains the folder datasets, or give the paths of the cards",
        ));
    }
    let folders = DataFolders::new(places.data.clone());
    let mut excluded = Vec::with_capacity(ids.len());
    for id in ids {
        let card: Card = find_card(&id, &places.cards)?;
        let dataset = load(&card, &folders)?;
        let rows = [Split::Valid, Split::Test].into_iter().flat_map(|split| dataset.splits.rows(split));
        let distinct: HashSet<&DnaSequence> = rows.map(|&row| &dataset.sequences[row]).collect();
        let mut sequences: Vec<DnaSequence> = distinct.into_iter().cloned().collect();
        sequences.sort_unstable();
        excluded.push((dataset.id.clone(), sequences));
    }
    Ok(excluded)
}
