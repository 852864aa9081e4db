"""Trains tang-mpra-cnn here and in eager PyTorch, on the same data, epochs, batch size and threads, by turns.

    cargo build --release --workspace --example fit_preset
    python benchmarks/peers/cnn_pytorch.py [--rows 15064] [--valid 1674] [--epochs 2] [--threads 2] [--repeats 3]
                                           [--dim 4 | 768] [--tokens 101] [--seeds 1] [--driver PATH]

Needs torch (2.11.0) and numpy. The target is planted: the best match of one motif, smoothed, plus noise of a third of
its spread (generator seed 7); with --dim 768 the letters go through a fixed random table of 5 letters, so that the
same signal is there. Both sides standardise inputs and targets, use Adam at 1e-3 with batches of 128, and take the
validation loss after each epoch; dropout and all else as in the preset. On a shared machine the seconds of processor time
say more than those of the clock, best with --threads 1: both are printed. With --seeds above 1 PyTorch trains one run
after the other on all threads, seqprobe side by side on one thread each. Prints sequences a second (rows x epochs x
seeds over the time of the whole fit, least of the repeats), the loss of each side and the ratio of each pair.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn


def simulate(rows, tokens, dim):
    rng = np.random.default_rng(7)
    letters = rng.integers(0, 4, (rows, tokens))
    motif = rng.normal(size=(8, 4))
    scores = sum(motif[place][letters[:, place : tokens - 8 + place]] for place in range(8))
    signal = np.log(np.exp(2 * scores).sum(1)) / 2
    y = signal + rng.normal(size=rows) * signal.std() / 3
    if dim == 4:
        x = np.eye(4, dtype=np.float32)[letters]
    else:
        # Each 5-mer's vector: the sum of its letters' vectors by place.
        table = rng.normal(size=(5, 4, dim)).astype(np.float32)
        padded = np.pad(letters, ((0, 0), (2, 2)))
        x = sum(table[place][padded[:, place : place + tokens]] for place in range(5))
    return np.ascontiguousarray(x, dtype=np.float32), y.astype(np.float32)


class Exp(nn.Module):
    def forward(self, values):
        return torch.exp(values)


def network(tokens, dim):
    norm = lambda channels: nn.BatchNorm1d(channels, eps=1e-3, momentum=0.01)
    layers = nn.Sequential(
        norm(dim), nn.Conv1d(dim, 196, 1), nn.Conv1d(196, 196, 7, padding=3), norm(196), Exp(), nn.Dropout(0.2),
        nn.MaxPool1d(5), nn.Conv1d(196, 256, 7, padding=3), norm(256), nn.ReLU(), nn.MaxPool1d(4), nn.Dropout(0.2),
        nn.Flatten(), nn.Linear(tokens // 5 // 4 * 256, 512), norm(512), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(512, 256), norm(256), nn.ReLU(), nn.Dropout(0.5), nn.Linear(256, 1),
    )
    for layer in layers:
        if isinstance(layer, (nn.Conv1d, nn.Linear)):
            nn.init.normal_(layer.weight, 0.0, 0.005)
            nn.init.zeros_(layer.bias)
    return layers


def pytorch(x, y, train, epochs, batch, seed):
    """Seconds and best validation loss of one eager fit; data ready as [rows, channels, tokens]."""
    started = time.perf_counter()
    torch.manual_seed(seed)
    flat = x[:train].reshape(-1, x.shape[2])
    mean, deviation = flat.mean(0), flat.std(0)
    inputs = torch.from_numpy((x - mean) / deviation).transpose(1, 2).contiguous()
    centre, spread = y[:train].mean(), y[:train].std()
    targets = torch.from_numpy((y - centre) / spread)[:, None]
    model = network(x.shape[1], x.shape[2])
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7)
    losses = []
    for _ in range(epochs):
        model.train()
        for rows in torch.randperm(train).split(batch):
            optimiser.zero_grad()
            loss = nn.functional.mse_loss(model(inputs[rows]), targets[rows])
            loss.backward()
            optimiser.step()
        model.eval()
        with torch.no_grad():
            outputs = torch.cat([model(part) for part in inputs[train:].split(batch)])
        losses.append(float(nn.functional.mse_loss(outputs, targets[train:]) * spread**2))
    return time.perf_counter() - started, min(losses)


def processor(whose):
    """Seconds of processor time so far, of this process or of its finished children."""
    usage = resource.getrusage(whose)
    return usage.ru_utime + usage.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    root = Path(__file__).resolve().parents[2]
    target = Path(os.environ.get("CARGO_TARGET_DIR", root / "target"))
    for name, value in {"rows": 15064, "valid": 1674, "epochs": 2, "threads": 2, "repeats": 3, "dim": 4,
                        "tokens": 101, "seeds": 1, "batch": 128}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--driver", default=target / "release" / "examples" / "fit_preset")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    x, y = simulate(given.rows + given.valid, given.tokens, given.dim)
    print(f"torch {torch.__version__}, {given.threads} threads, load {os.getloadavg()[0]:.1f} at the start", file=sys.stderr)
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.f32"
        with open(file, "wb") as out:
            x.tofile(out)
            y.tofile(out)
        sizes = [given.rows, given.valid, given.tokens, given.dim, given.epochs, given.threads, given.seeds]
        for repeat in range(given.repeats):
            command = [str(given.driver), str(file), "tang-mpra-cnn", *map(str, sizes)]
            before = processor(resource.RUSAGE_CHILDREN)
            result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            spent = processor(resource.RUSAGE_CHILDREN) - before
            ours.append((result["seconds"], np.mean(result["validation_loss"]), spent))
            before = processor(resource.RUSAGE_SELF)
            fits = [pytorch(x, y, given.rows, given.epochs, given.batch, seed) for seed in range(given.seeds)]
            spent = processor(resource.RUSAGE_SELF) - before
            theirs.append((sum(seconds for seconds, _ in fits), np.mean([loss for _, loss in fits]), spent))
            print(f"  repeat {repeat}: seqprobe {ours[-1][0]:.1f} s (loss {ours[-1][1]:.4f}), PyTorch {theirs[-1][0]:.1f} s "
                  f"(loss {theirs[-1][1]:.4f}), ratio {theirs[-1][0] / ours[-1][0]:.2f}; "
                  f"processor {ours[-1][2]:.1f} s and {theirs[-1][2]:.1f} s, ratio {theirs[-1][2] / ours[-1][2]:.2f}; load {os.getloadavg()[0]:.1f}", flush=True)
    work = given.rows * given.epochs * given.seeds
    best = [min(one[0] for one in side) for side in (ours, theirs)]
    ratios, work_ratios = [sorted(b[at] / a[at] for a, b in zip(ours, theirs))[given.repeats // 2] for at in (0, 2)]
    print(f"{given.rows} x {given.tokens} x {given.dim}, {given.epochs} epochs, {given.seeds} seeds: seqprobe {work / best[0]:.0f} "
          f"sequences/s, PyTorch {work / best[1]:.0f}; ratio of the best {best[1] / best[0]:.2f}, median {ratios:.2f}, "
          f"of processor time {work_ratios:.2f}; "
          f"variance of the validation targets {y[given.rows:].var():.4f}")


if __name__ == "__main__":
    main()
