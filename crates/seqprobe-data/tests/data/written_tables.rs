//! Tables written in every way that programs write them give the rows that were written.

use crate::common::{Packing, read_bytes};
use proptest::prelude::*;
use seqprobe_data::{Delimiter, FileLayout};

/// How a table is written.
#[derive(Clone, Debug)]
struct Style {
    delimiter: char,
    line_end: &'static str,
    has_header: bool,
    quotes_all: bool,
    start: &'static str,
    ends_with_line: bool,
    packing: Packing,
}

/// An id and a sequence.
type Written = (String, String);

fn style() -> impl Strategy<Value = Style> {
    let delimiter = prop::sample::select(vec![',', ';', '\t', '|', ' ']);
    let line_end = prop::sample::select(vec!["\n", "\r\n", "\r"]);
    let start = prop::sample::select(vec![
        "",
        "\u{feff}",
        "# a comment\n",
        "\u{feff}## one\n# two\n",
        "; a comment\n",
        "\n",
    ]);
    let packing = prop::sample::select(Packing::ALL.to_vec());
    (delimiter, line_end, any::<bool>(), any::<bool>(), start, any::<bool>(), packing).prop_map(
        |(delimiter, line_end, has_header, quotes_all, start, ends_with_line, packing)| Style {
            delimiter,
            line_end,
            has_header,
            quotes_all,
            start,
            ends_with_line,
            packing,
        },
    )
}

/// Ids that need quotes: they hold delimiters, quotes and line breaks.
fn table() -> impl Strategy<Value = Vec<Written>> {
    let row = ("[a-c0-9,;|# \"'.\n\té-]{0,12}", "[ACGTNacgtu]{8,30}");
    let number = |(row, (text, bases)): (usize, (String, String))| (format!("{row}z{text}z"), bases);
    prop::collection::vec(row, 1..30).prop_map(move |rows| rows.into_iter().enumerate().map(number).collect())
}

/// What can be written in a style: TSV has no quotes, old Macs have no line feed.
fn as_written(text: &str, style: &Style) -> String {
    let text = if style.delimiter == '\t' { text.replace(['\t', '\n'], "_") } else { text.to_owned() };
    if style.line_end == "\r" { text.replace('\n', "_") } else { text }
}

fn field(text: &str, style: &Style) -> String {
    let needs_quotes = text.contains([style.delimiter, '"', '\n']) || style.quotes_all;
    if needs_quotes && style.delimiter != '\t' {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn write(rows: &[Written], style: &Style) -> String {
    let line = |fields: [&str; 3]| {
        fields.map(|text| field(text, style)).join(&style.delimiter.to_string()) + style.line_end
    };
    let mut text = style.start.replace('\n', style.line_end);
    if style.has_header {
        text += &line(["id", "sequence", "note"]);
    }
    for (id, bases) in rows {
        text += &line([&as_written(id, style), bases, "x"]);
    }
    if !style.ends_with_line {
        text.truncate(text.len() - style.line_end.len());
    }
    text
}

fn layout(style: &Style) -> FileLayout {
    let is_found = matches!(style.delimiter, ',' | ';' | '\t');
    FileLayout {
        delimiter: (!is_found).then(|| Delimiter::from_char(style.delimiter).expect("a delimiter")),
        has_header: style.has_header,
        id: (!style.has_header).then(|| "0".to_owned()),
        sequence: (!style.has_header).then(|| "1".to_owned()),
        genome: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_was_written_is_read(style in style(), rows in table()) {
        let text = write(&rows, &style);
        let read = read_bytes("x", &style.packing.pack(text.as_bytes()), &layout(&style));
        let read = read.map_err(|error| TestCaseError::fail(format!("{error}\n{text:?}")))?;
        let ids: Vec<String> = rows.iter().map(|(id, _)| as_written(id, &style)).collect();
        prop_assert_eq!(read.ids, ids, "{:?}", text);
        let bases: Vec<String> = rows.iter().map(|(_, bases)| bases.to_uppercase().replace('U', "T")).collect();
        let sequences: Vec<&str> = read.sequences.iter().map(|sequence| sequence.as_str()).collect();
        prop_assert_eq!(sequences, bases, "{:?}", text);
    }

    #[test]
    fn a_missing_header_is_said(mut style in style(), rows in table()) {
        style.has_header = false;
        let text = write(&rows, &style);
        let stated = FileLayout { has_header: true, id: None, sequence: None, ..layout(&style) };
        let error = read_bytes("x", text.as_bytes(), &stated).expect_err("a row is taken for the header");
        // Where ids have line breaks, the first line can be a part of a row.
        if !rows[0].0.contains('\n') {
            prop_assert!(error.contains("--no-header"), "{}\n{:?}", error, text);
        }
    }

    #[test]
    fn a_cut_table_gives_its_first_rows_or_an_error(mut style in style(), rows in table(), share in 0.0..1.0_f64) {
        style.packing = Packing::Plain;
        let text = write(&rows, &style);
        let bytes = &text.as_bytes()[..(text.len() as f64 * share) as usize];
        let Ok(read) = read_bytes("x", bytes, &layout(&style)) else { return Ok(()) };
        let n = read.ids.len();
        prop_assert!((1..=rows.len()).contains(&n));
        for (row, (id, sequence)) in read.ids.iter().zip(&read.sequences).enumerate() {
            let bases = rows[row].1.to_uppercase().replace('U', "T");
            prop_assert_eq!(id, &as_written(&rows[row].0, &style));
            // Only the last row can be shorter: nothing in text says where it ends.
            prop_assert!(sequence.as_str() == bases || row + 1 == n && bases.starts_with(sequence.as_str()));
        }
        // No whole row is lost.
        let n_whole = (0..=rows.len()).rev().find(|&n| {
            let whole = write(&rows[..n], &Style { ends_with_line: true, ..style.clone() });
            bytes.starts_with(whole.as_bytes())
        });
        prop_assert!(n >= n_whole.unwrap_or(0), "{} of {:?} rows\n{:?}", n, n_whole, text);
    }
}
