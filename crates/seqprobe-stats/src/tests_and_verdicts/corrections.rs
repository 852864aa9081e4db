//! Corrections for multiple tests: Holm's for the family-wise error rate, Benjamini and Hochberg's for the false
//! discovery rate.

/// Returns the adjusted p values of Holm (1979), in the given order. Each is at least as large as before and at most 1.
///
/// With `m` values in ascending order, value `i` (0-based) becomes the largest of `(m − j) · p_j` over `j ≤ i`.
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&left, &right| p_values[left].total_cmp(&p_values[right]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (place, &index) in order.iter().enumerate() {
        let factor = (p_values.len() - place) as f64;
        largest = largest.max((factor * p_values[index]).min(1.0));
        adjusted[index] = largest;
    }
    adjusted
}

/// Returns the adjusted p values of Benjamini and Hochberg (1995), in the given order. Of the tests with a value of
/// at most `q`, an expected share of at most `q` are false discoveries, if the tests are independent or positively
/// dependent.
///
/// With `m` values in ascending order, value `i` (1-based) becomes the smallest of `m / j · p_j` over `j ≥ i`.
#[must_use]
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&left, &right| p_values[left].total_cmp(&p_values[right]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut smallest = 1.0_f64;
    for (place, &index) in order.iter().enumerate().rev() {
        smallest = smallest.min(p_values.len() as f64 / (place + 1) as f64 * p_values[index]);
        adjusted[index] = smallest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn hand_worked() {
        // Sorted: 0.01·4, 0.015·3, 0.03·2, 0.9·1.
        let adjusted = holm(&[0.03, 0.01, 0.9, 0.015]);
        assert_eq!(adjusted.len(), 4);
        for (got, expected) in adjusted.iter().zip([0.06, 0.04, 0.9, 0.045]) {
            assert_relative_eq!(*got, expected, epsilon = 1e-15);
        }
    }

    #[test]
    fn false_discoveries_are_scipys() {
        // scipy 1.17.1: stats.false_discovery_control([0.03, 0.01, 0.9, 0.015, 0.04])
        let adjusted = benjamini_hochberg(&[0.03, 0.01, 0.9, 0.015, 0.04]);
        assert_eq!(adjusted.len(), 5);
        for (got, expected) in adjusted.iter().zip([0.05, 0.0375, 0.9, 0.0375, 0.05]) {
            assert_relative_eq!(*got, expected, epsilon = 1e-15);
        }
        assert!(benjamini_hochberg(&[]).is_empty());
        for (rate, family) in adjusted.iter().zip(holm(&[0.03, 0.01, 0.9, 0.015, 0.04])) {
            assert!(*rate <= family);
        }
    }

    #[test]
    fn never_decreasing_and_at_most_one() {
        // 3·0.3 = 0.9; 2·0.4 = 0.8 is raised to 0.9; 1·0.5 too.
        for value in holm(&[0.4, 0.3, 0.5]) {
            assert_relative_eq!(value, 0.9, epsilon = 1e-15);
        }
        assert_relative_eq!(holm(&[0.8, 0.7])[0], 1.0);
        assert!(holm(&[]).is_empty());
        assert_relative_eq!(holm(&[0.2])[0], 0.2);
    }
}
