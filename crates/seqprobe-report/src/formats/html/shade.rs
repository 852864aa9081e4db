//! Shades of tables.

/// A share 0…1 as one of the five shades of the style sheet.
pub(super) fn shade(share: f64) -> u8 {
    (share * 4.0).round() as u8 + 1
}
