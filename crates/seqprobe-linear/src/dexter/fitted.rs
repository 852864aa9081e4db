//! A fitted `dexter` probe: prediction, and its stored form as named arrays.

use crate::dexter::aligned_bases::{Align, AlignedBases};
use crate::dexter::regional_kmers::{RegionalKmer, frequencies, kmers_from_json, kmers_to_json};
use ndarray::Array2;
use seqprobe_core::{FeatureView, FittedProbe, NamedArray, ProbeError, StoredProbe};
use serde_json::json;

const KIND: &str = "dexter";
const FORM: u64 = 1;
/// Largest number of bases in one block of predictions.
const MAX_BLOCK_BASES: usize = 1 << 22;

/// The regional k-mers of one output. All lists have the same length.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DexterOutput {
    pub(crate) kmers: Vec<RegionalKmer>,
    /// Frequency for a row without a place for the k-mer.
    pub(crate) missing: Vec<f64>,
    pub(crate) means: Vec<f64>,
    pub(crate) scales: Vec<f64>,
    pub(crate) weights: Vec<f64>,
    pub(crate) intercept: f64,
}

/// A fitted probe.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FittedDexter {
    /// Whether outputs are logits.
    pub(crate) is_class: bool,
    /// Bases of the longest training sequence.
    pub(crate) length: usize,
    pub(crate) align: Align,
    /// Whether shorter sequences are accepted.
    pub(crate) is_ragged: bool,
    pub(crate) outputs: Vec<DexterOutput>,
}

impl FittedProbe for FittedDexter {
    fn predict(&self, features: &FeatureView<'_>) -> Result<Array2<f64>, ProbeError> {
        let mut predictions = Array2::zeros((features.n_rows(), self.outputs.len()));
        if !self.is_ragged
            && let Some(row) = (0..features.n_rows()).find(|&row| features.length(row) != self.length)
        {
            return Err(ProbeError::NotApplicable(format!(
                "row {row} has {} bases, dexter was fitted on {}\n  \
                 hint: cut the sequences to the length of the training sequences",
                features.length(row),
                self.length
            )));
        }
        let block = (MAX_BLOCK_BASES / self.length.max(1)).max(1);
        let (mut rows, mut buffer) = (Vec::new(), Vec::new());
        for first in (0..features.n_rows()).step_by(block) {
            rows.clear();
            rows.extend(first..features.n_rows().min(first + block));
            let part = features.subset(&rows, &mut buffer);
            let bases = AlignedBases::read(&part, self.length, self.align)?;
            for (column, output) in self.outputs.iter().enumerate() {
                let frequencies = frequencies(&bases, &output.kmers);
                for (&row, frequencies) in rows.iter().zip(frequencies.rows()) {
                    let mut value = output.intercept;
                    for (index, frequency) in frequencies.iter().enumerate() {
                        let frequency = frequency.map_or(output.missing[index], f64::from);
                        value +=
                            output.weights[index] * (frequency - output.means[index]) / output.scales[index];
                    }
                    predictions[(row, column)] =
                        if self.is_class { 1.0 / (1.0 + (-value).exp()) } else { value };
                }
            }
        }
        Ok(predictions)
    }

    fn store(&self) -> StoredProbe {
        let elements: Vec<serde_json::Value> =
            self.outputs.iter().map(|output| kmers_to_json(&output.kmers)).collect();
        let array = |name: &str, of: &dyn Fn(&DexterOutput) -> Vec<f64>| {
            let values: Vec<f64> = self.outputs.iter().flat_map(of).collect();
            NamedArray { name: name.to_owned(), shape: vec![values.len()], values }
        };
        StoredProbe {
            kind: KIND.to_owned(),
            config: json!({
                "form": FORM, "is_class": self.is_class, "length": self.length, "align": self.align.as_str(),
                "is_ragged": self.is_ragged, "elements": elements,
            }),
            arrays: vec![
                array("missing", &|output| output.missing.clone()),
                array("mean", &|output| output.means.clone()),
                array("scale", &|output| output.scales.clone()),
                array("weight", &|output| output.weights.clone()),
                array("intercept", &|output| vec![output.intercept]),
            ],
        }
    }
}

/// Rebuilds a fitted `dexter` probe from its stored form; predictions are the same to the last bit.
///
/// # Errors
/// [`ProbeError::Stored`] when the kind, the form, an array or a k-mer is not as expected.
pub fn restore_dexter(stored: &StoredProbe) -> Result<Box<dyn FittedProbe>, ProbeError> {
    let fail = |text: String| ProbeError::Stored(text);
    if stored.kind != KIND {
        return Err(fail(format!("a stored probe is of kind {:?}, expected {KIND:?}", stored.kind)));
    }
    let config = &stored.config;
    if config["form"].as_u64() != Some(FORM) {
        return Err(fail(format!("a stored dexter probe has form {}, expected {FORM}", config["form"])));
    }
    let setting =
        |name: &str| fail(format!("a stored dexter probe has the setting {name:?} = {}", config[name]));
    let length = config["length"].as_u64().and_then(|length| usize::try_from(length).ok());
    let length = length.ok_or_else(|| setting("length"))?;
    let align = config["align"].as_str().and_then(Align::parse).ok_or_else(|| setting("align"))?;
    let elements: Option<Vec<Vec<RegionalKmer>>> = config["elements"]
        .as_array()
        .and_then(|outputs| outputs.iter().map(|output| kmers_from_json(output, length)).collect());
    let elements = elements.ok_or_else(|| setting("elements"))?;
    let n_elements: usize = elements.iter().map(Vec::len).sum();
    let array = |name: &str, n: usize| match stored.array(name) {
        Some(array) if array.values.len() == n && array.values.iter().all(|value| value.is_finite()) => {
            Ok(&array.values)
        }
        Some(array) => Err(fail(format!(
            "array {name:?} of a stored dexter probe has {} values, expected {n} finite ones",
            array.values.len()
        ))),
        None => Err(fail(format!("a stored dexter probe has no array {name:?}"))),
    };
    let (missing, means) = (array("missing", n_elements)?, array("mean", n_elements)?);
    let (scales, weights) = (array("scale", n_elements)?, array("weight", n_elements)?);
    if let Some(scale) = scales.iter().find(|scale| **scale <= 0.0) {
        return Err(fail(format!("array \"scale\" holds {scale}, expected numbers above 0")));
    }
    let intercepts = array("intercept", elements.len())?;
    let mut first = 0;
    let mut outputs = Vec::new();
    for (elements, &intercept) in elements.into_iter().zip(intercepts) {
        let own = first..first + elements.len();
        first = own.end;
        outputs.push(DexterOutput {
            kmers: elements,
            missing: missing[own.clone()].to_vec(),
            means: means[own.clone()].to_vec(),
            scales: scales[own.clone()].to_vec(),
            weights: weights[own].to_vec(),
            intercept,
        });
    }
    Ok(Box::new(FittedDexter {
        is_class: config["is_class"].as_bool().ok_or_else(|| setting("is_class"))?,
        length,
        align,
        is_ragged: config["is_ragged"].as_bool().ok_or_else(|| setting("is_ragged"))?,
        outputs,
    }))
}
