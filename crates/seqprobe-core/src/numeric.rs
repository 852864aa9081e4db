//! Logistic and softmax functions that neither overflow nor lose digits, for probes and their losses.
//!
//! Each is a fixed order of operations: the same arguments give the same bits, on which stored scores rest.

/// Returns `1 / (1 + exp(−logit))`.
#[inline]
pub fn sigmoid(logit: f64) -> f64 {
    sigmoid_of(logit, (-logit.abs()).exp())
}

/// Returns `ln(1 + exp(value))`, the softplus function.
#[inline]
pub fn log1p_exp(value: f64) -> f64 {
    value.max(0.0) + (-value.abs()).exp().ln_1p()
}

/// Returns `ln(sigmoid(logit))`.
#[inline]
pub fn log_sigmoid(logit: f64) -> f64 {
    logit.min(0.0) - (-logit.abs()).exp().ln_1p()
}

/// Returns the log loss, in nats, of one of two classes.
#[inline]
pub fn binary_log_loss(logit: f64, is_positive: bool) -> f64 {
    log1p_exp(if is_positive { -logit } else { logit })
}

/// Turns logits into probabilities that sum to 1. Sums run from the first logit to the last.
///
/// Returns the largest logit and `Σ exp(logit − largest)`, from which a log loss follows.
#[inline]
pub fn softmax_in_place(logits: &mut [f64]) -> (f64, f64) {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for value in logits.iter_mut() {
        *value = (*value - largest).exp();
        sum += *value;
    }
    for value in logits.iter_mut() {
        *value /= sum;
    }
    (largest, sum)
}

/// Turns the logits of one row into probabilities and returns the log loss of its label, in nats.
///
/// # Shapes
/// `logits`: one for two classes (the logit of class 1, and `label` 0 or 1), else one per class.
///
/// # Panics
/// When there are several logits and `label` is not below their number.
#[inline]
pub fn probabilities_and_log_loss(logits: &mut [f64], label: usize) -> f64 {
    if let [logit] = logits {
        let z = *logit;
        let small = (-z.abs()).exp();
        *logit = sigmoid_of(z, small);
        let signed = if label == 1 { -z } else { z };
        return signed.max(0.0) + small.ln_1p();
    }
    let true_logit = logits[label];
    let (largest, sum) = softmax_in_place(logits);
    sum.ln() - (true_logit - largest)
}

/// `small`: `exp(−|logit|)`, at most 1.
#[inline]
fn sigmoid_of(logit: f64, small: f64) -> f64 {
    if logit >= 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The formulas that linear and neural probes each had before this file, word for word.
    fn former_sigmoid(logit: f64) -> f64 {
        if logit >= 0.0 {
            1.0 / (1.0 + (-logit).exp())
        } else {
            let exponential = logit.exp();
            exponential / (1.0 + exponential)
        }
    }

    fn former_sparse_loss(logit: f64, is_positive: bool) -> f64 {
        let against = if is_positive { -logit } else { logit };
        against.max(0.0) + (-against.abs()).exp().ln_1p()
    }

    fn former_log_loss(row: &mut [f64], label: usize) -> f64 {
        if let [logit] = row {
            let z = *logit;
            let small = (-z.abs()).exp();
            *logit = if z >= 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) };
            let signed = if label == 1 { -z } else { z };
            return signed.max(0.0) + small.ln_1p();
        }
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let true_logit = row[label] - largest;
        let mut sum = 0.0;
        for value in row.iter_mut() {
            *value = (*value - largest).exp();
            sum += *value;
        }
        for value in row.iter_mut() {
            *value /= sum;
        }
        sum.ln() - true_logit
    }

    fn logit() -> impl Strategy<Value = f64> {
        prop_oneof![
            -40.0..40.0_f64,
            -1e3..1e3_f64,
            -1e-9..1e-9_f64,
            Just(0.0),
            Just(-0.0),
            Just(f64::INFINITY),
            Just(f64::NEG_INFINITY)
        ]
    }

    proptest! {
        #[test]
        fn every_bit_is_that_of_the_former_formulas(
            logits in prop::collection::vec(logit(), 1..20),
            label in 0_usize..20,
        ) {
            for &logit in &logits {
                prop_assert_eq!(sigmoid(logit).to_bits(), former_sigmoid(logit).to_bits());
                for is_positive in [false, true] {
                    let former = former_sparse_loss(logit, is_positive);
                    prop_assert_eq!(binary_log_loss(logit, is_positive).to_bits(), former.to_bits());
                    let mut one = [logit];
                    let loss = probabilities_and_log_loss(&mut one, usize::from(is_positive));
                    prop_assert_eq!(loss.to_bits(), former.to_bits());
                    prop_assert_eq!(one[0].to_bits(), former_sigmoid(logit).to_bits());
                }
            }
            let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            let label = label % logits.len();
            let (mut now, mut former) = (logits.clone(), logits);
            let (loss, former_loss) =
                (probabilities_and_log_loss(&mut now, label), former_log_loss(&mut former, label));
            prop_assert!(loss.to_bits() == former_loss.to_bits() || (loss.is_nan() && former_loss.is_nan()));
            prop_assert!(bits(&now) == bits(&former) || now.iter().any(|value| value.is_nan()));
        }
    }

    #[test]
    fn extreme_logits_keep_their_digits() {
        let mut logits = [1_000.0, 1_000.0, -1_000.0];
        softmax_in_place(&mut logits);
        let got =
            [sigmoid(-800.0), sigmoid(800.0), log1p_exp(800.0), log_sigmoid(-800.0), logits[0], logits[2]];
        let expected: [f64; 6] = [0.0, 1.0, 800.0, -800.0, 0.5, 0.0];
        assert_eq!(got.map(f64::to_bits), expected.map(f64::to_bits));
        assert!((log1p_exp(-40.0) - 4.248_354_255_291_589e-18).abs() < 1e-33);
    }
}
