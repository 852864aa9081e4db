//! Divides training rows into folds: with equal shares of the classes, or in whole groups.

use rand::seq::SliceRandom;
use seqprobe_core::{ProbeError, Seed, Targets};
use std::collections::HashMap;

/// Returns the fold of each row, below `n_folds`. No group has rows in two folds. Without groups every class is spread
/// evenly over the folds. The same rows, classes and groups always give the same folds.
///
/// # Errors
/// [`ProbeError::NotApplicable`] with fewer rows or groups than folds.
pub(crate) fn folds(
    targets: &Targets,
    groups: Option<&[u32]>,
    n_folds: usize,
) -> Result<Vec<usize>, ProbeError> {
    let n_rows = targets.n_examples();
    let (what, n) = match groups {
        Some(groups) => ("groups", groups.iter().collect::<std::collections::HashSet<_>>().len()),
        None => ("rows", n_rows),
    };
    if n < n_folds || n_folds < 2 {
        return Err(ProbeError::NotApplicable(format!(
            "{n_folds} folds of {n} {what} in train\n  \
             hint: use at least 2 folds, and at most one for each of the {what}"
        )));
    }
    let mut order: Vec<usize> = (0..n_rows).collect();
    order.shuffle(&mut Seed(0).derive("folds of a linear probe").rng());
    Ok(match groups {
        Some(groups) => whole_groups(&order, groups, n_folds),
        None => equal_shares(order, targets, n_folds),
    })
}

/// Assigns groups to folds: large groups first, each to the fold with the fewest rows.
fn whole_groups(order: &[usize], groups: &[u32], n_folds: usize) -> Vec<usize> {
    let mut place = HashMap::new();
    let mut sizes: Vec<(u32, usize)> = Vec::new();
    for &row in order {
        let index = *place.entry(groups[row]).or_insert_with(|| {
            sizes.push((groups[row], 0));
            sizes.len() - 1
        });
        sizes[index].1 += 1;
    }
    sizes.sort_by_key(|&(_, size)| std::cmp::Reverse(size));
    let mut filled = vec![0; n_folds];
    let mut fold_of_group = HashMap::new();
    for (group, size) in sizes {
        let fold = (0..n_folds).min_by_key(|&fold| filled[fold]).unwrap_or(0);
        filled[fold] += size;
        fold_of_group.insert(group, fold);
    }
    groups.iter().map(|group| fold_of_group[group]).collect()
}

/// Assigns rows to folds one after the other, sorted by class.
fn equal_shares(mut order: Vec<usize>, targets: &Targets, n_folds: usize) -> Vec<usize> {
    if let Targets::Classes { labels, .. } = targets {
        order.sort_by_key(|&row| labels[row]);
    }
    let mut fold_of_row = vec![0; order.len()];
    for (place, &row) in order.iter().enumerate() {
        fold_of_row[row] = place % n_folds;
    }
    fold_of_row
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn classes(labels: Vec<u32>) -> Targets {
        Targets::Classes { labels, n_classes: 3 }
    }

    proptest! {
        #[test]
        fn no_group_is_in_two_folds(
            groups in prop::collection::vec(0_u32..40, 50..300),
            n_folds in 2_usize..6,
        ) {
            let folds = folds(&classes(vec![0; groups.len()]), Some(&groups), n_folds).unwrap();
            let mut fold_of_group = HashMap::new();
            for (group, fold) in groups.iter().zip(&folds) {
                prop_assert_eq!(*fold_of_group.entry(group).or_insert(fold), fold);
            }
            for fold in 0..n_folds {
                prop_assert!(folds.contains(&fold), "fold {} is empty", fold);
            }
        }

        #[test]
        fn without_groups_every_class_is_spread_evenly(
            labels in prop::collection::vec(0_u32..3, 20..200),
            n_folds in 2_usize..6,
        ) {
            let folds = folds(&classes(labels.clone()), None, n_folds).unwrap();
            for class in 0..3 {
                let counts: Vec<usize> = (0..n_folds)
                    .map(|fold| {
                        let rows = labels.iter().zip(&folds);
                        rows.filter(|(label, of)| **label == class && **of == fold).count()
                    })
                    .collect();
                prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{:?}", counts);
            }
        }
    }

    #[test]
    fn fewer_groups_than_folds_are_an_error_that_says_so() {
        let error = folds(&classes(vec![0, 1, 0, 1]), Some(&[1, 1, 2, 2]), 3).unwrap_err().to_string();
        assert!(error.contains("3 folds of 2 groups"), "{error}");
        assert!(folds(&classes(vec![0, 1]), None, 1).is_err());
    }
}
