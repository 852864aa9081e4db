//! First lines, delimiters, quotes and characters that cannot be seen: understood, or refused with what to do.

use crate::common::{Packing, read_bytes};
use seqprobe_data::{Delimiter, FileLayout};

const A: &str = "CAGATTTTCATATTATGCTA";
const B: &str = "AGTCGGTTATCTTCGGATAC";
const C: &str = "CCTATGCTTGTGAGTACCCA";

fn guessed() -> FileLayout {
    FileLayout::default()
}

fn no_header() -> FileLayout {
    FileLayout { has_header: false, ..FileLayout::default() }
}

fn delimited(word: &str) -> FileLayout {
    FileLayout { delimiter: Some(word.parse::<Delimiter>().expect("a delimiter")), ..FileLayout::default() }
}

/// Ids and sequences.
#[track_caller]
fn require(name: &str, text: &str, layout: &FileLayout, ids: &[&str]) {
    let read = read_bytes(name, text.as_bytes(), layout).unwrap_or_else(|error| panic!("{text:?}\n{error}"));
    assert_eq!(read.ids, ids, "{text:?}");
    let sequences: Vec<&str> = read.sequences.iter().map(|sequence| sequence.as_str()).collect();
    assert_eq!(sequences, &[A, B, C][..ids.len()], "{text:?}");
}

fn error(name: &str, text: &str) -> String {
    error_with(name, text, &guessed())
}

fn error_with(name: &str, text: &str, layout: &FileLayout) -> String {
    match read_bytes(name, text.as_bytes(), layout) {
        Ok(read) => panic!("{text:?} was read: {read:?}"),
        Err(error) => error,
    }
}

/// `R` for each row, its sequence for `S`.
fn rows(row: &str) -> String {
    [A, B, C]
        .iter()
        .enumerate()
        .map(|(n, bases)| row.replace('R', &format!("r{n}")).replace('S', bases))
        .collect()
}

const IDS: [&str; 3] = ["r0", "r1", "r2"];
const NUMBERS: [&str; 3] = ["0", "1", "2"];

