//! From a suite to its cells. A combination that cannot exist is planned too, as not applicable with its
//! reason, so that nothing is missing without a word.

use crate::controls::SHUFFLED_LABELS;
use crate::probes::probe_family;
use crate::suite::{Layers, ModelRepresentation, Representation, Suite};
use crate::training_rows::Training;
use crate::verdicts::WHOLE;
use seqprobe_core::{Dataset, FeatureKind, LayerIndex, Pooling, Split, TaskKind};
use seqprobe_embed::{PlainRepresentation, ReverseComplement, Truncate, check_pooling};
use seqprobe_models::{EncoderSpec, Precision};
use seqprobe_report::record::{CellId, Role};

/// A cell to be filled.
#[derive(Clone, Debug)]
pub(crate) struct PlannedCell {
    pub(crate) id: CellId,
    pub(crate) role: Role,
    pub(crate) work: Work,
}

/// What filling a cell takes.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// Fit a probe on a representation.
    Fit {
        representation: usize,
        layer: Option<LayerIndex>,
        pooling: Pooling,
        probe: usize,
        training: Training,
    },
    /// Fit a probe to shuffled labels, on the layer and pooling of a representation that validation chooses.
    Shuffled { representation: usize, probe: usize },
    /// Score the true generating model of a simulated task.
    Oracle,
    /// Predict the training split's class frequencies or mean.
    Constant,
    /// Nothing: the combination cannot exist.
    NotApplicable(String),
}

