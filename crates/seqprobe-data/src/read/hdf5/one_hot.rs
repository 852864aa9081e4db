//! One-hot arrays to letters. The channels are A, C, G, T.

use thiserror::Error;

/// A position that is neither a base nor unknown.
#[derive(Debug, Error, PartialEq)]
#[error(
    "position {position} (1-based) has the channels {channels:?}\n  hint: a base is a 1 among zeros in the order A, C, \
    G, T; an unknown base is four zeros or four times 0.25"
)]
pub(super) struct OneHotProblem {
    position: usize,
    channels: [f32; 4],
}

/// How the bases of a row are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OneHot {
    length: usize,
    /// `[length, 4]`, else `[4, length]`.
    are_channels_last: bool,
}

impl OneHot {
    /// `None` for a shape that is not `[rows, length, 4]` or `[rows, 4, length]`.
    pub(super) fn of_shape(shape: &[u64]) -> Option<Self> {
        let &[_, second, third] = shape else { return None };
        let (length, are_channels_last) = match (second, third) {
            (length, 4) => (length, true),
            (4, length) => (length, false),
            _ => return None,
        };
        let length = usize::try_from(length).ok().filter(|&length| length > 0 && length <= 1 << 32)?;
        Some(Self { length, are_channels_last })
    }

    /// Values of one row.
    pub(super) fn n_values(self) -> usize {
        4 * self.length
    }

    /// The letters of a row.
    pub(super) fn letters(self, values: &[f32]) -> Result<String, OneHotProblem> {
        let mut letters = String::with_capacity(self.length);
        for position in 0..self.length {
            let channels: [f32; 4] = std::array::from_fn(|channel| {
                let at = if self.are_channels_last {
                    4 * position + channel
                } else {
                    channel * self.length + position
                };
                values.get(at).copied().unwrap_or(f32::NAN)
            });
            let Some(letter) = letter_of(channels) else {
                return Err(OneHotProblem { position: position + 1, channels });
            };
            letters.push(letter);
        }
        Ok(letters)
    }
}

#[expect(clippy::float_cmp, reason = "one-hot values are exact")]
fn letter_of(channels: [f32; 4]) -> Option<char> {
    if channels == [0.0; 4] || channels == [0.25; 4] {
        return Some('N');
    }
    let hot = channels.iter().position(|&value| value == 1.0)?;
    let are_others_zero = channels.iter().enumerate().all(|(at, &value)| at == hot || value == 0.0);
    are_others_zero.then(|| ['A', 'C', 'G', 'T'][hot])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_orders_of_axes_give_the_same_letters() {
        let last = OneHot::of_shape(&[1, 3, 4]).unwrap();
        let first = OneHot::of_shape(&[1, 4, 3]).unwrap();
        let values = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.25, 0.25, 0.25, 0.25];
        assert_eq!(last.letters(&values).unwrap(), "ATN");
        let turned: Vec<f32> = (0..12).map(|at| values[4 * (at % 3) + at / 3]).collect();
        assert_eq!(first.letters(&turned).unwrap(), "ATN");
        assert_eq!(OneHot::of_shape(&[1, 3, 5]), None);
    }

    #[test]
    fn two_bases_at_one_position_are_an_error() {
        let shape = OneHot::of_shape(&[1, 1, 4]).unwrap();
        for bad in [[1.0, 1.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0], [f32::NAN; 4]] {
            assert!(shape.letters(&bad).is_err(), "{bad:?}");
        }
    }
}
