"""Mean-pooled features of four more kinds of encoder: seqprobe and their references in PyTorch, in turns, in one run.

    make build
    python benchmarks/peers/families_pytorch.py [--threads 2] [--repeats 3] [--count 96] [--program PATH] [--only FAMILY]

Needs torch (2.11.0), transformers (5.23), multimolecule (0.2.2), tokenizers, safetensors and numpy. Under three minutes on
two cores.

References: DNABERT-2 is DnaBert2Model of multimolecule; HyenaDNA its HyenaDnaModel; GPN torch's own layers in the order of
gpn/legacy.py; Caduceus-Ph two MambaMixer of transformers per block, which is what there is without a GPU. Models have random
weights (seed 0) and the widths of the published ones, DNABERT-2 with 4 of its 12 layers. Sequences (seed 1) have lognormal lengths (median 135,
deviation of the logarithm 0.55) within 38 to 500 letters, in the order drawn; the reference takes them in padded batches of 32 in that
order, and by length in its best batch of 8, 16 or 32. Both sides compute the mean over letters or byte pairs. The reference's clock runs
over forward passes and pooling alone; seqprobe's time is what `seqprobe embed --no-cache` reports, from tokenizing to reading back.
Padding changes what the references of GPN and Caduceus compute (the sequences' right ends see it): their padded batches are timed all
the same, and their values are taken from batches of equal length, which are a plan of their own.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy
import torch
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "crates/seqprobe-models/tests/fixtures/models"
LETTERS = {"A": 7, "C": 8, "G": 9, "T": 10, "N": 11}


def stir(model):
    """Far enough from the start that no part is idle, not so far that it blows up."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not name.endswith(("A_log", "freq")):
                parameter.add_(torch.randn_like(parameter) * 0.02)
    return model.eval()


def write(folder, config, tensors):
    (folder / "config.json").write_text(json.dumps(config))
    save_file({name: tensor.detach().float().contiguous().clone() for name, tensor in tensors.items()}, folder / "model.safetensors",
              metadata={"format": "pt"})


def dnabert2(folder):
    from multimolecule import DnaBert2Config, DnaBert2Model
    from tokenizers import Tokenizer
    width, heads, layers, inner = 768, 12, 4, 3072
    model = stir(DnaBert2Model(DnaBert2Config(
        vocab_size=120, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads, intermediate_size=inner, pad_token_id=3),
        add_pooling_layer=False))
    tensors, stored = dict(model.named_parameters()), {}
    for name, tensor in tensors.items():
        stem, _, kind = name.rpartition(".")
        name = name.replace("mlp.layer_norm", "mlp.layernorm").replace("layer_norm", "LayerNorm")
        name = name.replace("mlp.up_proj", "mlp.gated_layers").replace("mlp.down_proj", "mlp.wo")
        if stem.endswith("attention.self.query"):
            parts = [tensors[f"{stem[:-5]}{part}.{kind}"] for part in ("query", "key", "value")]
            stored["bert." + name.replace("query", "Wqkv")] = torch.cat(parts)
        elif not stem.endswith(("attention.self.key", "attention.self.value")):
            stored["bert." + name] = tensor
    case = FIXTURES / "dnabert2/twelve-heads"
    config = json.loads((case / "config.json").read_text())
    config |= {"hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads, "intermediate_size": inner}
    write(folder, config, stored)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(case / file, folder / file)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    run = lambda ids, mask: model(input_ids=ids, attention_mask=mask).last_hidden_state
    return run, lambda text: tokenizer.encode(text).ids, (1, 1), True


def hyenadna(folder):
    from multimolecule import HyenaDnaConfig, HyenaDnaModel
    width, layers, inner, length = 256, 4, 1024, 1026
    model = stir(HyenaDnaModel(HyenaDnaConfig(
        vocab_size=16, hidden_size=width, num_hidden_layers=layers, intermediate_size=inner, max_position_embeddings=length,
        filter_order=64, filter_emb_dim=5, num_inner_mlps=2), add_pooling_layer=False))
    stored = {}
    for name, tensor in model.state_dict().items():
        if re.search(r"implicit_filter\.[35]\.freq$", name) or name.endswith((".z", ".t", ".deltas")):
            continue
        stored["hyena.backbone." + name.replace("final_layer_norm.", "ln_f.")] = tensor
    config = {"architectures": ["HyenaDNAForCausalLM"], "model_type": "hyenadna", "vocab_size": 12, "pad_vocab_size_multiple": 8,
              "d_model": width, "n_layer": layers, "d_inner": inner, "max_seq_len": length, "emb_dim": 5, "filter_order": 64,
              "num_inner_mlps": 2, "hyena_order": 2, "short_filter_order": 3, "activation_freq": 10, "train_freq": True,
              "use_bias": True, "layer_norm_epsilon": 1e-5, "initializer_range": 0.02}
    write(folder, config, stored)
    run = lambda ids, mask: model(ids).last_hidden_state
    return run, lambda text: [LETTERS[letter] for letter in text] + [1], (0, 1), True


class GpnBlock(torch.nn.Module):
    def __init__(self, width, kernel, dilation):
        super().__init__()
        self.conv = torch.nn.Conv1d(width, width, kernel, padding="same", dilation=dilation)
        self.conv_norm, self.linear_norm = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x):
        gelu = torch.nn.functional.gelu
        x = x + self.conv_norm(gelu(self.conv(x.transpose(1, 2)).transpose(1, 2)))
        return x + self.linear_norm(gelu(self.linear(x)))


