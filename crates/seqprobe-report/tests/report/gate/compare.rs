//! Comparing two runs, cell by cell.

use super::*;

fn compared(a: &Run, b: &Run) -> Result<RunComparison, ReportError> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    a.write(&path("a"));
    b.write(&path("b"));
    compare_runs(&path("a"), &path("b"))
}

#[test]
fn runs_are_compared_cell_by_cell() {
    let a = Run::with_skills([0.4, 0.1, 0.1]);
    let mut b = Run::with_skills([0.1, 0.1, 0.1]);
    b.record.cells[2].id = sample::id(DATASET, "kmer-3", ("-", "-"), "linear");
    b.predictions[2].cell = b.record.cells[2].id.clone();
    b.record.provenance.threads = 16;
    b.record.provenance.models.clear();
    let got = compared(&a, &b).unwrap();
    assert_eq!(got.cells.len(), 2);
    assert!(delta(Some(&got.cells[0].delta)).upper < 0.0);
    assert_eq!(delta(Some(&got.cells[1].delta)).method, "identical-predictions");
    assert_eq!(got.only_in_a, ["gue-tf-0/kmer-2/-/-/-/linear/1"]);
    assert_eq!(got.only_in_b, ["gue-tf-0/kmer-3/-/-/-/linear/1"]);
    let differs: Vec<(&str, &str, &str)> =
        got.provenance.iter().map(|one| (one.what.as_str(), one.a.as_str(), one.b.as_str())).collect();
    let digest = "c3".repeat(32);
    assert_eq!(differs, [("model models/nt-v2-50m", digest.as_str(), "-"), ("threads", "2", "16")]);
    let text = got.to_text();
    assert!(text.contains("B − A is positive where B is better.\nonly in A: gue-tf-0/kmer-2"), "{text}");
    assert!(
        text.contains("\nonly in B: gue-tf-0/kmer-3") && text.ends_with("differs: threads: 2 → 16"),
        "{text}"
    );
    let point = delta(Some(&got.cells[0].delta)).point;
    assert!(text.contains(&format!("{point:+.4} [")), "{text}");
}

#[test]
fn cells_without_a_common_score_are_not_compared() {
    let a = Run::new();
    let mut b = Run::new();
    b.record.cells[0].scores.iter_mut().for_each(|score| score.metric = "brier".to_owned());
    let other = |score: &mut seqprobe_report::record::ScoreRecord| {
        score.target = ScoredTarget::Column("y".to_owned());
    };
    b.record.cells[1].scores.iter_mut().for_each(other);
    let got = compared(&a, &b).unwrap();
    assert_eq!(got.cells.len(), 1);
    assert!(got.cells[0].cell.contains("kmer-2"));
    // Cells that do not apply are in neither run.
    let mut none = a.clone();
    for cell in &mut none.record.cells {
        cell.status = Status::NotApplicable;
        cell.scores.clear();
    }
    none.predictions.clear();
    let error = compared(&a, &none).unwrap_err();
    assert!(matches!(error, ReportError::NothingInCommon { .. }), "{error}");
    none.record.cells[0] = a.record.cells[0].clone();
    none.predictions = vec![a.predictions[0].clone()];
    let got = compared(&a, &none).unwrap();
    assert_eq!((got.only_in_a.len(), got.only_in_b.len()), (2, 0));
    // Predictions that are gone leave a reason.
    let mut without = a.clone();
    without.predictions.remove(0);
    let got = compared(&a, &without).unwrap();
    assert!(matches!(&got.cells[0].delta, ScoreValue::Undefined { .. }), "{:?}", got.cells[0].delta);
    assert!(got.to_text().contains("undefined: "));
}

