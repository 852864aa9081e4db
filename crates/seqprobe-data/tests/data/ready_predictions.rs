//! Ready predictions: how rows are joined to examples, what is refused, and the correlations of published scores.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use crate::common::{gzip, load_good};
use crate::public_data::{data_folder, is_there, workspace};
use seqprobe_core::{Dataset, Targets};
use seqprobe_data::{DataFolders, PredictionJoin, PredictionRequest, ReadyPredictions, find_card, load};

const ROWS: &str =
    "name,sequence,y,fold\na,ACGTAC,1.5,train\nb,TTGACA,2.5,valid\nc,GGGTAC,,test\nd,ACATTT,4.5,test\n";

const CLASSES: &str = "name,sequence,y,fold\na,ACGTAC,u,train\nb,TTGACA,v,train\nc,GGGTAC,w,train\nd,ACATTT,v,valid\ne,ACATTG,w,test\n";

fn dataset(rows: &str, id: &str, task: &str) -> Dataset {
    let card = format!(
        "schema = 1\nid = \"x\"\ntitle = \"x\"\n{task}\ntarget = \"y\"\n{id}\n[files]\nall = {{ path = \"a\", sha256 = \
         \"SHA(a)\" }}\n[[split]]\nof = \"all\"\nmethod = \"column\"\ncolumn = \"fold\"\n"
    );
    load_good(&card, &[("a", rows.as_bytes())])
}

fn regression(id: &str) -> Dataset {
    dataset(ROWS, id, "task = \"regression\"\nmetric = \"pearson\"")
}

fn read(text: &[u8], columns: &[&str], join: PredictionJoin) -> Result<ReadyPredictions, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p");
    std::fs::write(&path, text).unwrap();
    let columns = columns.iter().map(|&name| name.to_owned()).collect();
    ReadyPredictions::read(&PredictionRequest { path, columns, join })
        .map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "DIR"))
}

fn values(predictions: &ReadyPredictions, dataset: &Dataset) -> Vec<f64> {
    let rows: Vec<usize> = (0..dataset.n_examples()).collect();
    predictions.of(dataset, &rows).unwrap().into_raw_vec_and_offset().0
}

#[test]
fn rows_are_joined_by_id_by_sequence_or_by_number() {
    let by_id = read(b"id,Prediction\nd,4\nzzz,9\na,1\nb,2\n", &[], PredictionJoin::Found).unwrap();
    assert_eq!(values(&by_id, &regression("example_id = \"name\"")), [1.0, 2.0, 4.0]);
    assert_eq!((by_id.joined_by(), by_id.columns()), ("example id", ["Prediction".to_owned()].as_slice()));
    let named = PredictionJoin::Ids("gene".to_owned());
    let by_name = read(b"gene\tz\td\n1\tx\t7\nd\tx\t4\na\tx\t1\nb\tx\t2\n", &["d"], named).unwrap();
    assert_eq!(values(&by_name, &regression("example_id = \"name\"")), [1.0, 2.0, 4.0]);
    let text = "seq,score\nacatuu,4\nTTGACA,2\nACGTAC,1\nACGTAC,1\n";
    for text in [text.as_bytes().to_vec(), gzip(text.as_bytes())] {
        let by_sequence = read(&text, &[], PredictionJoin::Sequences("seq".to_owned())).unwrap();
        assert_eq!(values(&by_sequence, &regression("")), [1.0, 2.0, 4.0]);
    }
    // The row without a target counts, as it does in the ids of the dataset.
    let by_row = read(b"pred\n1\n2\n3\n4\n", &[], PredictionJoin::Found).unwrap();
    assert_eq!((values(&by_row, &regression("")), by_row.joined_by()), (vec![1.0, 2.0, 4.0], "row number"));
}