def gpn(folder):
    width, layers, kernel = 512, 8, 9
    dilations = [min(32, 2 ** (layer % 6)) for layer in range(layers)]
    blocks = stir(torch.nn.Sequential(*(GpnBlock(width, kernel, dilation) for dilation in dilations)))
    stored = {}
    for index, block in enumerate(blocks):
        for ours, theirs in (("conv.1", block.conv), ("conv.4", block.conv_norm), ("ffn.0", block.linear), ("ffn.2", block.linear_norm)):
            stored[f"model.encoder.{index}.{ours}.weight"], stored[f"model.encoder.{index}.{ours}.bias"] = theirs.weight, theirs.bias
    config = {"architectures": ["ConvNetForMaskedLM"], "model_type": "ConvNet", "vocab_size": 7, "hidden_size": width, "n_layers": layers,
              "kernel_size": kernel, "dilation_double_every": 1, "dilation_max": 32, "dilation_cycle": 6, "dilation_base": 2,
              "initializer_range": 0.02, "n_aux_features": 0}
    write(folder, config, stored)
    words = ["[PAD]", "[MASK]", "[UNK]", "a", "c", "g", "t"]
    (folder / "vocab.txt").write_text("\n".join(words))
    run = lambda ids, mask: blocks(torch.nn.functional.one_hot(ids, width).float())
    return run, lambda text: [words.index(letter.lower()) for letter in text], (0, 0), False


class CaduceusBlock(torch.nn.Module):
    def __init__(self, width, inner, rank, states):
        super().__init__()
        from transformers import MambaConfig
        from transformers.models.mamba.modeling_mamba import MambaMixer
        config = MambaConfig(hidden_size=width, state_size=states, conv_kernel=4, expand=inner // width, time_step_rank=rank,
                             use_bias=False, use_conv_bias=True, num_hidden_layers=1)
        self.norm = torch.nn.RMSNorm(width, eps=1e-5)
        self.forwards, self.backwards = MambaMixer(config, 0), MambaMixer(config, 0)
        self.backwards.in_proj, self.backwards.out_proj = self.forwards.in_proj, self.forwards.out_proj

    def forward(self, x):
        normed = self.norm(x)
        return x + self.forwards(normed) + self.backwards(normed.flip(1)).flip(1)


def caduceus(folder):
    width, inner, rank, states, layers = 118, 236, 8, 16, 4
    blocks = stir(torch.nn.ModuleList(CaduceusBlock(width, inner, rank, states) for _ in range(layers)))
    letters, final = torch.nn.Embedding(16, width), torch.nn.RMSNorm(width, eps=1e-5)
    stored = {"caduceus.backbone.embeddings.word_embeddings.weight": letters.weight, "caduceus.backbone.norm_f.weight": final.weight}
    for index, block in enumerate(blocks):
        stem = f"caduceus.backbone.layers.{index}."
        stored[stem + "norm.weight"] = block.norm.weight
        for name, mixer in (("mamba_fwd", block.forwards), ("mamba_rev", block.backwards)):
            for key, tensor in mixer.state_dict().items():
                stored[f"{stem}mixer.{name}.{key}"] = tensor
    config = {"architectures": ["CaduceusForMaskedLM"], "model_type": "caduceus", "d_model": width, "n_layer": layers, "vocab_size": 16,
              "ssm_cfg": {"d_state": states, "d_conv": 4, "expand": 2, "dt_rank": rank}, "rms_norm": True, "residual_in_fp32": False,
              "fused_add_norm": True, "pad_vocab_size_multiple": 8, "norm_epsilon": 1e-5, "bidirectional": True,
              "bidirectional_strategy": "add", "bidirectional_weight_tie": True, "rcps": False}
    write(folder, config, stored)

    def run(ids, mask):
        x = letters(ids)
        for block in blocks:
            x = block(x)
        return final(x)
    return run, lambda text: [LETTERS[letter] for letter in text] + [1], (0, 1), False


