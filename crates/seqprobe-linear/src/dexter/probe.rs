//! The probe `dexter`: frequencies of k-mers in regions of aligned sequences, found on train and weighted by a lasso.
//!
//! It follows the idea of DExTER (Menichelli et al., PLoS Comput Biol 2021, 17(4) e1008909) and was written from its
//! description: cut the aligned sequences into regions, find k-mers whose frequency in a region correlates with the
//! target, extend k-mers while that helps, and let a lasso choose among all that were found. The report lists the
//! chosen k-mers, their regions and weights.

use crate::dexter::aligned_bases::{Align, AlignedBases};
use crate::dexter::fitted::{DexterOutput, FittedDexter};
use crate::dexter::regional_kmers::{MAX_K, RegionalKmer, frequencies, kmer_text};
use crate::dexter::search::{DexterSearch, GreedyHit, search};
use crate::elastic_net::choice::{SparseChoice, Validation, choose_classes, choose_values, selected};
use crate::elastic_net::options::SparseSolver;
use crate::elastic_net::report::{path_settings, sparse_report};
use crate::prepare::checks::check_rows;
use crate::prepare::growing_gram::dense;
use crate::prepare::scaler::Scaler;
use crate::prepare::targets::{known_rows, too_few};
use crate::solvers::elastic_net_path::ElasticNetPath;
use crate::solvers::sparse_squares::shared_gram;
use ndarray::Array2;
use seqprobe_core::{
    LabelledView, Probe, ProbeError, ProbeFit, Seed, SelectedElement, Targets, Task, TaskKind,
};
use serde_json::json;

/// K-mers in regions, chosen by a lasso. For regression, binary and multilabel tasks on one-hot tokens.
#[derive(Clone, Debug)]
pub struct DexterProbe {
    /// The search for k-mers and regions.
    pub search: DexterSearch,
    /// At which end sequences of unequal length are aligned; `None` refuses unequal lengths.
    pub align: Option<Align>,
    /// The lasso.
    pub path: ElasticNetPath,
}

impl Default for DexterProbe {
    /// 13 pieces; k-mers of 2 to 10 bases that add at least 0.005 each; 64 k-mers of each length, each in at least 20
    /// rows.
    fn default() -> Self {
        Self {
            search: DexterSearch {
                bins: 13,
                first_length: 2,
                longest: 10,
                gain: 0.005,
                beam: 64,
                least_rows: 20,
            },
            align: None,
            path: ElasticNetPath::new(1.0),
        }
    }
}

impl Probe for DexterProbe {
    fn id(&self) -> &str {
        "dexter"
    }

    fn version(&self) -> u32 {
        1
    }

    fn is_deterministic(&self) -> bool {
        true
    }

    fn settings(&self) -> serde_json::Value {
        let DexterSearch { bins, first_length, longest, gain, beam, least_rows } = &self.search;
        json!({
            "bins": bins, "first_length": first_length, "longest": longest, "gain": gain, "beam": beam,
            "least_rows": least_rows, "align": self.align.map(Align::as_str), "path": path_settings(&self.path),
        })
    }

    fn fit(
        &self,
        task: &Task,
        train: LabelledView<'_>,
        valid: LabelledView<'_>,
        _seed: Seed,
    ) -> Result<ProbeFit, ProbeError> {
        self.check()?;
        for (split, view) in [("train", &train), ("valid", &valid)] {
            check_rows(split, view, task)?;
        }
        let length = train.features.longest();
        self.check_lengths(&train, length)?;
        let align = self.align.unwrap_or(Align::Left);
        let own = AlignedBases::read(&train.features, length, align)?;
        let others = AlignedBases::read(&valid.features, length, align)?;
        let is_class = task.kind != TaskKind::Regression;
        let (train, valid) = match (task.kind, train.targets, valid.targets) {
            (TaskKind::Binary, Targets::Classes { labels, .. }, Targets::Classes { labels: valid, .. }) => {
                (column_of(labels), column_of(valid))
            }
            (
                TaskKind::Multilabel | TaskKind::Regression,
                Targets::Values { values },
                Targets::Values { values: valid },
            ) => (values.clone(), valid.clone()),
            (TaskKind::Multiclass, ..) => {
                return Err(ProbeError::NotApplicable(
                    "dexter fits numbers and yes/no targets, not more than two classes".to_owned(),
                ));
            }
            (kind, ..) => {
                return Err(ProbeError::NotApplicable(format!(
                    "the targets are not those of a {} task",
                    kind.as_str()
                )));
            }
        };
        let name = |target: usize| task.targets.get(target).cloned().unwrap_or_default();
        let (mut choices, mut outputs, mut elements) = (Vec::new(), Vec::new(), Vec::new());
        for target in 0..train.ncols() {
            let (choice, output, selected) =
                self.fit_target(&name(target), is_class, (&own, &train), (&others, &valid), target)?;
            choices.push(choice);
            outputs.push(output);
            elements.extend(selected);
        }
        let mut report = sparse_report(&choices, &self.path, name);
        report.selected_elements = elements;
        let fitted = FittedDexter { is_class, length, align, is_ragged: self.align.is_some(), outputs };
        Ok(ProbeFit { fitted: Box::new(fitted), report })
    }
}

