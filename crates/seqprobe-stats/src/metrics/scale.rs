//! The scales on which intervals of single scores are computed, so that intervals respect the bounds of a score.
//!
//! The sampling distribution of a score near a bound is skewed. On a scale that maps the bound to infinity it is
//! nearly symmetric. The standard error is converted with the slope at the point (the delta method), the interval is
//! computed on the scale, and its ends are converted back.

/// The scale of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// No transformation: differences.
    Plain,
    /// `ln(x / (1 − x))`: scores between 0 and 1.
    Logit,
    /// `atanh x`, Fisher's z: correlations.
    Fisher,
    /// `ln x`: losses.
    Log,
    /// `−ln(1 − x)`: the coefficient of determination, one minus a ratio of losses.
    LogOfRest,
}

impl Scale {
    /// Returns the prefix of a method's name on this scale.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Logit => "logit-",
            Self::Fisher => "fisher-",
            Self::Log | Self::LogOfRest => "log-",
        }
    }

    /// Returns the interval around a point: `half_widths` standard errors to each side on the scale. A point on a
    /// bound is infinite on the scale; its interval is computed without transformation.
    pub(crate) fn interval(self, point: f64, standard_error: f64, half_widths: f64) -> (f64, f64) {
        let half_width = half_widths * standard_error;
        let (place, slope) = match self {
            Self::Plain => (point, 1.0),
            Self::Logit => ((point / (1.0 - point)).ln(), 1.0 / (point * (1.0 - point))),
            Self::Fisher => (point.atanh(), 1.0 / ((1.0 - point) * (1.0 + point))),
            Self::Log => (point.ln(), 1.0 / point),
            Self::LogOfRest => (-(-point).ln_1p(), 1.0 / (1.0 - point)),
        };
        if !(place.is_finite() && slope.is_finite()) {
            return (point - half_width, point + half_width);
        }
        let back = |place: f64| match self {
            Self::Plain => place,
            Self::Logit => 1.0 / (1.0 + (-place).exp()),
            Self::Fisher => place.tanh(),
            Self::Log => place.exp(),
            Self::LogOfRest => -(-place).exp_m1(),
        };
        (back(place - half_width * slope), back(place + half_width * slope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn by_hand() {
        assert_eq!(Scale::Plain.interval(0.5, 0.1, 2.0), (0.3, 0.7));
        // logit 0.9 = 2.1972…, slope 1 / 0.09: ± 2 · 0.018 / 0.09 = ± 0.4
        let (lower, upper) = Scale::Logit.interval(0.9, 0.018, 2.0);
        assert_relative_eq!(lower, 1.0 / (1.0 + (-(9.0_f64.ln() - 0.4)).exp()), max_relative = 1e-12);
        assert_relative_eq!(upper, 1.0 / (1.0 + (-(9.0_f64.ln() + 0.4)).exp()), max_relative = 1e-12);
        let (lower, upper) = Scale::Log.interval(2.0, 0.1, 2.0);
        assert_relative_eq!(lower * upper, 4.0, max_relative = 1e-12);
        assert_relative_eq!(upper, 2.0 * 0.1_f64.exp(), max_relative = 1e-12);
        // R² of 0.75 is one minus a ratio of 0.25.
        let (lower, upper) = Scale::LogOfRest.interval(0.75, 0.025, 2.0);
        assert_relative_eq!(1.0 - upper, 0.25 * (-0.2_f64).exp(), max_relative = 1e-12);
        assert_relative_eq!(1.0 - lower, 0.25 * 0.2_f64.exp(), max_relative = 1e-12);
        let (lower, upper) = Scale::Fisher.interval(0.6, 0.064, 1.0);
        assert_relative_eq!(lower, (0.6_f64.atanh() - 0.1).tanh(), max_relative = 1e-12);
        assert_relative_eq!(upper, (0.6_f64.atanh() + 0.1).tanh(), max_relative = 1e-12);
    }

    #[test]
    fn small_errors_make_the_same_interval_on_every_scale() {
        for scale in [Scale::Plain, Scale::Logit, Scale::Fisher, Scale::Log, Scale::LogOfRest] {
            let (lower, upper) = scale.interval(0.3, 1e-5, 1.0);
            assert_relative_eq!(0.3 - lower, 1e-5, max_relative = 1e-3);
            assert_relative_eq!(upper - 0.3, 1e-5, max_relative = 1e-3);
        }
    }

    #[test]
    fn at_a_bound_it_is_plain() {
        assert_eq!(Scale::Logit.interval(1.0, 0.25, 1.0), (0.75, 1.25));
        assert_eq!(Scale::Fisher.interval(-1.0, 0.25, 1.0), (-1.25, -0.75));
        assert_eq!(Scale::Log.interval(0.0, 0.25, 1.0), (-0.25, 0.25));
        assert_eq!(Scale::LogOfRest.interval(1.0, 0.25, 1.0), (0.75, 1.25));
        // A point this close to the bound has a finite logarithm, but no finite slope.
        assert_eq!(Scale::Log.interval(1e-310, 0.25, 1.0), (1e-310 - 0.25, 1e-310 + 0.25));
    }
}
