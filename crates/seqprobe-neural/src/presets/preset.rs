//! The presets: networks of publications, layer by layer, with their sources and the training of their authors.
//!
//! All of them differ from their sources in two points. Input channels and regression targets are standardised with
//! their training statistics, as for every probe here. Each representation gets the same learning rate and batch
//! size: the sources use different values for one-hot and embeddings, and the presets use those for one-hot.
//! Classifiers end in logits.

use crate::networks::layer::{Convention, ConvolutionSizes, InitialWeights, Layer};
use crate::settings::{OptimiserKind, Schedule, TrainingSettings};
use seqprobe_core::FeatureKind;

/// A network of a publication.
#[derive(Debug)]
pub struct Preset {
    /// Identifier of the probe.
    pub id: &'static str,
    /// What it is, with its source.
    pub about: &'static str,
    /// Raised whenever the same inputs would give different numbers.
    pub version: u32,
    /// The features that it reads.
    pub reads: FeatureKind,
    /// The training of its source.
    pub training: fn() -> TrainingSettings,
    pub(crate) layers: fn() -> Vec<Layer>,
}

/// All presets.
pub static PRESETS: &[&Preset] =
    &[&TANG_MPRA_CNN, &TANG_CHIP_CNN, &TANG_MLP, &TANG_INSERT_CNN, &BEND_CNN, &MPRANN, &RESNET];

/// The preset with this identifier.
pub fn find(id: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.id == id).copied()
}

/// For lentiMPRA: a CNN whose first layer is exponential.
pub static TANG_MPRA_CNN: Preset = Preset {
    id: "tang-mpra-cnn",
    about: "CNN with exponential first layer, fixed length \
            (Tang et al. 2025, amberT15/LLM_eval lentiMPRA/mpra_model.py rep_cnn)",
    version: 3,
    reads: FeatureKind::Tokens,
    training: || keras(1e-3, 128, 100),
    layers: tang_mpra_cnn,
};

/// For ChIP-seq and eCLIP: three convolutions.
pub static TANG_CHIP_CNN: Preset = Preset {
    id: "tang-chip-cnn",
    about: "three convolutions, fixed length \
            (Tang et al. 2025, amberT15/LLM_eval chip-clip-seq/representation_perf.py)",
    version: 1,
    reads: FeatureKind::Tokens,
    training: || keras(1e-3, 256, 100),
    layers: tang_chip_cnn,
};

/// For lentiMPRA: two dense layers.
pub static TANG_MLP: Preset = Preset {
    id: "tang-mlp",
    about: "two dense layers with batch norm (Tang et al. 2025, amberT15/LLM_eval lentiMPRA/mpra_model.py rep_mlp)",
    version: 1,
    reads: FeatureKind::Pooled,
    training: || keras(1e-4, 512, 100),
    layers: tang_mlp,
};

/// For INSERT-seq: a dilated residual CNN.
pub static TANG_INSERT_CNN: Preset = Preset {
    id: "tang-insert-cnn",
    about: "dilated residual CNN with global mean, fixed length \
            (Tang et al. 2025, amberT15/LLM_eval RNAenlong/subsample.py)",
    version: 1,
    reads: FeatureKind::Tokens,
    training: || keras(1e-3, 128, 200),
    layers: tang_insert_cnn,
};

/// BEND's probe: two small convolutions.
pub static BEND_CNN: Preset = Preset {
    id: "bend-cnn",
    about: "two small convolutions and the mean over tokens, fixed length \
            (Marin et al. 2024, frederikkemarin/BEND bend/models/downstream.py)",
    version: 1,
    reads: FeatureKind::Tokens,
    training: bend_training,
    layers: bend_cnn,
};

/// MPRAnn: four convolutions.
pub static MPRANN: Preset = Preset {
    id: "mprann",
    about: "MPRAnn, four convolutions with softmax over channels, fixed length \
            (Agarwal et al. 2025, as in amberT15/LLM_eval lentiMPRA/mpra_model.py)",
    version: 1,
    reads: FeatureKind::Tokens,
    training: || keras(1e-3, 128, 100),
    layers: mprann,
};

