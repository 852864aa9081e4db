//! What can be wrong with a card, apart from its data.

use super::paths::OutsideFolder;
use super::{Card, SplitMethod};
use seqprobe_core::{Split, TaskKind};
use thiserror::Error;

/// A key of a card that has no meaning or contradicts another key.
#[derive(Debug, PartialEq, Error)]
pub(crate) enum CardProblem {
    #[error("unknown schema {0}\n  hint: this version reads schema = {known}", known = super::CARD_SCHEMA)]
    Schema(u32),
    #[error(
        "{key} {name:?} is not allowed\n  hint: use ASCII letters, digits, \"-\", \"_\" and \".\", and do not start \
        with \".\""
    )]
    Name { key: &'static str, name: String },
    #[error("{0} is empty")]
    Empty(&'static str),
    #[error("published score of {0:?} needs a model, a metric and a finite value")]
    Published(String),
    #[error("the card names no file\n  hint: [files] needs at least one entry")]
    NoFile,
    #[error(transparent)]
    Path(#[from] OutsideFolder),
    #[error(
        "file {path:?}: sha256 {sha256:?} is not 64 hexadecimal digits\n  hint: `sha256sum {path}` prints the digest"
    )]
    Sha256 { path: String, sha256: String },

    #[error("both target and a file's label are given\n  hint: keep one of them")]
    TargetAndLabel,
    #[error("target is missing\n  hint: name the target column, or give every file a label")]
    NoTarget,
    #[error("a file's label is a class, but the task is {task}\n  hint: name target columns", task = .0.as_str())]
    LabelOfNumbers(TaskKind),
    #[error(
        "a {kind} task has one target, not {n}\n  hint: for several yes/no targets use task = \"multilabel\"",
        kind = .task.as_str()
    )]
    SeveralTargets { task: TaskKind, n: usize },
    #[error("target {0:?} is named twice")]
    DuplicateTarget(String),
    #[error("a binary task has positive, not classes")]
    ClassesOfBinary,
    #[error("a multiclass task has classes, not positive")]
    PositiveOfMulticlass,
    #[error(
        "a multiclass task has three or more classes, not {0}\n  hint: for two classes use task = \"binary\" and \
        positive"
    )]
    FewClasses(usize),
    #[error("a {kind} task has neither positive nor classes", kind = .0.as_str())]
    ClassesOfNumbers(TaskKind),

    #[error("start is given without chromosome")]
    StartAlone,
    #[error(
        "{0} is given without genome\n  hint: genome = {{ path = \"genome.fa\" }} names the FASTA file that the intervals are on"
    )]
    OnlyWithGenome(&'static str),
    #[error(
        "some files have a genome and some have none\n  hint: give genome for the whole card, or for each file"
    )]
    NoGenome,
    #[error(
        "{0} cannot be used with genome: the rows are intervals, and their sequences come from the genome"
    )]
    NotWithGenome(&'static str),
    #[error("length is 0\n  hint: length is the number of bases around the centre of each interval")]
    ZeroLength,
    #[error(
        "genome needs the columns chromosome, start and end\n  hint: or chromosome alone, if it holds chr:start-end"
    )]
    NoInterval,
    #[error(
        "labels can be used with task = \"multilabel\" and one target column only, and is 1 to 10000\n  hint: labels is the number of \
        labels in a column of lists such as \"0,3\""
    )]
    Labels,
    #[error(
        "column {0:?} is not a number\n  hint: with header = false, columns (sequence too) are numbers from 0"
    )]
    ColumnNumber(String),
    #[error("delimiter {0:?} is not a single ASCII character that can separate fields")]
    Delimiter(char),
    #[error("kmers is 0\n  hint: kmers is the length of the k-mers in the sequence column")]
    ZeroKmers,
    #[error("{key} cannot be used with format = {format:?}")]
    NotForFormat { key: &'static str, format: &'static str },
    #[error(
        "files.{key}: target has {found} columns, target of the card has {expected}\n  hint: name one column of the \
        file for each column of the card"
    )]
    TargetsOfFile { key: String, found: usize, expected: usize },

    #[error("duplicate [[split]] of = {0:?}")]
    DuplicateRule(String),
    #[error("[[split]] of = {of:?} names no file\n  hint: the files are {}", keys.join(", "))]
    RuleOfNoFile { of: String, keys: Vec<String> },
    #[error("[[split]] of = {of:?}: {problem}")]
    Rule { of: String, problem: RuleProblem },
    #[error("file {0:?} is in no split\n  hint: name it train, valid or test, or add [[split]] of = {0:?}")]
    FileInNoSplit(String),
    #[error(
        "no file and no [[split]] fills the {split} split\n  hint: train, valid and test are all needed",
        split = .0.as_str()
    )]
    EmptySplit(Split),
}

