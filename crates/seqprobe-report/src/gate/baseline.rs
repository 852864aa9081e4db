//! The accepted baseline of a suite: a TOML file that people review, with one line per cell in a fixed order, and next
//! to it a file with the predictions that paired tests need. Only [`accept`] writes them.

use super::baseline_predictions as sidecar;
use super::run_comparison::LEVEL;
use crate::error::ReportError;
use crate::record::cell_id::optional_word;
use crate::record::choice::primary_test_score;
use crate::record::{
    CellId, CellRecord, EstimateRecord, Fraction, RepresentationName, RunRecord, ScoreValue, ScoredTarget,
    Status, Variant,
};
use crate::run_folder::predictions::CellPredictions;
use crate::run_folder::stage;
use crate::run_folder::{read_predictions, read_run};
use seqprobe_core::{Digest, LayerIndex, Pooling, parse_toml};
use seqprobe_files::FileKind;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Version of the file's layout.
const SCHEMA: u32 = 1;

/// Maximum size of the file of predictions in bytes, because it is committed.
const MAX_SIDECAR: u64 = 2 * 1024 * 1024;

/// What to do about a file of predictions that is something else.
const SIDECAR_HINT: &str = "restore it from version control, or run `seqprobe accept` again";

/// What to do about a file that is not a baseline.
const BASELINE_HINT: &str = "a baseline is the TOML file that `seqprobe accept` writes";

/// An accepted baseline.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Layout version.
    pub schema: u32,
    /// Suite of the accepted run.
    pub suite: String,
    /// Why it was accepted.
    pub reason: String,
    /// Program that made the run.
    pub program: String,
    /// Commit of that program.
    pub commit: String,
    /// Differences smaller than this do not matter.
    pub margin: f64,
    /// The file of predictions, and its digest; absent if it is too large.
    pub predictions: Option<SidecarEntry>,
    /// One for each scored cell, ordered by name.
    pub cells: Vec<BaselineCell>,
}

/// Where the predictions are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SidecarEntry {
    /// File name, in the folder of the baseline.
    pub file: String,
    /// Digest of its bytes.
    pub digest: Digest,
}

/// One accepted score.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineCell {
    /// Dataset.
    pub dataset: String,
    /// Representation.
    pub representation: RepresentationName,
    /// Variant.
    pub variant: Variant,
    /// Layer.
    #[serde(with = "optional_word")]
    pub layer: Option<LayerIndex>,
    /// Pooling.
    #[serde(with = "optional_word")]
    pub pooling: Option<Pooling>,
    /// Probe.
    #[serde(with = "optional_word")]
    pub probe: Option<String>,
    /// Fraction.
    pub fraction: Fraction,
    /// Target column, or `macro`.
    pub target: ScoredTarget,
    /// Metric.
    pub metric: String,
    /// Mean over seeds.
    pub point: f64,
    /// Lower end of the 95% interval; absent if the run has none.
    pub lower: Option<f64>,
    /// Upper end.
    pub upper: Option<f64>,
    /// Test examples.
    pub n: usize,
    /// Training seeds.
    pub seeds: usize,
}

impl BaselineCell {
    /// The cell's coordinates.
    pub fn id(&self) -> CellId {
        CellId {
            dataset: self.dataset.clone(),
            representation: self.representation.clone(),
            variant: self.variant.clone(),
            layer: self.layer,
            pooling: self.pooling,
            probe: self.probe.clone(),
            fraction: self.fraction,
        }
    }

    fn of(cell: &CellRecord) -> Option<Self> {
        let score = primary_test_score(cell)?;
        let (point, lower, upper) = match &score.value {
            ScoreValue::Estimate(EstimateRecord { point, lower, upper, .. }) => {
                (*point, Some(*lower), Some(*upper))
            }
            ScoreValue::PointOnly { point, .. } => (*point, None, None),
            ScoreValue::Undefined { .. } => return None,
        };
        let id = cell.id.clone();
        Some(Self {
            dataset: id.dataset,
            representation: id.representation,
            variant: id.variant,
            layer: id.layer,
            pooling: id.pooling,
            probe: id.probe,
            fraction: id.fraction,
            target: score.target.clone(),
            metric: score.metric.clone(),
            point,
            lower,
            upper,
            n: score.n,
            seeds: cell.n_seeds,
        })
    }
}

/// A baseline with its predictions, if they are available.
#[derive(Clone, Debug)]
pub struct OpenBaseline {
    /// The file.
    pub baseline: Baseline,
    /// Predictions on test by cell; values are 32-bit floats.
    pub predictions: Option<BTreeMap<CellId, CellPredictions>>,
}

