//! Compressed files: all bytes or an error, never fewer rows.

use crate::common::{Packing, bgzf_block, gzip, read_bytes, zip};
use seqprobe_data::FileLayout;
use std::io::Write;

const ROWS: usize = 40;

/// Forty rows whose sequences do not repeat, in about 1,400 bytes.
fn table() -> Vec<u8> {
    let mut text = String::from("id,sequence,label\n");
    for row in 0..ROWS as u64 {
        let mixed = (row + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let letters: String =
            (0..24).map(|place| char::from(b"ACGT"[(mixed >> (2 * place)) as usize % 4])).collect();
        text.push_str(&format!("r{row},{letters},{}\n", row % 2));
    }
    text.into_bytes()
}

fn read(bytes: &[u8]) -> Result<usize, String> {
    read_bytes("x.csv", bytes, &FileLayout::default()).map(|read| read.ids.len())
}

/// The message for bytes that must be refused.
fn error(bytes: &[u8]) -> String {
    read(bytes).expect_err("the bytes are not complete")
}

#[test]
fn every_packing_is_read_whatever_the_name_says() {
    for packing in Packing::ALL {
        assert_eq!(read(&packing.pack(&table())), Ok(ROWS), "{packing:?}");
    }
}

#[test]
fn a_packed_file_cut_at_any_byte_is_an_error() {
    for packing in Packing::ALL {
        if packing == Packing::Plain {
            continue;
        }
        let whole = packing.pack(&table());
        for n_bytes in 0..whole.len() {
            let result = read(&whole[..n_bytes]);
            assert!(result.is_err(), "{packing:?} cut to {n_bytes} of {} bytes: {result:?}", whole.len());
        }
    }
}

#[test]
fn a_change_of_any_byte_is_an_error_or_changes_no_row() {
    let plain = read_bytes("x.csv", &table(), &FileLayout::default()).unwrap();
    for packing in [Packing::Gzip, Packing::Bgzf, Packing::Zstd, Packing::Xz, Packing::Bzip2, Packing::Zip] {
        let whole = packing.pack(&table());
        let mut n_errors = 0;
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x10;
            match read_bytes("x.csv", &changed, &FileLayout::default()) {
                Ok(read) => assert_eq!(read, plain, "{packing:?}, byte {at}"),
                Err(_) => n_errors += 1,
            }
        }
        assert!(n_errors * 10 > whole.len() * 7, "{packing:?}: {n_errors} of {}", whole.len());
    }
}

#[test]
fn bytes_behind_the_end_are_an_error() {
    for packing in [Packing::Gzip, Packing::Bgzf, Packing::Zstd, Packing::Xz, Packing::Bzip2] {
        for more in [&b"\n"[..], b"rows,ACGT,1\n", &[0; 512]] {
            // xz files may be padded with zeros to a multiple of four bytes.
            if packing == Packing::Xz && more.iter().all(|&byte| byte == 0) {
                continue;
            }
            let message = error(&[&packing.pack(&table()), more].concat());
            assert!(message.contains("hint: copy or download it again"), "{packing:?}: {message}");
        }
    }
}

#[test]
fn members_one_after_the_other_are_one_file() {
    let table = table();
    let (first, second) = table.split_at(500);
    for packing in [Packing::Gzip, Packing::Zstd, Packing::Xz, Packing::Bzip2] {
        let both = [packing.pack(first), packing.pack(second)].concat();
        assert_eq!(read(&both), Ok(ROWS), "{packing:?}");
    }
    // A BGZF file that was made by joining two has an end block in the middle too.
    let both = [Packing::Bgzf.pack(first), Packing::Bgzf.pack(second)].concat();
    assert_eq!(read(&both), Ok(ROWS));
    // A part as gzip writes it, then BGZF: the end block is there, but no rule says that it must be.
    assert_eq!(read(&[gzip(first), Packing::Bgzf.pack(second)].concat()), Ok(ROWS));
}

#[test]
fn a_bgzf_file_without_its_last_block_is_named() {
    let whole = Packing::Bgzf.pack(&table());
    let end = bgzf_block(b"").len();
    assert_eq!(end, 28);
    insta::assert_snapshot!(error(&whole[..whole.len() - end]), @r"
    DIR/x.csv: is a BGZF file without its end-of-file block: it is not complete
      hint: copy or download it again; `bgzip --test` checks a file
    ");
}

#[test]
fn archives_of_one_file_are_read_and_others_are_named() {
    let table = table();
    assert_eq!(read(&zip(&[("folder/", b""), ("folder/x.csv", &table)])), Ok(ROWS));
    assert_eq!(read(&zip(&[("x.csv.gz", &gzip(&table))])), Ok(ROWS));
    insta::assert_snapshot!(error(&zip(&[("a.csv", &table), ("b.csv", &table)])), @r"
    DIR/x.csv: is a ZIP archive of 2 files (a.csv, b.csv)
      hint: unpack it and name one of them
    ");
    assert!(error(&zip(&[])).ends_with("is a ZIP archive without a file"));
    insta::assert_snapshot!(error(&zip(&[("[Content_Types].xml", b"<x/>"), ("xl/workbook.xml", b"<x/>")])), @r"
    DIR/x.csv: is an Excel file (xlsx)
      hint: save it as CSV
    ");
}

#[test]
fn a_decompression_bomb_is_refused_before_it_fills_the_memory() {
    let mut text = b"id,sequence\n".to_vec();
    let row = format!("r,{}\n", "A".repeat(1 << 20));
    (0..300).for_each(|_| text.extend(row.bytes()));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&text).unwrap();
    let gzip = gzip.finish().unwrap();
    let of = |packing: Packing| packing.pack(&text);
    for (packing, bytes) in
        [("gzip", gzip), ("zst", of(Packing::Zstd)), ("xz", of(Packing::Xz)), ("bz2", of(Packing::Bzip2))]
    {
        let message = error(&bytes);
        assert!(message.contains("over 200 times its own size"), "{packing}: {message}");
    }
    let message = error(&Packing::Zip.pack(&text));
    assert!(message.contains("over 200 times the size of the ZIP archive"), "{message}");
}
