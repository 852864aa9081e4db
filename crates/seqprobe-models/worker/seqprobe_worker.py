"""Connects your own model to seqprobe. This is a single file; it needs Python 3.8 and NumPy.

    import seqprobe_worker

    class MyModel:
        name, digest = "my-model", seqprobe_worker.digest_of_files(["weights.bin", __file__])
        hidden, n_blocks, has_final_norm, has_cls, max_tokens = 768, 12, False, True, 512
        pad_id, vocab_size = 0, 4101

        def tokenize(self, sequence):         # "ACGTN" -> ids, and flags for added tokens (CLS, SEP)
            return [1, 5, 6, 7, 2], [True, False, False, False, True]

        def forward(self, ids, layers):       # int64 [batch, tokens], ["0", "final"] -> [layers, batch, tokens, hidden]
            return states

    seqprobe_worker.serve(MyModel())

Import it before anything that prints. After the import, printed text goes to standard error, because standard output is
reserved for seqprobe. All sequences of one forward call have the same length, so there is no padding. PROTOCOL.md
describes the messages.
"""
import hashlib
import json
import os
import struct
import sys
import threading
import time

import numpy

PROTOCOL = 1
MAX_HEADER = 1 << 20
MAX_PAYLOAD = 1 << 31
KEYS = ["name", "digest", "hidden", "n_blocks", "has_final_norm", "has_cls", "max_tokens", "pad_id", "vocab_size"]


def digest_of_files(paths):
    """Returns the SHA-256 of the contents of files, in order. A model's digest should cover all its files."""
    total = hashlib.sha256()
    for path in paths:
        part = hashlib.sha256()
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                part.update(block)
        total.update(part.digest())
    return total.hexdigest()


def serve(model):
    """Answers the requests of seqprobe until it sends shutdown. A long forward may call `heartbeat()`."""
    requests = os.fdopen(os.dup(0), "rb")
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    while True:
        frame = _read(requests)
        if frame is None or frame[0]["type"] == "shutdown":
            return
        header, payload = frame
        try:
            answer = _answer(model, header, payload)
        except Exception as error:  # The user sees the message; the worker continues.
            answer = {"type": "error", "message": f"{type(error).__name__}: {error}"}, b""
        answer[0]["id"] = header.get("id")
        _write(*answer)


def heartbeat():
    """Reports to seqprobe that a long computation is still running. Call it from the computing thread."""
    _write({"type": "heartbeat"}, b"")


# Standard output is reserved for frames; all other printed text goes to standard error.
sys.stdout.flush()
_output = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)


def _answer(model, header, payload):
    if header["type"] == "hello":
        if header["protocol"] != PROTOCOL:
            raise ValueError(f"seqprobe uses protocol {header['protocol']}, this file {PROTOCOL}")
        hello = {key: getattr(model, key) for key in KEYS}
        return {"type": "hello", "protocol": PROTOCOL, "n_parameters": getattr(model, "n_parameters", 0), **hello}, b""
    if header["type"] == "tokenize":
        bases, start, ids, special, lengths = payload.decode("ascii"), 0, [], [], []
        for length in header["lengths"]:
            found, added = model.tokenize(bases[start:start + length])
            if len(found) != len(added):
                raise ValueError(f"tokenize returned {len(found)} ids and {len(added)} flags")
            start += length
            ids.extend(int(token) for token in found)
            special.extend(bool(flag) for flag in added)
            lengths.append(len(found))
        payload = numpy.array(ids, "<i8").tobytes() + numpy.array(special, "u1").tobytes()
        return {"type": "tokens", "lengths": lengths}, payload
    if header["type"] == "forward":
        shape = (header["batch"], header["tokens"])
        ids = numpy.frombuffer(payload, "<i8").reshape(shape).astype(numpy.int64)
        states = numpy.ascontiguousarray(numpy.asarray(model.forward(ids, header["layers"])), dtype="<f4")
        expected = (len(header["layers"]), *shape, model.hidden)
        if states.shape != expected:
            raise ValueError(f"forward returned states of shape {states.shape}, expected {expected}")
        return {"type": "states", "shape": list(expected)}, states.tobytes()
    raise ValueError(f"unknown request {header['type']!r}")


def _read(stream):
    length = stream.read(4)
    if len(length) < 4:
        return None
    length = struct.unpack("<I", length)[0]
    if not 0 < length <= MAX_HEADER:
        raise ValueError(f"a header of {length} bytes")
    header = json.loads(stream.read(length))
    length = struct.unpack("<Q", stream.read(8))[0]
    if length > MAX_PAYLOAD:
        raise ValueError(f"a payload of {length} bytes")
    payload = stream.read(length)
    return (header, payload) if len(payload) == length else None


def _write(header, payload):
    header = json.dumps(header).encode()
    try:
        _output.write(struct.pack("<I", len(header)) + header + struct.pack("<Q", len(payload)))
        _output.write(payload)
        _output.flush()
    except BrokenPipeError:
        os._exit(0)


def _end_with_parent(parent):
    """Ends the worker if seqprobe was killed during a computation."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)
