"""Peak memory of training on token features that are larger than memory may be.

Run: python benchmarks/streaming.py target/release/seqprobe --gigabytes 3 --folder SCRATCH      (numpy)
Makes a table of 768 random numbers per 6-mer (seed 0) as the model, and a suite on a simulated task of 105 letters, so that
each sequence has 100 tokens of 768 numbers. `seqprobe run` stores them and trains the cnn for one epoch per seed.
Prints the size of the stored features, and the most memory that the program had: its own (RssAnon) and with the
pages of files that the kernel counts to it (VmRSS), over the whole run and while fitting. Needs the disk space of --gigabytes.
"""

import argparse
import json
import re
import subprocess
import time
from pathlib import Path

import numpy as np

LETTERS, K, DIM = 105, 6, 768


def main():
    options = argparse.ArgumentParser()
    options.add_argument("program", type=Path)
    options.add_argument("--gigabytes", type=float, default=3.0)
    options.add_argument("--seeds", type=int, default=2)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--probe", default="cnn")
    options.add_argument("--folder", type=Path, required=True)
    options = options.parse_args()
    folder = options.folder
    (folder / "model").mkdir(parents=True, exist_ok=True)
    table = np.random.default_rng(0).standard_normal((1 + 4**K, DIM)).astype(np.float32)
    np.save(folder / "model/table.npy", table)
    config = {"model_type": "kmer-table", "k": K, "hidden_size": DIM, "table": "table.npy"}
    config |= {"order": "acgt", "first_row": 1, "null_row": 0}
    (folder / "model/config.json").write_text(json.dumps(config))
    rows = round(options.gigabytes * 1e9 / ((LETTERS - K + 1) * DIM * 4))
    train = rows * 8 // 10
    (folder / "suite.toml").write_text(
        f"""schema = 1
name = "streaming"
seeds = {list(range(options.seeds))}
replicates = 100
controls = false
datasets = ["sim:motif-anywhere"]
[simulate]
train = {train}
valid = {(rows - train) // 2}
test = {rows - train - (rows - train) // 2}
length = {LETTERS}
[[representation]]
model = "model"
pooling = ["tokens"]
[[probe]]
id = "{options.probe}"
epochs = 1
"""
    )
    program = options.program.resolve()
    command = [program, "run", "suite.toml", "--out", "out", "--cache-dir", "cache"]
    command += ["--threads", str(options.threads)]
    started = time.time()
    with open(folder / "log.txt", "w") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    peaks = {"extracting": [0, 0], "fitting": [0, 0]}
    stored, fitting_since = 0, None
    while process.poll() is None:
        time.sleep(0.2)
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            break
        if fitting_since is None and any(folder.glob("cache/**/manifest.json")):
            fitting_since = time.time()
        peak = peaks["fitting" if fitting_since else "extracting"]
        for place, name in enumerate(["RssAnon", "VmRSS"]):
            found = re.search(rf"{name}:\s+(\d+) kB", status)
            if found:
                peak[place] = max(peak[place], int(found[1]) * 1024)
    stored = sum(file.stat().st_size for file in folder.glob("cache/**/*.safetensors") if file.stat().st_size > 1e6)
    print(f"exit code {process.returncode}, {time.time() - started:.0f} s in all, {rows} sequences")
    if fitting_since:
        print(f"fitting and scoring {time.time() - fitting_since:.0f} s, {options.seeds} seeds of one epoch")
    print(f"stored features: {stored / 1e9:.2f} GB")
    for name, (own, resident) in peaks.items():
        print(f"{name}: own memory at most {own / 1e9:.2f} GB, with mapped files {resident / 1e9:.2f} GB")


main()
