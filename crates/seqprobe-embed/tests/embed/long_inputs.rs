//! Inputs that are longer than the model takes: refused, truncated or read in windows.

use crate::common::{Behaviour, HIDDEN, SPEC, model, one, sequences, values};
use approx::assert_relative_eq;
use seqprobe_core::{LayerIndex, Pooling};
use seqprobe_embed::{
    EmbedError, EmbeddingCache, ExtractionOptions, ExtractionSpec, KeepEnd, Window, extract,
};

#[test]
fn windows_count_every_base_once() {
    let folder = tempfile::tempdir().unwrap();
    // Four bases and two added tokens fill the model's limit of six.
    let behaviour = Behaviour { max_tokens: Some(6), ..Behaviour::default() };
    let spec = ExtractionSpec { window: Some(Window { size: 4, stride: 2 }), ..SPEC };
    let texts = ["ACGTTGCAN", "ACG", "AACC"];
    let whole_windows = ["ACGT", "GTTG", "TGCA", "GCAN"];
    // Windows 0..4, 2..6, 4..8, 5..9: bases 2, 3, 4 are in two windows, 5 to 7 in two or three.
    let weights =
        [3.0, 0.5 + 0.5 + 0.5 + 1.0 / 3.0, 0.5 + 1.0 / 3.0 + 0.5 + 0.5, 1.0 / 3.0 + 0.5 + 0.5 + 1.0];
    assert_relative_eq!(weights.iter().sum::<f64>(), 9.0, max_relative = 1e-12);
    let cache = EmbeddingCache::open(folder.path()).unwrap();
    for (pooling, batch_tokens) in [(Pooling::Mean, 6), (Pooling::Cls, 100), (Pooling::Max, 13)] {
        let wanted = [(LayerIndex::Final, pooling)];
        let options = ExtractionOptions { batch_tokens: Some(batch_tokens), ..ExtractionOptions::default() };
        let found = extract(&model(&behaviour), &spec, &sequences(&texts), &wanted, &cache, options).unwrap();
        assert_eq!((found.report.n_windowed, found.report.n_truncated), (1, 0));
        let parts = one(&behaviour, &SPEC, &whole_windows, wanted[0], folder.path()).unwrap();
        let short = one(&behaviour, &SPEC, &texts[1..], wanted[0], folder.path()).unwrap();
        for place in 0..HIDDEN {
            let of_part = |part: usize| f64::from(values(&parts, part)[place]);
            let expected = match pooling {
                Pooling::Max => (0..4).map(of_part).fold(f64::MIN, f64::max),
                _ => (0..4).map(|part| of_part(part) * weights[part]).sum::<f64>() / 9.0,
            };
            let got = f64::from(values(&found.features[0], 0)[place]);
            assert_relative_eq!(got, expected, max_relative = 1e-5, epsilon = 1e-6);
            for row in [1, 2] {
                let (got, alone) = (values(&found.features[0], row)[place], values(&short, row - 1)[place]);
                assert_relative_eq!(got, alone, max_relative = 1e-5, epsilon = 1e-6);
            }
        }
    }
    let tokens = one(&behaviour, &spec, &texts, (LayerIndex::Final, Pooling::Tokens), folder.path());
    assert!(matches!(tokens, Err(EmbedError::NotApplicable { .. })));
    let wide = ExtractionSpec { window: Some(Window { size: 5, stride: 5 }), ..SPEC };
    let error =
        one(&behaviour, &wide, &texts, (LayerIndex::Final, Pooling::Mean), folder.path()).unwrap_err();
    assert!(error.to_string().contains("at most 6"), "a window that is too long is an error: {error}");
}

#[test]
fn long_inputs_are_counted_or_cut() {
    let folder = tempfile::tempdir().unwrap();
    let behaviour = Behaviour { max_tokens: Some(5), ..Behaviour::default() };
    let wanted = (LayerIndex::Block(0), Pooling::Tokens);
    let texts = ["ACG", "ACGTA", "TTTTTTTT", "ACGTA"];
    let error = one(&behaviour, &SPEC, &texts, wanted, folder.path()).unwrap_err();
    assert!(
        matches!(error, EmbedError::TooLong { count: 2, total: 3, row: 2, longest: 10, limit: 5 }),
        "{error}"
    );
    let short = one(&behaviour, &SPEC, &["ACG", "CGT", "GTA", "TTT"], wanted, folder.path()).unwrap();
    for (keep_end, row) in [(KeepEnd::Left, 0), (KeepEnd::Center, 1), (KeepEnd::Right, 2)] {
        let spec = ExtractionSpec { keep_end, ..SPEC };
        let cache = EmbeddingCache::open(folder.path()).unwrap();
        for _ in 0..2 {
            let options = ExtractionOptions::default();
            let found =
                extract(&model(&behaviour), &spec, &sequences(&texts), &[wanted], &cache, options).unwrap();
            assert_eq!(found.report.n_truncated, 2, "also when read from the cache");
            for dimension in 0..3 * HIDDEN {
                let (cut, whole) = (values(&found.features[0], 1)[dimension], values(&short, row)[dimension]);
                assert_relative_eq!(cut, whole, max_relative = 1e-5, epsilon = 1e-6);
            }
        }
    }
}
