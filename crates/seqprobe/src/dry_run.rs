//! `--dry-run`: what `embed` and `run` would extract, how long it would take and how much it would store. Times come from a
//! measured sample; probes are not counted, since what they take depends on what they find.

use crate::cli::Computing;
use crate::exit::{ExitCode, Failure, OrExit};
use crate::files::cache_folder;
use crate::imports::load_imports;
use crate::model_finder::ModelFinder;
use crate::output::say;
use crate::plan::{PlannedCell, Work};
use crate::run::{load_models, plan_all};
use crate::suite::{Representation, Suite};
use indicatif::HumanBytes;
use seqprobe_core::{Dataset, LayerIndex, Pooling};
use seqprobe_embed::{EmbeddingCache, ExtractionForecast, forecast_extraction};

/// One sentence of what an extraction would do.
pub(crate) fn describe(found: &ExtractionForecast) -> String {
    let ExtractionForecast { n_rows, n_distinct, n_missing, n_tokens, n_bytes, seconds, n_sampled } = found;
    let head = format!("{n_rows} sequences, {n_distinct} distinct");
    if *n_missing == 0 {
        return format!("{head}: all in the cache, nothing to compute");
    }
    format!(
        "{head}: {n_missing} to compute ({n_tokens} tokens), {} in the cache; about {} by a sample of {n_sampled}; {} to store",
        n_distinct - n_missing,
        duration(*seconds),
        HumanBytes(*n_bytes)
    )
}

/// Tells for every dataset and model of a suite what would be extracted.
pub(crate) fn dry_run(suite: &Suite, datasets: &[Dataset], computing: &Computing) -> Result<(), Failure> {
    load_imports(suite, datasets)?;
    let models = load_models(suite, &ModelFinder::new(computing)?)?;
    let plans = plan_all(suite, datasets, &models)?;
    let folder = cache_folder(&computing.folders)?;
    // Without a cache everything would be computed.
    let empty = if computing.no_cache { Some(tempfile::tempdir()?) } else { None };
    let cache = EmbeddingCache::open(empty.as_ref().map_or(folder.as_path(), |empty| empty.path()))
        .or_exit(ExitCode::Unexpected)?;
    let (mut seconds, mut n_bytes) = (0.0, 0);
    for (dataset, plan) in datasets.iter().zip(&plans) {
        for (number, (representation, loaded)) in suite.representations.iter().zip(&models).enumerate() {
            let (Representation::Model(model), Some(loaded)) = (representation, loaded) else { continue };
            let wanted = wanted(plan, number, model.store);
            for draw in &loaded.draws {
                let found = forecast_extraction(draw, &model.extraction, &dataset.sequences, &wanted, &cache)
                    .or_exit(ExitCode::Model)?;
                seconds += found.seconds;
                n_bytes += found.n_bytes;
                say(&format!("{}, {}: {}", dataset.id, model.name, describe(&found)))?;
            }
        }
    }
    let n_cells: usize = plans.iter().map(Vec::len).sum();
    say(&format!(
        "{n_cells} cells; extraction: about {}, {} to store; fitting probes is not in this time",
        duration(seconds),
        HumanBytes(n_bytes)
    ))
}

/// Layers and poolings that a plan has of a representation and that are stored.
fn wanted(plan: &[PlannedCell], number: usize, stores_tokens: bool) -> Vec<(LayerIndex, Pooling)> {
    let mut wanted = Vec::new();
    for cell in plan {
        let Work::Fit { representation, layer: Some(layer), pooling, .. } = cell.work else { continue };
        let pooling = if pooling == Pooling::Flatten { Pooling::Tokens } else { pooling };
        let is_stored = stores_tokens || pooling != Pooling::Tokens;
        if representation == number && is_stored && !wanted.contains(&(layer, pooling)) {
            wanted.push((layer, pooling));
        }
    }
    wanted
}

/// Seconds in words: `0.4 s`, `75 s`, `21 min`, `3.2 h`.
fn duration(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 10.0 => format!("{seconds:.1} s"),
        seconds if seconds < 100.0 => format!("{seconds:.0} s"),
        seconds if seconds < 6000.0 => format!("{:.0} min", seconds / 60.0),
        seconds => format!("{:.1} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_says_what_is_to_do() {
        let found = ExtractionForecast {
            n_rows: 10,
            n_distinct: 8,
            n_missing: 6,
            n_tokens: 300,
            n_bytes: 4096,
            seconds: 130.0,
            n_sampled: 3,
        };
        assert_eq!(
            describe(&found),
            "10 sequences, 8 distinct: 6 to compute (300 tokens), 2 in the cache; about 2 min by a sample of 3; 4.00 KiB to store"
        );
        let nothing = ExtractionForecast { n_missing: 0, ..found };
        assert_eq!(describe(&nothing), "10 sequences, 8 distinct: all in the cache, nothing to compute");
        assert_eq!([0.04, 75.2, 6300.0].map(duration), ["0.0 s", "75 s", "1.8 h"]);
    }
}
