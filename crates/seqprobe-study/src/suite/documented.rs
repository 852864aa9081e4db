//! Every key of a suite is in its document. What the keys mean is for people to keep right.

use crate::suite::file::{RepresentationEntry, SimulateEntry, SuiteFile};
use crate::suite::probes::PROBES;
use seqprobe_core::known_keys;

#[test]
fn every_key_of_a_suite_is_in_its_document() {
    let document = include_str!("../../../../docs/src/reference/suites.md");
    let tables = [
        (known_keys::<SuiteFile>(), 12),
        (known_keys::<RepresentationEntry>(), 11),
        (known_keys::<SimulateEntry>(), 5),
        (PROBES.iter().flat_map(|family| family.keys()).collect(), 20),
    ];
    for (keys, least) in tables {
        assert!(keys.len() >= least, "{keys:?}");
        for key in keys {
            let forms = [format!("`{key}`"), format!("[[{key}]]"), format!("[{key}]")];
            assert!(forms.iter().any(|form| document.contains(form)), "{key} is not in suites.md");
        }
    }
}
