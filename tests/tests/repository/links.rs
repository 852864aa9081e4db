//! Links between documents lead to files and headings that exist, and the book has every page. Addresses on the web are
//! not visited.

use std::path::Path;

use crate::documents;
use crate::markdown::{heading_address, link_targets};
use crate::root;

/// Whether a page has a heading with this address.
fn has_heading(page: &Path, address: &str) -> bool {
    let text = std::fs::read_to_string(page).expect("a page that exists can be read");
    text.lines().filter_map(heading_address).any(|known| known == address)
}

/// What is wrong with a link in `document`, if anything.
fn problem(document: &Path, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, address) =
        target.split_once('#').map_or((target, None), |(path, address)| (path, Some(address)));
    let page = root().join(document);
    let page = if path.is_empty() { page } else { page.parent()?.join(path) };
    if !page.exists() {
        return Some(format!("{}: {target}: there is no such file", document.display()));
    }
    let address = address
        .filter(|address| page.extension().is_some_and(|ending| ending == "md") && !address.is_empty())?;
    (!has_heading(&page, address))
        .then(|| format!("{}: {target}: there is no such heading", document.display()))
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut n_links = 0;
    let mut broken = Vec::new();
    for document in documents() {
        for target in document.lines.iter().flat_map(|(_, line)| link_targets(line)) {
            n_links += 1;
            broken.extend(problem(&document.path, &target));
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(n_links > 30 || documents().is_empty(), "only {n_links} links were found");
}

#[test]
fn a_broken_link_is_found() {
    let document = Path::new("README.md");
    assert!(problem(document, "no-such-file.md").is_some());
    assert!(problem(document, "README.md#no-such-heading").is_some());
    assert!(problem(document, "https://example.org/x").is_none());
    assert!(problem(document, "README.md").is_none());
}

#[test]
fn the_book_lists_every_page() {
    let summary =
        std::fs::read_to_string(root().join("docs/src/SUMMARY.md")).expect("the book has a summary");
    let listed: Vec<String> = summary.lines().flat_map(link_targets).collect();
    for document in documents() {
        let Ok(page) = document.path.strip_prefix("docs/src") else { continue };
        let page = page.to_string_lossy().into_owned();
        assert!(page == "SUMMARY.md" || listed.contains(&page), "{page} is not in docs/src/SUMMARY.md");
    }
}
