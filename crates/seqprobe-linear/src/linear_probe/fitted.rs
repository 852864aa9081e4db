//! A fitted linear probe: prediction, and its stored form as named arrays.

use crate::prepare::outputs::linear_outputs;
use crate::prepare::scaler::{Scaler, check_finite};
use crate::solvers::logistic::to_probabilities;
use ndarray::{Array1, Array2};
use seqprobe_core::numeric::{log_sigmoid, sigmoid};
use seqprobe_core::{FeatureKind, FeatureView, FittedProbe, NamedArray, ProbeError, StoredProbe};

/// Rows in one block of predictions.
const BLOCK_ROWS: usize = 2_048;
const KIND: &str = "linear";
const FORM: u64 = 1;

/// The function from linear outputs to predictions.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Link {
    /// The outputs are the predictions.
    Identity,
    /// One probability per output.
    Sigmoid,
    /// Probabilities over these classes. The others of `n_classes` did not occur in train and get 0.
    Softmax { classes: Vec<usize>, n_classes: usize },
    /// As [`Self::Softmax`], but each output is the logit of one class against the rest. Probabilities are scaled to
    /// sum to 1.
    OneVsRest { classes: Vec<usize>, n_classes: usize },
}

/// A fitted linear probe.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FittedLinear {
    pub(crate) link: Link,
    pub(crate) scaler: Scaler,
    /// `[linear outputs, features]`
    pub(crate) weights: Array2<f64>,
    pub(crate) intercepts: Array1<f64>,
}

impl FittedProbe for FittedLinear {
    fn predict(&self, features: &FeatureView<'_>) -> Result<Array2<f64>, ProbeError> {
        if features.kind() == FeatureKind::Tokens {
            return Err(ProbeError::NotApplicable(
                "a linear probe reads one vector per row, these features have one per token".to_owned(),
            ));
        }
        let dim = self.scaler.means.len();
        if features.dim() != dim {
            return Err(ProbeError::Width { expected: dim, got: features.dim() });
        }
        let n_outputs = match &self.link {
            Link::Softmax { n_classes, .. } | Link::OneVsRest { n_classes, .. } => *n_classes,
            Link::Identity | Link::Sigmoid => self.weights.nrows(),
        };
        let mut predictions = Array2::zeros((features.n_rows(), n_outputs));
        let (mut rows, mut values) = (Vec::new(), Vec::new());
        for first in (0..features.n_rows()).step_by(BLOCK_ROWS) {
            rows.clear();
            rows.extend(first..features.n_rows().min(first + BLOCK_ROWS));
            values.clear();
            features.read(&rows, &mut values)?;
            check_finite(&values, dim, first, "predicted")?;
            let standardised = self.scaler.apply(&values);
            let mut outputs =
                linear_outputs(standardised.view(), self.weights.view(), self.intercepts.view());
            match &self.link {
                Link::Identity => {}
                Link::Sigmoid => outputs.mapv_inplace(sigmoid),
                Link::Softmax { .. } => to_probabilities(&mut outputs),
                Link::OneVsRest { .. } => {
                    // Logarithms of the probabilities, so that small ones keep their digits.
                    outputs.mapv_inplace(log_sigmoid);
                    to_probabilities(&mut outputs);
                }
            }
            for (&row, outputs) in rows.iter().zip(outputs.rows()) {
                for (output, &value) in outputs.iter().enumerate() {
                    let column = match &self.link {
                        Link::Softmax { classes, .. } | Link::OneVsRest { classes, .. } => classes[output],
                        Link::Identity | Link::Sigmoid => output,
                    };
                    predictions[(row, column)] = value;
                }
            }
        }
        Ok(predictions)
    }

    fn store(&self) -> StoredProbe {
        let link = match &self.link {
            Link::Identity => serde_json::json!({ "form": FORM, "link": "identity" }),
            Link::Sigmoid => serde_json::json!({ "form": FORM, "link": "sigmoid" }),
            Link::Softmax { classes, n_classes } => {
                serde_json::json!({ "form": FORM, "link": "softmax", "classes": classes, "n_classes": n_classes })
            }
            Link::OneVsRest { classes, n_classes } => {
                serde_json::json!({ "form": FORM, "link": "one-vs-rest", "classes": classes, "n_classes": n_classes })
            }
        };
        let array = |name: &str, shape: Vec<usize>, values: Vec<f64>| NamedArray {
            name: name.to_owned(),
            shape,
            values,
        };
        let dim = self.scaler.means.len();
        StoredProbe {
            kind: KIND.to_owned(),
            config: link,
            arrays: vec![
                array("mean", vec![dim], self.scaler.means.clone()),
                array("scale", vec![dim], self.scaler.scales.clone()),
                array("weight", vec![self.weights.nrows(), dim], self.weights.iter().copied().collect()),
                array("intercept", vec![self.intercepts.len()], self.intercepts.to_vec()),
            ],
        }
    }
}

