//! The three folders of Genomic Benchmarks, as they are published, against a genome made here: chromosomes as long as the
//! intervals need, in BGZF blocks that repeat, so that gigabases take some megabytes.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use crate::public_data::{data_folder, is_there};
use flate2::{Compress, Compression, Crc, FlushCompress};
use seqprobe_core::{Seed, Split, Targets};
use seqprobe_data::{FileLayout, FileTask, card_for_folder, load};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

/// Letters of one block.
const BLOCK: u64 = 65_280;
/// Length of the text that a block repeats.
const PERIOD: u64 = 1_021;
/// Different blocks.
const KINDS: u64 = 64;

/// The letter of a place in a block of some kind.
fn letter(kind: u64, place: u64) -> u8 {
    let number = (kind * PERIOD + place % PERIOD + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    b"ACGT"[(number >> 60) as usize & 3]
}

/// The letter of a base of a chromosome.
fn base(chromosome: &str, position: u64) -> u8 {
    let number: u64 = chromosome.bytes().map(u64::from).sum();
    letter((number + position / BLOCK) % KINDS, position % BLOCK)
}

/// One BGZF block.
fn block(text: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(1 << 17);
    Compress::new(Compression::default(), false)
        .compress_vec(text, &mut packed, FlushCompress::Finish)
        .unwrap();
    let mut crc = Crc::new();
    crc.update(text);
    let size = u16::try_from(packed.len() + 25).unwrap();
    let mut block = vec![0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, b'B', b'C', 2, 0];
    block.extend(size.to_le_bytes());
    block.extend(packed);
    block.extend(crc.sum().to_le_bytes());
    block.extend((text.len() as u32).to_le_bytes());
    block
}

/// Writes a genome with its `.fai` and `.gzi`.
fn write_genome(path: &Path, lengths: &BTreeMap<String, u64>) {
    let kinds: Vec<Vec<u8>> = (0..KINDS)
        .map(|kind| block(&(0..BLOCK).map(|place| letter(kind, place)).collect::<Vec<u8>>()))
        .collect();
    let mut out = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    let (mut packed, mut unpacked, mut blocks, mut index) = (0_u64, 0_u64, Vec::new(), String::new());
    let mut write = |bytes: &[u8], letters: u64| {
        blocks.push((packed, unpacked));
        out.write_all(bytes).unwrap();
        packed += bytes.len() as u64;
        unpacked += letters;
        unpacked
    };
    for (name, length) in lengths {
        let header = format!(">{name} a chromosome\n");
        let start = write(&block(header.as_bytes()), header.len() as u64);
        let number: u64 = name.bytes().map(u64::from).sum();
        let n_blocks = length.div_ceil(BLOCK);
        for one in 0..n_blocks {
            write(&kinds[((number + one) % KINDS) as usize], BLOCK);
        }
        write(&block(b"\n"), 1);
        let length = n_blocks * BLOCK;
        index.push_str(&format!("{name}\t{length}\t{start}\t{length}\t{}\n", length + 1));
    }
    write(&block(b""), 0);
    out.flush().unwrap();
    let beside = |ending: &str| format!("{}{ending}", path.display());
    std::fs::write(beside(".fai"), index).unwrap();
    // The first block is not in the list, and neither is the empty one at the end.
    let listed = &blocks[1..blocks.len() - 1];
    let mut gzi = (listed.len() as u64).to_le_bytes().to_vec();
    for (packed, unpacked) in listed {
        gzi.extend(packed.to_le_bytes());
        gzi.extend(unpacked.to_le_bytes());
    }
    std::fs::write(beside(".gzi"), gzi).unwrap();
}

/// Chromosome, start, end and strand of each row.
fn rows(path: &Path) -> Vec<(String, u64, u64, String)> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        (fields[1].to_owned(), fields[2].parse().unwrap(), fields[3].parse().unwrap(), fields[4].to_owned())
    };
    text.lines().skip(1).map(row).collect()
}

/// Rows of train with valid, and of test, counted with pandas 2.3.
const FOLDERS: [(&str, usize, usize); 3] = [
    ("dummy_mouse_enhancers_ensembl", 968, 242),
    ("human_enhancers_cohn", 20_843, 6_948),
    ("human_nontata_promoters", 27_097, 9_034),
];

#[test]
fn the_published_folders_are_read_over_a_genome() {
    for (name, n_train, n_test) in FOLDERS {
        let relative = format!("genomic-benchmarks/{name}");
        if !is_there(&relative) {
            continue;
        }
        let folder = data_folder().join(relative);
        let mut read = Vec::new();
        for split in ["train", "test"] {
            for class in ["negative", "positive"] {
                read.extend(rows(&folder.join(format!("{split}/{class}.csv.gz"))));
            }
        }
        let mut lengths: BTreeMap<String, u64> = BTreeMap::new();
        for (chromosome, _, end, _) in &read {
            let length = lengths.entry(chromosome.strip_prefix("chr").unwrap().to_owned()).or_default();
            *length = (*length).max(*end);
        }
        let here = tempfile::tempdir().unwrap();
        let genome = here.path().join("genome.fa.gz");
        write_genome(&genome, &lengths);
        let task = FileTask {
            path: folder,
            layout: FileLayout { genome: Some(genome), ..FileLayout::default() },
            targets: Vec::new(),
            task: None,
            positive: None,
            metric: None,
            split: None,
            group: None,
            chromosome: false,
            seed: Seed(0),
        };
        let made = card_for_folder(&task).unwrap();
        let dataset = load(&made.card, &made.folders()).unwrap();
        let [train, valid, test] = Split::ALL.map(|split| dataset.splits.rows(split).len());
        assert_eq!((train + valid, test), (n_train, n_test), "{name}");
        assert!(valid.abs_diff(n_train / 10) <= 1, "{name}: {valid} valid rows");
        assert_eq!(dataset.task.classes, ["negative", "positive"]);
        let Targets::Classes { labels, .. } = &dataset.targets else { panic!("classes") };
        let positive = rows(&task.path.join("test/positive.csv.gz")).len();
        assert_eq!(labels[n_train..].iter().filter(|&&label| label == 1).count(), positive, "{name}");
        assert!(dataset.notes.iter().any(|note| note.contains("have another name in the genome")), "{name}");
        // The rows of a key are in the order of its files.
        assert_eq!(dataset.n_examples(), read.len());
        for (sequence, (chromosome, start, end, strand)) in dataset.sequences.iter().zip(&read) {
            let name = chromosome.strip_prefix("chr").unwrap();
            let forward: Vec<u8> = (*start..*end).map(|position| base(name, position)).collect();
            let sequence = if strand == "-" { sequence.reverse_complement() } else { sequence.clone() };
            assert_eq!(sequence.as_bytes(), forward, "{chromosome}:{start}-{end}{strand}");
        }
    }
}
