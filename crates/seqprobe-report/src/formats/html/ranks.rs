//! The critical-difference diagram of a suite (Demšar 2006): average ranks on a line, best on the left; bars join
//! representations that do not differ significantly.

use super::svg::{WIDTH, escape, push, shorten};
use crate::derive::RankView;

const LEFT: f64 = 300.0;
const RIGHT: f64 = 660.0;
const ROW: f64 = 20.0;

/// The drawing.
pub(super) fn draw(view: &RankView<'_>) -> String {
    let ranks = view.record;
    let n = ranks.representations.len();
    let x = |rank: f64| LEFT + (RIGHT - LEFT) * (rank - 1.0) / (n.max(2) - 1) as f64;
    let bars = ranks.groups.len() as f64 * 9.0;
    let line = 52.0;
    let first_row = line + bars + 26.0;
    let half = n.div_ceil(2);
    let height = first_row + ROW * half as f64 + 6.0;
    let label =
        format!("average ranks of {n} representations over {} datasets, best on the left", ranks.n_datasets);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{0}\"><title>{0}</title>",
        escape(&label)
    );
    push(&mut svg, format_args!("<path class=\"z\" d=\"M{LEFT} {line}H{RIGHT}\"/>"));
    for rank in 1..=n {
        let place = x(rank as f64);
        push(&mut svg, format_args!("<path class=\"z\" d=\"M{place:.1} {line}v-6\"/>"));
        push(
            &mut svg,
            format_args!("<text class=\"t\" x=\"{place:.1}\" y=\"{}\">{rank}</text>", line - 10.0),
        );
    }
    let difference = (RIGHT - LEFT) * ranks.critical_difference / (n.max(2) - 1) as f64;
    let end = (LEFT + difference).min(RIGHT);
    push(&mut svg, format_args!("<path class=\"cd\" d=\"M{LEFT} 14v8m0 -4H{end:.1}m0 -4v8\"/>"));
    push(
        &mut svg,
        format_args!(
            "<text class=\"v\" x=\"{:.1}\" y=\"22\">critical difference {:.2}</text>",
            end + 8.0,
            ranks.critical_difference
        ),
    );
    for (place, group) in ranks.groups.iter().enumerate() {
        let of_group = || group.iter().map(|&index| ranks.average_ranks[index]);
        let (low, high) = (of_group().fold(f64::INFINITY, f64::min), of_group().fold(0.0, f64::max));
        let y = line + 10.0 + 9.0 * place as f64;
        push(
            &mut svg,
            format_args!("<path class=\"bar\" d=\"M{:.1} {y}H{:.1}\"/>", x(low) - 4.0, x(high) + 4.0),
        );
    }
    for (place, &index) in view.order.iter().enumerate() {
        let at = x(ranks.average_ranks[index]);
        let is_left = place < half;
        let row = if is_left { place } else { n - 1 - place };
        let y = first_row + ROW * row as f64;
        let (end, class, text_x) =
            if is_left { (LEFT - 18.0, "v e", LEFT - 24.0) } else { (RIGHT + 18.0, "v", RIGHT + 24.0) };
        let name = escape(&shorten(&ranks.representations[index], 34));
        push(&mut svg, format_args!("<path class=\"s\" d=\"M{at:.1} {line}V{y}H{end}\"/>"));
        push(
            &mut svg,
            format_args!(
                "<text class=\"{class}\" x=\"{text_x}\" y=\"{}\">{name} {:.2}</text>",
                y + 4.0,
                ranks.average_ranks[index]
            ),
        );
    }
    svg.push_str("</svg>");
    svg
}
