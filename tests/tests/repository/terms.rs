//! Documents and help texts are in plain English, with one word for one thing. The list below has what was written
//! differently before; a word that must not come back is one more line. Spelling is checked by `typos`.

use crate::documents;
use crate::files::texts;
use crate::markdown::without_inline_code;

/// A word or phrase that is not used, in lower case, and what to write instead.
const FORBIDDEN: &[(&str, &str)] = &[
    ("stands", "is"),
    ("stand", "be"),
    ("tell", "report, say, distinguish"),
    ("tells", "reports, says"),
    ("told", "reported, said"),
    ("anew", "again"),
    ("kin", "family"),
    ("beside", "next to, in addition to, compared with"),
    ("house", "project"),
    ("room", "crate, folder"),
    ("rooms", "crates, folders"),
    ("nobody", "no other …"),
    ("whatever", "all, any"),
    ("goes on with", "continues"),
    ("go on with", "continue"),
    ("gone on with", "continued"),
    ("goes on from", "continues from"),
    ("held against", "compared with"),
    ("hold against", "compare with"),
    ("holds against", "compares with"),
    ("it is to be", "it must be"),
    ("for want of", "because there is no"),
    ("read are", "supported are"),
    ("where it finds", "if it finds"),
    ("letter for letter", "identical"),
    ("hidden letter", "masked base"),
    ("hidden letters", "masked bases"),
    ("graphics card", "GPU"),
    ("a card where", "a GPU if"),
    ("outlast", "is not significant after"),
    ("outlasts", "is significant after"),
    ("side by side", "in parallel, next to each other"),
    ("by turns", "in turns"),
];

/// The words of a line in lower case, joined by single blanks, with a blank at both ends.
fn words(line: &str) -> String {
    let plain = line.to_lowercase();
    let words = plain
        .split(|letter: char| !letter.is_alphanumeric() && letter != '-')
        .filter(|word| !word.is_empty());
    format!(" {} ", words.collect::<Vec<_>>().join(" "))
}

/// What of the list is in a line: the phrase and what to write instead.
fn forbidden(line: &str) -> Vec<(&'static str, &'static str)> {
    let words = words(&without_inline_code(line));
    FORBIDDEN.iter().copied().filter(|(phrase, _)| words.contains(&format!(" {phrase} "))).collect()
}

fn report(place: &str, number: usize, line: &str) -> Vec<String> {
    let found = forbidden(line);
    found.iter().map(|(phrase, better)| format!("{place}:{number}: {phrase:?}, write {better:?}")).collect()
}

#[test]
fn documents_are_in_plain_english() {
    let found: Vec<String> = documents()
        .iter()
        .flat_map(|document| {
            let place = document.path.display().to_string();
            document.lines.iter().flat_map(move |(number, line)| report(&place, *number, line))
        })
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn help_texts_are_in_plain_english() {
    let found: Vec<String> = texts(&["/cli.rs"])
        .iter()
        .flat_map(|(path, text)| {
            let place = path.display().to_string();
            let docs = text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("///"));
            docs.flat_map(move |(index, line)| report(&place, index + 1, line)).collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn lines_of_documents_fit_a_screen() {
    let wide = |line: &str| line.chars().count() > 120 && !line.starts_with('|') && !line.contains("](");
    // `seqprobe pretrain` writes the cards of models, with a line per paragraph.
    let by_hand = documents().into_iter().filter(|document| !document.path.starts_with("benchmarks/models"));
    let found: Vec<String> = by_hand
        .flat_map(|document| {
            let place = document.path.display().to_string();
            document
                .lines
                .into_iter()
                .filter(|(_, line)| wide(line))
                .map(move |(number, _)| format!("{place}:{number}"))
        })
        .collect();
    assert!(found.is_empty(), "longer than 120 columns: {found:#?}");
}

#[test]
fn phrases_are_found_as_whole_words() {
    assert_eq!(forbidden("It stands in X."), [("stands", "is")]);
    assert_eq!(forbidden("We understand; a stand-alone file; `stands`"), []);
    assert_eq!(forbidden("a *hidden* letter")[0].0, "hidden letter");
}