/// The difference of two outputs of a task, computed by the comparison and by the statistics themselves.
fn check_task(task: TaskKind, id: &str, outputs: &[&str], truth: &[Option<f64>], expected: &Truth<'_>) {
    let mut runs = [Run::new(), Run::new()];
    let n_outputs = outputs.len();
    let mut values = Vec::new();
    for (run, skill) in runs.iter_mut().zip([1, 2]) {
        run.record.datasets[0].task = task;
        run.record.cells.truncate(1);
        run.predictions.truncate(1);
        run.record.cells[0].scores.iter_mut().for_each(|score| score.metric = id.to_owned());
        let known = |at: usize| truth[at].unwrap_or(0.0);
        let mut own: Vec<f64> = (0..N * n_outputs)
            .map(|at| {
                0.2 + 0.1 * f64::from(skill) * known(at)
                    + ((at * 37 + skill as usize * 11) % 50) as f64 / 100.0
            })
            .collect();
        if task == TaskKind::Multiclass {
            for row in own.chunks_exact_mut(n_outputs) {
                let sum: f64 = row.iter().sum();
                row.iter_mut().for_each(|value| *value /= sum);
            }
        }
        let predictions = &mut run.predictions[0];
        predictions.outputs = outputs.iter().map(|name| output(name)).collect();
        predictions.splits[0].truth = truth.to_vec().into();
        predictions.splits[0].seeds[0].values = own.clone();
        values.push(own);
    }
    let seed = Seed(0).derive(&format!("bootstrap/{DATASET}/test")).0;
    let resampling = Resampling { replicates: 2000, ..Resampling::new(seed) };
    let wanted = compare(metric(id).unwrap(), expected, &[&values[1]], &[&values[0]], &resampling).unwrap();
    let [a, b] = &runs;
    let got = compared(a, b).unwrap();
    let got = delta(Some(&got.cells[0].delta));
    assert_eq!(
        (got.point, got.lower, got.upper),
        (wanted.estimate.point, wanted.estimate.lower, wanted.estimate.upper)
    );
    assert!(got.point != 0.0);
}

#[test]
fn every_kind_of_task_is_compared() {
    let labels: Vec<bool> = (0..N).map(label).collect();
    let truth: Vec<Option<f64>> = labels.iter().map(|&label| Some(f64::from(u8::from(label)))).collect();
    check_task(TaskKind::Binary, "brier", &["1"], &truth, &Truth::Binary(&labels));
    let classes: Vec<u32> = (0..N as u32).map(|row| row % 3).collect();
    let truth: Vec<Option<f64>> = classes
        .iter()
        .flat_map(|&class| (0..3).map(move |output| Some(f64::from(u8::from(output == class)))))
        .collect();
    let expected = Truth::Classes { labels: &classes, n_classes: 3 };
    check_task(TaskKind::Multiclass, "brier", &["a", "b", "c"], &truth, &expected);
    let values: Vec<Option<bool>> = (0..2 * N).map(|at| (at % 7 != 0).then_some(at % 3 == 0)).collect();
    let truth: Vec<Option<f64>> =
        values.iter().map(|value| value.map(|label| f64::from(u8::from(label)))).collect();
    let expected = Truth::Multilabel { values: &values, n_targets: 2 };
    check_task(TaskKind::Multilabel, "brier", &["a", "b"], &truth, &expected);
    let truth: Vec<Option<f64>> = (0..2 * N).map(|at| (at % 7 != 0).then_some((at % 5) as f64)).collect();
    let expected = Truth::Regression { values: &truth, n_targets: 2 };
    check_task(TaskKind::Regression, "mse", &["a", "b"], &truth, &expected);
}

#[test]
fn clusters_of_either_run_are_used() {
    let clusters: std::sync::Arc<[u32]> = (0..N as u32).map(|row| row / 4).collect();
    let interval = |in_a: bool, in_b: bool| {
        let (mut a, mut b) = (Run::with_skills([0.4, 0.1, 0.1]), Run::new());
        for (run, given) in [(&mut a, in_a), (&mut b, in_b)] {
            run.predictions[0].splits[0].clusters = given.then(|| clusters.clone());
        }
        let got = compared(&a, &b).unwrap();
        delta(Some(&got.cells[0].delta)).clone()
    };
    assert!(interval(true, true).method.contains("cluster"));
    assert_eq!(interval(true, false), interval(true, true));
    assert_eq!(interval(false, true), interval(true, true));
    assert!(!interval(false, false).method.contains("cluster"));
}
