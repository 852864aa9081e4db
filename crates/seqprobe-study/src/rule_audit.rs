//! Rules without a model on one dataset, scored, with the words PASS, WARN and FAIL.

use crate::judge::score::score_split;
use crate::judge::truth::Predictions;
use seqprobe_core::audit::{Audit, Shared};
use seqprobe_core::{Dataset, Split, Targets, TaskKind};
use seqprobe_data::rules::{Pairs, Partners, Rule, RulePredictions, fit_rules, partners};
use seqprobe_report::point;
use seqprobe_report::record::ScoreRecord;
use serde::Serialize;

/// Resamples for the intervals of rules: the words depend on points alone.
const REPLICATES: usize = 200;
/// Share of test rows of the smaller class from which words use MCC; below it, AUROC against (1 + threshold) / 2.
const MIN_MINORITY: f64 = 0.2;
/// Fewest pairs of a twin rule that can fail a dataset.
const MIN_PAIRS: usize = 10;
/// Agreement beyond chance of pairs, in either direction, from which twins give labels away.
const MIN_KAPPA: f64 = 0.4;

/// What rules without a model show about a dataset.
#[derive(Debug, Serialize)]
pub struct RuleAudit {
    /// The most serious word of all findings.
    pub verdict: RuleWord,
    /// The rule with the best score on validation; `None` if none has one.
    pub chosen: Option<String>,
    /// How a binary dataset was put together.
    pub partners: Option<Partners>,
    /// Words for copies and near-duplicates of train in test.
    pub shared: Vec<SharedFinding>,
    /// Every rule.
    pub rules: Vec<RuleFinding>,
}

/// PASS, WARN or FAIL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RuleWord {
    /// Below the threshold of a warning.
    Pass,
    /// A score on this dataset needs this rule next to it.
    Warn,
    /// A score on this dataset does not show what a model knows.
    Fail,
}

impl RuleWord {
    /// The word itself.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
        }
    }

    fn of(number: f64, warn: f64, fail: f64) -> Self {
        match number {
            number if number >= fail => Self::Fail,
            number if number >= warn => Self::Warn,
            _ => Self::Pass,
        }
    }
}

/// Test rows that train shares, judged.
#[derive(Debug, Serialize)]
pub struct SharedFinding {
    /// `copies` or `near-duplicates`.
    pub what: &'static str,
    /// Share of test rows.
    pub share: f64,
    /// The word.
    pub word: RuleWord,
}

/// One rule on one dataset.
#[derive(Debug, Serialize)]
pub struct RuleFinding {
    /// The name of the rule.
    pub rule: &'static str,
    /// PASS if it does not apply.
    pub word: RuleWord,
    /// Share of test rows that it says something about.
    pub coverage: Option<f64>,
    /// Test rows against their partners, for rules that look rows up.
    pub pairs: Option<Pairs>,
    /// Scores on test, then the primary one on validation; a task with one target only.
    pub scores: Vec<ScoreRecord>,
    /// What was found in train, or why the rule does not apply.
    pub found: String,
    /// Whether it can be the best rule: it reads sequences, and says something about validation rows.
    #[serde(skip)]
    can_be_best: bool,
}

impl RuleFinding {
    /// A score's point; `None` if there is none.
    pub fn point(&self, metric: &str, split: Split) -> Option<f64> {
        let score = self.scores.iter().find(|score| score.split == split && score.metric == metric)?;
        point(&score.value)
    }
}

/// Fits, scores and judges every rule.
pub(crate) fn audit_rules(dataset: &Dataset, audit: &Audit) -> RuleAudit {
    let rules: Vec<RuleFinding> = fit_rules(dataset)
        .into_iter()
        .map(|fit| match fit.predictions {
            Ok(predictions) => finding(dataset, fit.rule, predictions),
            Err(reason) => RuleFinding {
                rule: fit.rule.as_str(),
                word: RuleWord::Pass,
                coverage: None,
                pairs: None,
                scores: Vec::new(),
                found: reason.to_string(),
                can_be_best: false,
            },
        })
        .collect();
    let test = audit.against_train.iter().find(|shared| shared.split == Split::Test);
    let shared: Vec<SharedFinding> = test.map(shared_findings).unwrap_or_default();
    let words = rules.iter().map(|rule| rule.word).chain(shared.iter().map(|shared| shared.word));
    RuleAudit {
        verdict: words.max().unwrap_or(RuleWord::Pass),
        chosen: chosen(dataset, &rules),
        partners: partners(dataset),
        shared,
        rules,
    }
}

fn shared_findings(test: &Shared) -> Vec<SharedFinding> {
    let share = |rows: usize| rows as f64 / test.n_rows.max(1) as f64;
    let copies = share(test.copied_rows());
    let near = share(test.near.rows);
    vec![
        SharedFinding { what: "copies", share: copies, word: RuleWord::of(copies, 0.005, 0.05) },
        SharedFinding { what: "near-duplicates", share: near, word: RuleWord::of(near, 0.01, 0.10) },
    ]
}

