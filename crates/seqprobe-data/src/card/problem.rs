//! What can be wrong with a card, apart from its data.

use super::SplitMethod;
use super::paths::OutsideFolder;
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
    #[error("the card names no file\n  hint: [files] needs at least one entry")]
    NoFile,
    #[error(transparent)]
    Path(#[from] OutsideFolder),
    #[error(
        "file {key:?}: sha256 {sha256:?} is not 64 hexadecimal digits\n  hint: `sha256sum {path}` prints the digest"
    )]
    Sha256 { key: String, path: String, sha256: String },

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
    #[error("a binary task needs positive\n  hint: positive = \"1\" names the value of the positive class")]
    NoPositive,
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
        "column {0:?} is not a number\n  hint: with header = false, columns (sequence too) are numbers from 0"
    )]
    ColumnNumber(String),
    #[error("delimiter {0:?} is not a single ASCII character that can separate fields")]
    Delimiter(char),
    #[error("kmers is 0\n  hint: kmers is the length of the k-mers in the sequence column")]
    ZeroKmers,
    #[error("{0} cannot be used with format = \"fasta\"")]
    NotForFasta(&'static str),

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
    #[error("into cannot be used with method = \"column\"")]
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
