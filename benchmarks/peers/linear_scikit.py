"""Penalty paths of the linear probe: seqprobe and scikit-learn, on the same numbers, in one run.

    python benchmarks/peers/linear_scikit.py [--rows 20000] [--columns 768] [--threads 2] [--repeats 3] [--skip NAME …]

Needs Python with NumPy and scikit-learn (measured with 2.4 and 1.9.1) and runs the example `penalty_path` of seqprobe-linear
with cargo (CARGO names another one). Both sides read the same files and get the same number of threads.

Data (seed 0): the k-th of --columns independent normal directions has a standard deviation of (k + 1)^-0.5, k from 0, a
slowly decaying spectrum; a random mixing spreads them over all columns, which are then standardised on the training rows.
A tenth of the directions carry the label, by a logistic model; the value of ridge is the same score with as much noise.
A further fifth of the rows is for validation.

Logistic: the grid of scikit-learn's LogisticRegressionCV, C = 10^-4 … 10^4 in ten steps, each fit followed by the log loss on
validation. `lbfgs` runs with its default tolerance and with 1e-8, both with iterations enough to end by tolerance.
Ridge: 17 penalties, 10^-4 … 10^4; RidgeCV chooses by its own leave-one-out, seqprobe on the validation rows.
Sides alternate; the table has the least time of each and the objectives' difference from the least one found, at worst
over the path.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PEERS = ["newton-cholesky", "lbfgs", "lbfgs-1e-8", "ridge"]


def parse():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=int, default=20_000)
    arguments.add_argument("--columns", type=int, default=768)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--repeats", type=int, default=3, help="of the fast sides; lbfgs at 1e-8 runs once")
    arguments.add_argument("--skip", nargs="*", default=[], choices=PEERS)
    return arguments.parse_args()


OPTIONS = parse()
for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"]:
    os.environ[name] = str(OPTIONS.threads)

import numpy  # noqa: E402  (the number of threads is set before the import)
import sklearn  # noqa: E402
from sklearn.linear_model import LogisticRegression, RidgeCV  # noqa: E402

PENALTIES = [float(1 / c) for c in numpy.logspace(-4, 4, 10)]
RIDGE_PENALTIES = [float(penalty) for penalty in numpy.logspace(-4, 4, 17)]


def generate(rows, columns):
    numbers = numpy.random.default_rng(0)
    n_all = rows + rows // 5
    directions = numbers.standard_normal((n_all, columns))
    signal = numbers.standard_normal(columns // 10)
    score = directions[:, : columns // 10] @ signal
    score *= 2.0 / score.std()
    labels = numbers.random(n_all) < 1 / (1 + numpy.exp(-score))
    values = score + 2.0 * numbers.standard_normal(n_all)
    features = (directions * (numpy.arange(columns) + 1.0) ** -0.5) @ numbers.standard_normal((columns, columns))
    features -= features[:rows].mean(axis=0)
    features /= features[:rows].std(axis=0)
    # What a probe is given: stored single precision, the same values on both sides.
    return features.astype(numpy.float32), labels.astype(numpy.float64), values


def build():
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    command = [os.environ.get("CARGO", "cargo"), "build", "--release", "--locked", "--workspace", "--example", "penalty_path"]
    subprocess.run(command, cwd=ROOT, check=True)
    return target / "release" / "examples" / "penalty_path"


def seqprobe(program, folder, what, rows, columns, penalties):
    listed = ",".join(repr(penalty) for penalty in penalties)
    command = [str(program), str(folder), what, str(rows), str(columns), listed]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def objective(weights, intercept, x, labels, penalty):
    signed = numpy.where(labels > 0.5, -1.0, 1.0) * (x @ weights + intercept)
    return numpy.logaddexp(0, signed).sum() + 0.5 * penalty * (weights @ weights)


def validation_loss(weights, intercept, x, labels):
    return numpy.logaddexp(0, numpy.where(labels > 0.5, -1.0, 1.0) * (x @ weights + intercept)).mean()


def scikit(peer, x, labels, x_valid, labels_valid):
    settings = {
        "newton-cholesky": {"solver": "newton-cholesky", "max_iter": 1_000},
        "lbfgs": {"solver": "lbfgs", "max_iter": 100_000},
        "lbfgs-1e-8": {"solver": "lbfgs", "max_iter": 100_000, "tol": 1e-8},
    }[peer]
    started, processor = time.perf_counter(), time.process_time()
    models = [LogisticRegression(C=1 / penalty, **settings).fit(x, labels) for penalty in PENALTIES]
    losses = [validation_loss(model.coef_[0], model.intercept_[0], x_valid, labels_valid) for model in models]
    seconds, processor = time.perf_counter() - started, time.process_time() - processor
    chosen = PENALTIES[int(numpy.argmin(losses))]
    return {
        "seconds": seconds,
        "processor": processor,
        "chosen": chosen,
        "objectives": [objective(m.coef_[0], m.intercept_[0], x, labels, p) for m, p in zip(models, PENALTIES)],
    }


def alternate(sides):
    """The least time of each side; (name, function, repeats)."""
    best = {}
    for turn in range(max(repeats for _, _, repeats in sides)):
        for name, run, repeats in sides:
            if turn < repeats:
                result = run()
                print(f"  {name}: {result['seconds']:.2f} s", file=sys.stderr, flush=True)
                if name not in best or result["seconds"] < best[name]["seconds"]:
                    best[name] = result
    return best


def timing(name, result, ours):
    """Seconds and their ratio; the same of the processor, which other work on the machine disturbs less."""
    text = f"  {name:16} {result['seconds']:8.2f} s   ratio {result['seconds'] / ours['seconds']:6.1f}"
    if ours["processor"] is None:
        return text
    return f"{text}   processor {result['processor']:8.2f} s   ratio {result['processor'] / ours['processor']:6.1f}"


def main():
    warnings.simplefilter("ignore", FutureWarning)
    program = build()
    rows, columns, repeats = OPTIONS.rows, OPTIONS.columns, OPTIONS.repeats
    features, labels, values = generate(rows, columns)
    x, x_valid = features[:rows].astype(numpy.float64), features[rows:].astype(numpy.float64)
    # Standardised in the precision of the solvers, as a probe does with stored values.
    means, deviations = x.mean(axis=0), x.std(axis=0)
    x, x_valid = (x - means) / deviations, (x_valid - means) / deviations
    print(f"{rows} × {columns}, {OPTIONS.threads} threads, scikit-learn {sklearn.__version__}, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        features.tofile(Path(folder) / "features.f32")
        labels.tofile(Path(folder) / "labels.f64")
        values.tofile(Path(folder) / "values.f64")
        sides = [("seqprobe", lambda: seqprobe(program, folder, "logistic", rows, columns, PENALTIES), repeats)]
        for peer in PEERS[:3]:
            if peer not in OPTIONS.skip:
                run = lambda peer=peer: scikit(peer, x, labels[:rows], x_valid, labels[rows:])  # noqa: E731
                sides.append((peer, run, 1 if peer == "lbfgs-1e-8" else repeats))
        results = alternate(sides)
        ours = results["seqprobe"]
        for model, penalty in zip(ours["models"], PENALTIES):
            ours.setdefault("objectives", []).append(
                objective(numpy.array(model["weights"]), model["intercept"], x, labels[:rows], penalty)
            )
        least = numpy.min([result["objectives"] for result in results.values()], axis=0)
        print(f"logistic, {len(PENALTIES)} penalties, chosen on {rows // 5} validation rows")
        for name, result in results.items():
            above = numpy.max((numpy.array(result["objectives"]) - least) / least)
            print(
                f"{timing(name, result, ours)}   objective above the least by {above:.1e}   chosen penalty {result['chosen']:.4g}"
            )
        if "ridge" not in OPTIONS.skip:

            def ridge():
                started, processor = time.perf_counter(), time.process_time()
                model = RidgeCV(alphas=RIDGE_PENALTIES).fit(x, values[:rows])
                return {
                    "seconds": time.perf_counter() - started,
                    "processor": time.process_time() - processor,
                    "chosen": float(model.alpha_),
                }

            sides = [
                ("seqprobe", lambda: seqprobe(program, folder, "ridge", rows, columns, RIDGE_PENALTIES), repeats),
                ("RidgeCV", ridge, 1),
            ]
            results = alternate(sides)
            print(f"ridge, {len(RIDGE_PENALTIES)} penalties")
            for name, result in results.items():
                print(f"{timing(name, result, results['seqprobe'])}   chosen penalty {result['chosen']:.4g}")


if __name__ == "__main__":
    main()
