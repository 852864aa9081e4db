"""Pretraining steps of a GPN: seqprobe against eager PyTorch, same model, same batches' shape, same threads.

torch 2.11.0, numpy. Each round runs `seqprobe pretrain` on generated sequence and then the PyTorch loop, and takes the
tokens per second of the steps alone (no start, no validation) of both; the ratio is of the medians. PyTorch gets
its own best layout of three: `Conv1d`, and `Conv2d` of height 1 in channels-last memory, head on all positions or
on the targets only; and its fused AdamW.

    python benchmarks/peers/pretrain_pytorch.py --program target/release/seqprobe --threads 2 --rounds 3
"""

import argparse
import csv
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy
import torch
from torch.nn import functional

KERNEL, VOCABULARY = 9, 7


class Block(torch.nn.Module):
    def __init__(self, width, dilation, is_flat):
        super().__init__()
        self.is_flat = is_flat
        if is_flat:
            padding = (0, dilation * (KERNEL // 2))
            self.convolution = torch.nn.Conv2d(width, width, (1, KERNEL), padding=padding, dilation=(1, dilation))
            self.convolution = self.convolution.to(memory_format=torch.channels_last)
        else:
            self.convolution = torch.nn.Conv1d(width, width, KERNEL, padding="same", dilation=dilation)
        self.first_norm = torch.nn.LayerNorm(width)
        self.linear = torch.nn.Linear(width, width)
        self.second_norm = torch.nn.LayerNorm(width)

    def forward(self, state):
        if self.is_flat:
            convolved = self.convolution(state.transpose(1, 2).unsqueeze(2)).squeeze(2).transpose(1, 2)
        else:
            convolved = self.convolution(state.transpose(1, 2)).transpose(1, 2)
        state = state + self.first_norm(functional.gelu(convolved))
        return state + self.second_norm(functional.gelu(self.linear(state)))


class Network(torch.nn.Module):
    def __init__(self, width, blocks, is_flat, is_sparse):
        super().__init__()
        self.width, self.is_sparse = width, is_sparse
        self.blocks = torch.nn.ModuleList([Block(width, 2 ** (i % 6), is_flat) for i in range(blocks)])
        self.head = torch.nn.Sequential(
            torch.nn.Linear(width, width), torch.nn.GELU(), torch.nn.LayerNorm(width), torch.nn.Linear(width, VOCABULARY)
        )

    def forward(self, ids, places):
        state = functional.one_hot(ids, self.width).float()
        for block in self.blocks:
            state = block(state)
        state = state.reshape(-1, self.width)
        return self.head(state[places]) if self.is_sparse else self.head(state)[places]


def peer(arguments, is_flat, is_sparse):
    """Tokens per second of the PyTorch loop."""
    torch.manual_seed(0)
    generator = numpy.random.default_rng(0)
    network = Network(arguments.width, arguments.blocks, is_flat, is_sparse)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.01, fused=True)
    n_tokens = arguments.batch * arguments.window
    began = None
    for step in range(arguments.warm_up + arguments.steps):
        if step == arguments.warm_up:
            began = time.perf_counter()
        ids = torch.from_numpy(generator.integers(3, 7, (arguments.batch, arguments.window)))
        places = torch.from_numpy(numpy.flatnonzero(generator.random(n_tokens) < 0.15))
        targets = ids.reshape(-1)[places].clone()
        ids.view(-1)[places] = 1
        weights = torch.where(torch.rand(len(places)) < 0.5, 0.1, 1.0)
        optimiser.zero_grad()
        each = functional.cross_entropy(network(ids, places), targets, reduction="none")
        loss = (each * weights).sum() / weights.sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        loss.item()
    return arguments.steps * n_tokens / (time.perf_counter() - began)


def ours(arguments, folder):
    """Tokens per second of our steps: those after the first row of the loss table."""
    generator = numpy.random.default_rng(1)
    text = []
    for name, length in [("one", 400_000), ("held-out", arguments.window * 4)]:
        letters = "".join(numpy.array(list("ACGTacgt"))[generator.integers(0, 8, length)])
        text.append(f">{name}\n{letters}\n")
    (folder / "genome.fa").write_text("".join(text))
    total = arguments.warm_up + arguments.steps
    (folder / "config.toml").write_text(
        f"""schema = 1
name = "peer"
[model]
model_type = "ConvNet"
vocab_size = {VOCABULARY}
hidden_size = {arguments.width}
n_layers = {arguments.blocks}
kernel_size = {KERNEL}
[data]
files = [{{ path = "genome.fa" }}]
valid = ["held-out"]
window = {arguments.window}
stride = {arguments.window}
[training]
steps = {total}
batch = {arguments.batch}
learning_rate = 1e-3
valid_every = {arguments.warm_up}
valid_windows = 1
checkpoint_seconds = 100000
"""
    )
    out = tempfile.mkdtemp(dir=folder)
    command = [arguments.program, "pretrain", folder / "config.toml", "--out", out, "--device", "cpu"]
    command += ["--threads", str(arguments.threads)]
    subprocess.run(command, check=True, capture_output=True)
    with open(pathlib.Path(out) / "loss.csv") as file:
        rows = list(csv.DictReader(file))
    first, last = rows[0], rows[-1]
    seconds = [int(row["tokens"]) / float(row["tokens_per_second"]) for row in (first, last)]
    return (int(last["tokens"]) - int(first["tokens"])) / (seconds[1] - seconds[0])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default="target/release/seqprobe")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--blocks", type=int, default=8)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--window", type=int, default=256)
    parser.add_argument("--warm-up", type=int, default=3)
    parser.add_argument("--steps", type=int, default=9)
    arguments = parser.parse_args()
    arguments.program = os.path.abspath(arguments.program)
    torch.set_num_threads(arguments.threads)
    layouts = {
        "Conv1d, head everywhere": (False, False),
        "Conv2d channels-last, head everywhere": (True, False),
        "Conv2d channels-last, head on targets": (True, True),
    }
    speeds = {"seqprobe": []} | {name: [] for name in layouts}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(arguments.rounds):
            speeds["seqprobe"].append(ours(arguments, pathlib.Path(folder)))
            for name, layout in layouts.items():
                speeds[name].append(peer(arguments, *layout))
    medians = {name: statistics.median(values) for name, values in speeds.items()}
    ratios = {name: medians["seqprobe"] / medians[name] for name in layouts}
    print(json.dumps({"tokens_per_second": speeds, "medians": medians, "ratio to": ratios}, indent=1))


if __name__ == "__main__":
    main()
