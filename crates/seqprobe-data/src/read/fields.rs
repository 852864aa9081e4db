//! The fields of the first lines of a table, before it is known what they are. [`super::records`] reads the rows.

/// Records that are looked at to find the delimiter.
const SAMPLE: usize = 20;

/// Number of fields of a line. Double quotes protect delimiters, except tabs.
pub(crate) fn n_fields(line: &[u8], delimiter: u8) -> usize {
    fields(line, delimiter).len()
}

/// The fields of a line, as they are written.
pub(crate) fn fields(line: &[u8], delimiter: u8) -> Vec<&[u8]> {
    records_of(line, delimiter, 1, true).pop().unwrap_or_default()
}

/// The fields of the first records of a text, as they are written; of a record whose last quote is open, none.
pub(crate) fn records(text: &[u8], delimiter: u8) -> Vec<Vec<&[u8]>> {
    records_of(text, delimiter, SAMPLE, false)
}

/// As [`records`], at most so many; perhaps with a last one whose quote is open.
fn records_of(text: &[u8], delimiter: u8, most: usize, with_open: bool) -> Vec<Vec<&[u8]>> {
    let (mut is_quoted, mut closed, mut from, mut start) = (false, None, 0, 0);
    let (mut found, mut record) = (Vec::new(), Vec::new());
    for (at, byte) in text.iter().copied().chain([b'\n']).enumerate() {
        // The second of two quotes inside a quoted field opens it again.
        let opens = is_quoted || closed == Some(at) || text[from..at.min(text.len())].trim_ascii().is_empty();
        if byte == b'"' && delimiter != b'\t' && opens {
            is_quoted = !is_quoted;
            closed = (!is_quoted).then_some(at + 1);
        } else if byte == delimiter && !is_quoted {
            record.push(&text[from..at]);
            from = at + 1;
        } else if byte == b'\n' && (!is_quoted || with_open && at == text.len()) {
            let line = &text[start..at];
            record.push(text[from..at].strip_suffix(b"\r").unwrap_or(&text[from..at]));
            let record = std::mem::take(&mut record);
            if !line.iter().all(|byte| byte.is_ascii_whitespace() && *byte != delimiter) || with_open {
                found.push(record);
                if found.len() == most {
                    break;
                }
            }
            (from, start) = (at + 1, at + 1);
        }
    }
    found
}
