//! What reports show of a run and the record does not have itself: ranks, curves, choices on validation, the evidence
//! behind verdicts. It is made once, before rendering; renderers only word and draw it.

pub(crate) mod choices;
pub(crate) mod dataset_view;
pub(crate) mod direction;
pub(crate) mod evidence;
pub(crate) mod fit_summary;
pub(crate) mod oracle_gap;
pub(crate) mod probe_groups;
pub(crate) mod score_map;
pub(crate) mod selected_elements;
pub(crate) mod sweeps;
pub(crate) mod tallies;

use crate::record::diagnostics::RankRecord;
use crate::record::{RunRecord, Status, Verdict};
use dataset_view::DatasetView;
use score_map::ScoreMap;
use tallies::{ModelTally, REPORTED_VERDICTS};

/// A run with all that its reports show.
pub(crate) struct RunView<'a> {
    /// The record.
    pub(crate) record: &'a RunRecord,
    /// The datasets, in suite order.
    pub(crate) datasets: Vec<DatasetView<'a>>,
    /// How often each model beats, ties and loses; empty for a single dataset.
    pub(crate) tallies: Vec<ModelTally<'a>>,
    /// Datasets by representations.
    pub(crate) score_map: ScoreMap<'a>,
    /// Ranks of representations over the datasets.
    pub(crate) ranks: Option<RankView<'a>>,
    /// Cells that were read from the cache.
    pub(crate) n_reused: usize,
}

impl<'a> RunView<'a> {
    /// Derives the view of a record.
    pub(crate) fn of(record: &'a RunRecord) -> Self {
        let datasets: Vec<DatasetView<'a>> =
            record.datasets.iter().map(|dataset| DatasetView::of(record, dataset)).collect();
        Self {
            record,
            tallies: tallies::of_models(record),
            score_map: ScoreMap::of(record, &datasets),
            ranks: record.ranks.as_ref().map(RankView::of),
            n_reused: record.cells.iter().filter(|cell| cell.reused).count(),
            datasets,
        }
    }

    /// Cells of a status.
    pub(crate) fn n_cells(&self, status: Status) -> usize {
        self.record.cells.iter().filter(|cell| cell.status == status).count()
    }

    /// The verdicts that occur or could, with their number.
    pub(crate) fn verdict_counts(&self) -> [(Verdict, usize); 4] {
        REPORTED_VERDICTS.map(|verdict| {
            (verdict, self.record.verdicts.iter().filter(|row| row.verdict == verdict).count())
        })
    }
}

/// Ranks with the order of their representations.
pub(crate) struct RankView<'a> {
    /// The record.
    pub(crate) record: &'a RankRecord,
    /// Indices of the representations, best average rank first.
    pub(crate) order: Vec<usize>,
}

impl<'a> RankView<'a> {
    fn of(record: &'a RankRecord) -> Self {
        let mut order: Vec<usize> = (0..record.representations.len()).collect();
        order.sort_by(|&left, &right| record.average_ranks[left].total_cmp(&record.average_ranks[right]));
        Self { record, order }
    }
}

/// The share of each number in the sum of its row; `None` in a row without examples.
pub(crate) fn shares_of_rows(rows: &[Vec<f64>]) -> Vec<Vec<Option<f64>>> {
    let shares = |row: &Vec<f64>| {
        let total: f64 = row.iter().sum();
        row.iter().map(|n| (total > 0.0).then(|| n / total)).collect()
    };
    rows.iter().map(shares).collect()
}
