//! Intervals over a genome: the sequences that three libraries read for them, whatever the genome's form; splits, names and
//! errors; folders in the layout of Genomic Benchmarks.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use crate::common::{error_of, gzip, load_good};
use seqprobe_core::{Dataset, DnaSequence, Seed, Split, Targets};
use seqprobe_data::{
    Card, DataError, DataFolders, FileLayout, FileTask, card_for_file, card_for_folder, load, read_sequences,
};
use std::path::{Path, PathBuf};

const KEYS: &str =
    "schema = 1\nid = \"t\"\ntitle = \"t\"\nmetric = \"auroc\"\ntask = \"binary\"\npositive = \"1\"\n";
const RANDOM: &str =
    "[[split]]\nof = \"all\"\nmethod = \"random\"\ninto = { train = 0.5, valid = 0.25, test = 0.25 }\n";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/intervals").join(name)
}

/// Ids and sequences as pyfaidx, Biopython and pysam read them.
fn expected() -> Vec<(String, DnaSequence)> {
    let text = std::fs::read_to_string(fixture("expected.tsv")).unwrap();
    let row = |line: &str| {
        let (id, sequence) = line.split_once('\t').unwrap();
        (id.to_owned(), DnaSequence::parse(sequence).unwrap().0)
    };
    text.lines().map(row).collect()
}

/// A folder with the intervals and some files of the genome.
fn folder_with(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["intervals.bed"].iter().chain(files) {
        std::fs::copy(fixture(name), folder.path().join(name)).unwrap();
    }
    folder
}

fn layout(folder: &Path, genome: &str) -> FileLayout {
    let id = Some("3".to_owned());
    FileLayout { genome: Some(folder.join(genome)), id, ..FileLayout::default() }
}

fn on_genome(files: &[&str]) -> Result<Vec<(String, DnaSequence)>, String> {
    let folder = folder_with(files);
    read_sequences(&folder.path().join("intervals.bed"), &layout(folder.path(), files[0]))
        .map(|found| found.ids.into_iter().zip(found.sequences).collect())
        .map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "DIR"))
}

#[test]
fn sequences_are_those_of_three_libraries_with_and_without_an_index() {
    let expected = expected();
    assert_eq!(expected.len(), 50);
    for files in [
        vec!["genome.fa"],
        vec!["genome.fa", "genome.fa.fai"],
        vec!["genome.fa.gz"],
        vec!["genome.bgz"],
        vec!["genome.bgz", "genome.bgz.fai"],
        vec!["genome.bgz", "genome.bgz.fai", "genome.bgz.gzi"],
    ] {
        assert_eq!(on_genome(&files).unwrap(), expected, "{files:?}");
    }
}

#[test]
fn an_index_of_another_file_is_noticed() {
    for index in ["genome.fa.fai", "genome.bgz.fai"] {
        let genome = index.strip_suffix(".fai").unwrap();
        for (from, to) in [
            ("chr1\t421\t6", "chr1\t421\t7"),
            ("chr1\t421", "chr1\t422"),
            ("chr1\t421", "chr1\t380"),
            ("chr2\t300\t455\t50\t51", "chr2\t300\t455\t60\t61"),
            ("X\t181\t828", "X\t181\t1000000"),
        ] {
            let folder = folder_with(&[genome, "genome.bgz.gzi"]);
            let text = std::fs::read_to_string(fixture(index)).unwrap();
            assert!(text.contains(from), "{text}");
            std::fs::write(folder.path().join(index), text.replace(from, to)).unwrap();
            let error = read_sequences(&folder.path().join("intervals.bed"), &layout(folder.path(), genome));
            let error = error.unwrap_err().to_string();
            assert!(error.contains(index) && error.contains("hint:"), "{from} {to}: {error}");
        }
    }
    let folder = folder_with(&["genome.fa"]);
    std::fs::write(folder.path().join("genome.fa.fai"), "no index\n").unwrap();
    let error = read_sequences(&folder.path().join("intervals.bed"), &layout(folder.path(), "genome.fa"));
    assert!(error.unwrap_err().to_string().contains("is not an index"));
}

#[test]
fn intervals_without_a_genome_are_named() {
    let error = read_sequences(&fixture("intervals.bed"), &FileLayout::default()).unwrap_err().to_string();
    assert!(error.contains("is BED") && error.contains("--genome FILE"), "{error}");
    let folder = folder_with(&["genome.fa"]);
    let genome = folder.path().join("genome.fa");
    let error = read_sequences(&genome, &layout(folder.path(), "genome.fa")).unwrap_err().to_string();
    assert!(error.contains("is FASTA, but with a genome the rows are intervals"), "{error}");
}

