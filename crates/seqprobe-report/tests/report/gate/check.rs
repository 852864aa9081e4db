//! Checking a run against its baseline: what regressed, improved, is missing or cannot be compared.

use super::*;

#[test]
fn an_unchanged_run_leaves_the_gate_open() {
    let run = Run::new();
    let gate = Gate::new(&run);
    let report = gate.check(&run, options()).unwrap();
    assert_eq!(outcomes(&report), [Outcome::Unchanged; 3]);
    assert!(report.is_open() && report.paired && !report.exact && !report.lenient);
    assert_eq!((report.suite.as_str(), report.margin), ("gate", 0.01));
    for cell in &report.cells {
        assert_eq!((cell.accepted, cell.p_adjusted), (cell.current, Some(1.0)));
        assert_eq!(delta(cell.delta.as_ref()).method, "identical-predictions");
        assert_eq!((cell.metric.as_str(), cell.reason.as_deref()), ("auroc", None));
    }
    assert_eq!(
        report.to_text(),
        "gate open: 0 regressed, 0 improved, 3 unchanged, 0 missing, 0 not comparable, 0 new \
         (margin 0.01; paired by example)"
    );
    assert!(report.to_github_annotations().is_empty());
}

#[test]
fn worse_and_better_cells_are_found_and_shown() {
    let gate = Gate::new(&Run::with_skills([0.4, 0.1, 0.1]));
    let now = Run::with_skills([0.1, 0.4, 0.1]);
    let report = gate.check(&now, options()).unwrap();
    let by_name = |name: &str| report.cells.iter().find(|cell| cell.cell.contains(name)).unwrap();
    let (worse, better) = (by_name("kmer-4"), by_name("onehot"));
    assert_eq!((worse.outcome, better.outcome), (Outcome::Regressed, Outcome::Improved));
    assert_eq!(by_name("kmer-2").outcome, Outcome::Unchanged);
    assert!(delta(worse.delta.as_ref()).upper < 0.0 && delta(better.delta.as_ref()).lower > 0.0);
    assert!(!report.is_open());
    assert_eq!((report.count(Outcome::Regressed), report.n_unanswered()), (1, 0));
    let summary = report.summary();
    assert!(summary.starts_with("gate closed: 1 regressed, 1 improved, 1 unchanged, 0 missing"), "{summary}");
    let text = report.to_text();
    assert!(text.contains("regressed") && text.contains("improved") && !text.contains("kmer-2"), "{text}");
    assert_eq!(text.lines().last(), Some(summary.as_str()));
    assert!(text.starts_with('─') && !text.contains(['|', '│']), "columns without vertical lines: {text}");
    // The baseline's p values are two-sided, Holm over the three cells.
    let difference = |place: usize| {
        let labels: Vec<bool> = (0..N).map(label).collect();
        let single =
            |values: &[f64]| -> Vec<f64> { values.iter().map(|&value| f64::from(value as f32)).collect() };
        let accepted =
            single(&Run::with_skills([0.4, 0.1, 0.1]).predictions[place].splits[0].seeds[0].values);
        let current = single(&now.predictions[place].splits[0].seeds[0].values);
        let seed = Seed(0).derive(&format!("bootstrap/{DATASET}/test")).0;
        let resampling = Resampling { replicates: 2000, ..Resampling::new(seed) };
        compare(metric("auroc").unwrap(), &Truth::Binary(&labels), &[&current], &[&accepted], &resampling)
            .unwrap()
    };
    let p = |place: usize| {
        let difference = difference(place);
        2.0 * difference.p_above(0.0).min(difference.p_below(0.0))
    };
    let expected = seqprobe_stats::holm(&[p(0), p(1), 1.0]);
    assert_eq!(worse.p_adjusted, Some(expected[0]));
    assert_eq!(better.p_adjusted, Some(expected[1]));
    assert_eq!(delta(worse.delta.as_ref()).point.to_bits(), difference(0).estimate.point.to_bits());

    let annotations = report.to_github_annotations();
    assert_eq!(annotations.len(), 2);
    let error = annotations.iter().find(|line| line.starts_with("::error")).unwrap();
    assert!(error.starts_with("::error title=seqprobe%3A regressed::gue-tf-0/kmer-4"), "{error}");
    assert!(annotations.iter().any(|line| line.starts_with("::notice title=seqprobe%3A improved::")));
    let junit = report.to_junit().unwrap();
    assert!(junit.contains("tests=\"3\"") && junit.contains("failures=\"1\""), "{junit}");
    assert!(junit.contains("<failure message=\"gue-tf-0/kmer-4/-/-/-/linear/1 auroc: "), "{junit}");

    // A difference within the margin does not matter.
    let wide = GateOptions { margin: Some(0.9), ..options() };
    let report = gate.check(&now, wide).unwrap();
    assert_eq!((outcomes(&report), report.margin), (vec![Outcome::Unchanged; 3], 0.9));
}

