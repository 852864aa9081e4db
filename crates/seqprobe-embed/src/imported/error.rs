//! Why a file of embeddings cannot be imported: what was expected, what was found, and what to do.

use seqprobe_files::FileKind;
use thiserror::Error;

/// Names that an error lists; a file may hold one for each of many thousand examples.
const MAX_SHOWN_NAMES: usize = 20;

/// What is wrong with a file of embeddings, or with its ids.
#[derive(Debug, Error)]
pub enum ImportError {
    /// A format that cannot be imported.
    #[error("the ending {ending:?} is not known\n  hint: use one of .{}", known.join(", ."))]
    Ending {
        /// Ending of the file, lower case.
        ending: String,
        /// Endings that can be imported.
        known: Vec<&'static str>,
    },
    /// A file of another kind, whatever its name says.
    #[error(
        "is {kind}, not embeddings\n  hint: {}",
        kind.hint().map_or_else(|| format!("give a file of one of these kinds: .{}", known.join(", .")), str::to_owned)
    )]
    Kind {
        /// What it is.
        kind: FileKind,
        /// Endings that can be imported.
        known: Vec<&'static str>,
    },
    /// Not a file of its format, or damaged.
    #[error("not readable as {format}: {reason}{hint}")]
    Unreadable {
        /// The format.
        format: &'static str,
        /// What its reader says.
        reason: String,
        /// Empty, or a line that says what to do.
        hint: &'static str,
    },
    /// The end of a file is missing.
    #[error("the file is cut short: it states {stated} bytes and has {found}")]
    CutShort {
        /// Bytes that its header states.
        stated: u64,
        /// Bytes of the file.
        found: usize,
    },
    /// A problem of one array of the file.
    #[error("{name:?}: {source}")]
    Array {
        /// Name of the array.
        name: String,
        /// The problem.
        source: Box<ImportError>,
    },
    /// No array, column, tensor or data set has the name.
    #[error("no {what} under {tried:?}; the file holds {}\n  hint: {hint}", listed(held))]
    NoName {
        /// `values` or `ids`.
        what: &'static str,
        /// Names that were looked for.
        tried: Vec<String>,
        /// Names that are there.
        held: Vec<String>,
        /// What to do.
        hint: String,
    },
    /// No column of floats has the prefix.
    #[error("no column of floats begins with {prefix:?}; the file holds {}", listed(held))]
    NoColumn {
        /// The prefix.
        prefix: String,
        /// Columns that are there.
        held: Vec<String>,
    },
    /// An h5ad file without a choice among its matrices.
    #[error(
        "an h5ad file holds several matrices\n  hint: choose one with values = \"X\" or \"obsm/NAME\"; the file holds {}",
        listed(held)
    )]
    SeveralMatrices {
        /// Names that are there.
        held: Vec<String>,
    },
    /// Data sets, one for each example, that are not vectors of one width.
    #[error(
        "data set {path:?} has shape {shape:?}, expected a vector{}\n  hint: one vector per example is imported; pool over tokens first",
        dim.map_or(String::new(), |dim| format!(" of {dim} values, like the data sets before it"))
    )]
    OnePerId {
        /// The data set.
        path: String,
        /// Its shape.
        shape: Vec<u64>,
        /// Values of those before it.
        dim: Option<usize>,
    },
    /// An HDF5 group where a data set is needed.
    #[error("{path:?} is a group, expected a data set\n  hint: the file holds {}", listed(held))]
    Group {
        /// Path of the group.
        path: String,
        /// Names that are there.
        held: Vec<String>,
    },
    /// A sparse matrix.
    #[error(
        "{path:?} is sparse ({encoding}), expected a dense matrix\n  hint: store it dense: adata.X = adata.X.toarray()"
    )]
    Sparse {
        /// Path of the matrix.
        path: String,
        /// How it is stored.
        encoding: String,
    },
    /// An h5ad file without observation names.
    #[error("the group obs names no index\n  hint: give ids = \"obs/COLUMN\"")]
    NoObservationNames,
    /// A name for the one array of an npy file.
    #[error(
        "an npy file holds one array without a name, so {name:?} is not in it\n  hint: leave out the key \"values\""
    )]
    NpyValuesName {
        /// The name asked for.
        name: String,
    },
    /// A name for ids that an npy file cannot hold.
    #[error(
        "an npy file holds no ids, so {name:?} is not in it\n  hint: give ids = \"FILE.txt\" with one id per line"
    )]
    NpyIdsName {
        /// The name asked for.
        name: String,
    },
    /// An array of pickled objects.
    #[error(
        "the array holds Python objects (ragged rows or text of dtype object), which are never unpickled\n  hint: vectors must have one width; save ids with .astype(str)"
    )]
    PythonObjects,
    /// A NumPy array of records.
    #[error("a structured array\n  hint: save the vectors as one two-dimensional array")]
    Structured,
    /// Values of a type that is not read.
    #[error("{what}: type {found}, expected {expected}")]
    Type {
        /// The array, column, tensor or data set.
        what: String,
        /// Its type.
        found: String,
        /// Types that are read, and a hint where there is one.
        expected: &'static str,
    },
    /// Vectors of another shape than one per example.
    #[error(
        "{name:?} has shape {shape:?}, expected [examples, values] with at least 1 of each\n  hint: one vector per example is imported; pool over tokens first"
    )]
    Shape {
        /// Name of the vectors.
        name: String,
        /// Their shape.
        shape: Vec<usize>,
    },
    /// Ids of more than one dimension.
    #[error("the ids have shape {shape:?}, expected one dimension")]
    IdShape {
        /// Their shape.
        shape: Vec<u64>,
    },
    /// Another number of values than the shape says.
    #[error("{name:?} has shape {shape:?} but {found} values: the file is damaged")]
    ValueCount {
        /// Name of the vectors.
        name: String,
        /// Their shape.
        shape: Vec<usize>,
        /// Values in the file.
        found: usize,
    },
    /// Another number of bytes than the shape says.
    #[error("shape {shape:?} of {kind} does not fit the {bytes} bytes that follow: the file is damaged")]
    ByteCount {
        /// Shape of the array.
        shape: Vec<u64>,
        /// Type of the array.
        kind: String,
        /// Bytes in the file.
        bytes: usize,
    },
    /// Lists of unequal length.
    #[error(
        "column {column:?} is ragged: row {row} has {found} values, the rows before it {expected}\n  hint: one vector per example is imported; pool over tokens first"
    )]
    Ragged {
        /// The column.
        column: String,
        /// 0-based row.
        row: usize,
        /// Its values.
        found: usize,
        /// Values of the rows before it.
        expected: usize,
    },
    /// Lists of lists.
    #[error("column {column:?} holds lists of lists, expected one vector per row")]
    ListsOfLists {
        /// The column.
        column: String,
    },
    /// A value is missing, or a list is empty.
    #[error("column {column:?} has an empty or missing value, entry {entry} of row group {group}")]
    MissingValue {
        /// The column.
        column: String,
        /// 0-based entry.
        entry: usize,
        /// 0-based row group.
        group: usize,
    },
    /// Ids inside lists or records.
    #[error("column {column:?} is nested, expected one id per row")]
    NestedIds {
        /// The column.
        column: String,
    },
    /// Rows without an id.
    #[error("column {column:?} has missing ids")]
    MissingIds {
        /// The column.
        column: String,
    },
    /// All ids are empty.
    #[error("the ids are all empty")]
    EmptyIds,
    /// One id is empty.
    #[error("the id of row {row} is empty")]
    EmptyId {
        /// 0-based row.
        row: usize,
    },
    /// An id that is not text.
    #[error("the id of row {row} is not {expected}")]
    IdText {
        /// 0-based row.
        row: usize,
        /// `UTF-8` or `Unicode text`.
        expected: &'static str,
    },
    /// Several embeddings for one example.
    #[error(
        "{count} ids are repeated, first {id:?} in rows {first} and {second}\n  hint: each example has one embedding"
    )]
    RepeatedIds {
        /// Repetitions.
        count: usize,
        /// The first repeated id.
        id: String,
        /// 0-based row of its first use.
        first: usize,
        /// 0-based row of its repetition.
        second: usize,
    },
    /// Another number of ids than of vectors.
    #[error("there are {ids} ids for the {rows} rows of {name:?}")]
    IdCount {
        /// Ids found.
        ids: usize,
        /// Vectors found.
        rows: usize,
        /// Name of the vectors.
        name: String,
    },
    /// The file of ids cannot be read.
    #[error(
        "the ids cannot be read: {0}\n  hint: ids are needed to join embeddings to examples: write one per line into this file, or name another file with the key \"ids\""
    )]
    IdFile(std::io::Error),
    /// Something else in place of the file of ids.
    #[error("is {0}, expected one id per line\n  hint: {hint}", hint = .0.hint().unwrap_or_default())]
    IdFileKind(FileKind),
    /// The file of ids is not text.
    #[error("not UTF-8: {0}")]
    IdFileText(std::string::FromUtf8Error),
    /// A NaN or an infinity, or a number that does not fit.
    #[error(
        "row {row} (id {id:?}), value {column} of {name:?} is {value}, expected a finite 32-bit float; {n_wrong} of the vectors that the examples need are like this\n  hint: compute these embeddings again, or take the examples out of the data file"
    )]
    NotFinite {
        /// 0-based row.
        row: usize,
        /// Id of the row.
        id: String,
        /// 0-based value in the vector.
        column: usize,
        /// Name of the vectors.
        name: String,
        /// The value as a 32-bit float.
        value: f32,
        /// Needed vectors that are not finite.
        n_wrong: usize,
    },
    /// Examples of the dataset that are not in the file.
    #[error(
        "{missing} of {needed} examples have no embedding, first {}\n  hint: `seqprobe data export` writes the ids and sequences to embed; ids must agree exactly",
        first.iter().map(|id| format!("{id:?}")).collect::<Vec<_>>().join(", ")
    )]
    NoEmbedding {
        /// Examples without a vector.
        missing: usize,
        /// Examples that need one.
        needed: usize,
        /// Ids of the first few.
        first: Vec<String>,
    },
}

impl ImportError {
    /// A file that the reader of its format refuses.
    pub(super) fn unreadable(format: &'static str, reason: &dyn std::fmt::Display) -> Self {
        Self::Unreadable { format, reason: reason.to_string(), hint: "" }
    }

    /// The problem of one array of a file.
    pub(super) fn of_array(name: &str) -> impl FnOnce(Self) -> Self {
        move |source| Self::Array { name: name.to_owned(), source: Box::new(source) }
    }
}

/// The first names, and how many others there are.
fn listed(names: &[String]) -> String {
    let shown = names.iter().take(MAX_SHOWN_NAMES).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MAX_SHOWN_NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