const GENOME: &str = ">1 first\nACGTACGTAC\nGGGGGCCCCC\n>2\nTTTTTAAAAA\nACACACACAC\n>KI27.1\nACGT\n";

/// A card over [`GENOME`] with the columns of a CSV file.
fn card(keys: &str, rule: &str) -> String {
    format!(
        "{KEYS}target = \"label\"\nchromosome = \"chrom\"\nstart = \"start\"\nend = \"end\"\nstrand = \"strand\"\n{keys}\n\
        genome = {{ path = \"g.fa\", sha256 = \"SHA(g.fa)\" }}\n[files]\nall = {{ path = \"i.csv\", sha256 = \"SHA(i.csv)\" }}\n{rule}"
    )
}

fn csv(rows: &[&str]) -> String {
    format!("chrom,start,end,strand,label\n{}\n", rows.join("\n"))
}

const ROWS: &[&str] = &[
    "chr1,0,4,+,0",
    "chr1,10,14,-,1",
    "chr2,5,8,.,0",
    "chr2,0,5,,1",
    "chr1,2,6,+,1",
    "chr1,3,7,+,0",
    "chr2,1,5,-,1",
    "chr2,9,13,-,0",
];

fn letters(dataset: &Dataset) -> Vec<&str> {
    dataset.sequences.iter().map(DnaSequence::as_str).collect()
}

#[test]
fn a_card_reads_intervals_with_their_positions() {
    let rule =
        "[[split]]\nof = \"all\"\nmethod = \"random\"\ninto = { train = 0.5, valid = 0.25, test = 0.25 }\n";
    let files = [("i.csv", csv(ROWS)), ("g.fa", GENOME.to_owned())];
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    let dataset = load_good(&card("", rule), &files);
    assert_eq!(letters(&dataset), ["ACGT", "CCCC", "AAA", "TTTTT", "GTAC", "TACG", "AAAA", "TGTT"]);
    assert_eq!(dataset.letters.total, 32);
    assert!(
        dataset.notes[0].contains("2 of 2 chromosomes have another name")
            && dataset.notes[0].contains("\"chr1\" is \"1\""),
        "{:?}",
        dataset.notes
    );
    let clusters = dataset.clusters.unwrap();
    assert_eq!((clusters.kind(), clusters.ids()), ("1 Mb block", &[0, 0, 1, 1, 0, 0, 1, 1][..]));
    assert_eq!(clusters.chromosomes(), Some(&[0, 0, 1, 1, 0, 0, 1, 1][..]));

    // A window around the centre.
    let windows = load_good(&card("length = 2", rule), &files);
    assert_eq!(letters(&windows), ["CG", "CC", "AA", "TT", "TA", "AC", "AA", "GT"]);

    // By chromosome, with the names of the intervals.
    let text = csv(&[ROWS, &["KI27,0,2,+,0", "KI27,1,3,+,1"]].concat());
    let rule = "[[split]]\nof = \"all\"\nmethod = \"chromosome\"\nvalid = [\"chr2\"]\ntest = [\"KI27\"]\n";
    let dataset = load_good(&card("", rule), &[("i.csv", text.as_bytes()), files[1]]);
    assert_eq!(dataset.splits.rows(Split::Train), [0, 1, 4, 5]);
    assert_eq!(dataset.splits.rows(Split::Test), [8, 9]);
    assert_eq!(dataset.sequences[9].as_str(), "CG");
}

#[test]
fn rows_that_do_not_fit_the_genome_are_errors_with_their_line() {
    let error = |row: &str, genome: &str| {
        let text = csv(&[ROWS, &[row]].concat());
        error_of(&card("", RANDOM), &[("i.csv", text.as_bytes()), ("g.fa", genome.as_bytes())])
    };
    for (row, reason) in [
        ("chr1,17,21,+,0", "ends behind the chromosome, which has 20 bases"),
        ("chr1,5,5,+,0", "has no bases"),
        ("chr1,7,5,+,0", "has no bases"),
        ("chr1,-1,5,+,0", "the start \"-1\""),
        ("chr1,1,5x,+,0", "the end \"5x\""),
        ("chr1,1,5,plus,0", "the strand \"plus\""),
        ("chr3,1,5,+,0", "chromosome \"chr3\" is not in DIR/g.fa"),
        (",1,5,+,0", "the chromosome is missing"),
        ("1,1,5,+,0", "is also called"),
    ] {
        let message = error(row, GENOME);
        assert!(message.contains("DIR/i.csv:10: ") && message.contains(reason), "{row}: {message}");
    }
    // The first row in the file is named, not the first in the genome.
    let text = csv(&[ROWS, &["chr2,0,99,+,0", "chr1,0,99,+,0"]].concat());
    let message = error_of(&card("", RANDOM), &[("i.csv", text.as_bytes()), ("g.fa", GENOME.as_bytes())]);
    assert!(message.contains("i.csv:10: the interval chr2:0-99"), "{message}");
    let twice = format!("{GENOME}>1\nACGT\n");
    assert!(error("chr1,0,4,+,1", &twice).contains("g.fa:9: duplicate record name \"1\""));
    assert!(error("chr1,0,4,+,1", "no genome\n").contains("is not a genome"));
    let protein = GENOME.replace("TTTTTAAAAA", "TTTTT?AAAA");
    let message = error("chr1,0,4,+,1", &protein);
    assert!(message.contains("i.csv:4: DIR/g.fa"), "{message}");
}