#[test]
fn a_point_that_is_not_the_score_of_its_predictions_is_refused() {
    let run = Run::new();
    let gate = Gate::new(&run);
    let text = gate.text();
    let point = |place: usize| match run.clone().value(place) {
        ScoreValue::Estimate(estimate) => estimate.point,
        other => panic!("no estimate: {other:?}"),
    };
    let with_point = |place: usize, to: f64| {
        let (from, to) = (format!("point = {:?}", point(place)), format!("point = {to:?}"));
        assert!(text.contains(&from), "{text}");
        fs::write(gate.path("gate.toml"), text.replace(&from, &to)).unwrap();
        gate.check(&run, options())
    };
    for (place, to) in [(0, point(0) + 0.3), (1, 0.0), (2, point(2) + 1e-4)] {
        let error = with_point(place, to).unwrap_err().to_string();
        let id = run.record.cells[place].id.to_string();
        for part in [&id, &format!("the accepted auroc is {to}, "), "seqprobe accept RUN --baseline FILE"] {
            assert!(error.contains(part), "{error}");
        }
        assert!(error.contains(&format!("the accepted predictions give {}", point(place))), "{error}");
    }
    // The last bits are those of the order of a sum.
    assert!(with_point(0, point(0) * (1.0 + 1e-9)).unwrap().is_open());
    // Several wrong points are counted.
    let all = text.replace("point = 0.", "point = 0.0");
    fs::write(gate.path("gate.toml"), all).unwrap();
    let error = gate.check(&run, options()).unwrap_err().to_string();
    assert!(error.contains("; 3 points in all do not fit"), "{error}");
    // Without predictions nothing can be recomputed, and the report says so.
    gate.without_predictions();
    let report = gate.check(&run, options()).unwrap();
    assert!(report.to_text().contains("the accepted points are not recomputed"), "{}", report.to_text());
}

#[test]
fn points_that_cannot_be_recomputed_are_counted() {
    let mut run = Run::new();
    run.predictions[1].outputs = vec![output("a"), output("b")];
    run.predictions[1].splits[0].truth = (0..2 * N).map(|at| Some((at % 2) as f64)).collect();
    run.predictions[1].splits[0].seeds[0].values = [probabilities(0.3, 7), probabilities(0.3, 8)].concat();
    let gate = Gate::new(&run);
    let report = gate.check(&run, options()).unwrap();
    let told = report.not_recomputed.clone().unwrap();
    assert!(told.starts_with("1 accepted points were not recomputed") && told.contains("onehot"), "{told}");
    assert!(report.to_text().contains(&told));
    assert_eq!(report.count(Outcome::Unchanged), 3);
}

