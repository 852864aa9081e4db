//! The drawing of scores against what the features cost: operations, bytes, seconds; one dot with its interval per
//! representation, on axes of powers of ten.

use super::panel::{MAX_LINES, PANEL_HEIGHT, Panel};
use super::svg::{Axis, WIDTH, escape, push};
use crate::derive::dataset_view::DatasetView;
use crate::record::choice::{point, primary_test_score};
use crate::record::{CellRecord, CostRecord, ScoreValue};
use crate::wording::names::{cell_name, metric_name};
use crate::wording::quantities::{count, duration, value};
use minijinja::{Value, context};

/// What one panel draws on its axis across.
type CostOf = fn(&CellRecord, &CostRecord) -> Option<f64>;

/// The cells that validation chooses and whose cost is known, in plan order.
fn costed<'a>(view: &DatasetView<'a>) -> Vec<(&'a CellRecord, &'a CostRecord)> {
    view.chosen.iter().filter_map(|cell| Some((*cell, cell.cost.as_ref()?))).collect()
}

/// Names of the dots, in the order of their colours.
pub(super) fn names(view: &DatasetView<'_>) -> Vec<String> {
    let named =
        |(cell, _): (&CellRecord, &CostRecord)| format!("{}, {}", cell_name(&cell.id), cell.id.probe_word());
    costed(view).into_iter().take(MAX_LINES).map(named).collect()
}

/// A row per representation; what is unknown stays empty.
pub(super) fn rows(view: &DatasetView<'_>) -> Vec<Value> {
    let row = |(cell, cost): (&CellRecord, &CostRecord)| {
        context! {
            name => cell_name(&cell.id), probe => cell.id.probe_word(),
            score => primary_test_score(cell).map(|score| value(&score.value)),
            parameters => cost.parameters.map(count),
            tokens => cost.tokens.map(|tokens| format!("{tokens:.1}")),
            operations => cost.operations.map(of_ten),
            bytes => count(cost.bytes.round() as u64),
            extraction => cost.seconds.map(|seconds| format!("{:.3} ms", 1000.0 * seconds)),
            fits => duration(cell.seconds),
        }
    };
    costed(view).into_iter().map(row).collect()
}

/// `0`, or two digits and a power of ten.
fn of_ten(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { format!("{value:.1e}") }
}

/// The drawing; empty if fewer than two representations have a known cost and a score.
pub(super) fn draw(view: &DatasetView<'_>) -> String {
    let costed: Vec<_> = costed(view).into_iter().take(MAX_LINES).collect();
    let scores = || costed.iter().filter_map(|(cell, _)| primary_test_score(cell));
    if scores().filter(|score| point(&score.value).is_some()).count() < 2 {
        return String::new();
    }
    let metric = metric_name(&view.record.metric);
    let label = escape(&format!("{metric} on test of {} against the cost of the features", view.record.id));
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {PANEL_HEIGHT}\" role=\"img\" aria-label=\"{label}\"><title>{label}</title>"
    );
    let up = Axis::for_values(scores().flat_map(|score| match &score.value {
        ScoreValue::Estimate(estimate) => vec![estimate.point, estimate.lower, estimate.upper],
        other => point(other).into_iter().collect(),
    }));
    let kinds: [(&str, &str, CostOf); 3] = [
        ("Operations", "estimated per sequence", |_, cost| cost.operations),
        ("Bytes", "of features per sequence", |_, cost| Some(cost.bytes)),
        ("Time to fit", "seconds, all seeds", |cell, _| Some(cell.seconds)),
    ];
    for (position, (title, across, cost_of)) in kinds.into_iter().enumerate() {
        let places: Vec<Option<f64>> = costed.iter().map(|(cell, cost)| cost_of(cell, cost)).collect();
        let scale = TenScale::for_values(places.iter().flatten().copied());
        let panel = Panel::with_axes(position, scale.ends(), up.ends());
        panel.frame_with_ticks(&mut svg, title, across, &metric, &scale.ticks());
        for (colour, ((cell, _), place)) in costed.iter().zip(&places).enumerate() {
            let (Some(place), Some(score)) = (place, primary_test_score(cell)) else { continue };
            let Some(height) = point(&score.value) else { continue };
            let (x, class) = (scale.place(*place), format!("c{colour}"));
            let title = format!("{}, {}: {}", cell_name(&cell.id), of_ten(*place), value(&score.value));
            push(&mut svg, format_args!("<g class=\"cost\"><title>{}</title>", escape(&title)));
            if let ScoreValue::Estimate(estimate) = &score.value {
                panel.interval(&mut svg, &format!("{class} v"), x, estimate.lower, estimate.upper);
            }
            panel.dot(&mut svg, &class, x, height, 4.0);
            svg.push_str("</g>");
        }
    }
    svg.push_str("</svg>");
    svg
}

/// Powers of ten, with a place for zero one step below the smallest.
struct TenScale {
    low: i32,
    high: i32,
    with_zero: bool,
}

impl TenScale {
    fn for_values(values: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high, mut with_zero) = (i32::MAX, i32::MIN, false);
        for value in values {
            if value > 0.0 {
                low = low.min(value.log10().floor() as i32);
                high = high.max(value.log10().ceil() as i32);
            } else {
                with_zero = true;
            }
        }
        if low > high {
            (low, high) = (0, 1);
        }
        Self { low, high: high.max(low + 1), with_zero }
    }

    fn ends(&self) -> (f64, f64) {
        (f64::from(self.low) - if self.with_zero { 1.2 } else { 0.2 }, f64::from(self.high) + 0.2)
    }

    fn place(&self, value: f64) -> f64 {
        if value > 0.0 { value.log10() } else { f64::from(self.low) - 1.0 }
    }

    fn ticks(&self) -> Vec<(f64, String)> {
        let step = ((self.high - self.low) / 5 + 1) as usize;
        let mut ticks: Vec<(f64, String)> = (self.low..=self.high)
            .step_by(step)
            .map(|power| (f64::from(power), format!("1e{power}")))
            .collect();
        if self.with_zero {
            ticks.insert(0, (self.place(0.0), "0".to_owned()));
        }
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_has_a_place_of_its_own() {
        let scale = TenScale::for_values([0.0, 2e6, 3e9].into_iter());
        assert!(scale.place(0.0) < scale.place(2e6));
        assert!(scale.ends().0 < scale.place(0.0) && scale.place(3e9) < scale.ends().1);
        let labels: Vec<String> = scale.ticks().into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["0", "1e6", "1e7", "1e8", "1e9", "1e10"]);
        let plain = TenScale::for_values([5.0].into_iter());
        assert_eq!(plain.ticks().len(), 2);
    }
}
