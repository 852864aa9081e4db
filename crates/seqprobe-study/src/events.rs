//! What a study reports while it runs.

use seqprobe_models::hub;
use seqprobe_report::record::CellId;

/// Something that a user wants to see while a study runs.
#[derive(Debug)]
pub enum StudyEvent<'a> {
    /// The suite uses an old key; the new one does the same.
    OldKey {
        /// The old key.
        old: &'static str,
        /// The new key.
        new: &'static str,
    },
    /// What was left out of a dataset, which letters became N, or the note of its card.
    Remark {
        /// Its id.
        dataset: &'a str,
        /// One sentence.
        remark: &'a str,
    },
    /// The plan is made.
    Planned {
        /// Its cells.
        cells: usize,
    },
    /// The cells of a dataset come now.
    Dataset {
        /// Its id.
        id: &'a str,
    },
    /// A cell is fitted now.
    Fitting(&'a CellId),
    /// The description length of a cell is computed now.
    DescriptionLength(&'a CellId),
    /// A cell is done.
    Done(&'a CellId),
    /// Sequences go through a model.
    Extracting {
        /// Model.
        model: &'a str,
        /// Sequences done.
        done: usize,
        /// All sequences.
        total: usize,
    },
    /// Something stored was damaged. It is computed again.
    Damaged {
        /// What was found.
        reason: &'a str,
    },
    /// A file is downloaded.
    Download(hub::Progress<'a>),
    /// All files of a model are downloaded.
    Downloaded {
        /// The model as it was named.
        reference: String,
        /// The commit it has on the hub.
        commit: String,
    },
}

/// Takes the events of a study. A closure is one.
pub trait StudyEvents {
    /// Takes one event.
    fn event(&mut self, event: StudyEvent<'_>);
}

impl<F: FnMut(StudyEvent<'_>)> StudyEvents for F {
    fn event(&mut self, event: StudyEvent<'_>) {
        self(event);
    }
}

/// Reports what of the cache was damaged.
pub(crate) fn report_damage(damage: &[String], events: &mut dyn StudyEvents) {
    damage.iter().for_each(|reason| events.event(StudyEvent::Damaged { reason }));
}
