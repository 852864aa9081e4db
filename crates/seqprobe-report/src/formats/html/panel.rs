//! A square plot within a drawing: two linear axes, lines, points and intervals.

use super::svg::{escape, push};

/// Side of the plotted square.
pub(super) const SIDE: f64 = 230.0;
/// Width of a panel with its labels.
const PANEL_WIDTH: f64 = 310.0;
/// Height of a panel with its title and labels.
pub(super) const PANEL_HEIGHT: f64 = 300.0;

/// Maximum number of lines, because the style sheet has as many colours and dashes.
pub(super) const MAX_LINES: usize = 6;

/// A plot at a place of the drawing.
pub(super) struct Panel {
    left: f64,
    top: f64,
    across: (f64, f64),
    up: (f64, f64),
}

impl Panel {
    /// The panel at a position of a row of panels; both axes go from `low` to `high`.
    pub(super) fn new(position: usize, low: f64, high: f64) -> Self {
        Self::with_axes(position, (low, high), (low, high))
    }

    /// The panel at a position of a row of panels; its axes go from the first to the second number of each range.
    pub(super) fn with_axes(position: usize, across: (f64, f64), up: (f64, f64)) -> Self {
        let never_empty = |(low, high): (f64, f64)| (low, if high > low { high } else { low + 1.0 });
        Self {
            left: 52.0 + PANEL_WIDTH * position as f64,
            top: 26.0,
            across: never_empty(across),
            up: never_empty(up),
        }
    }

    /// Frame, ticks, title and names of the axes.
    pub(super) fn frame(&self, svg: &mut String, title: &str, across: &str, up: &str) {
        let ticks = quarters(self.across);
        self.frame_with_ticks(svg, title, across, up, &ticks);
    }

    /// As [`Panel::frame`], with the given ticks on the horizontal axis.
    pub(super) fn frame_with_ticks(
        &self,
        svg: &mut String,
        title: &str,
        across: &str,
        up: &str,
        ticks: &[(f64, String)],
    ) {
        let (left, top, right, bottom) = (self.left, self.top, self.left + SIDE, self.top + SIDE);
        push(
            svg,
            format_args!("<text class=\"h\" x=\"{left}\" y=\"{}\">{}</text>", top - 9.0, escape(title)),
        );
        for (value, text) in ticks {
            let (x, text) = (self.x(*value), escape(text));
            push(svg, format_args!("<path class=\"g\" d=\"M{x:.1} {top}V{bottom}\"/>"));
            push(svg, format_args!("<text class=\"t\" x=\"{x:.1}\" y=\"{}\">{text}</text>", bottom + 15.0));
        }
        for (value, text) in quarters(self.up) {
            let y = self.y(value);
            push(svg, format_args!("<path class=\"g\" d=\"M{left} {y:.1}H{right}\"/>"));
            push(
                svg,
                format_args!("<text class=\"t e\" x=\"{}\" y=\"{:.1}\">{text}</text>", left - 6.0, y + 4.0),
            );
        }
        let (middle_x, middle_y) = (left + SIDE / 2.0, top + SIDE / 2.0);
        push(
            svg,
            format_args!(
                "<text class=\"t\" x=\"{middle_x}\" y=\"{}\">{}</text>",
                bottom + 32.0,
                escape(across)
            ),
        );
        push(
            svg,
            format_args!(
                "<text class=\"t\" transform=\"translate({} {middle_y}) rotate(-90)\">{}</text>",
                left - 38.0,
                escape(up)
            ),
        );
    }

    /// A line through points.
    pub(super) fn line(&self, svg: &mut String, class: &str, points: impl IntoIterator<Item = [f64; 2]>) {
        let mut path = String::new();
        for (place, [x, y]) in points.into_iter().enumerate() {
            let letter = if place == 0 { 'M' } else { 'L' };
            push(&mut path, format_args!("{letter}{:.1} {:.1}", self.x(x), self.y(y)));
        }
        push(svg, format_args!("<path class=\"l {class}\" d=\"{path}\"/>"));
    }

    /// A point with an interval upwards and downwards.
    pub(super) fn interval(&self, svg: &mut String, class: &str, x: f64, lower: f64, upper: f64) {
        let (x, lower, upper) = (self.x(x), self.y(lower), self.y(upper));
        push(svg, format_args!("<path class=\"l {class}\" d=\"M{x:.1} {lower:.1}V{upper:.1}\"/>"));
    }

    /// A dot.
    pub(super) fn dot(&self, svg: &mut String, class: &str, x: f64, y: f64, radius: f64) {
        push(
            svg,
            format_args!(
                "<circle class=\"p {class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius}\"/>",
                self.x(x),
                self.y(y)
            ),
        );
    }

    /// A circle around a dot.
    pub(super) fn ring(&self, svg: &mut String, class: &str, x: f64, y: f64, radius: f64) {
        push(
            svg,
            format_args!(
                "<circle class=\"l {class} v\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius}\"/>",
                self.x(x),
                self.y(y)
            ),
        );
    }

    fn x(&self, value: f64) -> f64 {
        self.left + SIDE * share(value, self.across)
    }

    fn y(&self, value: f64) -> f64 {
        self.top + SIDE * (1.0 - share(value, self.up))
    }
}

fn share(value: f64, (low, high): (f64, f64)) -> f64 {
    ((value - low) / (high - low)).clamp(0.0, 1.0)
}

/// The ends of a range and its quarters.
fn quarters((low, high): (f64, f64)) -> Vec<(f64, String)> {
    (0..=4)
        .map(|step| {
            let value = low + (high - low) * f64::from(step) / 4.0;
            (value, tick_text(value, high - low))
        })
        .collect()
}

fn tick_text(value: f64, span: f64) -> String {
    let decimals = if span >= 40.0 {
        0
    } else if span >= 4.0 {
        1
    } else if span >= 0.1 {
        2
    } else {
        3
    };
    format!("{value:.decimals$}")
}
