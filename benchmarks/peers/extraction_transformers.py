"""Mean-pooled features of a frozen ESM-type encoder: seqprobe and Hugging Face transformers, in turns, in one run.

    make build
    python benchmarks/peers/extraction_transformers.py [--threads 2] [--repeats 3] [--program PATH] [--precision f32]

Needs torch (2.11.0), transformers (5.23), safetensors and numpy. Under three minutes on two cores.

Model (seed 0): 12 layers, 512 wide, 16 heads, feed-forward 2048, learned positions, random weights, the 6-mer vocabulary of
the Nucleotide Transformer, in Hugging Face layout. Sequences (seed 1): 384 of 300 letters (51 tokens each), and 384 whose
lengths are lognormal (median 135, deviation of the logarithm 0.55) within 38 to 1,182 letters, in the order drawn.

transformers runs in inference mode with its default attention and a masked mean; its tokens are made before its clock starts, so
its time is that of the forward passes and the pooling alone. For seqprobe the time is that of `seqprobe embed --no-cache` as
it reports it: tokenizing, computing, pooling, writing shards with their checksums and reading them back; loading the model is in neither.
The best batch size is looked for on every fourth batch before the repeats. Useful operations are those of the products and of
attention over true tokens, no padding. The matrix-product rate is that of the four products of a layer over 4,096 tokens, taken
again in every repeat. Prints medians of the repeats, and ratios of pairs within a repeat.
"""

import argparse
import itertools
import json
import os
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy
import torch
import transformers
from safetensors.torch import save_file

LAYERS, WIDTH, HEADS, INNER = 12, 512, 16, 2048
WORDS = ["<unk>", "<pad>", "<mask>", "<cls>"] + ["".join(w) for w in itertools.product("ATCG", repeat=6)] + list("ATCGN")
IDS = {word: index for index, word in enumerate(WORDS)}
BATCHES = (8, 16, 32, 64)
ROOT = Path(__file__).resolve().parents[2]


def make_model(folder):
    torch.manual_seed(0)
    config = transformers.EsmConfig(
        vocab_size=len(WORDS), hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS, intermediate_size=INNER,
        max_position_embeddings=514, position_embedding_type="absolute", token_dropout=True, emb_layer_norm_before=False,
        pad_token_id=IDS["<pad>"], mask_token_id=IDS["<mask>"], layer_norm_eps=1e-12, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0)
    model = transformers.EsmModel(config, add_pooling_layer=False).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # far enough from the start that no part is idle
            parameter.add_(torch.randn_like(parameter) * 0.02)
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({**config.to_dict(), "architectures": ["EsmModel"]}))
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "EsmTokenizer", "eos_token": None}))
    return model


def make_sequences(count):
    rng = numpy.random.default_rng(1)
    lengths = numpy.clip(numpy.exp(rng.normal(numpy.log(135), 0.55, count)), 38, 1182).astype(int)
    draw = lambda length: "".join(rng.choice(list("ACGT"), length))
    return {"mixed": [draw(length) for length in lengths], "equal": [draw(300) for _ in range(count)]}


def tokens_of(sequence):
    whole = len(sequence) // 6 * 6
    words = [sequence[start:start + 6] for start in range(0, whole, 6)] + list(sequence[whole:])
    return [IDS["<cls>"]] + [IDS[word] for word in words]


def useful(rows):
    """Operations of all products and of attention."""
    per_token = 2 * LAYERS * (4 * WIDTH * WIDTH + 2 * WIDTH * INNER)
    return sum(len(row) * per_token + LAYERS * 4 * len(row) ** 2 * WIDTH for row in rows)


def peer(model, rows, batch, part=1):
    """Seconds of rows in the order given, and the pooled values; every `part`-th batch only."""
    outputs, seconds = [], 0.0
    for start in range(0, len(rows), batch * part):
        chunk = rows[start:start + batch]
        longest = max(map(len, chunk))
        ids = torch.full((len(chunk), longest), IDS["<pad>"])
        mask = torch.zeros((len(chunk), longest), dtype=torch.int64)
        for row, tokens in enumerate(chunk):
            ids[row, :len(tokens)] = torch.tensor(tokens)
            mask[row, :len(tokens)] = 1
        started = time.perf_counter()
        with torch.inference_mode():
            states = model(input_ids=ids, attention_mask=mask).last_hidden_state
            weights = mask.clone()
            weights[:, 0] = 0  # the added token does not count
            weights = weights.unsqueeze(-1).to(states.dtype)
            outputs.append(((states * weights).sum(1) / weights.sum(1)).float())
        seconds += time.perf_counter() - started
    return seconds, torch.cat(outputs)


def best_batch(model, rows):
    rate = {}
    for batch in BATCHES:
        starts = range(0, len(rows), 4 * batch)
        done = sum(len(rows[start:start + batch]) for start in starts)
        rate[batch] = done / min(peer(model, rows, batch, 4)[0] for _ in range(2))
    return max(rate, key=rate.get)


