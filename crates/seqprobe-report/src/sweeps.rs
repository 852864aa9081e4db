//! Scores along something: over the layers of a model, over parts of the training split; and description lengths. As
//! curves for drawings and as grids of text that every renderer shows.

use crate::record::{CellRecord, DatasetRecord, DescriptionValue, RangeRecord, RunRecord};
use crate::words::{
    cell_detail, cells_of, chosen_on_validation, headline, metric_name, number, one_line, point, value,
    whole_cells_of,
};
use seqprobe_core::LayerIndex;

/// Scores of one representation and probe along something.
pub(crate) struct Curve<'a> {
    /// Representation and how it was made.
    pub(crate) name: String,
    /// Probe.
    pub(crate) probe: &'a str,
    /// In rising order of place, two at least.
    pub(crate) points: Vec<CurvePoint<'a>>,
}

/// One point of a curve.
pub(crate) struct CurvePoint<'a> {
    /// Where it stands.
    pub(crate) place: f64,
    /// What stands below it.
    pub(crate) label: String,
    /// The cell.
    pub(crate) cell: &'a CellRecord,
    /// Whether validation chose it among the layers and poolings of its representation and probe.
    pub(crate) chosen: bool,
}

/// A table of text.
pub(crate) struct Grid {
    /// What it is about.
    pub(crate) title: String,
    /// Column heads.
    pub(crate) header: Vec<String>,
    /// Rows, as long as the header.
    pub(crate) rows: Vec<Vec<String>>,
}

