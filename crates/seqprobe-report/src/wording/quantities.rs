//! Numbers as text: scores, counts, sizes and spans of time, the same in every report and in the program.

use crate::record::ScoreValue;
use crate::record::choice::point;
use std::time::Duration;

/// A number with three decimals; with more or fewer if it is far from 1.
pub(crate) fn number(value: f64) -> String {
    at_scale(value, value.abs())
}

/// A number with the digits that are right for numbers of size `scale`.
fn at_scale(value: f64, scale: f64) -> String {
    let text = match scale {
        scale if scale == 0.0 || (0.01..10.0).contains(&scale) => format!("{value:.3}"),
        scale if (0.001..0.01).contains(&scale) => format!("{value:.4}"),
        scale if (10.0..100.0).contains(&scale) => format!("{value:.2}"),
        scale if (100.0..1e5).contains(&scale) => format!("{value:.1}"),
        _ => format!("{value:.2e}"),
    };
    // No sign on zero.
    if text.strip_prefix('-').is_some_and(|rest| rest.chars().all(|letter| matches!(letter, '0' | '.'))) {
        return text.trim_start_matches('-').to_owned();
    }
    text
}

/// A score: `0.873 [0.860, 0.885]`, the point alone, or `undefined`.
pub fn value(value: &ScoreValue) -> String {
    match value {
        ScoreValue::Estimate(estimate) => {
            let scale = [estimate.point, estimate.lower, estimate.upper]
                .into_iter()
                .map(f64::abs)
                .fold(0.0, f64::max);
            let [point, lower, upper] =
                [estimate.point, estimate.lower, estimate.upper].map(|number| at_scale(number, scale));
            format!("{point} [{lower}, {upper}]")
        }
        ScoreValue::PointOnly { point, .. } => format!("{} (no interval)", number(*point)),
        ScoreValue::Undefined { .. } => "undefined".to_owned(),
    }
}

/// A count, with thin spaces between the thousands from five digits on.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && digits.len() > 4 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A span of time: `4.5 s`, `45 s`, `3 min 20 s`, `2 h 5 min`.
pub fn duration(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!(
            "{} s",
            if seconds < 10.0 { format!("{seconds:.1}") } else { format!("{seconds:.0}") }
        );
    }
    let minutes = seconds / 60.0;
    if minutes < 60.0 {
        return format!("{:.0} min {:.0} s", minutes.floor(), (seconds % 60.0).floor());
    }
    format!("{:.0} h {:.0} min", (minutes / 60.0).floor(), (minutes % 60.0).floor())
}

/// A number of bytes in decimal units: `12 B`, `1.5 MB`.
pub fn bytes(n: u64) -> String {
    const UNITS: [(&str, u64); 4] =
        [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    match UNITS.iter().find(|(_, size)| n >= *size) {
        Some((unit, size)) => format!("{:.1} {unit}", n as f64 / *size as f64),
        None => format!("{n} B"),
    }
}

/// How long ago something was: `just now`, `5 minutes ago`, `3 days ago`.
pub fn age(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    match seconds {
        0..120 => "just now".to_owned(),
        120..7200 => format!("{} minutes ago", seconds / 60),
        7200..172_800 => format!("{} hours ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// A p value with four decimals.
pub(crate) fn p_value(p: f64) -> String {
    if p < 1e-4 { "below 0.0001".to_owned() } else { format!("{p:.4}") }
}

/// A margin with as many digits as it was written with: `0.01`.
pub(crate) fn margin(margin: f64) -> String {
    let short = format!("{margin}");
    if short.len() <= 8 { short } else { number(margin) }
}

/// A difference with its sign: `+0.034 [0.021, 0.047]`.
pub(crate) fn signed(delta: &ScoreValue) -> String {
    let sign = if point(delta).is_some_and(|delta| delta > 0.0) { "+" } else { "" };
    format!("{sign}{}", value(delta))
}

/// A confidence level: `95%`.
pub(crate) fn level(level: f64) -> String {
    format!("{}%", level * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_have_units() {
        assert_eq!(
            [12, 999, 1000, 1_540_000, 3_000_000_000].map(bytes),
            [
                "12 B",
                "999 B",
                "1.0 kB",
                "1.5 MB",
                "3.0 \
            GB"
            ]
        );
        assert_eq!(
            [0.25, 9.96, 59.0, 200.0, 7500.0].map(duration),
            [
                "0.2 s",
                "10.0 s",
                "59 s",
                "3 min 20 s",
                "2 h 5 \
            min"
            ]
        );
        let ages = [0, 119, 600, 7200, 200_000].map(|seconds| age(Duration::from_secs(seconds)));
        assert_eq!(ages, ["just now", "just now", "10 minutes ago", "2 hours ago", "2 days ago"]);
    }
}