#[test]
fn points_of_every_task_and_of_several_seeds_and_targets_are_recomputed() {
    let seeds = [probabilities(0.3, 1), probabilities(0.2, 2)];
    let labels: Vec<bool> = (0..N).map(label).collect();
    let values: Vec<Option<f64>> = (0..2 * N).map(|at| (at % 7 != 0).then_some((at % 5) as f64)).collect();
    let two: Vec<f64> = (0..2 * N).map(|at| (at % 5) as f64 * 1e-3 + ((at * 7) % 11) as f64).collect();
    let classes: Vec<u32> = (0..N).map(|row| (row % 3) as u32).collect();
    let share = |row: usize| ((row * 31) % 97) as f64 / 97.0;
    let shares: Vec<f64> = (0..N)
        .flat_map(|row| {
            [share(row) / 2.0, 0.5 - share(row + 5) / 4.0, 0.5 + share(row + 5) / 4.0 - share(row) / 2.0]
        })
        .collect();
    let one_hot: Vec<Option<f64>> =
        (0..3 * N).map(|at| Some(f64::from(u8::from(at % 3 == at / 3 % 3)))).collect();
    let score = |id: &str, truth: &Truth<'_>, seeds: &[&[f64]]| {
        let scores = seeds.iter().map(|values| metric(id).unwrap().score(truth, values).unwrap());
        scores.sum::<f64>() / seeds.len() as f64
    };
    let binary = |id| (TaskKind::Binary, id, score(id, &Truth::Binary(&labels), &[&seeds[0], &seeds[1]]));
    let numbers = Truth::Regression { values: &values, n_targets: 2 };
    let regression = |id| (TaskKind::Regression, id, score(id, &numbers, &[&two]));
    let three = Truth::Classes { labels: &classes, n_classes: 3 };
    let multiclass = |id| (TaskKind::Multiclass, id, score(id, &three, &[&shares]));
    let cases = [
        binary("mcc"),
        binary("log-loss"),
        regression("spearman"),
        regression("pearson"),
        regression("r2"),
        regression("mse"),
        multiclass("accuracy"),
        multiclass("log-loss"),
    ];
    for (task, id, point) in cases {
        let mut run = Run::new();
        run.record.datasets = vec![sample::dataset(DATASET, task, id)];
        run.record.cells.truncate(1);
        run.predictions.truncate(1);
        *run.value(0) = sample::estimate(point, point - 0.1, point + 0.1);
        run.record.cells[0].scores.iter_mut().filter(|score| score.primary).for_each(|score| {
            score.metric = id.to_owned();
            if task == TaskKind::Regression {
                score.target = ScoredTarget::Macro;
            }
        });
        let cell = &mut run.predictions[0];
        match task {
            TaskKind::Binary => *cell = of_cell(&cell.cell.clone(), &seeds),
            TaskKind::Regression => {
                cell.outputs = vec![output("a"), output("b")];
                cell.splits[0].truth = values.clone().into();
                cell.splits[0].seeds[0].values = two.clone();
            }
            _ => {
                cell.outputs = vec![output("a"), output("b"), output("c")];
                cell.splits[0].truth = one_hot.clone().into();
                cell.splits[0].seeds[0].values = shares.clone();
            }
        }
        let gate = Gate::new(&run);
        let report = gate.check(&run, options()).unwrap();
        assert_eq!(
            (report.not_recomputed.clone(), report.is_open()),
            (None, true),
            "{id}: {}",
            report.to_text()
        );
        let text = gate.text();
        let edited =
            text.replace(&format!("point = {point:?}"), &format!("point = {:?}", point * 1.001 + 1e-3));
        assert_ne!(text, edited);
        fs::write(gate.path("gate.toml"), edited).unwrap();
        assert!(gate.check(&run, options()).unwrap_err().to_string().contains(id), "{id}");
    }
}

#[test]
fn a_difference_that_is_not_significant_leaves_the_gate_open() {
    let gate = Gate::new(&Run::new());
    let mut now = Run::new();
    // Another noise, no other skill.
    let values = probabilities(0.1, 77);
    now.predictions[0] = of_cell(&now.record.cells[0].id, &[values]);
    let report = gate.check(&now, GateOptions { margin: Some(0.0), ..options() }).unwrap();
    let cell = &report.cells.iter().find(|cell| cell.cell.contains("kmer-4")).unwrap();
    let estimate = delta(cell.delta.as_ref());
    assert!(estimate.point != 0.0 && estimate.lower < 0.0 && estimate.upper > 0.0, "{estimate:?}");
    assert_eq!(cell.outcome, Outcome::Unchanged);
    assert!(cell.p_adjusted.is_some_and(|p| p > 0.05));
}

