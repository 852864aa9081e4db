//! What a dataset shows without any model: copies and near-duplicates between splits, contradicting labels, how far
//! composition and length alone go, and how far each rule goes.

use crate::judge::score::score_split;
use crate::judge::truth::Predictions;
use crate::rule_audit::{RuleAudit, audit_rules};
use crate::suite::DEFAULT_REPLICATES;
use seqprobe_core::audit::Audit;
use seqprobe_core::{Dataset, FeatureView, LabelledView, Pooling, Probe, ProbeError, Seed, Split};
use seqprobe_data::audit::audit;
use seqprobe_embed::{BoxedSource, PlainRepresentation};
use seqprobe_linear::LinearProbe;
use seqprobe_report::record::ScoreRecord;
use serde::Serialize;

/// The audit of one dataset.
#[derive(Serialize)]
pub struct DatasetAudit {
    /// Copies, contradictions, shifts.
    #[serde(flatten)]
    pub audit: Audit,
    /// Test score of a linear probe on composition and length alone, or why there is none.
    pub composition: Result<Vec<ScoreRecord>, NoComposition>,
    /// Rules without a model, and PASS, WARN or FAIL.
    pub rules: RuleAudit,
}

/// Why composition and length have no score, in words.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct NoComposition(pub String);

/// Audits a dataset; two sequences are near-duplicates if they share at least `threshold` of the smaller one's 16-mers.
pub fn audit_dataset(dataset: &Dataset, threshold: f64) -> DatasetAudit {
    let features =
        PlainRepresentation::Composition.features(&dataset.sequences, Pooling::Mean, &dataset.splits.train);
    let composition = match features {
        Ok(features) => {
            composition_scores(dataset, &features).map_err(|error| NoComposition(error.to_string()))
        }
        Err(error) => Err(NoComposition(error.to_string())),
    };
    let audit = audit(dataset, threshold);
    let rules = audit_rules(dataset, &audit);
    DatasetAudit { audit, composition, rules }
}

/// AUROC on test (the primary metric of a regression) of a linear probe on composition and length.
fn composition_scores(dataset: &Dataset, features: &BoxedSource<'_>) -> Result<Vec<ScoreRecord>, ProbeError> {
    let rows = &dataset.splits;
    let (train_targets, valid_targets) =
        (dataset.targets.select(&rows.train), dataset.targets.select(&rows.valid));
    let labelled = |split, targets| {
        FeatureView::new(features.as_ref(), split).map(|features| LabelledView {
            features,
            targets,
            groups: None,
        })
    };
    let train = labelled(rows.train.as_slice(), &train_targets)?;
    let valid = labelled(rows.valid.as_slice(), &valid_targets)?;
    let fit = LinearProbe::default().fit(&dataset.task, train, valid, Seed(0))?;
    let outputs = fit.fitted.predict(&FeatureView::new(features.as_ref(), &rows.test)?)?;
    let predictions = Predictions::new(vec![outputs]);
    let mut scores = score_split(dataset, Split::Test, &predictions, DEFAULT_REPLICATES);
    let by_auroc = scores.iter().any(|score| score.metric == "auroc");
    scores.retain(|score| if by_auroc { score.metric == "auroc" } else { score.primary });
    scores.truncate(1);
    Ok(scores)
}