/// Reads a baseline and its predictions.
///
/// # Errors
/// [`ReportError::Baseline`] for a file that is not a baseline, or predictions with another digest. An absent file of
/// predictions is not an error: tests are then unpaired, and the report says so.
pub fn read_baseline(path: &Path) -> Result<OpenBaseline, ReportError> {
    let wrong = |message: String| ReportError::Baseline { path: path.to_owned(), message };
    let bytes = std::fs::read(path).map_err(|error| ReportError::io(path, "read", error))?;
    let kind = FileKind::of(&bytes);
    let text = String::from_utf8(bytes).unwrap_or_default();
    if let Some(line) = text.lines().position(|line| line.starts_with("<<<<<<< ")) {
        return Err(wrong(format!(
            "line {}: a merge conflict is not resolved\n  hint: run the suite with the merged code, then seqprobe \
            accept RUN --baseline FILE --reason TEXT",
            line + 1
        )));
    }
    if kind != FileKind::Text || text.is_empty() {
        return Err(wrong(format!("not a baseline: {}", instead(kind, BASELINE_HINT))));
    }
    let baseline: Baseline =
        parse_toml(&text, "baseline").map_err(|error| wrong(format!("not a baseline: {error}")))?;
    if baseline.schema != SCHEMA {
        return Err(wrong(format!(
            "schema {}, expected {SCHEMA}\n  hint: it was written by another version of seqprobe",
            baseline.schema
        )));
    }
    let mut predictions = None;
    if let Some(entry) = &baseline.predictions {
        if entry.file.contains(['/', '\\']) || entry.file.starts_with('.') {
            return Err(wrong(format!("predictions file {:?}, expected a plain file name", entry.file)));
        }
        let file = path.with_file_name(&entry.file);
        match std::fs::read(&file) {
            Ok(bytes) => {
                let kind = FileKind::of(&bytes);
                if kind != FileKind::Parquet {
                    return Err(wrong(format!("{}: {}", entry.file, instead(kind, SIDECAR_HINT))));
                }
                if !bytes.ends_with(b"PAR1") {
                    return Err(wrong(format!(
                        "{}: the Parquet file is cut off after {} bytes\n  hint: {SIDECAR_HINT}",
                        entry.file,
                        bytes.len()
                    )));
                }
                let found = Digest::of_bytes(&bytes);
                if found != entry.digest {
                    return Err(wrong(format!(
                        "{} has digest {found}, expected {}\n  hint: only `seqprobe accept` changes the two files, \
                        always together",
                        entry.file, entry.digest
                    )));
                }
                let opened =
                    std::fs::File::open(&file).map_err(|error| ReportError::io(&file, "read", error))?;
                let read =
                    sidecar::read(opened).map_err(|error| wrong(format!("{}: {error}", entry.file)))?;
                predictions = Some(read.into_iter().map(|cell| (cell.cell.clone(), cell)).collect());
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(ReportError::io(&file, "read", error)),
        }
    }
    Ok(OpenBaseline { baseline, predictions })
}

/// What is in the place of a file, and what to do.
fn instead(kind: FileKind, otherwise: &str) -> String {
    format!("it is {kind}\n  hint: {}", kind.hint().unwrap_or(otherwise))
}

/// The changes of a baseline, cell by cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// Lines for people: cells that are new, removed or have another score.
    pub changes: Vec<String>,
    /// Cells of the new baseline.
    pub n_cells: usize,
    /// Bytes of the predictions; `None` if they are larger than 2 MB and therefore left out.
    pub predictions_bytes: Option<u64>,
}