#[test]
fn exact_asks_for_the_same_bits() {
    let gate = Gate::new(&Run::new());
    let exact = GateOptions { exact: true, ..options() };
    let report = gate.check(&Run::new(), exact).unwrap();
    assert!(report.is_open() && report.exact);
    assert!(report.summary().ends_with("(margin 0.01; exact: every score must be identical)"));
    let mut now = Run::new();
    let ScoreValue::Estimate(value) = now.value(1) else { panic!("no estimate") };
    value.point = value.point.next_up();
    now.record.cells.remove(2);
    now.predictions.remove(2);
    let report = gate.check(&now, exact).unwrap();
    let cell = report.cells.iter().find(|cell| cell.cell.contains("onehot")).unwrap();
    assert_eq!(cell.outcome, Outcome::Regressed);
    assert_eq!(cell.reason.as_deref(), Some("differs from the accepted score"));
    assert_eq!(report.count(Outcome::Missing), 1);
    assert_eq!(report.count(Outcome::Unchanged), 1);
}

#[test]
fn missing_and_new_cells_are_counted_with_their_reasons() {
    let gate = Gate::new(&Run::new());
    let reason = |with: &dyn Fn(&mut Run)| {
        let mut now = Run::new();
        with(&mut now);
        let report = gate.check(&now, options()).unwrap();
        let missing = report.cells.iter().find(|cell| cell.outcome == Outcome::Missing).unwrap();
        assert_eq!((missing.current, missing.p_adjusted), (None, None));
        assert!(!report.is_open());
        assert_eq!((report.n_unanswered(), report.count(Outcome::Unchanged)), (1, 2));
        missing.reason.clone().unwrap()
    };
    let absent = reason(&|now: &mut Run| {
        now.record.cells.remove(0);
        now.predictions.remove(0);
    });
    assert_eq!(absent, "the run has no such cell");
    let undefined = |now: &mut Run| {
        *now.value(0) = ScoreValue::Undefined { reason: "one class".to_owned() };
        now.predictions.remove(0);
    };
    assert_eq!(reason(&undefined), "its score is undefined");
    let failed = |reason: Option<&'static str>| {
        move |now: &mut Run| {
            let cell = &mut now.record.cells[0];
            (cell.status, cell.reason) = (Status::Failed, reason.map(str::to_owned));
            cell.scores.clear();
            now.predictions.remove(0);
        }
    };
    assert_eq!(reason(&failed(Some("out of memory"))), "out of memory");
    assert_eq!(reason(&failed(None)), "it has no score");

    let mut now = Run::new();
    now.record.cells[0].id = sample::id(DATASET, "kmer-3", ("-", "-"), "linear");
    now.predictions[0].cell = now.record.cells[0].id.clone();
    let lenient = gate.check(&now, GateOptions { lenient: true, ..options() }).unwrap();
    assert!(lenient.is_open() && lenient.lenient);
    assert_eq!((lenient.count(Outcome::Missing), lenient.count(Outcome::New)), (1, 1));
    let new = lenient.cells.last().unwrap();
    assert_eq!((new.outcome, new.accepted, new.delta.as_ref()), (Outcome::New, None, None));
    assert!(new.current.is_some() && new.cell.contains("kmer-3") && new.metric == "auroc");
    let strict = gate.check(&now, options()).unwrap();
    assert_eq!(strict.to_github_annotations().len(), 1);
    assert_eq!(lenient.to_github_annotations(), Vec::<String>::new());
    let (strict, lenient) = (strict.to_junit().unwrap(), lenient.to_junit().unwrap());
    assert!(strict.contains("failures=\"1\"") && !strict.contains("<skipped"), "{strict}");
    assert!(lenient.contains("failures=\"0\"") && lenient.contains("<skipped message="), "{lenient}");
}