#[test]
fn comments_before_fasta_records_are_read_over() {
    let records = rows(">R note\nS\n");
    for start in
        ["", "; a comment\n", "# made by a tool\n", ";LCBO - a, comment\n\n;more\n", "\u{feff}#x\n", "\n \n"]
    {
        require("x.fa", &format!("{start}{records}"), &guessed(), &IDS);
    }
    // A sequence without a name is not a comment.
    assert!(error("x.fa", &format!("{A}\n{records}")).contains("DIR/x.fa"));
    insta::assert_snapshot!(error("x.fa", &format!(">r0\n{A}\n;note\n>r1\n{B}\n")), @r"
    DIR/x.fa:1: sequence: letter ';' at position 21 (1-based) is not DNA
      hint: allowed are A C G T U N and the IUPAC codes R Y S W K M B D H V, in either case
      hint: comments can be before the first record only; remove this one
    ");
}

#[test]
fn line_ends_of_all_systems_are_read() {
    for end in ["\n", "\r\n", "\r"] {
        require("x.fa", &rows(">R\nS\n").replace('\n', end), &guessed(), &IDS);
        let table = format!("id,sequence\n{}", rows("R,S\n")).replace('\n', end);
        require("x.csv", &table, &guessed(), &IDS);
        require("x.csv", table.trim_end(), &guessed(), &IDS);
    }
    // The sample from which the line ends are found can be cut between CR and LF.
    let long = "ACGT".repeat(20_000);
    for n_letters in (64 << 10) - 12..(64 << 10) + 2 {
        let text = format!("{}\r\n{}\r\n", "x".repeat(n_letters), &long);
        let read = read_bytes("x.csv", text.as_bytes(), &guessed()).unwrap();
        assert_eq!((read.sequences.len(), read.sequences[0].len()), (1, long.len()), "{n_letters}");
    }
    let mixed = format!("id,sequence\r{}id9,{A}\n", "r,ACGT\r".repeat(10_000));
    assert!(error("x.csv", &mixed).contains("the line ends are CR at first and LF later"));
}

#[test]
fn a_first_line_of_data_is_not_a_header() {
    for (name, text) in [
        ("x.csv", rows("S,1\n")),
        ("x.csv", rows("\"R\",\"S\",\"0.5\"\n")),
        ("x.tsv", rows("R\tS\t1\n")),
        ("x.txt", rows("S\n")),
        ("x.csv", rows("R;S;0,5\n")),
        ("x.csv", format!("# a comment\n{}", rows("R,S\n"))),
        ("x.csv", rows("S,1\n").to_lowercase()),
    ] {
        let message = error(name, &text);
        assert!(message.contains("the first line looks like data"), "{text:?}\n{message}");
        assert!(message.contains("--no-header") && message.contains("header = false"), "{message}");
        assert_eq!(
            read_bytes(name, text.as_bytes(), &no_header()).unwrap().ids.len(),
            text.matches('\n').count() - text.matches('#').count()
        );
    }
    assert!(error("x.csv", "ACGTAC,1\nGGTACC,0\n").contains("the first line looks like data"));
    require("x.csv", &rows("S,1\n"), &no_header(), &NUMBERS);
    require("x.txt", &rows("S\n"), &no_header(), &NUMBERS);
    let by_number = FileLayout { id: Some("0".to_owned()), sequence: Some("1".to_owned()), ..no_header() };
    require("x.tsv", &rows("R\tS\t1\n"), &by_number, &IDS);
    assert!(
        error_with("x.csv", &rows("S,1\n"), &FileLayout { id: Some("2".to_owned()), ..no_header() })
            .contains("columns are the numbers 0 to 1")
    );
    // An id may begin with `#` where the first line is data.
    assert_eq!(read_bytes("x.csv", rows("#R,S\n").as_bytes(), &no_header()).unwrap().ids.len(), 3);
}

#[test]
fn comments_before_a_table_and_the_line_of_excel_are_read_over() {
    for (start, delimiter) in [
        ("# made by a tool\n", ","),
        ("# made by a tool, version 2\n", ","),
        ("## a\n# b\n\n", "\t"),
        ("; a comment\n", ","),
        ("; a comment; with more\n", ";"),
        ("sep=;\n", ";"),
        ("sep=,\n", ","),
        ("\u{feff}SEP=;\r\n", ";"),
        ("\"sep=;\"\n", ";"),
        ("sep=\t\n", "\t"),
        ("sep=|\n", "|"),
    ] {
        let text = format!("{start}id,sequence,label\n{}", rows("R,S,1\n")).replace(',', delimiter);
        let text = text.replace("tool; v", "tool, v");
        require("x.csv", &text, &guessed(), &IDS);
    }
    // Lines are those of the file.
    let text = format!("sep=;\n# note\nid;sequence\nr0;{A}\nr1;AC-T\n");
    assert!(error("x.csv", &text).starts_with("DIR/x.csv:5: "), "{}", error("x.csv", &text));
}

#[test]
fn headers_with_a_hash_and_those_of_r_are_understood() {
    for text in [
        format!("#id\tsequence\tlabel\n{}", rows("R\tS\t1\n")),
        format!("# id,sequence,label\n{}", rows("R,S,1\n")),
        format!("##version 1\n#id,sequence\n{}", rows("R,S\n")),
        // R writes row names without a name for them.
        format!("\"id\",\"sequence\"\n{}", rows("\"1R\",\"R\",\"S\"\n")),
        format!("id sequence\n{}", rows("1R R S\n")).replace(' ', "\t"),
        // pandas writes an index with an empty name.
        format!(",id,sequence\n{}", rows("1R,R,S\n")),
    ] {
        require("x.csv", &text, &guessed(), &IDS);
    }
    let stated = FileLayout { id: Some("chrom".to_owned()), ..guessed() };
    require("x.tsv", &format!("#chrom\tstart\tsequence\n{}", rows("R\t5\tS\n")), &stated, &IDS);
    require("x.csv", &format!("#sequence\n{}", rows("S\n")), &guessed(), &NUMBERS);
    // Rows that end with a delimiter are not row names: names would belong to other columns.
    assert!(error("x.csv", &format!("id,sequence\n{}", rows("R,S,\n"))).contains("expected 2 fields"));
}

#[test]
fn delimiters_are_found_or_asked_for() {
    // Commas in the names of a table with other delimiters.
    for (name, text) in [
        ("x.tsv", format!("id\tdesc, a, b, c\tsequence\tlabel\n{}", rows("R\tx\tS\t1\n"))),
        ("x.tsv", format!("id\tdesc, a, b, c\tsequence\tlabel\n{}", rows("R\tx, y, z, 1\tS\t1\n"))),
        ("x.txt", format!("id\tdesc, a, b, c\tsequence\tlabel\n{}", rows("R\tx, y, z, 1\tS\t1\n"))),
        ("x.csv", format!("id;sequence;effect, log2\n{}", rows("R;S;0,5\n"))),
        ("x.csv", format!("sequence;a, b;id\n{}", rows("S;0,5;R\n"))),
        ("x.csv", format!("id,sequence,pos\n{}", rows("R,S,\"1;2\"\n"))),
        // The last field of some rows is missing.
        ("x.tsv", format!("id\tsequence\tnote, a\n{}", rows("R\tS\t\n"))),
    ] {
        require(name, &text, &guessed(), &IDS);
    }
    let text = |delimiter: &str| format!("id,sequence,label\n{}", rows("R,S,1\n")).replace(',', delimiter);
    insta::assert_snapshot!(error("x.txt", &text("|")), @r#"
    DIR/x.txt: the fields seem to be separated by '|'
      hint: if so, use --delimiter pipe (in a card: delimiter = "|")
    "#);
    assert!(error("x.txt", &text(" ")).contains("--delimiter space"));
    for (delimiter, word) in [
        ("|", "pipe"),
        (" ", "space"),
        (",", "comma"),
        (";", "semicolon"),
        ("\t", "tab"),
        (":", ":"),
        ("|", "|"),
    ] {
        require("x.txt", &text(delimiter), &delimited(word), &IDS);
    }
    for word in ["", "ab", "a", "5", "\"", "é", "\n"] {
        let error = word.parse::<Delimiter>().unwrap_err().to_string();
        assert!(error.contains("comma, tab, semicolon, space, pipe"), "{word:?}: {error}");
    }
    // The option is followed also where another delimiter would fit.
    assert!(error_with("x.csv", &text(","), &delimited("tab")).contains("no column contains DNA"));
}

#[test]
fn quotes_are_letters_in_tsv_and_closed_in_csv() {
    let tsv = format!("id\tsequence\tnote\n{}", rows("R\tS\t\"5 UTR\n"));
    require("x.tsv", &tsv, &guessed(), &IDS);
    require("x.tsv", &rows("R\t\"S\"\tx\n"), &FileLayout { id: Some("0".to_owned()), ..no_header() }, &IDS);
    for row in
        ["R,S,\"a, \"\"b\"\"\nc\"\n", "R,\"S\",5\" UTR\n", "R, \"S\" , x\n", "\"R\",S,\"\"\n", "R,S,'a'\n"]
    {
        require("x.csv", &format!("id,sequence,note\n{}", rows(row)), &guessed(), &IDS);
    }
    let open = format!("id,sequence,note\nr0,{A},\"a\nb\"\nr1,{B},\"never closed\nr2,{C},x\n");
    insta::assert_snapshot!(error("x.csv", &open), @r"
    DIR/x.csv:4: a double quote opens here and is not closed
      hint: close it, or write a quote inside a quoted field twice
    ");
    // The next quote of the file would close it, and the rows in between would be lost.
    let swallowed = format!("id,sequence,note\nr0,{A},\"a\nr1,{B},b\nr2,{C},\"c\"\n");
    insta::assert_snapshot!(error("x.csv", &swallowed), @r"
    DIR/x.csv:2: a field in double quotes goes on behind the closing quote
      hint: close the quote where the field ends, and write a quote inside a quoted field twice
    ");
    assert!(
        error("x.csv", &format!("id,sequence\nr0,{A}\n\"a \\\" b\",{B}\n"))
            .starts_with("DIR/x.csv:3: a field")
    );
}

#[test]
fn characters_that_cannot_be_seen_change_nothing_or_are_named() {
    let table = |around: &str| {
        format!("id{around},{around}sequence{around}\n{}", rows(&format!("R,{around}S{around}\n")))
    };
    for around in ["", " ", "\u{a0}", "\u{200b}", "\u{feff}", "\u{2003}\u{a0} "] {
        require("x.csv", &table(around), &guessed(), &IDS);
    }
    require("x.csv", &format!("{}\u{1a}", table("")), &guessed(), &IDS);
    require("x.csv", &format!("{}\r\n\u{1a}\r\n\n  \n", table("")), &guessed(), &IDS);
    insta::assert_snapshot!(error("x.csv", &format!("{}{}{}", table(""), "\n".repeat(9000), "\0".repeat(20))), @r"
    DIR/x.csv:9005: contains NUL bytes: it is damaged, or not text
      hint: copy or download the file again
    ");
    assert!(error("x.csv", &table("\u{201c}")).contains("no column contains DNA"));
    assert!(error("x.csv", "id,sequence\nr0,AC\u{a0}GT\n").contains("'\\u{a0}' at position 3"));
    assert!(error("x.csv", "\n\n  \n").ends_with("is empty"));
    assert!(error("x.csv", "").ends_with("is empty"));
    assert!(error("x.csv", "sequence,label\n").ends_with("has no rows"));
}

#[test]
fn files_that_are_not_data_are_named() {
    for (text, words) in [
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "a Git LFS pointer, not a table or sequences\n  hint: only the pointer",
        ),
        ("<!DOCTYPE html><html></html>", "a web page (HTML)"),
        ("[{\"error\":\"Not Found\",\"status\":404}]", "is a JSON array"),
        ("##gff-version 3\nchr1\t.\tgene\t1\t9\n##FASTA\n>c\nACGTACGT\n", "bedtools getfasta"),
        ("##fileformat=VCFv4.2\n#CHROM\tPOS\n", "is VCF"),
        ("@HD\tVN:1.6\n", "samtools fasta"),
        ("C'A\u{1a}\0\0\0\0", "twoBitToFa"),
        ("%PDF-1.7\n", "is PDF"),
        ("a\0b,c\n", "binary data"),
    ] {
        // Also inside of a compressed file.
        for packing in [Packing::Plain, Packing::Gzip, Packing::Zip] {
            let message = read_bytes("x.csv", &packing.pack(text.as_bytes()), &guessed()).unwrap_err();
            assert!(message.starts_with("DIR/x.csv: is ") && message.contains(words), "{message}");
        }
    }
    assert!(read_bytes("x.csv", b"\xff\xfei\0d\0", &guessed()).unwrap_err().contains("save it as UTF-8"));
}

#[test]
fn the_column_that_is_nearly_dna_is_named_with_its_row() {
    let rows: String = (0..50)
        .map(|row| if row == 7 { "ACGT-ACGTACG,x\n".to_owned() } else { format!("{A},x{row}\n") })
        .collect();
    insta::assert_snapshot!(error("x.csv", &format!("insert,label\n{rows}")), @r#"
    DIR/x.csv: column "insert" contains DNA, except for a row
      DIR/x.csv:9: sequence: letter '-' at position 5 (1-based) is not DNA
      hint: allowed are A C G T U N and the IUPAC codes R Y S W K M B D H V, in either case
    "#);
    insta::assert_snapshot!(error("x.csv", &format!("ref,alt\n{A},{B}\n")), @r"
    DIR/x.csv: several columns contain DNA: ref, alt
      hint: name the sequence column with --sequence
    ");
    let stated = FileLayout { sequence: Some("ref".to_owned()), ..guessed() };
    require("x.csv", &format!("ref,alt\n{A},{B}\n"), &stated, &["0"]);
}

#[test]
fn texts_of_kmers_name_the_key_of_the_card() {
    let message = error("x.tsv", "sequence\tlabel\nATGCAA TGCAAT GCAATT\t1\nATGCAC TGCACA\t0\n");
    assert!(message.contains("kmers = 6 joins them"), "{message}");
    let message = error("x.tsv", "text\tlabel\nATGCAA TGCAAT GCAATT\t1\nATGCAC TGCACA\t0\n");
    assert!(message.contains("no column contains DNA"), "{message}");
}

#[test]
fn a_record_longer_than_a_line_of_a_table_is_read_from_fasta() {
    let bases = "ACGT".repeat((66 << 20) / 4);
    let read = read_bytes("x.fa", format!(">chr1\n{bases}\n").as_bytes(), &guessed()).unwrap();
    assert_eq!(read.sequences[0].len(), bases.len());
    let message = error("x.csv", &format!("id,sequence\nchr1,{bases}\n"));
    assert!(message.contains("x.csv:2: a line or record is longer than 64 MiB"), "{message}");
    assert!(message.contains("can be read from FASTA"), "{message}");
}
