//! Scores over the layers of a model, and over parts of the training split.

use super::choices::chosen_on_validation;
use crate::record::CellRecord;
use crate::record::choice::{point, primary_test_score};
use crate::wording::names::cell_detail;
use seqprobe_core::LayerIndex;

/// Scores of one representation and probe over layers or parts of the training split.
pub(crate) struct Curve<'a> {
    /// Representation and how it was made.
    pub(crate) name: String,
    /// Probe.
    pub(crate) probe: &'a str,
    /// Points, ascending by place; at least two.
    pub(crate) points: Vec<CurvePoint<'a>>,
}

/// One point of a curve.
pub(crate) struct CurvePoint<'a> {
    /// Place on the axis: layer number, or log10 of the part.
    pub(crate) place: f64,
    /// Label of the place.
    pub(crate) label: String,
    /// The cell.
    pub(crate) cell: &'a CellRecord,
    /// True when validation chooses it among the layers and poolings of its representation and probe.
    pub(crate) chosen: bool,
}

/// A curve over the layers of each representation, pooling and probe that has several.
pub(crate) fn layer_curves<'a>(whole_cells: &[&'a CellRecord]) -> Vec<Curve<'a>> {
    let scored = || whole_cells.iter().copied().filter(|cell| cell.id.layer.is_some() && has_point(cell));
    let blocks = scored().filter_map(block_of);
    // The state after the model's last norm is one place after its last block.
    let last = f64::from(blocks.max().unwrap_or(0)) + 1.0;
    let mut curves: Vec<(String, &str, Vec<CurvePoint<'_>>)> = Vec::new();
    for cell in scored() {
        let [variant, layer, pooling, ..] = cell.id.words();
        let name: Vec<String> = [cell.id.representation.to_string(), variant, pooling]
            .into_iter()
            .filter(|word| word != "-")
            .collect();
        let chosen =
            chosen_on_validation(whole_cells, cell.id.representation.as_str(), Some(cell.id.probe_word()));
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

/// A curve over parts of the training split for each representation and probe, at the layer and pooling that validation
/// chooses with the whole split.
pub(crate) fn fraction_curves<'a>(
    cells: &[&'a CellRecord],
    whole_cells: &[&'a CellRecord],
) -> Vec<Curve<'a>> {
    let mut curves: Vec<(String, &str, Vec<CurvePoint<'_>>)> = Vec::new();
    for cell in cells.iter().copied().filter(|cell| has_point(cell)) {
        let fraction = cell.id.fraction;
        let whole =
            chosen_on_validation(whole_cells, cell.id.representation.as_str(), Some(cell.id.probe_word()));
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
    primary_test_score(cell).is_some_and(|score| point(&score.value).is_some())
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
