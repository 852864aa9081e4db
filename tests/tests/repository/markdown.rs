//! Reading Markdown as far as the rules for documents need it: which text is prose, which words are links, what headings
//! are called in addresses.

use std::path::PathBuf;

/// A document: its path relative to the root, and its lines without code.
pub(crate) struct Document {
    /// The path.
    pub(crate) path: PathBuf,
    /// The lines as they are, with their numbers from 1; those in fenced code blocks are left out.
    pub(crate) lines: Vec<(usize, String)>,
}

/// Splits a text into its lines outside of fenced code blocks.
pub(crate) fn outside_code_blocks(text: &str) -> Vec<(usize, String)> {
    let mut in_code = false;
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            lines.push((index + 1, line.to_owned()));
        }
    }
    lines
}

/// The line without what is in back-quotes.
pub(crate) fn without_inline_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join(" ")
}

/// The targets of the links and images in a line: what is in the parentheses of `[text](target)`.
pub(crate) fn link_targets(line: &str) -> Vec<String> {
    let line = without_inline_code(&line.replace("[`", "[").replace("`]", "]"));
    line.match_indices("](")
        .filter_map(|(at, _)| {
            let rest = &line[at + 2..];
            Some(rest[..rest.find(')')?].trim().to_owned())
        })
        .collect()
}

/// The address of a heading within its page, as GitHub and mdBook make it: lower case, blanks to `-`, and of the other
/// characters only letters, digits, `-` and `_`.
pub(crate) fn heading_address(line: &str) -> Option<String> {
    let title = line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' ')?;
    let plain = title.trim().to_lowercase().replace(' ', "-");
    Some(plain.chars().filter(|letter| letter.is_alphanumeric() || "-_".contains(*letter)).collect())
}

#[test]
fn links_are_found_and_code_is_not() {
    let line = "see [a](b.md#c), ![d](e.svg) and `[not](this)`, or [`code`](x.md)";
    assert_eq!(link_targets(line), ["b.md#c", "e.svg", "x.md"]);
    assert_eq!(outside_code_blocks("a\n```sh\nb\n```\nc").len(), 2);
}

#[test]
fn headings_have_addresses() {
    assert_eq!(heading_address("## The files, `a` and b").as_deref(), Some("the-files-a-and-b"));
    assert_eq!(heading_address("no heading"), None);
    assert_eq!(heading_address("#!shebang"), None);
}
