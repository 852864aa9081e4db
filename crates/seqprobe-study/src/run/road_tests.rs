//! The road as a whole on small simulated tasks: what is stored is read, what is missing is computed, no cell is lost.

use crate::error::{ErrorKind, StudyError};
use crate::events::StudyEvent;
use crate::options::{CacheChoice, StudyOptions};
use crate::store::error::StoreError;
use crate::study::Study;
use seqprobe_report::RunRecord;
use seqprobe_report::record::{CellRecord, DescriptionValue, RepresentationName, Role, Status};
use std::path::{Path, PathBuf};

const PROBE: &str = "[[probe]]\nid = \"linear\"\n";

/// A suite of one-hot and 2-mers on a small simulated task, with more keys and probes.
fn write_suite(folder: &Path, keys: &str, probes: &str) -> PathBuf {
    let path = folder.join("suite.toml");
    let text = format!(
        "schema = 1\nname = \"road\"\nreplicates = 100\n{keys}\n\
         simulate = {{ train = 60, valid = 30, test = 40, length = 30 }}\n\
         [[representation]]\nid = \"kmer-2\"\npooling = [\"mean\"]\n[[representation]]\nid = \"onehot\"\n{probes}"
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn options(folder: &Path) -> StudyOptions {
    StudyOptions { cache: CacheChoice::Folder(folder.join("cache")), ..StudyOptions::default() }
}

fn run(folder: &Path, keys: &str, probes: &str) -> RunRecord {
    let study = Study::open(&write_suite(folder, keys, probes)).unwrap();
    study.run(&options(folder), &mut |_: StudyEvent<'_>| {}).unwrap()
}

fn names(cells: &[CellRecord]) -> Vec<String> {
    cells.iter().map(|cell| cell.id.to_string()).collect()
}

fn shuffled_of(record: &RunRecord) -> &CellRecord {
    let is_shuffled = |cell: &&CellRecord| cell.id.representation == RepresentationName::ShuffledLabels;
    record.cells.iter().find(is_shuffled).unwrap()
}

#[test]
fn a_second_run_reads_every_fit_under_the_same_key() {
    let folder = tempfile::tempdir().unwrap();
    let keys = "datasets = [\"sim:gc\", \"sim:additive\"]\nfractions = [0.5]";
    let (first, second) = (run(folder.path(), keys, PROBE), run(folder.path(), keys, PROBE));
    assert_eq!(names(&first.cells), names(&second.cells));
    assert_eq!(first.cells.len(), 20, "{:?}", names(&first.cells));
    assert!(first.cells.iter().all(|cell| !cell.reused));
    for (one, other) in first.cells.iter().zip(&second.cells) {
        assert_eq!(
            (&one.key, &one.scores, &one.fits),
            (&other.key, &other.scores, &other.fits),
            "{}",
            one.id
        );
        let is_fit = other.status == Status::Ok && (other.id.probe.is_some() || other.role == Role::Rule);
        assert_eq!(other.reused, is_fit, "{}", other.id);
    }
    let verdicts = |record: &RunRecord| serde_json::to_value(&record.verdicts).unwrap();
    assert_eq!(verdicts(&first), verdicts(&second));
}

#[test]
fn another_probe_computes_its_own_cells_only() {
    let folder = tempfile::tempdir().unwrap();
    let keys = "datasets = [\"sim:gc\"]\ncontrols = false";
    run(folder.path(), keys, PROBE);
    let more = run(folder.path(), keys, &format!("{PROBE}[[probe]]\nid = \"lasso\"\n"));
    let fits = || more.cells.iter().filter(|cell| cell.status == Status::Ok);
    assert_eq!(fits().count(), 5, "{:?}", names(&more.cells));
    for cell in fits().filter(|cell| cell.id.probe.is_some()) {
        assert_eq!(cell.reused, cell.id.probe_word() == "linear", "{}", cell.id);
    }
}

#[test]
fn the_plan_names_the_cells_of_the_run_and_each_is_done_once() {
    let folder = tempfile::tempdir().unwrap();
    let probes = format!("{PROBE}[[probe]]\nid = \"cnn\"\nepochs = 1\n");
    let study = Study::open(&write_suite(folder.path(), "datasets = [\"sim:gc\"]", &probes)).unwrap();
    let plan = study.plan(&options(folder.path()), &mut |_: StudyEvent<'_>| {}).unwrap();
    let (mut planned, mut fitted, mut done) = (0, Vec::new(), Vec::new());
    let mut events = |event: StudyEvent<'_>| match event {
        StudyEvent::Planned { cells } => planned = cells,
        StudyEvent::Fitting(id) => fitted.push(id.to_string()),
        StudyEvent::Done(id) => done.push(id.to_string()),
        _ => {}
    };
    let record = study.run(&options(folder.path()), &mut events).unwrap();
    let of_plan: Vec<String> = serde_json::from_value::<Vec<serde_json::Value>>(plan["cells"].clone())
        .unwrap()
        .into_iter()
        .map(|cell| {
            serde_json::from_value::<seqprobe_report::record::CellId>(cell["id"].clone()).unwrap().to_string()
        })
        .collect();
    assert_eq!((planned, &of_plan), (record.cells.len(), &names(&record.cells)));
    assert_eq!(done, of_plan);
    let is_fit = |cell: &&CellRecord| cell.status == Status::Ok && cell.id.probe.is_some();
    let expected: Vec<CellRecord> = record.cells.iter().filter(is_fit).cloned().collect();
    assert_eq!(fitted, names(&expected));
    // 2-mers have no tokens: the cell is there, with its reason.
    let missing = record.cells.iter().find(|cell| cell.id.to_string().contains("kmer-2/-/-/-/cnn")).unwrap();
    assert_eq!(missing.status, Status::NotApplicable);
    assert!(missing.reason.as_ref().unwrap().contains("pooling = tokens"), "{:?}", missing.reason);
}

#[test]
fn labels_are_shuffled_on_what_validation_chose() {
    let folder = tempfile::tempdir().unwrap();
    let record = run(folder.path(), "datasets = [\"sim:gc\"]", PROBE);
    let shuffled = shuffled_of(&record);
    assert_eq!((shuffled.status, shuffled.n_seeds), (Status::Ok, 5));
    for fit in &shuffled.fits {
        assert_eq!(
            fit.report.chosen["pooling"], "flatten",
            "the pooling of one-hot, which its id does not say"
        );
    }
    let without = run(folder.path(), "datasets = [\"sim:gc\"]\ncontrols = [\"shuffled-labels/mlp\"]", PROBE);
    let cell = shuffled_of(&without);
    assert_eq!(cell.status, Status::NotApplicable);
    assert!(cell.reason.as_ref().unwrap().contains("the suite does not name"), "{:?}", cell.reason);
}

#[test]
fn description_lengths_come_with_their_cells_and_are_stored() {
    let folder = tempfile::tempdir().unwrap();
    let keys = "datasets = [\"sim:gc\", \"sim:additive\"]\ncontrols = false\ndescription_length = true";
    let first = run(folder.path(), keys, PROBE);
    let described = |record: &RunRecord| -> Vec<(String, DescriptionValue)> {
        let cells = record.cells.iter();
        cells.filter_map(|cell| Some((cell.id.to_string(), cell.description.clone()?))).collect()
    };
    let found = described(&first);
    assert_eq!(found.len(), 2, "class tasks only: {found:?}");
    assert!(
        found
            .iter()
            .all(|(id, value)| id.starts_with("sim:gc/") && matches!(value, DescriptionValue::Known(_)))
    );
    assert_eq!(described(&run(folder.path(), keys, PROBE)), found);
    // Asked for later, they are added to cells that are stored already.
    let other = tempfile::tempdir().unwrap();
    run(other.path(), &keys.replace("true", "false"), PROBE);
    let later = run(other.path(), keys, PROBE);
    assert_eq!(described(&later), found);
    assert!(later.cells.iter().filter(|cell| cell.id.probe.is_some()).all(|cell| cell.reused));
}

#[test]
fn a_damaged_cell_is_computed_again_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let keys = "datasets = [\"sim:gc\"]\ncontrols = false";
    let first = run(folder.path(), keys, PROBE);
    let key = &first.cells[0].key;
    let cells = std::fs::read_dir(folder.path().join("cache")).unwrap().map(|item| item.unwrap().path());
    let store = cells.into_iter().find(|path| path.join(key).is_dir()).unwrap();
    let file = store.join(key).join("predictions.safetensors");
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();

    let study = Study::open(&write_suite(folder.path(), keys, PROBE)).unwrap();
    let strict = StudyOptions { repair: false, ..options(folder.path()) };
    let refused = study.run(&strict, &mut |_: StudyEvent<'_>| {}).unwrap_err();
    assert!(matches!(refused, StudyError::Store(StoreError::Damaged(_))), "{refused}");
    assert!(refused.to_string().contains("--no-repair"), "{refused}");
    let mut damage = Vec::new();
    let mut events = |event: StudyEvent<'_>| {
        if let StudyEvent::Damaged { reason } = event {
            damage.push(reason.to_owned());
        }
    };
    let repaired = study.run(&options(folder.path()), &mut events).unwrap();
    assert!(damage.len() == 1 && damage[0].contains("predictions.safetensors: its digest is"), "{damage:?}");
    assert!(!repaired.cells[0].reused && repaired.cells[1].reused);
    assert_eq!(repaired.cells[0].scores, first.cells[0].scores);
}

#[test]
fn what_cannot_be_run_is_an_error_of_its_kind() {
    let folder = tempfile::tempdir().unwrap();
    let kind = |keys: &str, probes: &str| {
        let study = Study::open(&write_suite(folder.path(), keys, probes));
        let run = study.and_then(|study| study.run(&options(folder.path()), &mut |_: StudyEvent<'_>| {}));
        let error = run.unwrap_err();
        (error.kind(), error.to_string())
    };
    let (found, text) = kind("datasets = [\"sim:gc\", \"sim:gc\"]", PROBE);
    assert!(found == ErrorKind::Usage && text.contains("named twice"), "{text}");
    let (found, text) = kind("datasets = [\"sim:nothing\"]", PROBE);
    assert!(found == ErrorKind::Usage && text.contains("nothing"), "{text}");
    let (found, text) = kind("datasets = []", PROBE);
    assert!(found == ErrorKind::EmptyPlan && text.contains("no datasets"), "{text}");
    let (found, text) = kind("datasets = [\"sim:gc\"]\nmargin = -1.0", PROBE);
    assert!(found == ErrorKind::Usage && text.contains("margin is -1, expected a number from 0"), "{text}");
    let (found, text) = kind("datasets = [\"sim:gc\"]", "[[probe]]\nid = \"linear\"\nepochs = 3\n");
    assert!(found == ErrorKind::Usage && text.contains("probe 1: linear: unknown key \"epochs\""), "{text}");
    let model = "[[representation]]\nmodel = \"no/such/folder\"\n";
    let (found, text) = kind("datasets = [\"sim:gc\"]", &format!("{model}{PROBE}"));
    assert!(found == ErrorKind::Model && text.starts_with("model \"no/such/folder\": "), "{text}");
}

#[test]
fn a_damaged_audit_of_the_last_dataset_is_reported_too() {
    let folder = tempfile::tempdir().unwrap();
    let keys = "datasets = [\"sim:gc\"]\ncontrols = false";
    let first = run(folder.path(), keys, PROBE);
    let audits = folder.path().join("cache").join("values-v1").join("audits-v2");
    let stored: Vec<PathBuf> = std::fs::read_dir(audits).unwrap().map(|item| item.unwrap().path()).collect();
    assert_eq!(stored.len(), 1);
    std::fs::write(&stored[0], "cut").unwrap();
    let study = Study::open(&write_suite(folder.path(), keys, PROBE)).unwrap();
    let mut damage = Vec::new();
    let mut events = |event: StudyEvent<'_>| {
        if let StudyEvent::Damaged { reason } = event {
            damage.push(reason.to_owned());
        }
    };
    let repaired = study.run(&options(folder.path()), &mut events).unwrap();
    assert!(damage.len() == 1 && damage[0].contains("audits-v2"), "{damage:?}");
    assert_eq!(repaired.datasets[0].audit, first.datasets[0].audit);
}
