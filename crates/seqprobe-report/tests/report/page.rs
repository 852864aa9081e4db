//! The page is self-contained, escaped and small.

use seqprobe_report::render;

/// Values of an attribute in the page.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let opening = format!(" {name}=\"");
    page.match_indices(&opening)
        .map(|(at, found)| page[at + found.len()..].split('"').next().unwrap())
        .collect()
}

#[test]
fn the_page_refers_to_nothing_outside() {
    let page = render(&crate::sample::run(), "html").unwrap();
    let addresses: Vec<&str> = ["src", "href", "action", "data", "poster"]
        .into_iter()
        .flat_map(|name| attributes(&page, name))
        .collect();
    assert!(addresses.contains(&"#dataset-1"), "{addresses:?}");
    assert!(addresses.iter().all(|address| address.starts_with('#')), "{addresses:?}");
    for word in ["url(", "@import", "<link", "<iframe", "<img"] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("default-src 'none'"));
    // The citation is there, as text.
    assert!(page.contains("example.org"));
}

#[test]
fn names_are_escaped() {
    let page = render(&crate::sample::run(), "html").unwrap();
    assert_eq!(page.matches("<script").count(), 1, "only the page's own script");
    assert!(page.contains("&lt;script&gt;alert(&#x27;x&#x27;)"), "in text");
    assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)"), "in drawings");
    assert!(!page.contains("<b>the card</b>"));
    assert!(page.contains("gue &amp; friends"));
}

#[test]
fn warnings_come_before_any_number() {
    let page = render(&crate::sample::run(), "html").unwrap();
    let warning = page.find("the sequences of 14 of 1000 test rows are also in train").unwrap();
    assert!(warning < page.find("class=\"tiles\"").unwrap());
}

#[test]
fn each_scored_cell_has_its_row_and_each_drawing_its_title() {
    let record = crate::sample::run();
    let page = render(&record, "html").unwrap();
    let n_scored = record.cells.iter().filter(|cell| !cell.scores.is_empty()).count();
    let n_rows: usize = ["model", "baseline", "control", "oracle"]
        .into_iter()
        .map(|role| page.matches(&format!("<g class=\"{role}\"><title>")).count())
        .sum();
    assert_eq!(n_rows, n_scored);
    assert_eq!(page.matches("role=\"img\"").count(), page.matches("<svg viewBox=\"0 0 960").count());
    // Two datasets whose features have a known cost: three panels with a dot for each representation.
    let (n_costs, n_dots) = (
        page.matches("against the cost of the features\"><title>").count(),
        page.matches("<g class=\"cost\"><title>").count(),
    );
    assert!(n_costs == 2 && n_dots == 15, "{n_costs} {n_dots}");
    assert!(page.contains("1.7e10") && page.contains("21.300 ms"));
    assert_eq!(
        page.matches("<title>").count(),
        1 + 4 + 2 + 2 + n_rows + page.matches("<g class=\"d ").count() + n_costs + n_dots
    );
    for sentence in [
        "beats every baseline by more than 0.01 MCC (smallest difference +0.077 [0.042, 0.113] against kmer-4)",
        "is 0.140 short of the oracle",
    ] {
        let inside = page.contains(sentence) || sentence.contains("oracle") && page.contains("0.140 short");
        assert!(inside, "{sentence}");
    }
}

#[test]
fn tags_are_balanced() {
    let page = render(&crate::sample::run(), "html").unwrap();
    for tag in ["section", "figure", "details", "table", "tbody", "svg", "g", "ul", "dl", "div", "p", "main"]
    {
        let opened = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

#[test]
fn a_large_run_stays_under_two_megabytes() {
    let page = render(&crate::sample::large(), "html").unwrap();
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
}

#[test]
fn a_run_without_cells_is_a_page_all_the_same() {
    let mut record = crate::sample::run();
    record.cells.clear();
    record.verdicts.clear();
    record.warnings.clear();
    let page = render(&record, "html").unwrap();
    assert!(page.contains("no representation has a score on test"));
    assert!(!page.contains("Read this first"));
}
