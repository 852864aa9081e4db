//! What the first lines of a table are: names of columns, rows, or the header of R, which has one name less.

use super::fields::{fields, n_fields};
use std::collections::BTreeSet;

/// Minimum length of a field of a first line that is DNA, whatever is below it; a shorter text can be a name: "TATA".
const LONG_DNA: usize = 8;
/// The same where all fields below it are DNA too.
const SHORT_DNA: usize = 4;

/// What a field can be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Dna,
    Number,
    Other,
}

/// True if a first record is a row, not a header: a field of it is DNA, or it has numbers and DNA exactly where the
/// other rows have them.
pub(crate) fn is_row(first: &[&[u8]], rows: &[Vec<&[u8]>]) -> bool {
    let first = contents(first);
    if first.iter().any(|&(content, n)| content == Content::Dna && n >= LONG_DNA) {
        return true;
    }
    let rows: Vec<_> = rows.iter().map(|row| contents(row)).collect();
    if rows.is_empty() {
        return false;
    }
    let below = |column: usize, wanted: Content| {
        rows.iter().all(|row| row.get(column).is_some_and(|(content, _)| *content == wanted))
    };
    let column_is = |column: usize, n_least: usize| {
        let (content, n) = first[column];
        content != Content::Other && n >= n_least && below(column, content)
    };
    let is_dna = |column: usize| first[column].0 == Content::Dna;
    if (0..first.len()).any(|column| is_dna(column) && column_is(column, SHORT_DNA)) {
        return true;
    }
    // Names can be numbers, so one of them proves nothing: every number and all DNA must be where the rows have it.
    let fits = |column: usize| match first[column].0 {
        Content::Other => !below(column, Content::Dna) && !below(column, Content::Number),
        content => below(column, content),
    };
    (0..first.len()).all(fits)
        && (0..first.len()).any(is_dna)
        && first.iter().any(|&(content, _)| content == Content::Number)
}

/// True if all rows have DNA in one column.
pub(crate) fn has_dna_column(rows: &[Vec<&[u8]>]) -> bool {
    let mut columns: Option<BTreeSet<usize>> = None;
    for row in rows {
        let contents = contents(row);
        let is_dna = |column: &usize| {
            contents.get(*column).is_some_and(|&(content, n)| content == Content::Dna && n >= SHORT_DNA)
        };
        columns = Some(match columns {
            None => (0..contents.len()).filter(is_dna).collect(),
            Some(before) => before.into_iter().filter(is_dna).collect(),
        });
    }
    columns.is_some_and(|columns| !columns.is_empty())
}

/// True if a line with `#` is the header: not a comment before it. It has as many fields as the next line, which is not
/// one of these lines and has numbers or DNA; or it is one word over one column.
pub(crate) fn is_header_with_hash(line: &[u8], next: &[u8], candidates: &[u8]) -> bool {
    if line.starts_with(b"##") || next.starts_with(b"#") {
        return false;
    }
    let is_data = |delimiter: u8| {
        contents(&fields(next, delimiter))
            .iter()
            .any(|&(content, n)| content == Content::Number || content == Content::Dna && n >= SHORT_DNA)
    };
    candidates.iter().any(|&one| {
        let n = n_fields(line, one);
        // Words of a comment are separated by blanks too.
        let is_sentence = one == b' ' && line.starts_with(b"# ");
        n > 1 && n == n_fields(next, one) && is_data(one) && !is_sentence
    }) || !line[1..].trim_ascii().contains(&b' ')
        && candidates.iter().all(|&one| n_fields(line, one) == 1 && n_fields(next, one) == 1 && is_data(one))
}

/// True if every row has one field more than the header: the names of the rows, as R writes them. They differ, and the
/// rows do not just end with a delimiter.
pub(crate) fn has_row_names(header: &[&[u8]], rows: &[Vec<&[u8]>]) -> bool {
    let names: BTreeSet<&[u8]> = rows.iter().filter_map(|row| row.first().copied()).collect();
    !rows.is_empty()
        && names.len() == rows.len()
        && rows.iter().all(|row| row.len() == header.len() + 1)
        && rows.iter().any(|row| row.last().is_some_and(|last| !last.trim_ascii().is_empty()))
}

/// What each field is, and its length.
fn contents(fields: &[&[u8]]) -> Vec<(Content, usize)> {
    fields.iter().map(|field| content(field)).collect()
}

