//! The keys of a neural probe in a suite. A key that is not given keeps the probe's own value.

use crate::settings::ranges::at_least_one;
use crate::settings::training_settings::{Loss, OptimiserKind, Schedule, Search, TrainingSettings};
use seqprobe_core::{ClassWeight, SettingsError};
use serde::Deserialize;

/// Declares a settings table: the keys that it alone has, then the keys of training, which all neural probes have.
macro_rules! settings_table {
    ($(#[$about:meta])* $name:ident { $($(#[$own_about:meta])* $own:ident: $own_type:ty,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $($(#[$own_about])* pub $own: Option<$own_type>,)*
            /// Maximum number of passes over the training rows ([`TrainingSettings::max_epochs`]), at least 1.
            pub epochs: Option<usize>,
            /// Maximum number of optimiser steps ([`TrainingSettings::max_steps`]), at least 1.
            pub steps: Option<usize>,
            /// Examples in a mini-batch, at least 1.
            pub batch_size: Option<usize>,
            /// Learning rate after warm-up, above 0.
            pub learning_rate: Option<f64>,
            /// Weight decay, at least 0.
            pub weight_decay: Option<f64>,
            /// `adam` or `adamw`.
            pub optimiser: Option<OptimiserKind>,
            /// `constant`, `plateau` or `cosine`.
            pub schedule: Option<Schedule>,
            /// Epochs of the linear warm-up, at least 0.
            pub warm_up_epochs: Option<f64>,
            /// Epochs without a better validation loss after which training stops, at least 1.
            pub patience: Option<usize>,
            /// Maximum Euclidean norm of the gradient, above 0.
            pub clip_norm: Option<f64>,
            /// What is minimised.
            pub loss: Option<Loss>,
            /// `balanced` gives all classes the same total weight.
            pub class_weight: Option<ClassWeight>,
            /// `small` chooses learning rate and weight decay on validation.
            pub search: Option<Search>,
        }

        impl $name {
            /// A probe's own training, with the values that this table gives.
            ///
            /// # Errors
            /// [`SettingsError::Value`] for a value outside of its range.
            pub(crate) fn training(&self, own: &TrainingSettings) -> Result<TrainingSettings, SettingsError> {
                for (key, value) in [("epochs", self.epochs), ("steps", self.steps)] {
                    at_least_one(key, value.unwrap_or(1))?;
                }
                let training = TrainingSettings {
                    max_epochs: self.epochs.unwrap_or(own.max_epochs),
                    max_steps: self.steps.unwrap_or(own.max_steps),
                    batch_size: self.batch_size.unwrap_or(own.batch_size),
                    learning_rate: self.learning_rate.unwrap_or(own.learning_rate),
                    weight_decay: self.weight_decay.unwrap_or(own.weight_decay),
                    optimiser: self.optimiser.unwrap_or(own.optimiser),
                    schedule: self.schedule.unwrap_or(own.schedule),
                    warm_up_epochs: self.warm_up_epochs.unwrap_or(own.warm_up_epochs),
                    patience: self.patience.unwrap_or(own.patience),
                    clip_norm: self.clip_norm.or(own.clip_norm),
                    loss: self.loss.unwrap_or(own.loss),
                    class_weight: self.class_weight.or(own.class_weight),
                    search: self.search.or(own.search),
                    ..own.clone()
                };
                training.check()?;
                Ok(training)
            }
        }
    };
}

settings_table! {
    /// Keys of `cnn`, `mlp`, their fixed projections, and the presets.
    NeuralSettings {}
}