#[test]
fn cells_that_cannot_be_compared_close_the_gate() {
    let gate = Gate::new(&Run::new());
    let reason = |with: &dyn Fn(&mut Run)| {
        let mut now = Run::new();
        with(&mut now);
        let report = gate.check(&now, options()).unwrap();
        let cell = report.cells.iter().find(|cell| cell.outcome == Outcome::NotComparable).unwrap();
        assert!(!report.is_open() && report.n_unanswered() == 1);
        assert_eq!(report.to_github_annotations().len(), 1);
        assert!(report.to_junit().unwrap().contains("failures=\"1\""));
        assert_eq!(cell.p_adjusted, None);
        cell.reason.clone().unwrap()
    };
    let score = |now: &mut Run, with: &dyn Fn(&mut seqprobe_report::record::ScoreRecord)| {
        now.record.cells[0].scores.iter_mut().for_each(with);
    };
    let other_metric = reason(&|now| score(now, &|score| score.metric = "brier".to_owned()));
    assert_eq!(other_metric, "undefined: the score is brier of label, the accepted one is auroc of label");
    let other_target =
        |now: &mut Run| score(now, &|score| score.target = ScoredTarget::Column("y".to_owned()));
    assert_eq!(
        reason(&other_target),
        "undefined: the score is auroc of y, the accepted one is auroc of label"
    );
    let other_names = |now: &mut Run| now.predictions[0].outputs = vec![output("yes")];
    assert_eq!(reason(&other_names), "undefined: the names of the outputs differ");
    let other_examples = |now: &mut Run| {
        now.predictions[0].splits[0].example_ids = (1..=N).map(|row| format!("test:{row}")).collect();
    };
    assert_eq!(
        reason(&other_examples),
        "undefined: the test examples differ: 59 of 60 are among the 60 of the other run"
    );
    let fewer_examples = |now: &mut Run| {
        let split = &mut now.predictions[0].splits[0];
        split.example_ids = (1..N).map(|row| format!("test:{row}")).collect();
        split.truth = (1..N).map(|row| Some(f64::from(u8::from(label(row))))).collect();
        split.seeds[0].values.remove(0);
    };
    assert_eq!(
        reason(&fewer_examples),
        "undefined: the test examples differ: 59 of 59 are among the 60 of the other run"
    );
    let other_truth = |now: &mut Run| {
        let split = &mut now.predictions[0].splits[0];
        split.truth = (0..N).map(|row| Some(f64::from(u8::from(label(row) != (row < 3))))).collect();
    };
    assert_eq!(
        reason(&other_truth),
        "undefined: 3 of 60 test examples have another true value in the other run"
    );
    let no_test = |now: &mut Run| now.predictions[0].splits[0].split = "valid".to_owned();
    assert!(reason(&no_test).starts_with("undefined: no predictions on test for gue-tf-0/kmer-4"));
    let gone = reason(&|now: &mut Run| {
        now.predictions.remove(0);
    });
    assert!(gone.contains("kmer-4") || gone.contains(".parquet"), "{gone}");
    let clustered = |now: &mut Run| now.record.datasets[0].clusters = Some(("gene".to_owned(), 20));
    let mut now = Run::new();
    clustered(&mut now);
    let report = gate.check(&now, options()).unwrap();
    assert_eq!(outcomes(&report), [Outcome::NotComparable; 3]);
    assert_eq!(
        report.cells[0].reason.as_deref(),
        Some("undefined: the stored predictions have no clusters\n  hint: run the suite again")
    );
}

#[test]
fn true_values_of_all_outputs_are_compared() {
    let mut run = Run::new();
    let cell = &mut run.predictions[0];
    cell.outputs = vec![output("a"), output("b")];
    cell.splits[0].truth = (0..2 * N).map(|at| Some((at % 3) as f64)).collect();
    cell.splits[0].seeds[0].values = [probabilities(0.3, 7), probabilities(0.3, 8)].concat();
    let gate = Gate::new(&run);
    for changed in [0, 1, 2 * N - 2, 2 * N - 1] {
        let mut now = run.clone();
        let split = &mut now.predictions[0].splits[0];
        split.truth = (0..2 * N).map(|at| if at == changed { None } else { Some((at % 3) as f64) }).collect();
        let report = gate.check(&now, options()).unwrap();
        let cell = report.cells.iter().find(|cell| cell.cell.contains("kmer-4")).unwrap();
        assert_eq!(
            cell.reason.as_deref(),
            Some("undefined: 1 of 60 test examples have another true value in the other run")
        );
    }
}

