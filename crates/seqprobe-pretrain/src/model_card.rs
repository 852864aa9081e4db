//! The model card: what was trained, on which data, what was left out, and the losses. It computes nothing.

use crate::config::PretrainConfig;
use crate::corpus::CorpusReport;
use crate::evaluate::Loss;
use crate::outcome::{Options, PretrainOutcome};
use std::fmt::Write;

/// The text of `README.md`.
pub(crate) fn model_card(
    config: &PretrainConfig,
    corpus: &CorpusReport,
    outcome: &PretrainOutcome,
    options: &Options<'_>,
) -> String {
    let mut text = format!(
        "# {}\n\nA model of the family `{}` with {} parameters (head included), pretrained with `seqprobe \
         pretrain`.\n\n",
        config.name, outcome.family, outcome.n_parameters
    );
    held_out_loss(&mut text, outcome);
    data(&mut text, config, corpus);
    training(&mut text, config, outcome, options);
    text
}

fn held_out_loss(text: &mut String, outcome: &PretrainOutcome) {
    line(text, "## Held-out loss\n");
    line(
        text,
        "Bits per base on all windows of the held-out records; every base has the same weight, N is left out. \
         Every target is masked; the count models see all its neighbours. Mean and 95% interval (normal, \
         windows as units).\n",
    );
    line(text, "| model | bits per base | interval | bases |");
    line(text, "|---|---|---|---|");
    let counts = outcome.counts.iter().map(|(name, loss)| (format!("counts of {name}"), loss));
    let ours = [
        ("**this model**".to_owned(), &outcome.valid),
        ("its random initialisation".to_owned(), &outcome.untrained),
    ];
    for (name, loss) in ours.into_iter().chain(counts) {
        line(text, &format!("| {name} | {:.4} | {} | {} |", loss.bits, interval(loss), loss.n_bases));
    }
    line(text, "");
}

fn data(text: &mut String, config: &PretrainConfig, corpus: &CorpusReport) {
    line(text, "## Training data\n");
    line(text, "| file | SHA-256 | records | bases (A C G T) |");
    line(text, "|---|---|---|---|");
    for (path, sha256, records, bases) in &corpus.files {
        line(text, &format!("| `{path}` | `{sha256}` | {records} | {bases} |"));
    }
    let valid: Vec<String> =
        corpus.valid.iter().map(|(name, bases)| format!("`{name}` ({bases} bases)")).collect();
    line(text, &format!("\nHeld out: {}.\n", valid.join(", ")));
    line(
        text,
        &format!(
            "Windows of {} bases, one every {}: {} in all, {} kept ({} bases, each counted once). The others \
             were left out, in this order:\n",
            config.data.window, config.data.stride, corpus.n_windows, corpus.n_train, corpus.train_bases
        ),
    );
    line(text, "| windows | why |");
    line(text, "|---|---|");
    for one in &corpus.left_out {
        line(text, &format!("| {} | {} |", one.windows, one.reason));
    }
    line(
        text,
        &format!(
            "\nA near-duplicate shares at least {} of the distinct 16-mers of the smaller sequence, on either \
             strand. Of the {} distinct 31-mers of the held-out records, {:.2}% occur in the other records and \
             {:.2}% in the kept windows.\n",
            config.data.near,
            corpus.valid_kmers,
            100.0 * corpus.shared_before,
            100.0 * corpus.shared_after
        ),
    );
}

fn training(text: &mut String, config: &PretrainConfig, outcome: &PretrainOutcome, options: &Options<'_>) {
    let training = &config.training;
    line(text, "## Training\n");
    line(
        text,
        &format!(
            "AdamW (0.9, 0.999), {} steps of {} windows ({} tokens in all), learning rate up to {} after {} \
             steps of warm-up, then along a cosine to {} of it, weight decay {} (not of norms and biases), \
             gradient norm clipped at {}, no dropout. A share of {} of the bases are targets; of these, {} are \
             masked and {} replaced by random bases. Soft-masked bases have weight {}. N is never a target.{}\n",
            training.steps,
            training.batch,
            outcome.tokens,
            training.learning_rate,
            training.warm_up_steps,
            training.final_rate,
            training.weight_decay,
            training.clip_norm,
            training.mask,
            training.as_mask,
            training.as_random,
            config.data.soft_masked_weight,
            if config.data.reverse_complement { " Each window is read from a random strand." } else { "" },
        ),
    );
    line(
        text,
        &format!(
            "Seed {}, {} threads, {:?}, {:.0} s of training in {} process(es). Command: `{}`. The whole config \
             and corpus are in `pretraining.json`, all rows of the loss table in `loss.csv`.\n",
            config.seed,
            options.threads,
            options.device,
            outcome.seconds,
            outcome.n_processes,
            options.command
        ),
    );
    line(text, "| step | tokens | training loss (weighted, bits) | validation loss (bits) | interval |");
    line(text, "|---|---|---|---|---|");
    let every = outcome.rows.len().div_ceil(20).max(1);
    let last = outcome.rows.len().saturating_sub(1);
    for (_, row) in outcome.rows.iter().enumerate().filter(|(index, _)| (last - index).is_multiple_of(every))
    {
        let train = row.train_bits.map_or_else(String::new, |bits| format!("{bits:.4}"));
        line(
            text,
            &format!(
                "| {} | {} | {train} | {:.4} | {} |",
                row.step,
                row.tokens,
                row.valid.bits,
                interval(&row.valid)
            ),
        );
    }
}

fn interval(loss: &Loss) -> String {
    match loss.standard_error {
        Some(error) => format!("{:.4} to {:.4}", loss.bits - 1.96 * error, loss.bits + 1.96 * error),
        None => "none: one window".to_owned(),
    }
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}