/// What is wrong with one `[[split]]`.
#[derive(Debug, PartialEq, Error)]
pub(crate) enum RuleProblem {
    #[error("column can be used with method = \"column\" only")]
    Column,
    #[error("a random split would divide groups\n  hint: use method = \"group\"")]
    RandomGroups,
    #[error("method = {method:?} needs the card's {key} column", method = .method.as_str(), key = .key)]
    NoCardColumn { method: SplitMethod, key: &'static str },
    #[error("method = \"column\" needs column")]
    NoColumn,
    #[error(
        "lists can be used with the methods \"chromosome\" and \"column\" only\n  hint: into = {{ train = 0.8, valid \
        = 0.2 }}"
    )]
    Lists,
    #[error(
        "with method = \"column\", into takes valid rows from train and nothing else\n  hint: into = {{ train = 0.9, \
        valid = 0.1 }}"
    )]
    Into,
    #[error("both into and lists of chromosomes are given\n  hint: keep one of them")]
    IntoAndLists,
    #[error("into is missing\n  hint: into = {{ train = 0.8, valid = 0.2 }}")]
    NoShares,
    #[error(
        "chromosomes are missing\n  hint: valid = [\"chr8\"], test = [\"chr9\"], or into = {{ train = 0.8, … }}"
    )]
    NoChromosomes,
    #[error("the shares of into add up to {0:.4}, not 1, or one of them is negative")]
    Shares(f64),
    #[error("{0:?} is in two lists")]
    InTwoLists(String),
}

impl CardProblem {
    /// The keys that lead to the fault in the card's text; positions in lists are numbers from 0.
    pub(crate) fn path(&self, card: &Card) -> Vec<String> {
        let rule = |of: &str, key: &str| {
            let at = card.splits.iter().position(|rule| rule.of == of).unwrap_or(0);
            vec!["split".to_owned(), at.to_string(), key.to_owned()]
        };
        let key = match self {
            Self::Path(outside) => return path_of_file(card, &outside.0, "path"),
            Self::Sha256 { path, .. } => return path_of_file(card, path, "sha256"),
            Self::DuplicateRule(of) => {
                let at = card.splits.iter().rposition(|rule| rule.of == *of).unwrap_or(0);
                return vec!["split".to_owned(), at.to_string(), "of".to_owned()];
            }
            Self::RuleOfNoFile { of, .. } => return rule(of, "of"),
            Self::Rule { of, problem } => return rule(of, problem.key()),
            Self::FileInNoSplit(file) => return vec!["files".to_owned(), file.clone()],
            Self::Name { key: "file key", name } => return vec!["files".to_owned(), name.clone()],
            Self::Name { key, .. } | Self::Empty(key) => key,
            Self::Schema(_) => "schema",
            Self::Published(_) => "published",
            Self::NoFile | Self::EmptySplit(_) => "files",
            Self::TargetAndLabel | Self::SeveralTargets { .. } | Self::DuplicateTarget(_) => "target",
            Self::NoTarget | Self::LabelOfNumbers(_) | Self::ClassesOfNumbers(_) => "task",
            Self::ClassesOfBinary | Self::FewClasses(_) => "classes",
            Self::PositiveOfMulticlass => "positive",
            Self::StartAlone => "start",
            Self::ColumnNumber(_) => "header",
            Self::Delimiter(_) => "delimiter",
            Self::ZeroKmers => "kmers",
            Self::NotForFormat { key, .. } => key.split(' ').next().unwrap_or_default(),
            Self::TargetsOfFile { key, .. } => {
                return vec!["files".to_owned(), key.clone(), "target".to_owned()];
            }
            _ => "files",
        };
        vec![key.to_owned()]
    }
}

/// The place of a key of the file, or of its side table, that has a path.
fn path_of_file(card: &Card, wanted: &str, key: &str) -> Vec<String> {
    for (name, entries) in &card.files {
        for (at, entry) in entries.as_slice().iter().enumerate() {
            let mut path = vec!["files".to_owned(), name.clone()];
            if entries.as_slice().len() > 1 {
                path.push(at.to_string());
            }
            if entry.table.as_ref().is_some_and(|table| table.path == wanted) {
                path.push("table".to_owned());
            } else if entry.path != wanted {
                continue;
            }
            path.push(key.to_owned());
            return path;
        }
    }
    Vec::new()
}

impl RuleProblem {
    fn key(&self) -> &'static str {
        match self {
            Self::Column => "column",
            Self::RandomGroups | Self::NoCardColumn { .. } | Self::NoColumn | Self::NoShares => "method",
            Self::Lists | Self::NoChromosomes | Self::InTwoLists(_) => "of",
            Self::Into | Self::IntoAndLists | Self::Shares(_) => "into",
        }
    }
}
