//! Texts of fields without what cannot be seen around them.

/// A text without blanks and invisible characters around it: zero-width spaces and byte-order marks, as they come from
/// web pages and spreadsheets.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(|letter: char| {
        letter.is_whitespace() || matches!(letter, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
    })
}

/// A text without double quotes around the whole of it.
pub(crate) fn strip_quotes(text: &str) -> &str {
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_around_a_text_is_removed() {
        assert_eq!(trim("\u{a0} A C\u{200b}\u{feff}\t"), "A C");
        assert_eq!(trim("\u{200b}"), "");
        assert_eq!(strip_quotes("\"A\""), "A");
        assert_eq!(strip_quotes("\""), "\"");
        assert_eq!(strip_quotes("\"A"), "\"A");
    }
}