/// Rebuilds a fitted linear probe from its stored form; predictions are the same to the last bit.
///
/// # Errors
/// [`ProbeError::Stored`] when the kind, the form, an array or a shape is not as expected.
pub fn restore(stored: &StoredProbe) -> Result<Box<dyn FittedProbe>, ProbeError> {
    let fail = |text: String| ProbeError::Stored(text);
    if stored.kind != KIND {
        return Err(fail(format!("a stored probe is of kind {:?}, expected {KIND:?}", stored.kind)));
    }
    let form = stored.config["form"].as_u64();
    if form != Some(FORM) {
        return Err(fail(format!(
            "a stored linear probe has form {:?}, expected {FORM}",
            stored.config["form"]
        )));
    }
    let mean = read_array(stored, "mean", None)?;
    let scale = read_array(stored, "scale", Some(&[mean.values.len()]))?;
    if let Some(scale) = scale.values.iter().find(|scale| !(scale.is_finite() && **scale > 0.0)) {
        return Err(fail(format!("array \"scale\" holds {scale}, expected numbers above 0")));
    }
    let intercept = read_array(stored, "intercept", None)?;
    let n_linear = intercept.values.len();
    let weight = read_array(stored, "weight", Some(&[n_linear, mean.values.len()]))?;
    let link = match stored.config["link"].as_str() {
        Some("identity") => Link::Identity,
        Some("sigmoid") => Link::Sigmoid,
        Some("softmax") => {
            let (classes, n_classes) = read_classes(&stored.config, n_linear)?;
            Link::Softmax { classes, n_classes }
        }
        Some("one-vs-rest") => {
            let (classes, n_classes) = read_classes(&stored.config, n_linear)?;
            Link::OneVsRest { classes, n_classes }
        }
        _ => {
            return Err(fail(format!(
                "a stored linear probe has link {}, expected identity, sigmoid, softmax or one-vs-rest",
                stored.config["link"]
            )));
        }
    };
    let weights = Array2::from_shape_vec((n_linear, mean.values.len()), weight.values.clone())
        .map_err(|error| fail(format!("array \"weight\": {error}")))?;
    Ok(Box::new(FittedLinear {
        link,
        scaler: Scaler { means: mean.values.clone(), scales: scale.values.clone() },
        weights,
        intercepts: Array1::from_vec(intercept.values.clone()),
    }))
}

fn read_classes(config: &serde_json::Value, n_linear: usize) -> Result<(Vec<usize>, usize), ProbeError> {
    let number = |value: &serde_json::Value| value.as_u64().and_then(|number| usize::try_from(number).ok());
    let n_classes = number(&config["n_classes"]);
    let classes: Option<Vec<usize>> =
        config["classes"].as_array().and_then(|classes| classes.iter().map(number).collect());
    match (classes, n_classes) {
        (Some(classes), Some(n_classes))
            if classes.len() == n_linear && classes.iter().all(|&class| class < n_classes) =>
        {
            Ok((classes, n_classes))
        }
        _ => Err(ProbeError::Stored(format!(
            "a stored linear probe has {n_linear} outputs but classes {}",
            config["classes"]
        ))),
    }
}

fn read_array<'a>(
    stored: &'a StoredProbe,
    name: &str,
    shape: Option<&[usize]>,
) -> Result<&'a NamedArray, ProbeError> {
    let array = stored
        .array(name)
        .ok_or_else(|| ProbeError::Stored(format!("a stored linear probe has no array {name:?}")))?;
    let own = [array.values.len()];
    let expected = shape.unwrap_or(&own);
    if array.shape != expected || expected.iter().product::<usize>() != array.values.len() {
        return Err(ProbeError::Stored(format!(
            "array {name:?} has shape {:?} and {} values, expected shape {expected:?}",
            array.shape,
            array.values.len(),
        )));
    }
    match array.values.iter().find(|value| !value.is_finite()) {
        Some(value) => {
            Err(ProbeError::Stored(format!("array {name:?} holds {value}, expected finite numbers")))
        }
        None => Ok(array),
    }
}
