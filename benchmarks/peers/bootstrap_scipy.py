"""The paired bootstrap of an AUROC difference: seqprobe and scipy.stats.bootstrap, in one run.

    python benchmarks/peers/bootstrap_scipy.py [--threads N]

Needs Python with NumPy and SciPy (measured with NumPy 2.4.6, SciPy 1.17.1) and runs the Criterion bench `bootstrap` of
seqprobe-stats with cargo (CARGO names another one). Both sides get 100,000 examples of two overlapping classes and two
scores per example. seqprobe makes all 10,000 replicates; SciPy makes --resamples of them and its time is multiplied:
each of its replicates ranks again, so its time is proportional to their number.

SciPy draws examples without regard to class, seqprobe within each class: the same number of draws.
"""

import argparse
import json
import os
import subprocess
import time
from pathlib import Path

import numpy
import scipy
from scipy import stats

N_EXAMPLES = 100_000
N_REPLICATES = 10_000
BENCH = f"paired-auroc/{N_EXAMPLES} examples × {N_REPLICATES} replicates"
ROOT = Path(__file__).resolve().parents[2]


def auroc(labels, scores):
    ranks = stats.rankdata(scores)
    positives = labels.sum()
    negatives = len(labels) - positives
    return (ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * negatives)


def difference(labels, model, baseline):
    labels = labels > 0.5  # SciPy hands them over as numbers
    return auroc(labels, model) - auroc(labels, baseline)


def seconds_of_scipy(n_resamples):
    rng = numpy.random.default_rng(1)
    labels = rng.random(N_EXAMPLES) < 0.5
    model, baseline = (rng.random(N_EXAMPLES) + 0.25 * labels for _ in range(2))
    started = time.perf_counter()
    stats.bootstrap(
        (labels, model, baseline), difference, paired=True, vectorized=False, n_resamples=n_resamples,
        method="percentile", rng=rng,
    )
    return (time.perf_counter() - started) * N_REPLICATES / n_resamples


def seconds_of_seqprobe(threads):
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    command = [os.environ.get("CARGO", "cargo"), "bench", "--locked", "--workspace", "--bench", "bootstrap", "--", BENCH]
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "RAYON_NUM_THREADS": str(threads)})
    found = list(target.glob("criterion/paired-auroc/*/new/estimates.json"))
    newest = max(found, key=lambda path: path.stat().st_mtime)
    return json.loads(newest.read_text())["mean"]["point_estimate"] * 1e-9


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--resamples", type=int, default=100, help="replicates that SciPy really makes")
    arguments.add_argument("--threads", type=int, default=2, help="threads of seqprobe; SciPy has one")
    options = arguments.parse_args()
    ours = seconds_of_seqprobe(options.threads)
    theirs = seconds_of_scipy(options.resamples)
    print(f"{N_REPLICATES} paired replicates of AUROC at n = {N_EXAMPLES}")
    print(f"seqprobe, {options.threads} threads: {ours:.2f} s")
    print(f"SciPy {scipy.__version__}: {theirs:.0f} s, from {options.resamples} replicates")
    print(f"ratio {theirs / ours:.0f}")


if __name__ == "__main__":
    main()