#[test]
fn what_does_not_fit_is_refused_with_file_and_line() {
    let sequences = || PredictionJoin::Sequences("seq".to_owned());
    for (text, columns, join, part) in [
        ("id,x\na,1\n", vec![], PredictionJoin::Found, "p: no column prediction, predictions"),
        (
            "id,pred\na,1\nb,NA\n",
            vec![],
            PredictionJoin::Found,
            "p:3: column \"pred\": \"NA\" is not a finite number",
        ),
        (
            "id,pred\na,1\nb,inf\n",
            vec![],
            PredictionJoin::Found,
            "p:3: column \"pred\": \"inf\" is not a finite",
        ),
        (
            "id,pred\na,1\nb,2\na,1\n",
            vec![],
            PredictionJoin::Found,
            "p:4: id \"a\" is there twice, first at line 2",
        ),
        (
            "seq,pred\nACGT,1\nACGT,2\n",
            vec![],
            sequences(),
            "p:3: this sequence has another prediction at line 2",
        ),
        ("seq,pred\nACGT,1\nAC.T,2\n", vec![], sequences(), "p:3: letter '.' at position 3"),
        (
            "id,pred\na,1\n",
            vec!["prde"],
            PredictionJoin::Found,
            "no column \"prde\"\n  hint: did you mean \"pred\"?",
        ),
        (">a\nACGT\n", vec![], PredictionJoin::Found, "has no columns of predictions"),
    ] {
        let error = read(text.as_bytes(), &columns, join).unwrap_err();
        assert!(error.contains(part), "{error}\nexpected {part}");
    }
    let few = read(b"id,pred\na,1\nb,2\n", &[], PredictionJoin::Found).unwrap();
    let of = |predictions: &ReadyPredictions, dataset: &Dataset| {
        let rows: Vec<usize> = (0..dataset.n_examples()).collect();
        predictions.of(dataset, &rows).unwrap_err().to_string()
    };
    let data = regression("example_id = \"name\"");
    assert!(
        of(&few, &data)
            .contains("1 of 3 examples of x have no prediction, first \"d\"\n  hint: rows are joined by")
    );
    assert!(few.of(&data, &[0, 1]).is_ok());
    let two = read(b"id,p,q\na,1,1\nb,2,2\nd,3,3\n", &["p", "q"], PredictionJoin::Found).unwrap();
    assert!(of(&two, &data).contains("2 columns of predictions, but x has 1 outputs"));
    let classes = dataset(CLASSES, "example_id = \"name\"", "task = \"multiclass\"\nmetric = \"accuracy\"");
    let scores = read(
        b"id,p,q,r\na,0,1,0\nb,2,0,0\nc,0,1,0\nd,0,0,1\ne,1,0,0\n",
        &["p", "q", "r"],
        PredictionJoin::Found,
    )
    .unwrap();
    let error = of(&scores, &classes);
    assert!(error.contains(":3: 2 is not a probability, and x is a task of classes"), "{error}");
}

/// Pearson's correlation over the rows that have a target.
fn pearson(dataset: &Dataset, target: usize, predictions: &ndarray::Array2<f64>) -> (usize, f64) {
    let Targets::Values { values } = &dataset.targets else { panic!("numbers") };
    let pairs: Vec<(f64, f64)> = values
        .column(target)
        .iter()
        .zip(predictions.column(target))
        .filter_map(|(truth, predicted)| truth.map(|truth| (truth, *predicted)))
        .collect();
    let n = pairs.len() as f64;
    let (mean_x, mean_y) =
        (pairs.iter().map(|pair| pair.0).sum::<f64>() / n, pairs.iter().map(|pair| pair.1).sum::<f64>() / n);
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in &pairs {
        xx += (x - mean_x).powi(2);
        yy += (y - mean_y).powi(2);
        xy += (x - mean_x) * (y - mean_y);
    }
    (pairs.len(), xy / (xx * yy).sqrt())
}

#[test]
fn published_scores_have_the_correlations_that_numpy_gives() {
    let data = data_folder();
    let by_sequence = || PredictionJoin::Sequences("seq".to_owned());
    // pandas 2.3.3 and numpy.corrcoef of NumPy 2.4.6 over all rows with a target.
    type Case = (&'static str, &'static str, Vec<&'static str>, PredictionJoin, Vec<(usize, f64)>);
    let cases: Vec<Case> = vec![
        (
            "azimuth",
            "azimuth/FC_plus_RES_withPredictions.csv",
            vec!["predictions"],
            PredictionJoin::Found,
            vec![(5310, 0.712_391_208_893_922_5)],
        ),
        (
            "fastutr-mpra",
            "fastutr-mpra/fastUTR_MPRA_predictions.txt.gz",
            vec!["Prediction"; 2],
            by_sequence(),
            vec![(30_253, 0.420_395_241_342_562_23), (7613, 0.561_415_200_491_578)],
        ),
        (
            "apa-variants",
            "apa-variants/apa_variant_mpra_clinvar_snvs.csv",
            vec!["delta_logodds_pred"],
            PredictionJoin::Found,
            vec![(1818, 0.811_319_944_950_607_4)],
        ),
    ];
    for (card, file, columns, join, expected) in cases {
        if !is_there(file) {
            continue;
        }
        let card = find_card(card, &[workspace().join("datasets")]).unwrap();
        let dataset = load(&card, &DataFolders::new(vec![data.clone()])).unwrap();
        let columns = columns.into_iter().map(str::to_owned).collect();
        let predictions =
            ReadyPredictions::read(&PredictionRequest { path: data.join(file), columns, join }).unwrap();
        let rows: Vec<usize> = (0..dataset.n_examples()).collect();
        let matrix = predictions.of(&dataset, &rows).unwrap();
        for (target, (n, correlation)) in expected.into_iter().enumerate() {
            let found = pearson(&dataset, target, &matrix);
            assert_eq!(found.0, n);
            assert!((found.1 - correlation).abs() < 1e-12, "{} and {correlation}", found.1);
        }
    }
}