fn finding(dataset: &Dataset, rule: Rule, predictions: RulePredictions) -> RuleFinding {
    let RulePredictions { valid, test, valid_covered, test_covered, pairs, found } = predictions;
    let mut scores = score_split(dataset, Split::Test, &Predictions::new(vec![test]), REPLICATES);
    scores.extend(score_split(dataset, Split::Valid, &Predictions::new(vec![valid]), REPLICATES));
    let coverage = test_covered as f64 / dataset.splits.test.len().max(1) as f64;
    let mut finding = RuleFinding {
        rule: rule.as_str(),
        word: RuleWord::Pass,
        coverage: Some(coverage),
        pairs,
        scores,
        found,
        can_be_best: rule.reads_sequences() && valid_covered > 0,
    };
    finding.word = match rule {
        // Flipped on purpose, it repeats what `nearest` says.
        Rule::NearestOpposite | Rule::Case => RuleWord::Pass,
        Rule::CompositionTwins => twins_word(dataset, coverage, pairs, 0.05),
        Rule::PositionalTwins => twins_word(dataset, coverage, pairs, 0.25),
        Rule::Nearest if dataset.task.kind == TaskKind::Regression => {
            finding.point("pearson", Split::Test).map_or(RuleWord::Pass, |r| RuleWord::of(r, 0.7, 0.9))
        }
        _ => score_word(dataset, rule, &finding),
    };
    finding
}

/// If the twins' labels say what a row's label is: warns from 1% of test rows with a twin, fails from `fail`.
fn twins_word(dataset: &Dataset, coverage: f64, pairs: Option<Pairs>, fail: f64) -> RuleWord {
    let Targets::Classes { labels, n_classes } = &dataset.targets else {
        return RuleWord::of(coverage, 0.01, f64::INFINITY);
    };
    let test = &dataset.splits.test;
    let share = |class: usize| {
        test.iter().filter(|&&row| labels[row] as usize == class).count() as f64 / test.len() as f64
    };
    let by_chance: f64 = (0..*n_classes).map(|class| share(class).powi(2)).sum();
    let kappa = pairs.filter(|pairs| pairs.compared >= MIN_PAIRS && by_chance < 1.0).map_or(0.0, |pairs| {
        let agreement = 1.0 - pairs.disagreeing as f64 / pairs.compared as f64;
        (agreement - by_chance) / (1.0 - by_chance)
    });
    if kappa.abs() >= MIN_KAPPA { RuleWord::of(coverage, 0.01, fail) } else { RuleWord::Pass }
}

/// The word of a rule's score on test; a score must also be three standard errors of a score of 0.
fn score_word(dataset: &Dataset, rule: Rule, finding: &RuleFinding) -> RuleWord {
    let (warn, fail) = match rule {
        Rule::Length | Rule::UnknownBases => (0.1, 0.3),
        // A model does not see the order of rows; a split that follows it can still be another task.
        Rule::RowOrder | Rule::IdNumber => (0.1, f64::INFINITY),
        Rule::PositionMotifs => (0.4, 0.7),
        Rule::Word => (0.3, 0.7),
        // Composition can be what a task is about, and fills the gaps of `nearest`: a warning at most.
        _ => (0.5, f64::INFINITY),
    };
    let Targets::Classes { labels, n_classes } = &dataset.targets else {
        let r = finding.point("pearson", Split::Test).unwrap_or(0.0);
        return RuleWord::of(r, warn, fail);
    };
    let test = &dataset.splits.test;
    let noise = 3.0 / (test.len() as f64).sqrt();
    let positives = test.iter().filter(|&&row| labels[row] == 1).count() as f64 / test.len() as f64;
    let number = if *n_classes == 2 && positives.min(1.0 - positives) < MIN_MINORITY {
        finding.point("auroc", Split::Test).map(|auroc| 2.0 * auroc - 1.0)
    } else {
        finding.point("mcc", Split::Test)
    };
    let number = number.filter(|number| *number > noise).unwrap_or(0.0);
    RuleWord::of(number, warn, fail)
}

/// The rule with the best primary score on validation.
fn chosen(dataset: &Dataset, rules: &[RuleFinding]) -> Option<String> {
    let lower_is_better =
        seqprobe_stats::metric(&dataset.metric).is_some_and(|metric| !metric.higher_is_better);
    let sign = if lower_is_better { -1.0 } else { 1.0 };
    let scored = rules.iter().filter(|rule| rule.can_be_best).filter_map(|rule| {
        let point = rule.point(&dataset.metric, Split::Valid)?;
        Some((sign * point, rule.rule))
    });
    // The first of equals, as in a run.
    scored.rev().max_by(|left, right| left.0.total_cmp(&right.0)).map(|(_, rule)| rule.to_owned())
}
