#!/usr/bin/env python3
"""Prepare libtorch 2.11.0 (CPU) once per user and tell cargo where it is.

Needs Python 3.8 or newer and nothing beyond its standard library. In order:
  1. LIBTORCH is set: check that it is version 2.11.0 and leave it to cargo's environment.
  2. The cache folder already holds a complete copy: use it.
  3. Download three wheels from the Python package index, check their SHA-256 against the table
     below, unpack the libraries and headers, and link them so that they load without CUDA.

Writes `.cargo/config.toml` (git-ignored) so that plain `cargo build` works in any shell.
It does not build or install anything else. Exit code 1 with one line on any failure.
"""
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile

VERSION = "2.11.0"
# name, version, file, sha256, bytes, members that are wanted: archive prefix -> folder in libtorch
WHEELS = [
    ("torch", VERSION, "torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl",
     "7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a", 530604548,
     {"torch/lib/libtorch_cpu.so": "lib", "torch/lib/libc10.so": "lib", "torch/lib/libgomp.so.1": "lib",
      "torch/include/": "include"}),
    ("nvidia-cuda-runtime", "13.0.96",
     "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
     "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548", 2243632,
     {"nvidia/cu13/lib/libcudart.so.13": "lib"}),
    ("nvidia-cuda-cupti", "13.0.85",
     "nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_x86_64.whl",
     "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8", 10715597,
     {"nvidia/cu13/lib/libcupti.so.13": "lib"}),
]
NEEDED_SPACE = 1_300_000_000


def fail(message, hint):
    sys.exit(f"libtorch: {message}\n  hint: {hint}")


def note(message):
    print(f"libtorch: {message}", file=sys.stderr, flush=True)


def cache_folder():
    base = os.environ.get("SEQPROBE_CACHE_DIR") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache"), "seqprobe")
    return os.path.join(base, f"libtorch-{VERSION}-cpu")


def check_user_libtorch(folder):
    """A folder that the user named must be whole and of the pinned version."""
    if not os.path.isdir(os.path.join(folder, "lib")) or not os.path.isdir(os.path.join(folder, "include")):
        fail(f"LIBTORCH={folder} has no lib and include folder", "point LIBTORCH at an unpacked libtorch, or unset it")
    version_file = os.path.join(folder, "build-version")
    found = open(version_file).read().strip() if os.path.exists(version_file) else "unknown"
    if found.split("+")[0] != VERSION:
        fail(f"LIBTORCH={folder} is version {found}, expected {VERSION}",
             f"use libtorch {VERSION}, or unset LIBTORCH to have it downloaded")


def find_url(name, version, filename, digest):
    """Ask the package index for the address of the one file whose digest is in the table."""
    index = os.environ.get("PIP_INDEX_URL") or os.environ.get("SEQPROBE_PYPI_INDEX") or "https://pypi.org/simple"
    request = urllib.request.Request(
        f"{index.rstrip('/')}/{name}/",
        headers={"Accept": "application/vnd.pypi.simple.v1+json, text/html;q=0.5"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        body = reply.read()
        base = reply.geturl()
        if "json" in reply.headers.get("Content-Type", ""):
            for entry in json.loads(body)["files"]:
                if entry["filename"] == filename:
                    return urllib.request.urljoin(base, entry["url"]) if hasattr(urllib.request, "urljoin") \
                        else __import__("urllib.parse", fromlist=["urljoin"]).urljoin(base, entry["url"])
        else:
            for link in re.findall(r'href="([^"]+)"', body.decode("utf-8", "replace")):
                if filename in link:
                    return __import__("urllib.parse", fromlist=["urljoin"]).urljoin(base, link.split("#")[0])
    fail(f"{name} {version} has no file {filename} on {index}",
         "set LIBTORCH to a libtorch 2.11.0 folder that you downloaded yourself")