settings_table! {
    /// Keys of `attention`.
    AttentionProbeSettings {
        /// Learned queries, at least 1.
        heads: usize,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AttentionProbe, CnnProbe, MlpProbe, PresetProbe, Reduction, preset};
    use seqprobe_core::{Probe, known_keys};

    fn table(text: &str) -> toml::Table {
        text.parse().unwrap()
    }

    const ALL: &str = r#"
        epochs = 7
        steps = 500
        batch_size = 16
        learning_rate = 0.01
        weight_decay = 0.1
        optimiser = "adam"
        schedule = "cosine"
        warm_up_epochs = 0.5
        patience = 3
        clip_norm = 1
        loss = "poisson"
        class_weight = "balanced"
        search = "small"
    "#;

    /// The training part of the cell key of a probe with all keys given; the rest is the probe's own.
    fn all_given(least_steps: usize, epsilon: &str, plateau: &str) -> String {
        format!(
            "{{\"batch_size\":16,\"max_epochs\":7,\"max_steps\":500,\"patience\":3,\"least_steps\":{least_steps},\
             \"optimiser\":\"adam\",\"epsilon\":{epsilon},\"learning_rate\":0.01,\"warm_up_epochs\":0.5,\
             \"schedule\":\"cosine\",{plateau},\"weight_decay\":0.1,\"clip_norm\":1.0,\"loss\":\"poisson\",\
             \"class_weight\":\"balanced\",\"search\":\"small\"}}"
        )
    }

    /// The training part of the cell key of a matched probe without keys.
    fn defaults(learning_rate: &str) -> String {
        format!(
            "{{\"batch_size\":64,\"max_epochs\":40,\"max_steps\":20000,\"patience\":6,\"least_steps\":400,\
             \"optimiser\":\"adamw\",\"epsilon\":1e-8,\"learning_rate\":{learning_rate},\"warm_up_epochs\":1.0,\
             \"schedule\":\"plateau\",{MATCHED_PLATEAU},\"weight_decay\":0.01,\"clip_norm\":null,\
             \"loss\":\"auto\",\"class_weight\":null,\"search\":null}}"
        )
    }

    const MATCHED_PLATEAU: &str =
        "\"learning_rate_patience\":3,\"learning_rate_factor\":0.3,\"least_learning_rate\":0.0";
    const KERAS_PLATEAU: &str =
        "\"learning_rate_patience\":5,\"learning_rate_factor\":0.2,\"least_learning_rate\":1e-6";

    #[test]
    fn the_settings_in_the_cell_key_keep_their_text() {
        for (keys, training) in [("", defaults("0.002")), (ALL, all_given(400, "1e-8", MATCHED_PLATEAU))] {
            let cnn = CnnProbe::from_table(&table(keys), Reduction::FixedRandom).unwrap();
            assert_eq!(
                cnn.settings().to_string(),
                format!(
                    "{{\"reduction_width\":64,\"reduction\":\"fixed-random\",\"channels\":64,\"dropout\":0.1,\
                     \"training\":{training}}}"
                )
            );
            let attention = AttentionProbe::from_table(&table(keys)).unwrap();
            assert_eq!(
                attention.settings().to_string(),
                format!(
                    "{{\"reduction_width\":64,\"reduction\":\"learned\",\"heads\":1,\"dropout\":0.1,\
                     \"training\":{training}}}"
                )
            );
        }
        for (keys, training) in [("", defaults("0.001")), (ALL, all_given(400, "1e-8", MATCHED_PLATEAU))] {
            let mlp = MlpProbe::from_table(&table(keys), Reduction::Learned).unwrap();
            assert_eq!(
                mlp.settings().to_string(),
                format!(
                    "{{\"reduction_width\":64,\"reduction\":\"learned\",\"hidden\":[128,64],\"dropout\":0.2,\
                     \"training\":{training}}}"
                )
            );
        }
        let preset = PresetProbe::from_table(&preset::RESNET, &table(ALL)).unwrap();
        let training = all_given(0, "1e-7", KERAS_PLATEAU);
        assert_eq!(preset.settings().to_string(), format!("{{\"training\":{training}}}"));
        let preset = PresetProbe::from_table(&preset::TANG_MLP, &table("")).unwrap();
        assert_eq!(
            preset.settings().to_string(),
            format!(
                "{{\"training\":{{\"batch_size\":512,\"max_epochs\":100,\"max_steps\":20000,\"patience\":10,\
                 \"least_steps\":0,\"optimiser\":\"adam\",\"epsilon\":1e-7,\"learning_rate\":0.0001,\
                 \"warm_up_epochs\":0.0,\"schedule\":\"plateau\",{KERAS_PLATEAU},\"weight_decay\":0.0,\
                 \"clip_norm\":null,\"loss\":\"auto\",\"class_weight\":null,\"search\":null}}}}"
            )
        );
    }

    #[test]
    fn the_settings_of_every_preset_are_those_of_its_source() {
        for preset in preset::PRESETS {
            let probe = PresetProbe::from_table(preset, &table("")).unwrap();
            assert_eq!(probe.settings(), PresetProbe::new(preset).settings());
            assert_eq!(probe.id(), preset.id);
        }
    }

    #[test]
    fn only_attention_has_heads() {
        let keys = known_keys::<NeuralSettings>();
        let given = table(ALL);
        assert!(given.keys().all(|key| keys.contains(key)) && given.len() == keys.len(), "{keys:?}");
        let attention = known_keys::<AttentionProbeSettings>();
        assert_eq!((attention[0].as_str(), &attention[1..]), ("heads", keys.as_slice()));
        assert_eq!(AttentionProbe::from_table(&table("heads = 4")).unwrap().settings.heads, 4);
    }

    #[test]
    fn values_outside_of_their_range_are_refused() {
        let cnn =
            |text: &str| CnnProbe::from_table(&table(text), Reduction::Learned).unwrap_err().to_string();
        assert_eq!(cnn("epochs = 0"), "epochs is 0, expected at least 1");
        assert_eq!(cnn("steps = 0"), "steps is 0, expected at least 1");
        assert_eq!(cnn("batch_size = 0"), "batch_size is 0, expected at least 1");
        assert_eq!(cnn("learning_rate = 0.0"), "learning_rate is 0, expected a number above 0");
        assert_eq!(cnn("weight_decay = -1.0"), "weight_decay is -1, expected a number of at least 0");
        assert_eq!(cnn("epoch = 3"), "unknown key \"epoch\"\n  hint: did you mean \"epochs\"?");
        assert!(cnn("heads = 3").starts_with("unknown key \"heads\""), "{}", cnn("heads = 3"));
        let wrong = cnn("optimiser = \"sgd\"");
        assert!(wrong.contains("sgd") && wrong.contains("adamw"), "{wrong}");
        let attention = |text: &str| AttentionProbe::from_table(&table(text)).unwrap_err().to_string();
        assert_eq!(attention("heads = 0"), "heads is 0, expected at least 1");
        let preset = |text: &str| PresetProbe::from_table(&preset::MPRANN, &table(text)).unwrap_err();
        assert_eq!(preset("patience = 0").to_string(), "patience is 0, expected at least 1");
    }
}
