//! Curves over layers and over parts of the training split, and description lengths, in every report.

use crate::sample::{cell, dataset, estimate, id, run};
use seqprobe_core::TaskKind;
use seqprobe_report::record::{
    CellRecord, DescriptionRecord, DescriptionValue, RangeRecord, Role, RunRecord,
};
use seqprobe_report::render;

const MODEL: &str = "models/m";

fn at(layer: &str, probe: &str, (point, loss): (f64, f64)) -> CellRecord {
    let at = id("swept", MODEL, (layer, "mean"), probe);
    let value = estimate(point, point - 0.0234, point + 0.0234);
    let mut cell = cell(at, Role::Model, ("mcc", value.clone()), ("auroc", value));
    cell.fits[0].report.validation_loss = Some(loss);
    cell
}

/// Three layers and the last norm, of which validation chooses layer 1 and test would choose layer 2; half of the
/// training split, which has the lowest validation loss of all.
fn record() -> RunRecord {
    let mut record = run();
    record.datasets = vec![dataset("swept", TaskKind::Binary, "mcc")];
    record.verdicts.clear();
    record.warnings.clear();
    let layers = [("0", (0.4, 0.6)), ("1", (0.6, 0.3)), ("2", (0.7, 0.4)), ("final", (0.5, 0.5))];
    record.cells = layers.into_iter().map(|(layer, numbers)| at(layer, "linear", numbers)).collect();
    let mut part = at("1", "linear", (0.9123, 0.1));
    part.id.fraction = "0.5".parse().unwrap();
    record.cells.push(part);
    record.cells[1].description = Some(DescriptionValue::Known(DescriptionRecord {
        n_orders: 3,
        bits: RangeRecord { mean: 812.5, lowest: 801.0, highest: 830.25 },
        uniform_bits: 1000.0,
        compression: RangeRecord { mean: 1.231, lowest: 1.204, highest: 1.248 },
    }));
    record.cells[2].description =
        Some(DescriptionValue::Undefined { reason: "the solver failed".to_owned() });
    record
}

#[test]
fn the_page_draws_layers_and_parts_and_marks_what_validation_chose() {
    let record = record();
    let html = render(&record, "html").unwrap();
    assert!(html.contains("MCC on test by layer</b>"), "layers are drawn");
    assert!(html.contains("MCC on test by part of the training split</b>"));
    assert_eq!(html.matches(", chosen on validation</title>").count(), 1);
    let chosen = html.lines().find(|line| line.contains(", chosen on validation</title>")).unwrap();
    let before = chosen.split(", chosen on validation</title>").next().unwrap();
    assert!(before.ends_with("models/m · mean, 1: 0.600 [0.577, 0.623]"), "layer 1, not the best on test");
    // The text alternative: a row per layer, the last norm behind the last block.
    let rows = [
        "<td>0<td>0.400 [0.377, 0.423]",
        "<td>1<td>0.600 [0.577, 0.623] *",
        "<td>2<td>0.700",
        "<td>final<td>0.500",
    ];
    let places: Vec<usize> =
        rows.iter().map(|row| html.find(row).unwrap_or_else(|| panic!("{row}"))).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(html.contains("812.5 (801.0 to 830.2)") && html.contains("1.231 (1.204 to 1.248)"));
    assert!(html.contains("undefined: the solver failed"));
    // Without a second layer or part there is nothing to draw.
    let mut single = record;
    single.cells.truncate(1);
    let html = render(&single, "html").unwrap();
    assert!(!html.contains("on test by layer") && !html.contains("by part of the training split"));
}

#[test]
fn texts_hold_the_curves_and_keep_parts_out_of_the_table_of_scores() {
    let record = record();
    let markdown = render(&record, "md").unwrap();
    assert!(markdown.contains("| layer | models/m · mean, linear |"), "{markdown}");
    assert!(markdown.contains("| 1 | 0.600 \\[0.577, 0.623\\] \\* |"), "{markdown}");
    assert!(markdown.contains("| part of train | 0.5 | 1 |"), "{markdown}");
    assert!(
        markdown.contains("| models/m (1 · mean), linear | 0.912 \\[0.889, 0.936\\] | 0.600"),
        "{markdown}"
    );
    assert!(
        markdown.contains("812.5 (801.0 to 830.2) | 1000.0 | 1.231 (1.204 to 1.248) | 3 |"),
        "{markdown}"
    );
    // The part scores best of all and is never told as the best.
    assert!(!markdown.contains("| 1 · mean · 0.5 of train |"), "{markdown}");
    assert!(markdown.contains("(2 · mean) with linear scored best, MCC 0.700"), "{markdown}");
    let table = render(&record, "table").unwrap();
    assert!(table.contains("MCC on test by part of the training split"), "{table}");
    assert!(!table.contains("0.5 of train"), "{table}");
    let csv = render(&record, "csv").unwrap();
    assert_eq!(csv.lines().filter(|line| line.contains(",0.5,mcc,")).count(), 2, "valid and test: {csv}");
}

#[test]
fn a_record_without_description_lengths_reads_as_before() {
    let json = render(&record(), "json").unwrap();
    assert_eq!(json.matches("\"description\"").count(), 2);
    let record: RunRecord = serde_json::from_str(&json).unwrap();
    assert_eq!(record, self::record());
    assert!(!render(&run(), "json").unwrap().contains("\"description\""));
}