/// Makes a run the baseline of its suite: writes `path`, and `<name>.predictions.parquet` in the same folder.
///
/// # Errors
/// [`ReportError::NotAcceptable`] for a run with failed cells or without a score,
/// [`ReportError::Baseline`] if `path` is the baseline of another suite; then nothing is written.
pub fn accept(run: &Path, path: &Path, margin: f64, reason: &str) -> Result<Accepted, ReportError> {
    let record = read_run(run)?;
    let failed = record.cells.iter().filter(|cell| cell.status == Status::Failed).count();
    if failed > 0 {
        return Err(ReportError::NotAcceptable(format!(
            "{failed} of its cells failed\n  hint: `seqprobe report RUN` shows the reasons"
        )));
    }
    let mut cells: Vec<(BaselineCell, &CellRecord)> =
        record.cells.iter().filter_map(|cell| Some((BaselineCell::of(cell)?, cell))).collect();
    if cells.is_empty() {
        return Err(ReportError::NotAcceptable("it has no score on test".to_owned()));
    }
    cells.sort_by_key(|(cell, _)| cell.id());
    let before = if path.exists() { Some(read_baseline(path)?.baseline) } else { None };
    if let Some(before) = before.as_ref().filter(|before| before.suite != record.suite) {
        return Err(ReportError::Baseline {
            path: path.to_owned(),
            message: format!(
                "this is the baseline of suite {:?}, the run is of {:?}\n  hint: give another file",
                before.suite, record.suite
            ),
        });
    }
    let predictions: Vec<CellPredictions> =
        cells.iter().map(|(_, cell)| read_predictions(run, &cell.id)).collect::<Result<_, _>>()?;
    let bytes = sidecar::write(&predictions)
        .map_err(|error| ReportError::Parquet { path: path.to_owned(), message: error.to_string() })?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let file = format!("{stem}.predictions.parquet");
    let small_enough = bytes.len() as u64 <= MAX_SIDECAR;
    let entry = small_enough.then(|| SidecarEntry { file: file.clone(), digest: Digest::of_bytes(&bytes) });
    let cells: Vec<BaselineCell> = cells.into_iter().map(|(cell, _)| cell).collect();
    let text = baseline_text(&record, margin, reason, entry.as_ref(), &cells);
    let sidecar_path: PathBuf = path.with_file_name(&file);
    let mut staged = vec![stage(path, text.as_bytes())?];
    if entry.is_some() {
        staged.push(stage(&sidecar_path, &bytes)?);
    }
    // The predictions come first, so that a baseline never names a file that does not exist.
    for file in staged.into_iter().rev() {
        file.put_in_place()?;
    }
    Ok(Accepted {
        changes: changes(before.as_ref().map_or(&[], |before| before.cells.as_slice()), &cells),
        n_cells: cells.len(),
        predictions_bytes: small_enough.then_some(bytes.len() as u64),
    })
}

fn changes(before: &[BaselineCell], now: &[BaselineCell]) -> Vec<String> {
    let of = |cells: &[BaselineCell]| -> BTreeMap<CellId, (String, f64)> {
        cells.iter().map(|cell| (cell.id(), (cell.metric.clone(), cell.point))).collect()
    };
    let (before, now) = (of(before), of(now));
    let mut lines = Vec::new();
    for (id, (metric, point)) in &now {
        match before.get(id) {
            None => lines.push(format!("new: {id}: {metric} {point:.4}")),
            Some((old_metric, old)) if old_metric != metric || old.to_bits() != point.to_bits() => {
                lines.push(format!("changed: {id}: {old_metric} {old:.4} → {metric} {point:.4}"));
            }
            Some(_) => {}
        }
    }
    lines.extend(before.keys().filter(|id| !now.contains_key(*id)).map(|id| format!("gone: {id}")));
    lines
}

/// The file: one line per cell, so that a review shows what changed.
fn baseline_text(
    record: &RunRecord,
    margin: f64,
    reason: &str,
    predictions: Option<&SidecarEntry>,
    cells: &[BaselineCell],
) -> String {
    // A JSON string without a slash escape is a TOML string.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut text = format!(
        "# Written by `seqprobe accept`; intervals are at level {LEVEL}.\nschema = {SCHEMA}\nsuite = {}\nreason = \
        {}\nprogram = {}\ncommit = {}\nmargin = {margin:?}\n",
        quoted(&record.suite),
        quoted(reason),
        quoted(&record.provenance.program),
        quoted(&record.provenance.commit),
    );
    if let Some(entry) = predictions {
        let _ = writeln!(
            text,
            "predictions = {{ file = {}, digest = \"{}\" }}",
            quoted(&entry.file),
            entry.digest
        );
    }
    text.push_str("cells = [\n");
    for cell in cells {
        let [variant, layer, pooling, probe, fraction] = cell.id().words();
        let words = [
            ("dataset", cell.dataset.as_str()),
            ("representation", cell.representation.as_str()),
            ("variant", &variant),
            ("layer", &layer),
            ("pooling", &pooling),
            ("probe", &probe),
            ("fraction", &fraction),
            ("target", cell.target.as_str()),
            ("metric", &cell.metric),
        ];
        let words: Vec<String> =
            words.iter().map(|(key, word)| format!("{key} = {}", quoted(word))).collect();
        let _ = write!(text, "  {{ {}, point = {:?}", words.join(", "), cell.point);
        if let (Some(lower), Some(upper)) = (cell.lower, cell.upper) {
            let _ = write!(text, ", lower = {lower:?}, upper = {upper:?}");
        }
        let _ = writeln!(text, ", n = {}, seeds = {} }},", cell.n, cell.seeds);
    }
    text.push_str("]\n");
    text
}
