//! Words for a file that is something else than what was expected.

use seqprobe_files::FileKind;

/// Says what a file is in place of what was expected.
pub(crate) fn misplaced(kind: FileKind, expected: &str) -> String {
    let hint = kind.hint().unwrap_or(match kind {
        FileKind::Empty => "download or copy it again",
        _ if kind.is_compressed() => "unpack it first",
        _ => "another file has its name: download or copy the right one",
    });
    format!("is {kind}, expected {expected}\n  hint: {hint}")
}