fn content(field: &[u8]) -> (Content, usize) {
    let field = field.trim_ascii();
    let field = field.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(field);
    // k-mers are separated by blanks.
    let letters = || field.iter().filter(|letter| **letter != b' ');
    let n = letters().count();
    let n_of =
        |alphabet: &[u8]| letters().filter(|letter| alphabet.contains(&letter.to_ascii_uppercase())).count();
    // "BACKWARD" and "STANDARD" have IUPAC codes only, but are words.
    if n > 0 && n_of(b"ACGTUNRYSWKMBDHV") == n && n_of(b"ACGTUN") * 4 >= n * 3 {
        return (Content::Dna, n);
    }
    let is_number = std::str::from_utf8(field).is_ok_and(|text| {
        let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
        has_digit && (text.parse::<f64>().is_ok() || text.replacen(',', ".", 1).parse::<f64>().is_ok())
    });
    (if is_number { Content::Number } else { Content::Other }, n)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split<'a>(lines: &[&'a str]) -> Vec<Vec<&'a [u8]>> {
        lines.iter().map(|line| fields(line.as_bytes(), b',')).collect()
    }

    fn first_is_row(lines: &[&str]) -> bool {
        let records = split(lines);
        is_row(&records[0], &records[1..])
    }

    #[test]
    fn rows_are_not_taken_for_headers() {
        for lines in [
            &["ACGTACGT"][..],
            &["r0,acgtnacgt,x", "r1,TTTTTTTT,y"],
            &["ACGTRYAACC,1", "ACGTACGTAA,0"],
            &["ACGTAC,1", "GGTACC,0"],
            &["r0,ACGTAC,high", "r1,GGTACC,low"],
            &["r0,ACG,0.5", "r1,GGT,1e-3"],
            &["\"ACGTACGT\",\"1\"", "\"GGTACCAA\",\"0\""],
            &["ATGCAA TGCAAT,1", "ATGCAC TGCACT,0"],
        ] {
            assert!(first_is_row(lines), "{lines:?}");
        }
    }

    #[test]
    fn headers_are_not_taken_for_rows() {
        for lines in [
            &["sequence,label", "ACGTACGT,1"][..],
            &["sequence", "ACGT"],
            &["0,1", "ACGTACGT,1"],
            &["seq,0,1", "ACG,0.5,1"],
            &["tag,TATA", "ACGTACGT,1"],
            &["BACKWARD,STANDARD", "x,ACGTACGT"],
            &["id,sequence,2019", "r0,ACGTACGT,5"],
            &["1,2,sequence", "0.5,7,ACGT"],
            &["sequence,label"],
            &["GATA,CTCF,seq", "0,1,ACGTACGT"],
        ] {
            assert!(!first_is_row(lines), "{lines:?}");
        }
    }

    #[test]
    fn lines_with_a_hash_are_headers_or_comments() {
        let is_header =
            |line: &str, next: &str| is_header_with_hash(line.as_bytes(), next.as_bytes(), b",;\t");
        assert!(is_header("#id\tsequence\tlabel", "r0\tACGT\t1"));
        assert!(is_header("#chrom\tstart\tend", "chr1\t0\t40"));
        assert!(is_header("# sequence,label", "ACGT,1"));
        assert!(is_header("#sequence", "ACGTACGT"));
        assert!(!is_header("# made by a tool", "sequence,label"));
        assert!(!is_header("# made by a tool, version 2", "sequence,label"));
        assert!(!is_header("# a tool", "ACGTACGT"));
        assert!(!is_header("##id\tsequence", "r0\tACGT"));
        assert!(!is_header("#first", "#sequence"));
    }

    #[test]
    fn row_names_are_not_trailing_delimiters() {
        let has_names = |lines: &[&str]| {
            let records = split(lines);
            has_row_names(&records[0], &records[1..])
        };
        assert!(has_names(&["sequence,label", "1,ACGT,0", "2,ACGA,1"]));
        assert!(!has_names(&["sequence,label", "ACGT,0,", "ACGA,1,"]));
        assert!(!has_names(&["sequence,label", "a,ACGT,0", "a,ACGA,1"]));
        assert!(!has_names(&["sequence,label", "ACGT,0", "a,ACGA,1"]));
    }
}