/// The cells of one dataset, in suite order: representations, then probes; controls and oracle last.
pub(crate) fn plan_dataset(
    suite: &Suite,
    dataset: &Dataset,
    specs: &[Option<EncoderSpec>],
) -> Result<Vec<PlannedCell>, String> {
    let mut cells = Vec::new();
    let mut add =
        |representation: &str, variant: &str, layer: &str, pooling: &str, probe: &str, role, work| {
            cells.push(PlannedCell {
                id: CellId {
                    dataset: dataset.id.clone(),
                    representation: representation.to_owned(),
                    variant: variant.to_owned(),
                    layer: layer.to_owned(),
                    pooling: pooling.to_owned(),
                    probe: probe.to_owned(),
                    fraction: WHOLE.to_owned(),
                },
                role,
                work,
            });
        };
    for (index, representation) in suite.representations.iter().enumerate() {
        let name = representation.name();
        for (probe, entry) in suite.probes.iter().enumerate() {
            let family = probe_family(&entry.id);
            let takes_tokens = family.is_some_and(|family| family.reads == FeatureKind::Tokens);
            if family.is_some_and(|family| family.reads_letters)
                && let Some((variant, role)) = without_letters(representation)
            {
                let reason = format!(
                    "{} reads the letters themselves, which only onehot with pooling tokens keeps",
                    entry.id
                );
                add(&name, &variant, "-", "-", &entry.id, role, Work::NotApplicable(reason));
                continue;
            }
            match representation {
                Representation::Plain { representation, poolings } => {
                    let role = if *representation == PlainRepresentation::Composition {
                        Role::Control
                    } else {
                        Role::Baseline
                    };
                    let chosen = match poolings {
                        None if *representation == PlainRepresentation::OneHot && takes_tokens => {
                            vec![Pooling::Tokens]
                        }
                        None if *representation == PlainRepresentation::OneHot => vec![Pooling::Flatten],
                        None if takes_tokens => {
                            let reason = format!(
                                "{name} is one vector per sequence, {} needs one per token",
                                entry.id
                            );
                            add(&name, "-", "-", "mean", &entry.id, role, Work::NotApplicable(reason));
                            continue;
                        }
                        None => vec![Pooling::Mean],
                        Some(list) => suitable(list, takes_tokens),
                    };
                    if chosen.is_empty() {
                        let reason = no_pooling_reason(takes_tokens);
                        add(&name, "-", "-", "-", &entry.id, role, Work::NotApplicable(reason));
                    }
                    for pooling in chosen {
                        let work = match (representation.check_pooling(pooling), too_long(dataset)) {
                            (Ok(()), Some(reason)) if pooling == Pooling::Flatten => {
                                Work::NotApplicable(reason)
                            }
                            (Ok(()), _) => Work::fit(index, None, pooling, probe),
                            (Err(error), _) => Work::NotApplicable(error.to_string()),
                        };
                        add(&name, "-", "-", pooling.as_str(), &entry.id, role, work);
                    }
                }
                Representation::Imported(_) => {
                    let work = if takes_tokens {
                        Work::NotApplicable(format!(
                            "{name} is one vector per sequence, {} needs one per token",
                            entry.id
                        ))
                    } else {
                        // The vectors are ready; no pooling is done, so none is named.
                        Work::fit(index, None, Pooling::Mean, probe)
                    };
                    add(&name, "-", "-", "-", &entry.id, Role::Model, work);
                }
                Representation::Model(model) => {
                    let (variant, role) = model_variant(model);
                    let Some(spec) = &specs[index] else { continue };
                    let chosen = suitable(&model.poolings, takes_tokens);
                    for layer in layers_of(model, spec)? {
                        if chosen.is_empty() {
                            let reason = no_pooling_reason(takes_tokens);
                            add(
                                &name,
                                &variant,
                                &layer.to_string(),
                                "-",
                                &entry.id,
                                role,
                                Work::NotApplicable(reason),
                            );
                        }
                        for &pooling in &chosen {
                            let stored = if pooling == Pooling::Flatten { Pooling::Tokens } else { pooling };
                            let work = match check_pooling(spec, &model.extraction, stored) {
                                Ok(()) => Work::fit(index, Some(layer), pooling, probe),
                                Err(error) => Work::NotApplicable(error.to_string()),
                            };
                            add(&name, &variant, &layer.to_string(), pooling.as_str(), &entry.id, role, work);
                        }
                    }
                }
            }
        }
    }
    for missing in &suite.missing_controls {
        let work = Work::NotApplicable(missing.reason.clone());
        add(&missing.representation, "-", "-", "-", "-", Role::Control, work);
    }
    for representation in shuffled_representations(suite) {
        let name = suite.representations[representation].name();
        for probe in &suite.controls.shuffled {
            let work = match suite.probes.iter().position(|entry| entry.id == *probe) {
                Some(probe) => Work::Shuffled { representation, probe },
                None => Work::NotApplicable(format!(
                    "labels are shuffled for the probe {probe}, which the suite does not name\n  hint: controls = [\"{SHUFFLED_LABELS}/PROBE\"] asks for another"
                )),
            };
            add(SHUFFLED_LABELS, &name, "-", "-", probe, Role::Control, work);
        }
    }
    if suite.controls.constant {
        let constant = if dataset.task.kind == TaskKind::Regression { "mean" } else { "majority" };
        add(constant, "-", "-", "-", "-", Role::Control, Work::Constant);
    }
    if dataset.oracle.is_some() {
        add("oracle", "-", "-", "-", "-", Role::Oracle, Work::Oracle);
    }
    Ok(with_parts(cells, &suite.fractions))
}

impl Work {
    /// A fit on the whole training split.
    fn fit(representation: usize, layer: Option<LayerIndex>, pooling: Pooling, probe: usize) -> Self {
        Self::Fit { representation, layer, pooling, probe, training: Training::Whole }
    }
}

/// The representations whose labels are shuffled: every model, else one-hot, else the first.
fn shuffled_representations(suite: &Suite) -> Vec<usize> {
    let places = |wanted: fn(&Representation) -> bool| -> Vec<usize> {
        (0..suite.representations.len()).filter(|&place| wanted(&suite.representations[place])).collect()
    };
    let models = places(|representation| match representation {
        Representation::Model(model) => model.random_draws.is_none(),
        Representation::Imported(_) => true,
        Representation::Plain { .. } => false,
    });
    if !models.is_empty() {
        return models;
    }
    let onehot = places(|representation| {
        matches!(representation, Representation::Plain { representation: PlainRepresentation::OneHot, .. })
    });
    vec![onehot.first().copied().unwrap_or(0)]
}