/// For lentiMPRA: a dilated residual network.
pub static RESNET: Preset = Preset {
    id: "resnet",
    about: "dilated residual network, the strong one-hot baseline, fixed length \
            (Tang et al. 2025, amberT15/LLM_eval lentiMPRA/mpra_model.py ResNet)",
    version: 1,
    reads: FeatureKind::Tokens,
    training: || keras(1e-3, 128, 100),
    layers: resnet,
};

/// Adam as in Keras. The rate is multiplied by 0.2 after 5 epochs without progress, down to 1e-6; training stops
/// after 10.
fn keras(learning_rate: f64, batch_size: usize, max_epochs: usize) -> TrainingSettings {
    TrainingSettings {
        batch_size,
        max_epochs,
        patience: 10,
        least_steps: 0,
        optimiser: OptimiserKind::Adam,
        epsilon: 1e-7,
        learning_rate,
        warm_up_epochs: 0.0,
        schedule: Schedule::Plateau,
        learning_rate_patience: 5,
        learning_rate_factor: 0.2,
        least_learning_rate: 1e-6,
        weight_decay: 0.0,
        ..TrainingSettings::default()
    }
}

/// AdamW at 3e-3 with decay 0.01, as in BEND's configurations. Early stopping is added; BEND trains for 100 epochs.
fn bend_training() -> TrainingSettings {
    TrainingSettings {
        batch_size: 64,
        max_epochs: 100,
        patience: 10,
        least_steps: 0,
        optimiser: OptimiserKind::AdamW,
        learning_rate: 3e-3,
        warm_up_epochs: 0.0,
        schedule: Schedule::Constant,
        weight_decay: 1e-2,
        ..TrainingSettings::default()
    }
}

const NORM: Layer = Layer::BatchNorm(Convention::Keras);

/// A convolution of odd width that keeps the length, with bias.
fn same(channels: usize, kernel: usize, start: InitialWeights) -> Layer {
    Layer::Convolution(ConvolutionSizes {
        channels,
        kernel,
        dilation: 1,
        bias: true,
        same_length: true,
        start,
    })
}

/// A convolution of three tokens without bias, as in residual blocks.
fn dilated(channels: usize, dilation: usize) -> Layer {
    let start = InitialWeights::Glorot;
    Layer::Convolution(ConvolutionSizes {
        channels,
        kernel: 3,
        dilation,
        bias: false,
        same_length: true,
        start,
    })
}

/// Dense, norm, ReLU, dropout of a half.
fn hidden(units: usize, start: InitialWeights) -> [Layer; 4] {
    [Layer::Dense { units, start }, NORM, Layer::Relu, Layer::Dropout(0.5)]
}

/// The reduction has 196 channels, as for one-hot and the Nucleotide Transformer in the source (128 for other models).
fn tang_mpra_cnn() -> Vec<Layer> {
    let start = InitialWeights::Normal(0.005);
    let mut layers = vec![
        NORM,
        same(196, 1, start),
        same(196, 7, start),
        NORM,
        Layer::Exp,
        Layer::Dropout(0.2),
        Layer::MaxPool(5),
        same(256, 7, start),
        NORM,
        Layer::Relu,
        Layer::MaxPool(4),
        Layer::Dropout(0.2),
        Layer::Flatten,
    ];
    layers.extend(hidden(512, start));
    layers.extend(hidden(256, start));
    layers.push(Layer::Output(start));
    layers
}

/// Without the 1×1 reduction, which the source computes but does not use.
fn tang_chip_cnn() -> Vec<Layer> {
    let mut layers = Vec::new();
    for (channels, kernel, block) in [(64, 7, 4), (96, 5, 4), (128, 5, 2)] {
        layers.extend([
            same(channels, kernel, InitialWeights::He),
            NORM,
            Layer::Relu,
            Layer::MaxPool(block),
            Layer::Dropout(0.2),
        ]);
    }
    layers.push(Layer::Flatten);
    layers.extend(hidden(256, InitialWeights::Glorot));
    layers.push(Layer::Output(InitialWeights::Glorot));
    layers
}

