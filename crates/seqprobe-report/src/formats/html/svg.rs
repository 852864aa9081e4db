//! Shared parts of the drawings: escaping, an axis with round ticks, a marker shape for each role.

use crate::record::Role;
use std::fmt::Write;

/// Width of every drawing; heights follow from the rows.
pub(super) const WIDTH: f64 = 960.0;
/// Left edge of the plot; labels are to the left of it.
pub(super) const LEFT: f64 = 330.0;
/// Right edge of the plot; numbers are to the right of it.
pub(super) const RIGHT: f64 = 760.0;

/// Text within an element or an attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter if letter.is_control() => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// A text of at most `n` characters; a longer one loses its middle, because names differ at their ends.
pub(super) fn shorten(text: &str, n: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= n {
        return text.to_owned();
    }
    let head = n / 2;
    let tail = n - head - 1;
    letters.iter().take(head).chain(&['…']).chain(letters.iter().skip(letters.len() - tail)).collect()
}

/// A linear axis.
pub(super) struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    /// An axis that contains all values, with margins; never empty.
    pub(super) fn for_values(values: impl IntoIterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.into_iter().filter(|value| value.is_finite()) {
            low = low.min(value);
            high = high.max(value);
        }
        if low > high {
            return Self { low: 0.0, high: 1.0 };
        }
        let room = if high > low { (high - low) * 0.06 } else { (high.abs() * 0.05).max(1e-3) };
        Self { low: low - room, high: high + room }
    }

    /// Length of the axis in its own units.
    pub(super) fn span(&self) -> f64 {
        self.high - self.low
    }

    /// Its two ends.
    pub(super) fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Horizontal position of a value; values beyond the axis are at its ends.
    pub(super) fn x(&self, value: f64) -> f64 {
        let share = ((value - self.low) / self.span()).clamp(0.0, 1.0);
        LEFT + share * (RIGHT - LEFT)
    }

    /// True for values within the axis.
    pub(super) fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Round values to label, about five of them, with the decimals they need.
    pub(super) fn ticks(&self) -> (Vec<f64>, usize) {
        let rough = self.span() / 5.0;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= rough);
        let step = step.unwrap_or(power * 10.0);
        // Whole steps are counted, so that no error adds up.
        let first = (self.low / step).ceil();
        let ticks =
            (0..12).map(|index| (first + f64::from(index)) * step).take_while(|tick| *tick <= self.high);
        let decimals = (0_u8..12).find(|decimals| step >= 0.999 * 10_f64.powi(-i32::from(*decimals)));
        (ticks.collect(), usize::from(decimals.unwrap_or(12)))
    }

    /// Grid lines from `top` to `bottom` with their labels and the axis title below.
    pub(super) fn draw(&self, svg: &mut String, top: f64, bottom: f64, title: &str) {
        let (ticks, decimals) = self.ticks();
        for tick in ticks {
            let x = self.x(tick);
            let tick = if tick == 0.0 { 0.0 } else { tick };
            let y = bottom + 16.0;
            push(svg, format_args!("<path class=\"g\" d=\"M{x:.1} {top}V{bottom}\"/>"));
            push(svg, format_args!("<text class=\"t\" x=\"{x:.1}\" y=\"{y}\">{tick:.decimals$}</text>"));
        }
        let (x, y) = ((LEFT + RIGHT) / 2.0, bottom + 34.0);
        push(svg, format_args!("<text class=\"t\" x=\"{x}\" y=\"{y}\">{}</text>", escape(title)));
    }

    /// An interval as a line, with an arrowhead if it extends beyond the axis.
    pub(super) fn draw_interval(&self, svg: &mut String, lower: f64, upper: f64, y: f64) {
        let (left, right) = (self.x(lower), self.x(upper));
        push(svg, format_args!("<path class=\"i\" d=\"M{left:.1} {y}H{right:.1}\"/>"));
        if lower < self.low {
            push(svg, format_args!("<path class=\"a\" d=\"M{} {y}l7 -4v8z\"/>", LEFT - 1.0));
        }
        if upper > self.high {
            push(svg, format_args!("<path class=\"a\" d=\"M{} {y}l-7 -4v8z\"/>", RIGHT + 1.0));
        }
    }
}

/// The marker of a role around a point: circle, square, open diamond, x, cross, triangle.
pub(super) fn marker(role: Role, x: f64, y: f64) -> String {
    match role {
        Role::Model => format!("<circle class=\"m\" cx=\"{x:.1}\" cy=\"{y}\" r=\"5\"/>"),
        Role::Baseline => format!("<path class=\"m\" d=\"M{:.1} {}h9v9h-9z\"/>", x - 4.5, y - 4.5),
        Role::Control => format!("<path class=\"m\" d=\"M{x:.1} {}l5 5l-5 5l-5 -5z\"/>", y - 5.0),
        Role::Rule => {
            let (left, top) = (x - 4.5, y - 4.5);
            format!("<path class=\"m\" d=\"M{left:.1} {top}l9 9M{left:.1} {}l9 -9\"/>", y + 4.5)
        }
        Role::Reference => format!("<path class=\"m\" d=\"M{:.1} {y}h11M{x:.1} {}v11\"/>", x - 5.5, y - 5.5),
        Role::Oracle => format!("<path class=\"m\" d=\"M{x:.1} {}l5.5 10h-11z\"/>", y - 6.0),
    }
}

/// Appends; writing to a string does not fail.
pub(super) fn push(svg: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = svg.write_fmt(arguments);
}