/// Behind each fit on all of the training split those on parts of it.
fn with_parts(cells: Vec<PlannedCell>, fractions: &[f64]) -> Vec<PlannedCell> {
    let mut all = Vec::with_capacity(cells.len());
    for cell in cells {
        let work = cell.work.clone();
        let PlannedCell { id, role, .. } = cell.clone();
        all.push(cell);
        let Work::Fit { representation, layer, pooling, probe, training: Training::Whole } = work else {
            continue;
        };
        all.extend(fractions.iter().map(|&fraction| PlannedCell {
            id: CellId { fraction: fraction.to_string(), ..id.clone() },
            role,
            work: Work::Fit { representation, layer, pooling, probe, training: Training::Part(fraction) },
        }));
    }
    all
}

/// Why sequences of a dataset cannot be laid out side by side: some are longer than every training sequence.
fn too_long(dataset: &Dataset) -> Option<String> {
    let longest = |split| {
        let rows = dataset.splits.rows(split).iter();
        rows.map(|&row| dataset.sequences[row].len()).max().unwrap_or(0)
    };
    let limit = longest(Split::Train);
    let other = longest(Split::Valid).max(longest(Split::Test));
    (other > limit).then(|| {
        format!(
            "a fixed length is that of the longest training sequence, {limit} letters, and others have up to {other}\n  hint: pooling = [\"mean\"], or a probe without a fixed length (cnn)"
        )
    })
}

/// Variant and role of a representation that does not keep the letters; `None` for one that does.
fn without_letters(representation: &Representation) -> Option<(String, Role)> {
    match representation {
        Representation::Plain { representation: PlainRepresentation::OneHot, .. } => None,
        Representation::Plain { representation: PlainRepresentation::Composition, .. } => {
            Some(("-".to_owned(), Role::Control))
        }
        Representation::Plain { .. } => Some(("-".to_owned(), Role::Baseline)),
        Representation::Imported(_) => Some(("-".to_owned(), Role::Model)),
        Representation::Model(model) => Some(model_variant(model)),
    }
}

/// The layers asked for, by their one name, without repetition.
pub(crate) fn layers_of(model: &ModelRepresentation, spec: &EncoderSpec) -> Result<Vec<LayerIndex>, String> {
    let asked = match &model.layers {
        Layers::All => {
            let mut all: Vec<_> = (0..=spec.n_blocks).map(LayerIndex::Block).collect();
            all.push(LayerIndex::Final);
            all
        }
        Layers::Some(list) => list.clone(),
    };
    let mut layers = Vec::new();
    for layer in asked {
        if let LayerIndex::Block(number) = layer
            && number > spec.n_blocks
        {
            return Err(format!(
                "model {:?}: layer {number} does not exist\n  hint: it has layers 0 to {} and final",
                model.name, spec.n_blocks
            ));
        }
        let layer = layer.canonical(spec.n_blocks, spec.has_final_norm);
        if !layers.contains(&layer) {
            layers.push(layer);
        }
    }
    Ok(layers)
}

/// Variant and role of a model: random draws are a control.
pub(crate) fn model_variant(model: &ModelRepresentation) -> (String, Role) {
    let mut parts = Vec::new();
    match model.extraction.truncate {
        Truncate::Error => {}
        Truncate::Left => parts.push("truncate-left".to_owned()),
        Truncate::Right => parts.push("truncate-right".to_owned()),
        Truncate::Center => parts.push("truncate-center".to_owned()),
    }
    if let Some(window) = model.extraction.window {
        parts.push(format!("window-{}-{}", window.size, window.stride));
    }
    if model.extraction.reverse_complement == ReverseComplement::Average {
        parts.push("rc-average".to_owned());
    }
    if model.extraction.precision == Precision::Bf16 {
        parts.push("bf16".to_owned());
    }
    if let Some(draws) = model.random_draws {
        parts.push(format!("draws-{draws}"));
    }
    let variant = if parts.is_empty() { "-".to_owned() } else { parts.join(",") };
    (variant, if model.random_draws.is_some() { Role::Control } else { Role::Model })
}