impl DexterProbe {
    fn check(&self) -> Result<(), ProbeError> {
        self.path.check_settings()?;
        let DexterSearch { bins, first_length, longest, gain, .. } = &self.search;
        if *bins == 0 || *first_length == 0 || first_length > longest || *longest > MAX_K {
            return Err(ProbeError::Solver(format!(
                "bins is {bins}, first_length {first_length} and longest {longest}, expected at least 1 bin and k-mers \
                 of 1 to {MAX_K} bases"
            )));
        }
        if !(gain.is_finite() && *gain >= 0.0) {
            return Err(ProbeError::Solver(format!("gain is {gain}, expected a number of at least 0")));
        }
        Ok(())
    }

    fn check_lengths(&self, train: &LabelledView<'_>, length: usize) -> Result<(), ProbeError> {
        let n_rows = train.features.n_rows();
        if (n_rows as u64).saturating_mul(length as u64) >= u64::from(u32::MAX) {
            return Err(ProbeError::NotApplicable(format!(
                "{n_rows} training sequences of {length} bases exceed the 4294967294 bases that dexter can count\n  \
                 hint: cut the sequences to a shorter part around the point where they are aligned"
            )));
        }
        let shortest = (0..n_rows).map(|row| train.features.length(row)).min().unwrap_or(0);
        if self.align.is_none() && shortest != length {
            return Err(ProbeError::Length(unequal_lengths(shortest, length)));
        }
        Ok(())
    }

    /// Fits the lasso over the k-mers found for one target. Returns the chosen model, the k-mers to predict with, and
    /// the k-mers to report.
    fn fit_target(
        &self,
        name: &String,
        is_class: bool,
        (own, train): (&AlignedBases, &Array2<Option<f64>>),
        (others, valid): (&AlignedBases, &Array2<Option<f64>>),
        target: usize,
    ) -> Result<(SparseChoice, DexterOutput, Vec<SelectedElement>), ProbeError> {
        let rows = known_rows(train, target);
        let values: Vec<f64> = rows.iter().filter_map(|&row| train[(row, target)]).collect();
        if values.len() < 2 {
            return Err(ProbeError::TooFewTargets {
                target: name.clone(),
                split: "train",
                n: values.len(),
                needed: 2,
            });
        }
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            return Err(ProbeError::NotFinite(format!("a target in train is {value}, not a finite number")));
        }
        let is_yes = |value: f64| value > 0.5;
        let n_positive = values.iter().filter(|value| is_yes(**value)).count();
        if is_class && (n_positive == 0 || n_positive == values.len()) {
            let class = format!("{name}={}", usize::from(n_positive > 0));
            return Err(ProbeError::OneClass { split: "train", class });
        }
        if known_rows(valid, target).is_empty() {
            return Err(too_few(Some(name), "valid", 0));
        }
        let selection = (rows.len() < own.n_rows()).then(|| own.select(&rows));
        let own = selection.as_ref().unwrap_or(own);
        let mut found = search(own, &values, &self.search);
        if found.is_empty() {
            return Err(ProbeError::NotApplicable(format!(
                "no {}-mer changes its frequency between the training sequences",
                self.search.first_length
            )));
        }
        // An order that does not depend on the search.
        found.sort_by(|left, right| left.regional_kmer.kmer.cmp(&right.regional_kmer.kmer));
        let kmers: Vec<RegionalKmer> = found.iter().map(|hit| hit.regional_kmer.clone()).collect();
        let own = frequencies(own, &kmers);
        let means = means_of(&own);
        let own = filled(&own, &means);
        let scaler = scaler_of(&own, kmers.len());
        let features = scaler.apply(&own);
        let others = scaler.apply(&filled(&frequencies(others, &kmers), &means));
        let (design, valid_design) = (dense(features.view())?, dense(others.view())?);
        let choice = if is_class {
            let is_positive: Vec<bool> = values.iter().map(|&value| is_yes(value)).collect();
            let truth = valid.column(target).iter().map(|value| value.map(is_yes)).collect();
            choose_classes(&self.path, design, &is_positive, &Validation { design: valid_design, truth })?
        } else {
            let truth = valid.column(target).to_vec();
            let valid = Validation { design: valid_design, truth };
            choose_values(&self.path, SparseSolver::Exact, design, &mut shared_gram(design), &values, &valid)?
        };
        let chosen = selected(&choice.model);
        let output = DexterOutput {
            kmers: chosen.iter().map(|&(index, _)| kmers[index].clone()).collect(),
            missing: chosen.iter().map(|&(index, _)| f64::from(means[index])).collect(),
            means: chosen.iter().map(|&(index, _)| scaler.means[index]).collect(),
            scales: chosen.iter().map(|&(index, _)| scaler.scales[index]).collect(),
            weights: chosen.iter().map(|&(_, weight)| weight).collect(),
            intercept: choice.model.intercept,
        };
        Ok((choice, output, report_elements(name, &found, &chosen)))
    }
}

