//! Every key of a suite stands in its document. What the keys mean is for people to keep right.

use crate::probe_entry::ProbeEntry;
use crate::suite::{RepresentationEntry, SimulateEntry, SuiteFile};
use serde::de::DeserializeOwned;

/// The keys that a table knows: an error about an unknown one lists them.
fn keys<T: DeserializeOwned>() -> Vec<String> {
    let Err(error) = serde_json::from_str::<T>("{\"no such key\": 1}") else { return Vec::new() };
    let text = error.to_string();
    text.split('`').skip(3).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_key_of_a_suite_stands_in_its_document() {
    let document = include_str!("../../../docs/src/reference/suites.md");
    let tables =
        [keys::<SuiteFile>(), keys::<RepresentationEntry>(), keys::<ProbeEntry>(), keys::<SimulateEntry>()];
    for (table, least) in tables.iter().zip([12, 11, 10, 5]) {
        assert!(table.len() >= least, "{table:?}");
        for key in table {
            assert!(
                document.contains(&format!("`{key}`"))
                    || document.contains(&format!("[[{key}]]"))
                    || document.contains(&format!("[{key}]")),
                "{key} is not in docs/src/reference/suites.md"
            );
        }
    }
}