fn suitable(poolings: &[Pooling], takes_tokens: bool) -> Vec<Pooling> {
    poolings.iter().copied().filter(|pooling| (*pooling == Pooling::Tokens) == takes_tokens).collect()
}

fn no_pooling_reason(takes_tokens: bool) -> String {
    if takes_tokens {
        "the probe needs pooling = tokens, which is not among those asked for".to_owned()
    } else {
        "the probe needs one vector per sequence, and only pooling = tokens was asked for".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seqprobe_core::{DnaSequence, parse_toml};

    fn plan(keys: &str, dataset: &Dataset) -> Vec<PlannedCell> {
        let text = format!(
            "schema = 1\nname = \"s\"\n{keys}\ndatasets = [\"made\"]\n[[representation]]\nid = \"onehot\"\n[[probe]]\nid = \"linear\"\n[[probe]]\nid = \"cnn\"\n"
        );
        let file = parse_toml(&text, "test").unwrap();
        let suite = Suite::check(&file, "".into(), "test", text).unwrap();
        let specs = vec![None; suite.representations.len()];
        plan_dataset(&suite, dataset, &specs).unwrap()
    }

    fn of<'a>(cells: &'a [PlannedCell], representation: &str, probe: &str) -> Vec<&'a PlannedCell> {
        let is_it = |cell: &&PlannedCell| cell.id.representation == representation && cell.id.probe == probe;
        cells.iter().filter(is_it).collect()
    }

    #[test]
    fn parts_follow_what_is_fitted_and_controls_come_last() {
        let dataset = crate::made::dataset(15, false);
        let cells = plan("fractions = [1.0, 0.5, 0.25]", &dataset);
        let fractions: Vec<&str> =
            of(&cells, "onehot", "linear").iter().map(|cell| cell.id.fraction.as_str()).collect();
        assert_eq!(fractions, ["1", "0.25", "0.5"]);
        let Work::Fit { training, .. } = of(&cells, "onehot", "cnn")[1].work else { panic!("a fit") };
        assert_eq!(training, Training::Part(0.25));
        assert_eq!(of(&cells, "kmer-4", "cnn").len(), 1, "what does not apply has no parts");
        let last: Vec<&str> =
            cells.iter().rev().take(2).map(|cell| cell.id.representation.as_str()).collect();
        assert_eq!(last, ["majority", SHUFFLED_LABELS]);
        let shuffled = of(&cells, SHUFFLED_LABELS, "linear");
        assert_eq!((shuffled.len(), shuffled[0].id.variant.as_str()), (1, "onehot"));
        assert!(matches!(shuffled[0].work, Work::Shuffled { representation: 0, probe: 0 }));
        assert!(matches!(
            of(&plan("controls = [\"shuffled-labels/mlp\"]", &dataset), SHUFFLED_LABELS, "mlp")[0].work,
            Work::NotApplicable(_)
        ));
        assert!(plan("controls = false", &dataset).iter().all(|cell| cell.id.representation == "onehot"));
    }

    #[test]
    fn sequences_beyond_a_fixed_length_make_it_not_applicable_and_nothing_else() {
        let mut dataset = crate::made::dataset(15, false);
        let work = |dataset: &Dataset, probe: &str| of(&plan("", dataset), "onehot", probe)[0].work.clone();
        assert!(matches!(work(&dataset, "linear"), Work::Fit { .. }));
        dataset.sequences[90] = DnaSequence::parse("ACGTACGTA").unwrap().0;
        let Work::NotApplicable(reason) = work(&dataset, "linear") else { panic!("a longer test sequence") };
        assert!(reason.contains("4 letters, and others have up to 9"), "{reason}");
        assert!(matches!(work(&dataset, "cnn"), Work::Fit { .. }));
        dataset.sequences[3] = DnaSequence::parse("ACGTACGTACGT").unwrap().0;
        assert!(matches!(work(&dataset, "linear"), Work::Fit { .. }), "train has a longer one");
    }
}