/// Returns the reason why sequences of unequal length are refused.
fn unequal_lengths(shortest: usize, longest: usize) -> String {
    format!(
        "dexter needs sequences of one length or aligned at one end, these are {shortest} to {longest} bases long\n  \
         hint: use align = \"left\" or align = \"right\" if their first or last bases correspond"
    )
}

fn report_elements(target: &str, found: &[GreedyHit], chosen: &[(usize, f64)]) -> Vec<SelectedElement> {
    let mut elements: Vec<SelectedElement> = chosen
        .iter()
        .map(|&(index, weight)| {
            let GreedyHit { regional_kmer, correlation } = &found[index];
            SelectedElement {
                target: target.to_owned(),
                word: kmer_text(&regional_kmer.kmer),
                start: regional_kmer.start,
                end: regional_kmer.end,
                weight,
                correlation: *correlation,
            }
        })
        .collect();
    elements.sort_by(|left, right| right.weight.abs().total_cmp(&left.weight.abs()));
    elements
}

fn column_of(labels: &[u32]) -> Array2<Option<f64>> {
    Array2::from_shape_fn((labels.len(), 1), |(row, _)| Some(f64::from(labels[row])))
}

/// Returns the mean of each column over the rows that have a value.
fn means_of(frequencies: &Array2<Option<f32>>) -> Vec<f32> {
    let mean = |column: ndarray::ArrayView1<'_, Option<f32>>| {
        let known = column.iter().flatten();
        let n = known.clone().count().max(1) as f64;
        (known.map(|value| f64::from(*value)).sum::<f64>() / n) as f32
    };
    frequencies.columns().into_iter().map(mean).collect()
}

/// Returns row-major values, with the mean of the column for missing ones.
fn filled(frequencies: &Array2<Option<f32>>, means: &[f32]) -> Vec<f32> {
    frequencies.indexed_iter().map(|((_, column), value)| value.unwrap_or(means[column])).collect()
}

/// Returns mean and deviation of each column of row-major values. The search leaves out k-mers of constant frequency.
fn scaler_of(values: &[f32], width: usize) -> Scaler {
    let n_rows = (values.len() / width.max(1)).max(1) as f64;
    let (mut means, mut scales) = (vec![0.0; width], vec![0.0; width]);
    for row in values.chunks(width.max(1)) {
        for (mean, value) in means.iter_mut().zip(row) {
            *mean += f64::from(*value) / n_rows;
        }
    }
    for row in values.chunks(width.max(1)) {
        for ((scale, mean), value) in scales.iter_mut().zip(&means).zip(row) {
            *scale += (f64::from(*value) - mean).powi(2) / n_rows;
        }
    }
    for scale in &mut scales {
        *scale = if *scale > 0.0 { scale.sqrt() } else { 1.0 };
    }
    Scaler { means, scales }
}
