"""Paths of the lasso: seqprobe and scikit-learn, on the same numbers, in one run.

    python benchmarks/peers/lasso_scikit.py [--rows 20000] [--columns 768] [--penalties 50] [--threads 2] [--repeats 3]

Needs Python with NumPy and scikit-learn (measured with 2.4 and 1.9.1) and runs the example `sparse_path` of seqprobe-linear
with cargo (CARGO names another one). Both sides read the same numbers in double precision and get the same threads.

Data (seed 0): the k-th of --columns independent normal directions has a standard deviation of (k + 1)^-0.5, k from 0; a
random mixing spreads them over all columns, which are then standardised. A tenth of the directions carry the value, with
as much noise. Penalties: evenly in the logarithm from the weakest at which all weights are zero to a thousandth of it.

scikit-learn's `lasso_path` runs at its default tolerance of 1e-4 and at 1e-8 (its gap over the sum of squares), with its
own choice of precomputed products; seqprobe at 1e-4, 1e-8 and its default 1e-10 (the gap over half the sum of squares).
Sides alternate; the table has the least time of each, and how far the objective lies above the least one found, at worst over
the path and relative to the objective without weights.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def parse():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=int, default=20_000)
    arguments.add_argument("--columns", type=int, default=768)
    arguments.add_argument("--penalties", type=int, default=50)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--repeats", type=int, default=3)
    return arguments.parse_args()


OPTIONS = parse()
for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"]:
    os.environ[name] = str(OPTIONS.threads)

import numpy  # noqa: E402  (the number of threads is set before the import)
import sklearn  # noqa: E402
from sklearn.linear_model import lasso_path  # noqa: E402


def generate(rows, columns):
    numbers = numpy.random.default_rng(0)
    directions = numbers.standard_normal((rows, columns))
    score = directions[:, : columns // 10] @ numbers.standard_normal(columns // 10)
    values = score + score.std() * numbers.standard_normal(rows)
    features = (directions * (numpy.arange(columns) + 1.0) ** -0.5) @ numbers.standard_normal((columns, columns))
    features -= features.mean(axis=0)
    features /= features.std(axis=0)
    return features, values - values.mean()


def build():
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    command = [os.environ.get("CARGO", "cargo"), "build", "--release", "--locked", "--workspace", "--example", "sparse_path"]
    subprocess.run(command, cwd=ROOT, check=True)
    return target / "release" / "examples" / "sparse_path"


def seqprobe(program, folder, x, penalties, tolerance):
    listed = ",".join(repr(float(penalty)) for penalty in penalties)
    command = [str(program), str(folder), "lasso", str(x.shape[0]), str(x.shape[1]), str(tolerance), listed]
    answer = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return answer["seconds"], numpy.array([model["weights"] for model in answer["models"]])


def scikit(x, y, penalties, tolerance):
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, weights, _ = lasso_path(x, y, alphas=penalties, tol=tolerance, max_iter=100_000)
    return time.perf_counter() - started, weights.T


def objectives(x, y, penalties, weights):
    errors = y[:, None] - x @ weights.T
    return (errors**2).sum(axis=0) / (2 * len(y)) + penalties * numpy.abs(weights).sum(axis=1)


def main():
    x, y = generate(OPTIONS.rows, OPTIONS.columns)
    largest = numpy.abs(x.T @ y).max() / len(y)
    penalties = largest * numpy.logspace(0, -3, OPTIONS.penalties)
    program = build()
    columns = numpy.asfortranarray(x)
    times, found = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        x.tofile(Path(folder) / "features.f64")
        y.tofile(Path(folder) / "values.f64")
        (y > 0).astype(numpy.float64).tofile(Path(folder) / "labels.f64")
        sides = {f"seqprobe {tol:g}": lambda tol=tol: seqprobe(program, folder, x, penalties, tol) for tol in (1e-4, 1e-8, 1e-10)}
        sides |= {f"scikit-learn {tol:g}": lambda tol=tol: scikit(columns, y, penalties, tol) for tol in (1e-4, 1e-8)}
        for _ in range(OPTIONS.repeats):
            for name, side in sides.items():
                seconds, weights = side()
                times.setdefault(name, []).append(seconds)
                found[name] = objectives(x, y, penalties, weights)
    least = numpy.min(list(found.values()), axis=0)
    print(f"{OPTIONS.rows} x {OPTIONS.columns}, {OPTIONS.penalties} penalties, {OPTIONS.threads} threads, scikit-learn {sklearn.__version__}")
    print(f"load at the end: {os.getloadavg()[0]:.1f}")
    null = (y @ y) / (2 * len(y))
    for name, seconds in times.items():
        above = ((found[name] - least) / null).max()
        print(f"{name:22} {min(seconds):8.3f} s least, {sorted(seconds)[len(seconds) // 2]:8.3f} s median, at worst {above:.1e} above")
    for tolerance in ("0.0001", "1e-08"):
        ratio = min(times[f"scikit-learn {tolerance}"]) / min(times[f"seqprobe {tolerance}"])
        print(f"at {tolerance}: {ratio:.1f} times as fast as scikit-learn")


if __name__ == "__main__":
    main()
