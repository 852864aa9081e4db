//! The units of a margin: scores without units share one margin, errors in the units of the target need one that
//! grows with these units.

use crate::metrics::metric::{MarginScale, Metric};
use crate::metrics::truth::Truth;

impl Metric {
    /// Returns the size of a margin of 1 for this metric: 1, or for `rmse` the standard deviation and for `mse` the
    /// variance of the known true values, as a mean over the targets. So a margin says the same for all units of a
    /// target.
    ///
    /// Pass the true values of the training split, so that the margin does not depend on the test examples.
    pub fn margin_unit(&self, truth: &Truth<'_>) -> f64 {
        let power = match self.margin_scale {
            MarginScale::Score => return 1.0,
            MarginScale::Deviation => 0.5,
            MarginScale::Variance => 1.0,
        };
        let Truth::Regression { values, n_targets } = truth else { return 1.0 };
        let units: Vec<f64> = (0..*n_targets)
            .filter_map(|target| variance(values.iter().skip(target).step_by(*n_targets).copied().flatten()))
            .map(|variance| variance.powf(power))
            .collect();
        if units.is_empty() { 1.0 } else { units.iter().sum::<f64>() / units.len() as f64 }
    }
}

/// Returns the variance of values around their mean; `None` without values.
fn variance(values: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let n = values.clone().count() as f64;
    if n < 1.0 {
        return None;
    }
    let mean = values.clone().sum::<f64>() / n;
    Some(values.map(|value| (value - mean).powi(2)).sum::<f64>() / n)
}

#[cfg(test)]
mod tests {
    use crate::{Truth, metric};
    use approx::assert_relative_eq;

    #[test]
    fn margins_are_shares_of_the_targets_spread() {
        let unit = |id: &str, values: &[Option<f64>], n_targets: usize| {
            metric(id).expect("a metric").margin_unit(&Truth::Regression { values, n_targets })
        };
        let values = [Some(1.0), Some(3.0), None, Some(5.0)];
        assert_relative_eq!(unit("mse", &values, 1), 8.0 / 3.0);
        assert_relative_eq!(unit("rmse", &values, 1), (8.0_f64 / 3.0).sqrt());
        assert_relative_eq!(unit("pearson", &values, 1), 1.0);
        assert_relative_eq!(unit("r2", &values, 1), 1.0);
        // Variances 1 and 100; the second target has no value in the last row.
        let two = [Some(1.0), Some(10.0), Some(3.0), Some(30.0), Some(2.0), None];
        assert_relative_eq!(unit("mse", &two, 2), (2.0 / 3.0 + 100.0) / 2.0);
        assert_relative_eq!(unit("rmse", &two, 2), ((2.0_f64 / 3.0).sqrt() + 10.0) / 2.0);
        // The same target in other units.
        let milli: Vec<Option<f64>> = values.iter().map(|value| value.map(|value| value / 1000.0)).collect();
        assert_relative_eq!(unit("rmse", &milli, 1), unit("rmse", &values, 1) / 1000.0, max_relative = 1e-12);
        assert_relative_eq!(unit("rmse", &[None, None], 1), 1.0);
        let auroc = metric("auroc").expect("a metric");
        assert_relative_eq!(auroc.margin_unit(&Truth::Binary(&[true, false])), 1.0);
    }
}
