//! Sequence from a source with a known two-sided entropy: each base depends on the two before it. The trained loss must
//! come as close to it as the loss of the exact posterior of the masked bases.

use crate::batches::{Batch, Batches, Masking};
use crate::config::PretrainConfig;
use crate::corpus::{Corpus, Places};
use crate::outcome::Options;
use crate::trainer::pretrain;
use rand::Rng;
use seqprobe_core::Seed;
use seqprobe_models::{NucleotideIds, Objective};
use std::fmt::Write;
use std::path::Path;
use tch::Device;

const LETTERS: NucleotideIds = NucleotideIds { acgt: [3, 4, 5, 6], unknown: 2, mask: Some(1) };

/// Probability of a base after two others. One of the four is likely; which one depends on both.
fn transition(before: usize, last: usize, next: usize) -> f64 {
    if next == (before + last) % 4 { 0.49 } else { 0.17 }
}

fn drawn(seed: &str, length: usize) -> String {
    let mut rng = Seed(5).derive(seed).rng();
    let (mut before, mut last) = (0, 1);
    let mut text = String::with_capacity(length);
    for _ in 0..length {
        let mut rest: f64 = rng.random();
        let next = (0..3).find(|&next| {
            rest -= transition(before, last, next);
            rest < 0.0
        });
        (before, last) = (last, next.unwrap_or(3));
        text.push(['A', 'C', 'G', 'T'][last]);
    }
    text
}

fn config(folder: &Path, steps: u64) -> PretrainConfig {
    let mut fasta = String::new();
    for (name, length) in [("one", 300_000), ("two", 300_000), ("held-out", 150_000)] {
        writeln!(fasta, ">{name}\n{}", drawn(name, length)).unwrap();
    }
    std::fs::write(folder.join("planted.fa"), fasta).unwrap();
    let text = format!(
        r#"schema = 1
name = "planted"
[model]
model_type = "ConvNet"
vocab_size = 7
hidden_size = 32
n_layers = 2
kernel_size = 5
[data]
files = [{{ path = "planted.fa" }}]
valid = ["held-out"]
window = 128
stride = 64
reverse_complement = false
[training]
steps = {steps}
batch = 32
learning_rate = 1e-2
warm_up_steps = 50
as_mask = 1.0
as_random = 0.0
valid_every = {steps}
"#
    );
    let path = folder.join("planted.toml");
    std::fs::write(&path, text).unwrap();
    PretrainConfig::read(&path).unwrap()
}

/// Posterior of every base of a window, summed over the masked bases: forward and backward over pairs of bases.
fn posteriors(visible: &[Option<usize>]) -> Vec<[f64; 4]> {
    let n = visible.len();
    let allowed = |place: usize, letter: usize| visible[place].is_none_or(|seen| seen == letter);
    let step = |forward: &[f64; 16], to: &dyn Fn(usize) -> bool| {
        let mut next = [0.0; 16];
        for pair in 0..16 {
            for letter in (0..4).filter(|&letter| to(letter)) {
                next[pair % 4 * 4 + letter] += forward[pair] * transition(pair / 4, pair % 4, letter);
            }
        }
        let sum: f64 = next.iter().sum();
        next.map(|value| value / sum)
    };
    // Distribution of the two bases before the window.
    let mut start = [1.0 / 16.0; 16];
    for _ in 0..200 {
        start = step(&start, &|_| true);
    }
    let mut forward = vec![start];
    for place in 0..n {
        let next = step(forward.last().unwrap(), &|letter| allowed(place, letter));
        forward.push(next);
    }
    let mut backward = [1.0; 16];
    let mut posteriors = vec![[0.0; 4]; n];
    for place in (0..n).rev() {
        let of_pair: Vec<f64> = (0..16).map(|pair| forward[place + 1][pair] * backward[pair]).collect();
        let sum: f64 = of_pair.iter().sum();
        (0..16).for_each(|pair| posteriors[place][pair % 4] += of_pair[pair] / sum);
        let mut before = [0.0; 16];
        for (pair, value) in before.iter_mut().enumerate() {
            for letter in (0..4).filter(|&letter| allowed(place, letter)) {
                *value += transition(pair / 4, pair % 4, letter) * backward[pair % 4 * 4 + letter];
            }
        }
        let sum: f64 = before.iter().sum();
        backward = before.map(|value| value / sum);
    }
    posteriors
}

/// Sum of the entropies of the posteriors of a batch's targets, sum of their losses on the true bases, and their
/// number.
fn exact(batch: &Batch) -> (f64, f64, f64) {
    let code = |id: i64| LETTERS.acgt.iter().position(|known| *known == id);
    let rows: Vec<Vec<[f64; 4]>> = batch
        .tokens
        .ids
        .rows()
        .into_iter()
        .map(|row| posteriors(&row.iter().map(|&id| code(id)).collect::<Vec<_>>()))
        .collect();
    let (mut entropy, mut loss) = (0.0, 0.0);
    for (&(row, place), &id) in batch.origins.iter().zip(&batch.targets) {
        let posterior = rows[row][place];
        entropy -= posterior.iter().filter(|p| **p > 0.0).map(|p| p * p.log2()).sum::<f64>();
        loss -= posterior[code(id).unwrap()].log2();
    }
    (entropy, loss, batch.targets.len() as f64)
}

#[test]
fn the_loss_comes_down_to_the_two_sided_entropy() {
    let folder = tempfile::tempdir().unwrap();
    // Steps are small: several threads would wait for each other.
    tch::set_num_threads(1);
    let config = config(folder.path(), 2200);
    let out = folder.path().join("out");
    let options = Options {
        out: &out,
        places: Places::default(),
        device: Device::Cpu,
        command: String::new(),
        threads: 1,
    };
    let outcome = pretrain(&config, &options, &mut |_| {}).unwrap();
    let corpus = Corpus::read(&config, &Places::default(), &mut |_| {}).unwrap();
    let batches = Batches::new(&corpus, &config, LETTERS, Objective::Masked);
    let batch = batches.evaluation(&corpus.valid, Masking::evaluation(&config));
    let (entropy, exact_loss, n) = exact(&batch);
    let (entropy, exact_loss) = (entropy / n, exact_loss / n);
    assert_eq!(outcome.valid.n_bases, batch.targets.len() as u64);
    let loss = outcome.valid.bits;
    let summary = format!("loss {loss:.4}, entropy {entropy:.4}, exact posterior's loss {exact_loss:.4}");
    // Some 22,000 targets: the exact posterior's own loss is within 0.015 of the entropy.
    assert!((exact_loss - entropy).abs() < 0.015, "{summary}");
    // Compared with the exact posterior on the same targets, which has the same sampling noise.
    assert!((-0.002..0.02).contains(&(loss - exact_loss)), "{summary}");
    // An untrained model needs about 2 bits.
    assert!(outcome.untrained.bits > 1.9, "{}", outcome.untrained.bits);
    assert!(loss < outcome.untrained.bits - 0.3, "{summary}");
}

#[test]
fn the_exact_posterior_is_right_where_it_can_be_counted() {
    // All bases but one are visible: Bayes' rule on the three factors that contain it.
    let visible = [Some(0), Some(2), None, Some(1), Some(3)];
    let weight = |x: usize| transition(0, 2, x) * transition(2, x, 1) * transition(x, 1, 3);
    let sum: f64 = (0..4).map(weight).sum();
    let posterior = posteriors(&visible)[2];
    for (letter, probability) in posterior.into_iter().enumerate() {
        approx::assert_relative_eq!(probability, weight(letter) / sum, max_relative = 1e-12);
    }
}