#[test]
fn examples_in_another_order_are_the_same_examples() {
    let gate = Gate::new(&Run::new());
    let mut now = Run::new();
    let split = &mut now.predictions[0].splits[0];
    split.example_ids = (0..N).rev().map(|row| format!("test:{row}")).collect();
    split.truth = (0..N).rev().map(|row| Some(f64::from(u8::from(label(row))))).collect();
    split.seeds[0].values.reverse();
    let report = gate.check(&now, options()).unwrap();
    assert_eq!(outcomes(&report), [Outcome::Unchanged; 3]);
    let cell = report.cells.iter().find(|cell| cell.cell.contains("kmer-4")).unwrap();
    assert_eq!(delta(cell.delta.as_ref()).method, "identical-predictions");
}

#[test]
fn without_predictions_intervals_are_compared() {
    let mut before = Run::new();
    *before.value(0) = sample::estimate(0.75, 0.70, 0.80);
    *before.value(1) = sample::estimate(0.75, 0.70, 0.80);
    *before.value(2) = ScoreValue::PointOnly { point: 0.5, reason: "few".to_owned() };
    let gate = Gate::new(&before);
    gate.without_predictions();
    let mut now = Run::new();
    *now.value(0) = sample::estimate(0.60, 0.56, 0.64);
    *now.value(1) = ScoreValue::PointOnly { point: 0.6, reason: "few".to_owned() };
    let report = gate.check(&now, options()).unwrap();
    assert!(!report.paired);
    assert!(report.summary().contains("UNPAIRED"), "{}", report.summary());
    let by_name = |name: &str| report.cells.iter().find(|cell| cell.cell.contains(name)).unwrap();
    let worse = by_name("kmer-4");
    let estimate = delta(worse.delta.as_ref());
    assert!((estimate.point + 0.15).abs() < 1e-12);
    assert!((estimate.upper - estimate.point - 0.05_f64.hypot(0.04)).abs() < 1e-12);
    assert_eq!((worse.outcome, estimate.method.as_str()), (Outcome::Regressed, "unpaired"));
    assert_eq!(
        by_name("onehot").reason.as_deref(),
        Some("undefined: the score has no interval, and there are no accepted predictions")
    );
    assert_eq!(
        by_name("kmer-2").reason.as_deref(),
        Some("undefined: the accepted score has no interval, and there are no accepted predictions")
    );

    // A difference of exactly the margin does not matter.
    let exact = |point: f64| {
        let mut run = Run::new();
        *run.value(0) = sample::estimate(point, point - 0.03125, point + 0.03125);
        run
    };
    let gate = Gate::new(&exact(0.75));
    gate.without_predictions();
    let outcome = |margin: f64| {
        let options = GateOptions { margin: Some(margin), ..options() };
        let report = gate.check(&exact(0.5), options).unwrap();
        report.cells.iter().find(|cell| cell.cell.contains("kmer-4")).unwrap().outcome
    };
    assert_eq!((outcome(0.25), outcome(0.249)), (Outcome::Unchanged, Outcome::Regressed));

    // A lower Brier score is better.
    let brier = |value: ScoreValue| {
        let mut run = Run::new();
        *run.value(0) = value;
        run.record.cells[0].scores.iter_mut().for_each(|score| score.metric = "brier".to_owned());
        run
    };
    let gate = Gate::new(&brier(sample::estimate(0.2, 0.19, 0.21)));
    gate.without_predictions();
    let report = gate.check(&brier(sample::estimate(0.1, 0.09, 0.11)), options()).unwrap();
    let better = report.cells.iter().find(|cell| cell.cell.contains("kmer-4")).unwrap();
    assert_eq!(better.outcome, Outcome::Improved);
    assert!((delta(better.delta.as_ref()).point - 0.1).abs() < 1e-12);
}
