//! Accepting a run: the baseline file and the predictions next to it.

use super::*;

#[test]
fn accepting_writes_one_line_per_cell_in_a_fixed_order() {
    let mut run = Run::new();
    *run.value(0) = sample::estimate(0.75, 0.5, 0.875);
    *run.value(1) = ScoreValue::PointOnly { point: 0.625, reason: "few examples".to_owned() };
    *run.value(2) = ScoreValue::Undefined { reason: "one class".to_owned() };
    run.predictions.truncate(2);
    let gate = Gate::new(&run);
    assert_eq!(gate.n_cells, 2);
    assert_eq!(
        gate.changes,
        [
            "new: gue-tf-0/kmer-4/-/-/-/linear/1: auroc 0.7500",
            "new: gue-tf-0/onehot/-/-/-/linear/1: auroc 0.6250"
        ]
    );
    let bytes = fs::read(gate.path("gate.predictions.parquet")).unwrap();
    assert_eq!(gate.predictions_bytes, Some(bytes.len() as u64));
    let text = gate.text();
    let digest = seqprobe_core::Digest::of_bytes(&bytes).to_string();
    insta::assert_snapshot!(text.replace(&digest, "[digest]"), @r#"
# Written by `seqprobe accept`; intervals are at level 0.95.
schema = 1
suite = "gate"
reason = "the \"first\""
program = "0.1.0"
commit = "8d6a472c"
margin = 0.01
predictions = { file = "gate.predictions.parquet", digest = "[digest]" }
cells = [
  { dataset = "gue-tf-0", representation = "kmer-4", variant = "-", layer = "-", pooling = "-", probe = "linear", fraction = "1", target = "label", metric = "auroc", point = 0.75, lower = 0.5, upper = 0.875, n = 1000, seeds = 1 },
  { dataset = "gue-tf-0", representation = "onehot", variant = "-", layer = "-", pooling = "-", probe = "linear", fraction = "1", target = "label", metric = "auroc", point = 0.625, n = 1000, seeds = 1 },
]
"#);
    let open = read_baseline(&gate.path("gate.toml")).unwrap();
    let ids: Vec<CellId> = open.baseline.cells.iter().map(|cell| cell.id()).collect();
    assert_eq!(ids, [run.record.cells[0].id.clone(), run.record.cells[1].id.clone()]);
    assert_eq!((open.baseline.cells[0].lower, open.baseline.cells[1].lower), (Some(0.5), None));
}

#[test]
fn predictions_come_back_as_32_bit_numbers_with_their_examples() {
    let mut run = Run::new();
    let seeds = [probabilities(0.3, 5), probabilities(0.2, 6)];
    run.predictions[1] = of_cell(&run.record.cells[1].id, &seeds);
    // The third cell has other outputs, missing true values and clusters, and so a table of examples of its own.
    let third = &mut run.predictions[2];
    third.outputs = vec![output("a"), output("b")];
    let split = &mut third.splits[0];
    split.truth = (0..2 * N).map(|at| (at % 5 != 0).then_some((at % 3) as f64)).collect();
    split.clusters = Some((0..N as u32).map(|row| row / 3).collect());
    split.seeds[0].values = [probabilities(0.3, 7), probabilities(0.3, 8)].concat();
    let gate = Gate::new(&run);
    let read = gate.predictions().unwrap().unwrap();
    assert_eq!(read.len(), 3);
    for given in &run.predictions {
        let mut expected = given.clone();
        for seed in &mut expected.splits[0].seeds {
            seed.values.iter_mut().for_each(|value| *value = f64::from(*value as f32));
        }
        assert_eq!(read[&given.cell], expected);
    }
}

#[test]
fn examples_of_several_cells_are_stored_once() {
    let size = |run: &Run| Gate::new(run).predictions_bytes.unwrap();
    let shared = Run::new();
    let change = |with: fn(&mut SplitPredictions)| {
        let mut run = shared.clone();
        with(&mut run.predictions[2].splits[0]);
        size(&run)
    };
    let alone = size(&shared);
    let renamed = change(|split| split.example_ids = (0..N).map(|row| format!("test:{}", row + 1)).collect());
    let relabelled =
        change(|split| split.truth = (0..N).map(|row| Some(f64::from(u8::from(!label(row))))).collect());
    let clustered = change(|split| split.clusters = Some((0..N as u32).collect()));
    for other in [renamed, relabelled, clustered] {
        assert!(other > alone + 200, "{other} against {alone}");
    }
    let mut named = shared.clone();
    named.predictions[2].outputs = vec![output("yes")];
    assert!(size(&named) > alone + 200);
}

#[test]
fn predictions_of_more_than_two_megabytes_are_left_out() {
    // Random numbers of 24 bits take a little more than three bytes each.
    let mut word = 1_u64;
    let mut random = || {
        word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (word >> 40) as f64 / (1_u64 << 24) as f64
    };
    let mut with_seeds = |n_seeds: usize| {
        let mut run = Run::new();
        let seeds: Vec<Vec<f64>> = (0..n_seeds).map(|_| (0..N).map(|_| random()).collect()).collect();
        run.predictions[0] = of_cell(&run.record.cells[0].id, &seeds);
        (Gate::new(&run), run)
    };
    let (gate, _) = with_seeds(7_000);
    assert!(gate.predictions_bytes.is_some_and(|bytes| bytes > 1_100_000), "{:?}", gate.predictions_bytes);
    let (gate, run) = with_seeds(12_000);
    assert_eq!(gate.predictions_bytes, None);
    assert!(!gate.path("gate.predictions.parquet").exists() && !gate.text().contains("predictions ="));
    assert!(!gate.check(&run, options()).unwrap().paired);
}