/// A curve over the layers of each representation, pooling and probe that has several.
pub(crate) fn layer_curves<'a>(record: &'a RunRecord, dataset: &'a DatasetRecord) -> Vec<Curve<'a>> {
    let scored = || whole_cells_of(record, dataset).filter(|cell| cell.id.layer.is_some() && has_point(cell));
    let blocks = scored().filter_map(block_of);
    // The state behind the model's last norm stands one place behind its last block.
    let last = f64::from(blocks.max().unwrap_or(0)) + 1.0;
    let mut curves: Vec<(String, &str, Vec<CurvePoint<'_>>)> = Vec::new();
    for cell in scored() {
        let [variant, layer, pooling, ..] = cell.id.words();
        let name: Vec<String> = [cell.id.representation.to_string(), variant, pooling]
            .into_iter()
            .filter(|word| word != "-")
            .collect();
        let chosen = chosen_on_validation(
            record,
            dataset,
            cell.id.representation.as_str(),
            Some(cell.id.probe_word()),
        );
        let point = CurvePoint {
            place: block_of(cell).map_or(last, f64::from),
            label: layer,
            chosen: chosen.is_some_and(|chosen| chosen.id == cell.id),
            cell,
        };
        add(&mut curves, name.join(" · "), cell.id.probe_word(), point);
    }
    finish(curves)
}

/// A curve over parts of the training split for each representation and probe, at the layer and pooling that
/// validation chose with all of it.
pub(crate) fn fraction_curves<'a>(record: &'a RunRecord, dataset: &'a DatasetRecord) -> Vec<Curve<'a>> {
    let mut curves: Vec<(String, &str, Vec<CurvePoint<'_>>)> = Vec::new();
    for cell in cells_of(record, dataset).filter(|cell| has_point(cell)) {
        let fraction = cell.id.fraction;
        let whole = chosen_on_validation(
            record,
            dataset,
            cell.id.representation.as_str(),
            Some(cell.id.probe_word()),
        );
        let Some(whole) = whole.filter(|whole| {
            (&whole.id.layer, &whole.id.pooling, &whole.id.variant)
                == (&cell.id.layer, &cell.id.pooling, &cell.id.variant)
        }) else {
            continue;
        };
        let detail = cell_detail(&whole.id);
        let name = if detail.is_empty() {
            cell.id.representation.to_string()
        } else {
            format!("{} ({detail})", cell.id.representation)
        };
        let point =
            CurvePoint { place: fraction.get().log10(), label: fraction.to_string(), cell, chosen: false };
        add(&mut curves, name, cell.id.probe_word(), point);
    }
    finish(curves)
}

/// The number of a cell's block; `None` for the state after a model's last norm.
fn block_of(cell: &CellRecord) -> Option<u32> {
    match cell.id.layer {
        Some(LayerIndex::Block(number)) => Some(number),
        Some(LayerIndex::Final) | None => None,
    }
}

fn has_point(cell: &CellRecord) -> bool {
    headline(cell).is_some_and(|score| point(&score.value).is_some())
}

fn add<'a>(
    curves: &mut Vec<(String, &'a str, Vec<CurvePoint<'a>>)>,
    name: String,
    probe: &'a str,
    point: CurvePoint<'a>,
) {
    match curves.iter_mut().find(|(other, of, _)| *other == name && *of == probe) {
        Some((_, _, points)) => points.push(point),
        None => curves.push((name, probe, vec![point])),
    }
}

fn finish<'a>(curves: Vec<(String, &'a str, Vec<CurvePoint<'a>>)>) -> Vec<Curve<'a>> {
    let several = curves.into_iter().filter(|(_, _, points)| points.len() > 1);
    several
        .map(|(name, probe, mut points)| {
            points.sort_by(|left, right| left.place.total_cmp(&right.place));
            Curve { name, probe, points }
        })
        .collect()
}

/// All grids of a dataset: layers, parts of the training split, description lengths.
pub(crate) fn grids(record: &RunRecord, dataset: &DatasetRecord) -> Vec<Grid> {
    let metric = metric_name(&dataset.metric);
    let layers = of_curves(
        &layer_curves(record, dataset),
        format!("{metric} on test by layer, * chosen on validation"),
        "layer",
    );
    [layers, fraction_grid(record, dataset), description_grid(record, dataset)]
        .into_iter()
        .flatten()
        .collect()
}

/// The grid of scores by part of the training split.
pub(crate) fn fraction_grid(record: &RunRecord, dataset: &DatasetRecord) -> Option<Grid> {
    let metric = metric_name(&dataset.metric);
    let title = format!("{metric} on test by part of the training split");
    of_curves(&fraction_curves(record, dataset), title, "part of train").map(turned)
}

/// Rows as columns: parts are few, curves may be many.
fn turned(grid: Grid) -> Grid {
    let Grid { title, header, rows } = grid;
    let mut lines = (0..header.len()).map(|place| {
        let first = header.get(place).cloned().unwrap_or_default();
        let fields = rows.iter().map(|row| row.get(place).cloned().unwrap_or_default());
        std::iter::once(first).chain(fields).collect::<Vec<String>>()
    });
    let header = lines.next().unwrap_or_default();
    Grid { title, rows: lines.collect(), header }
}

/// A row per place, a column per curve.
fn of_curves(curves: &[Curve<'_>], title: String, what: &str) -> Option<Grid> {
    let mut places: Vec<(f64, &str)> = Vec::new();
    for point in curves.iter().flat_map(|curve| &curve.points) {
        if !places.iter().any(|(_, label)| *label == point.label) {
            places.push((point.place, &point.label));
        }
    }
    places.sort_by(|(left, _), (right, _)| left.total_cmp(right));
    let shown = |curve: &Curve<'_>, label: &str| {
        let point = curve.points.iter().find(|point| point.label == label);
        point.and_then(|point| {
            let mark = if point.chosen { " *" } else { "" };
            Some(format!("{}{mark}", value(&headline(point.cell)?.value)))
        })
    };
    let rows: Vec<Vec<String>> = places
        .iter()
        .map(|(_, label)| {
            let fields = curves.iter().map(|curve| shown(curve, label).unwrap_or_default());
            std::iter::once((*label).to_owned()).chain(fields).collect()
        })
        .collect();
    let names = curves.iter().map(|curve| format!("{}, {}", curve.name, curve.probe));
    let header = std::iter::once(what.to_owned()).chain(names).collect();
    (!rows.is_empty()).then_some(Grid { title, header, rows })
}

/// The grid of description lengths, beside the score of their cells.
pub(crate) fn description_grid(record: &RunRecord, dataset: &DatasetRecord) -> Option<Grid> {
    let rows: Vec<Vec<String>> = cells_of(record, dataset)
        .filter_map(|cell| cell.description.as_ref().map(|description| (cell, description)))
        .map(|(cell, description)| {
            let score = headline(cell).map(|score| value(&score.value)).unwrap_or_default();
            let mut row = vec![
                cell.id.representation.to_string(),
                cell_detail(&cell.id),
                cell.id.probe_word().to_owned(),
                score,
            ];
            match description {
                DescriptionValue::Known(known) => row.extend([
                    range(&known.bits),
                    number(known.uniform_bits),
                    range(&known.compression),
                    known.n_orders.to_string(),
                ]),
                DescriptionValue::Undefined { reason } => {
                    row.extend([format!("undefined: {}", one_line(reason)), String::new(), String::new()]);
                    row.push(String::new());
                }
            }
            row
        })
        .collect();
    let metric = metric_name(&dataset.metric);
    let header =
        ["representation", "how", "probe", &metric, "bits", "bits, uniform code", "compression", "orders"];
    let title = "Description length of the training labels, mean and range over orders".to_owned();
    (!rows.is_empty()).then(|| Grid { title, header: header.map(str::to_owned).to_vec(), rows })
}

/// `1 204.0 (1 198.1 to 1 210.4)`.
fn range(range: &RangeRecord) -> String {
    format!("{} ({} to {})", number(range.mean), number(range.lowest), number(range.highest))
}
