//! `seqprobe embed`: the embeddings of a file of sequences, one output file per layer.

use crate::cli::{EmbedArguments, OutputKind};
use crate::commands::masked_scores;
use crate::commands::run::forecast_text;
use crate::exit::{ExitCode, Failure, OrExit};
use crate::output::{print_error_line, print_line};
use crate::progress::ShownEvents;
use seqprobe_core::{FeatureSource, LayerIndex};
use seqprobe_embed::export_features;
use seqprobe_study::{EmbedRequest, embed_file, forecast_file};
use std::path::{Path, PathBuf};

pub(crate) fn run(arguments: &EmbedArguments) -> Result<(), Failure> {
    if arguments.output_kind == OutputKind::Logits {
        return masked_scores::run(arguments);
    }
    if arguments.mask_every.is_some() {
        return Err(Failure::usage("--mask-every needs --output-kind logits"));
    }
    let request = EmbedRequest {
        input: arguments.input.clone(),
        layout: arguments.columns.layout(),
        model: arguments.model.clone(),
        layers: arguments.layer.clone(),
        pooling: arguments.pooling.clone(),
        keep: arguments.reading.keep()?,
        window: arguments.reading.window,
        strands: arguments.reading.rc.clone(),
        precision: arguments.reading.precision.clone(),
        batch_tokens: arguments.batch_tokens.map(|tokens| tokens as usize),
    };
    let options = arguments.compute.options(String::new())?;
    let mut events = ShownEvents::default();
    if arguments.dry_run {
        return print_line(&forecast_text(&forecast_file(&request, &options, &mut events)?));
    }
    let file = embed_file(&request, &options, &mut events)?;
    events.finish();
    let embedded = &file.embeddings;
    for remark in &embedded.remarks {
        print_error_line(remark);
    }
    for (layer, features) in embedded.layers.iter().zip(&embedded.features) {
        let output = output_of(&arguments.output, *layer, embedded.layers.len());
        export_features(features, &embedded.ids, &output).or_exit(ExitCode::Unexpected)?;
        print_line(&format!(
            "wrote {} × {} ({}, layer {layer}) to {}",
            features.n_rows(),
            features.dim(),
            embedded.pooling,
            output.display()
        ))?;
    }
    let report = &embedded.report;
    let rate =
        report.tokens_per_second.map_or_else(String::new, |rate| format!(", {rate:.0} tokens a second"));
    print_line(&format!(
        "{} distinct sequences computed, {} read from the cache, {:.3} s{rate}",
        report.n_computed, report.n_read, report.seconds
    ))
}

/// `X.npy` for one layer, `X.layer-3.npy` where there are several.
fn output_of(output: &Path, layer: LayerIndex, n_layers: usize) -> PathBuf {
    if n_layers == 1 {
        return output.to_owned();
    }
    let ending = output.extension().unwrap_or_default().to_string_lossy();
    output.with_extension(format!("layer-{layer}.{ending}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layer_is_in_the_name_where_there_are_several() {
        let name = |layer, n| output_of(Path::new("a/x.npy"), layer, n).display().to_string();
        assert_eq!(name(LayerIndex::Final, 1), "a/x.npy");
        assert_eq!(name(LayerIndex::Block(3), 2), "a/x.layer-3.npy");
        assert_eq!(name(LayerIndex::Final, 2), "a/x.layer-final.npy");
    }
}
