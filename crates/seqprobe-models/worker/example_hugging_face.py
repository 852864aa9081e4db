#!/usr/bin/env python3
"""A Hugging Face model as a seqprobe worker. Needs torch, transformers and NumPy.

    # model.toml
    schema = 1
    kind = "worker"
    command = ["python3", "example_hugging_face.py", "path/or/name/of/model"]

Runs on the GPU if torch finds one. Add --trust-remote-code only for model code that you have read. --spaced K separates
overlapping K-mers by blanks, as DNABERT's tokenizer needs them. This file and seqprobe_worker.py belong in one folder.
"""
import seqprobe_worker  # Must come first: text that is printed after this import goes to standard error.

import argparse
import hashlib
import pathlib

import numpy
import torch
import transformers


class HuggingFaceModel:
    def __init__(self, arguments):
        options = {"trust_remote_code": arguments.trust_remote_code, "revision": arguments.revision}
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(arguments.model, **options)
        self.model = transformers.AutoModel.from_pretrained(arguments.model, dtype=torch.float32, **options).eval()
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model.to(self.device)
        self.spaced = arguments.spaced
        config = self.model.config
        self.name = pathlib.Path(arguments.model).name
        self.hidden, self.n_blocks = config.hidden_size, config.num_hidden_layers
        # If a norm follows the last block, the last hidden state of transformers is the one after that norm. So such
        # models are described without a final norm: the last layer and `final` are the same.
        self.has_final_norm = False
        self.max_tokens = getattr(config, "max_position_embeddings", None)
        self.vocab_size = max(config.vocab_size, len(self.tokenizer))
        self.pad_id = self.tokenizer.pad_token_id or 0
        self.n_parameters = sum(parameter.numel() for parameter in self.model.parameters())
        probe = self.tokenize("ACGTACGTACGTACGT")
        cls = self.tokenizer.cls_token_id
        self.has_cls = cls is not None and probe[0][0] == cls and bool(probe[1][0])
        self.digest = self.weights_digest(arguments)

    def weights_digest(self, arguments):
        digest = hashlib.sha256(repr((transformers.__version__, torch.__version__, arguments.spaced)).encode())
        digest.update(pathlib.Path(__file__).read_bytes())
        digest.update(self.model.config.to_json_string().encode())
        digest.update(repr(sorted(self.tokenizer.get_vocab().items())).encode())
        for name, tensor in sorted(self.model.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    def tokenize(self, sequence):
        if self.spaced:
            k = self.spaced
            sequence = " ".join(sequence[start:start + k] for start in range(len(sequence) - k + 1))
        found = self.tokenizer(sequence, return_special_tokens_mask=True)
        return found["input_ids"], found["special_tokens_mask"]

    def forward(self, ids, layers):
        ids = torch.from_numpy(ids).to(self.device)
        with torch.inference_mode():
            states = self.model(ids, attention_mask=torch.ones_like(ids), output_hidden_states=True).hidden_states
        return numpy.stack([states[int(layer)].float().cpu().numpy() for layer in layers])


parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("--revision", default=None)
parser.add_argument("--spaced", type=int, default=0, metavar="K")
parser.add_argument("--trust-remote-code", action="store_true")
seqprobe_worker.serve(HuggingFaceModel(parser.parse_args()))