fn tang_mlp() -> Vec<Layer> {
    let start = InitialWeights::Normal(0.005);
    let mut layers = vec![Layer::Flatten];
    layers.extend(hidden(512, start));
    layers.extend(hidden(256, start));
    layers.push(Layer::Output(start));
    layers
}

/// Without the L2 penalty of 1e-8 that the source puts on two kernels.
fn tang_insert_cnn() -> Vec<Layer> {
    let start = InitialWeights::Glorot;
    let without_bias = |channels, kernel| {
        Layer::Convolution(ConvolutionSizes {
            channels,
            kernel,
            dilation: 1,
            bias: false,
            same_length: true,
            start,
        })
    };
    let mut block = vec![dilated(96, 1), NORM];
    for dilation in [2, 4] {
        block.extend([Layer::Relu, Layer::Dropout(0.1), dilated(96, dilation), NORM]);
    }
    vec![
        same(48, 1, start),
        without_bias(96, 19),
        NORM,
        Layer::Exp,
        Layer::Dropout(0.1),
        Layer::Residual(block),
        Layer::Relu,
        Layer::MaxPool(10),
        Layer::Dropout(0.1),
        without_bias(128, 7),
        NORM,
        Layer::Relu,
        Layer::GlobalAverage,
        Layer::Dropout(0.1),
        Layer::Dense { units: 128, start },
        Layer::Relu,
        Layer::Dropout(0.5),
        Layer::Output(start),
    ]
}

/// The mean over the whole input is the source's downsampling for sequence-level tasks, whose window is the whole
/// input. As in the source, it precedes the linear layer.
fn bend_cnn() -> Vec<Layer> {
    let start = InitialWeights::Torch;
    vec![
        same(64, 3, start),
        Layer::Gelu,
        same(64, 3, start),
        Layer::Gelu,
        Layer::GlobalAverage,
        Layer::Output(start),
    ]
}

fn mprann() -> Vec<Layer> {
    let start = InitialWeights::Glorot;
    let shrinking = |channels, kernel| {
        Layer::Convolution(ConvolutionSizes {
            channels,
            kernel,
            dilation: 1,
            bias: true,
            same_length: false,
            start,
        })
    };
    vec![
        shrinking(250, 7),
        Layer::Relu,
        NORM,
        shrinking(250, 8),
        Layer::Softmax,
        NORM,
        Layer::MaxPool(2),
        Layer::Dropout(0.1),
        shrinking(250, 3),
        Layer::Softmax,
        NORM,
        shrinking(100, 2),
        Layer::Softmax,
        NORM,
        Layer::Dropout(0.1), // in the source after a maximum over blocks of one token, which changes nothing
        Layer::Flatten,
        Layer::Dense { units: 300, start },
        Layer::Sigmoid,
        Layer::Dropout(0.3),
        Layer::Dense { units: 200, start },
        Layer::Sigmoid,
        Layer::Output(start),
    ]
}

fn resnet() -> Vec<Layer> {
    let start = InitialWeights::Glorot;
    let mut block = vec![dilated(196, 1), NORM];
    for dilation in [1, 2, 4, 8, 16] {
        block.extend([Layer::Silu, Layer::Dropout(0.1), dilated(196, dilation), NORM]);
    }
    vec![
        same(196, 19, start),
        NORM,
        Layer::Silu,
        Layer::Dropout(0.2),
        Layer::Residual(block),
        Layer::Silu,
        Layer::Dropout(0.2),
        Layer::MaxPool(5),
        same(256, 7, start),
        NORM,
        Layer::Silu,
        Layer::Dropout(0.2),
        Layer::MaxPool(5),
        Layer::Dense { units: 256, start },
        NORM,
        Layer::Silu,
        Layer::Dropout(0.5),
        Layer::AveragePool(2),
        Layer::Flatten,
        Layer::Dense { units: 256, start },
        NORM,
        Layer::Silu,
        Layer::Dropout(0.5),
        Layer::Output(start),
    ]
}