def seqprobe(program, folder, fasta, threads, extra):
    output = folder / "features.npy"
    command = [program, "embed", "--model", folder / "model", "--input", fasta, "--output", output, "--threads", threads, "--no-cache"]
    started = time.perf_counter()
    said = subprocess.run([*map(str, command), *extra], check=True, capture_output=True, text=True).stdout
    wall = time.perf_counter() - started
    return float(re.search(r"([0-9.]+) s\b", said.splitlines()[-1]).group(1)), wall, torch.from_numpy(numpy.load(output))


def matrix_rate():
    seconds = operations = 0
    for inputs, outputs in ((WIDTH, 3 * WIDTH), (WIDTH, WIDTH), (WIDTH, INNER), (INNER, WIDTH)):
        x, w, b = torch.randn(4096, inputs), torch.randn(outputs, inputs), torch.randn(outputs)
        times = []
        with torch.inference_mode():
            for _ in range(6):
                started = time.perf_counter()
                torch.nn.functional.linear(x, w, b)
                times.append(time.perf_counter() - started)
        seconds += min(times)
        operations += 2 * 4096 * inputs * outputs
    return operations / seconds / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser.add_argument("--program", default=target / "release" / "seqprobe")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--count", type=int, default=384)
    parser.add_argument("--precision", default="f32")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    extra = [] if arguments.precision == "f32" else ["--precision", arguments.precision]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "model").mkdir()
        model = make_model(folder / "model")
        sequences = make_sequences(arguments.count)
        work = {}
        for name, texts in sequences.items():
            (folder / f"{name}.fa").write_text("".join(f">{i}\n{text}\n" for i, text in enumerate(texts)))
            work[name] = [tokens_of(text) for text in texts]
        order = sorted(range(arguments.count), key=lambda row: len(work["mixed"][row]))
        work["sorted"] = [work["mixed"][row] for row in order]
        padded = sum(32 * max(map(len, work["mixed"][s:s + 32])) for s in range(0, arguments.count, 32))
        print(f"mixed: {sum(map(len, work['mixed'])) / arguments.count:.1f} tokens a sequence, "
              f"{padded / sum(map(len, work['mixed'])):.2f} times as many in padded batches of 32")
        best = {name: best_batch(model, work[name]) for name in ("sorted", "equal")}
        plans = {"mixed, transformers, file order, batch 32": ("mixed", 32)}
        plans |= {f"{name}, transformers, best batch ({batch})": (name, batch) for name, batch in best.items()}
        rows, gigas, walls, rates = {}, {}, [], []
        for _ in range(arguments.repeats):
            rates.append(matrix_rate())
            values = {}
            for title, (name, batch) in plans.items():
                seconds, values[name] = peer(model, work[name], batch)
                rows.setdefault(title, []).append(arguments.count / seconds)
                gigas.setdefault(title, []).append(useful(work[name]) / seconds / 1e9)
            for name in ("mixed", "equal"):
                title = f"{name}, seqprobe {arguments.precision}"
                seconds, wall, features = seqprobe(arguments.program, folder, folder / f"{name}.fa", arguments.threads, extra)
                walls.append(wall - seconds)
                rows.setdefault(title, []).append(arguments.count / seconds)
                gigas.setdefault(title, []).append(useful(work[name]) / seconds / 1e9)
                error = (features - values[name]).abs().max() / values[name].abs().max()
                cosine = torch.nn.functional.cosine_similarity(features.double(), values[name].double()).min()
                print(f"  {name}: largest difference to transformers {error:.1e} of the largest value, least cosine {cosine:.7f}")
        print(f"matrix products of a layer, float32: {statistics.median(rates):.0f} GFLOP/s (repeats: {', '.join(f'{r:.0f}' for r in rates)})")
        for title in rows:
            print(f"{title:45s} {statistics.median(rows[title]):7.1f} sequences/s  {statistics.median(gigas[title]):6.0f} useful GFLOP/s")
        ratio = lambda a, b: [x / y for x, y in zip(rows[a], rows[b])]
        titles = list(plans)
        pairs = {
            "mixed against file order, batch 32": ratio(f"mixed, seqprobe {arguments.precision}", titles[0]),
            "mixed against sorted, best batch": ratio(f"mixed, seqprobe {arguments.precision}", titles[1]),
            "equal against best batch": ratio(f"equal, seqprobe {arguments.precision}", titles[2]),
            "equal, share of the matrix-product rate": [g / r for g, r in zip(gigas[f"equal, seqprobe {arguments.precision}"], rates)],
            "mixed, share of the matrix-product rate": [g / r for g, r in zip(gigas[f"mixed, seqprobe {arguments.precision}"], rates)],
        }
        for title, values in pairs.items():
            print(f"{title:45s} {statistics.median(values):6.2f}  ({min(values):.2f} to {max(values):.2f})")
        print(f"seqprobe outside of the extraction (start, loading, reading FASTA, export): {statistics.median(walls):.2f} s")


if __name__ == "__main__":
    main()