#[test]
fn a_name_of_the_genome_goes_before_another_name() {
    let genome = format!("{GENOME}>chr1\nCCCCCCCCCCCCCCCCCCCC\n");
    let files = [("i.csv", csv(ROWS)), ("g.fa", genome)];
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    let dataset = load_good(&card("", RANDOM), &files);
    assert_eq!(letters(&dataset)[..3], ["CCCC", "GGGG", "AAA"]);
    assert!(dataset.notes[0].contains("1 of 2 chromosomes"), "{:?}", dataset.notes);
    // Neither has the name itself: not decided for the user.
    let text = csv(&[ROWS, &["KI27,0,2,+,0"]].concat());
    let both = format!("{GENOME}>KI27.2\nACGT\n");
    let message = error_of(&card("", RANDOM), &[("i.csv", text.as_bytes()), ("g.fa", both.as_bytes())]);
    assert!(message.contains("could be \"KI27.1\" or \"KI27.2\""), "{message}");
}

#[test]
fn keys_that_do_not_fit_are_errors() {
    let files: &[(&str, &[u8])] = &[("i.csv", b"chrom,start,end,strand,label\n"), ("g.fa", b">1\nA\n")];
    for (text, reason) in [
        (card("kmers = 3", RANDOM), "kmers cannot be used with genome"),
        (card("length = 0", RANDOM), "length is 0"),
        (card("", RANDOM).replace("end = \"end\"\n", ""), "needs the columns chromosome, start and end"),
        (card("", RANDOM).replace("genome = ", "#"), "end is given without genome"),
        (card("labels = 3", RANDOM), "labels can be used"),
    ] {
        let message = error_of(&text, files);
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn a_table_in_the_form_of_bend_has_lists_of_labels() {
    let bed = "chromosome\tstart\tend\tstrand\tlabel\tsplit\n1\t0\t4\t+\t0,2\ttrain\n1\t4\t8\t-\t1\ttrain\n2\t0\t4\t+\t2\tvalid\n2\t2\t9\t.\t0\ttest\n";
    let text = "schema = 1\nid = \"t\"\ntitle = \"t\"\nmetric = \"auroc\"\ntask = \"multilabel\"\ntarget = \"label\"\nlabels = 3\n\
        chromosome = \"chromosome\"\nstart = \"start\"\nend = \"end\"\nstrand = \"strand\"\ngenome = { path = \"g.fa\", sha256 = \"SHA(g.fa)\" }\n\
        [files]\nall = { path = \"t.bed\", sha256 = \"SHA(t.bed)\" }\n[[split]]\nof = \"all\"\nmethod = \"column\"\ncolumn = \"split\"\n";
    let dataset = load_good(text, &[("t.bed", bed.as_bytes()), ("g.fa", GENOME.as_bytes())]);
    assert_eq!(letters(&dataset), ["ACGT", "ACGT", "TTTT", "TTTAAAA"]);
    assert_eq!(dataset.task.targets, ["label 0", "label 1", "label 2"]);
    let Targets::Values { values } = &dataset.targets else { panic!("yes and no") };
    assert_eq!(values.row(0).to_vec(), [Some(1.0), Some(0.0), Some(1.0)]);
    assert_eq!(values.row(3).to_vec(), [Some(1.0), Some(0.0), Some(0.0)]);
    for wrong in ["0,3", "0,x", "-1", "0,,1"] {
        let bed = bed.replace("0,2", wrong);
        let message = error_of(text, &[("t.bed", bed.as_bytes()), ("g.fa", GENOME.as_bytes())]);
        assert!(message.contains("t.bed:2: label ") && message.contains("from 0 to 2"), "{message}");
    }
}

fn task(path: PathBuf, genome: Option<PathBuf>, targets: &[&str]) -> FileTask {
    FileTask {
        path,
        layout: FileLayout { genome, ..FileLayout::default() },
        targets: targets.iter().map(|name| (*name).to_owned()).collect(),
        task: None,
        positive: None,
        metric: None,
        split: None,
        group: None,
        chromosome: false,
        seed: Seed(0),
    }
}

#[test]
fn a_bed_file_and_a_genome_are_a_dataset() {
    let folder = folder_with(&["genome.bgz", "genome.bgz.fai", "genome.bgz.gzi"]);
    let genome = Some(folder.path().join("genome.bgz"));
    let made = card_for_file(&task(folder.path().join("intervals.bed"), genome, &["4"])).unwrap();
    assert!(
        made.guesses
            .iter()
            .any(|guess| guess.contains("\"0\", \"1\" and \"2\"") && guess.contains("strand \"5\"")),
        "{:?}",
        made.guesses
    );
    let dataset = load(&made.card, &made.folders()).unwrap();
    let sequences: Vec<DnaSequence> = expected().into_iter().map(|(_, sequence)| sequence).collect();
    assert_eq!(dataset.sequences, sequences);
    assert_eq!(dataset.clusters.unwrap().kind(), "1 Mb block");
    // The saved card reads the same, with the folder of both files as data folder.
    let text = made.card.to_toml().unwrap();
    let card = Card::parse(&text, "saved", folder.path().to_owned()).unwrap();
    assert_eq!(load(&card, &DataFolders::default()).unwrap().sequences, sequences);
}

/// Files of a folder in the layout of Genomic Benchmarks.
fn benchmark(folder: &Path) {
    for (split, class, first) in [
        ("train", "negative", 0),
        ("train", "positive", 30),
        ("test", "negative", 60),
        ("test", "positive", 90),
    ] {
        let mut text = "id,region,start,end,strand\n".to_owned();
        for number in 0..20 {
            let start = first + number;
            text.push_str(&format!(
                "{number},chr1,{start},{},{}\n",
                start + 50,
                if number % 2 == 0 { "+" } else { "-" }
            ));
        }
        let path = folder.join(split).join(format!("{class}.csv.gz"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, gzip(text.as_bytes())).unwrap();
    }
    std::fs::write(folder.join("metadata.yaml"), "version: 0\n").unwrap();
}

#[test]
fn a_folder_of_classes_is_a_dataset_with_valid_rows_from_train() {
    let folder = folder_with(&["genome.fa", "genome.fa.fai"]);
    let genome = folder.path().join("genome.fa");
    let benchmark_folder = folder.path().join("my_enhancers");
    benchmark(&benchmark_folder);
    let made = card_for_folder(&task(benchmark_folder.clone(), Some(genome.clone()), &[])).unwrap();
    assert_eq!(
        (made.card.id.as_str(), made.card.positive.as_ref().unwrap().as_str()),
        ("my_enhancers", "positive")
    );
    assert!(
        made.guesses.iter().any(|guess| guess.contains("no valid rows: 0.1 of the train rows")),
        "{:?}",
        made.guesses
    );
    let dataset = load(&made.card, &made.folders()).unwrap();
    assert_eq!(Split::ALL.map(|split| dataset.splits.rows(split).len()), [36, 4, 40]);
    assert_eq!(dataset.task.classes, ["negative", "positive"]);
    let all = expected();
    let whole = &all[2].1.reverse_complement();
    let test: Vec<&DnaSequence> = dataset.sequences.iter().filter(|one| one.len() == 50).collect();
    assert_eq!(test.len(), 80);
    // Row 0 of the first file is chr1:0-50 on the forward strand, row 1 is chr1:1-51 on the other.
    assert_eq!(dataset.sequences[0], whole.part(0..50).unwrap());
    assert_eq!(dataset.sequences[1], whole.part(1..51).unwrap().reverse_complement());

    let refused = |change: &dyn Fn(&mut FileTask)| {
        let mut task = task(benchmark_folder.clone(), Some(genome.clone()), &[]);
        change(&mut task);
        card_for_folder(&task).map(|_| ()).map_err(|error: DataError| error.to_string()).unwrap_err()
    };
    assert!(refused(&|task| task.layout.genome = None).contains("--genome FILE"));
    assert!(refused(&|task| task.targets.push("x".to_owned())).contains("leave out --target"));
    assert!(refused(&|task| task.chromosome = true).contains("its own split"));
    std::fs::remove_file(benchmark_folder.join("test/negative.csv.gz")).unwrap();
    assert!(refused(&|_| {}).contains("layout of Genomic Benchmarks"));
}