def make_sequences(count):
    rng = numpy.random.default_rng(1)
    lengths = numpy.clip(numpy.exp(rng.normal(numpy.log(135), 0.55, count)), 38, 500).astype(int)
    return ["".join(rng.choice(list("ACGT"), length)) for length in lengths]


def batches_of(rows, order, size, pads):
    """Rows of each batch; of one length where padding would change values."""
    if pads:
        return [order[start:start + size] for start in range(0, len(order), size)]
    by_length = {}
    for row in order:
        by_length.setdefault(len(rows[row]), []).append(row)
    return [same[start:start + size] for same in by_length.values() for start in range(0, len(same), size)]


def peer(run, rows, added, batches):
    outputs, seconds = [None] * len(rows), 0.0
    for batch in batches:
        longest = max(len(rows[row]) for row in batch)
        ids, mask, counted = (torch.zeros((len(batch), longest), dtype=torch.int64) for _ in range(3))
        for place, row in enumerate(batch):
            length = len(rows[row])
            ids[place, :length], mask[place, :length], counted[place, added[0]:length - added[1]] = torch.tensor(rows[row]), 1, 1
        started = time.perf_counter()
        with torch.inference_mode():
            states = run(ids, mask)
            weights = counted.unsqueeze(-1).to(states.dtype)
            pooled = (states * weights).sum(1) / weights.sum(1)
        seconds += time.perf_counter() - started
        for place, row in enumerate(batch):
            outputs[row] = pooled[place]
    return seconds, torch.stack(outputs)


def seqprobe(program, folder, fasta, threads):
    output = folder / "features.npy"
    command = [program, "embed", "--model", folder, "--input", fasta, "--output", output, "--threads", threads, "--no-cache"]
    said = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout
    return float(re.search(r"([0-9.]+) s\b", said.splitlines()[-1]).group(1)), torch.from_numpy(numpy.load(output))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser.add_argument("--program", default=target / "release" / "seqprobe")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--count", type=int, default=96)
    parser.add_argument("--only")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    texts = make_sequences(arguments.count)
    families = {"dnabert2": dnabert2, "hyenadna": hyenadna, "gpn": gpn, "caduceus": caduceus}
    with tempfile.TemporaryDirectory() as temporary:
        fasta = Path(temporary) / "mixed.fa"
        fasta.write_text("".join(f">{i}\n{text}\n" for i, text in enumerate(texts)))
        for name, make in families.items():
            if arguments.only not in (None, name):
                continue
            folder = Path(temporary) / name
            folder.mkdir()
            torch.manual_seed(0)
            run, tokenize, added, pads = make(folder)
            rows = [tokenize(text) for text in texts]
            order = list(range(len(rows)))
            by_length = sorted(order, key=lambda row: len(rows[row]))
            trial = {size: peer(run, rows, added, batches_of(rows, by_length, size, True))[0] for size in (8, 16, 32)}
            size = min(trial, key=trial.get)
            plans = {"file order, batch 32": batches_of(rows, order, 32, True),
                     f"by length, best batch ({size})": batches_of(rows, by_length, size, True)}
            if not pads:
                plans["batches of equal length"] = batches_of(rows, by_length, 32, False)
            times, ours = {}, []
            for _ in range(arguments.repeats):
                for title, batches in plans.items():
                    seconds, expected = peer(run, rows, added, batches)
                    times.setdefault(title, []).append(seconds)
                seconds, features = seqprobe(arguments.program, folder, fasta, arguments.threads)
                ours.append(seconds)
            error = ((features - expected).abs().max() / expected.abs().max()).item()
            print(f"{name}: seqprobe {arguments.count / statistics.median(ours):.1f} sequences/s; largest difference {error:.1e} of the largest value")
            for title, seconds in times.items():
                ratios = [theirs / own for theirs, own in zip(seconds, ours)]
                print(f"  reference, {title}: {arguments.count / statistics.median(seconds):.1f} sequences/s, "
                      f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
