#!/usr/bin/env python3
"""Prepare libtorch (CPU) once per user and tell cargo where it is.

Needs Python 3.8 or newer and nothing beyond its standard library. In order:

1. LIBTORCH is set: check that it is whole and of the pinned version. Cargo reads it from the
   environment; `.cargo/config.toml` is left as it is, and its `[env]` never overrides LIBTORCH.
2. The cache folder holds a complete copy: use it.
3. Otherwise download the wheels that `wheels.json` names from the Python package index, check
   their SHA-256, unpack the libraries and headers that linking needs, and rename the finished
   folder into place.

For 2 and 3 it writes `LIBTORCH` into `.cargo/config.toml` (git-ignored), so that plain cargo
commands work in any shell. It never removes a folder that it did not make, and installs nothing.
Any failure is one line that says what happened and one that says what to do; exit code 1.

The official CPU zip of libtorch is not tried: no digest of it is published that we could hold it
against, and every download here is checked. The wheels are the CUDA build; the parts unpacked
from them load and run without CUDA.

Environment: SEQPROBE_CACHE_DIR, else XDG_CACHE_HOME/seqprobe, else ~/.cache/seqprobe, is where
it goes; PIP_INDEX_URL, PIP_CERT, SSL_CERT_FILE and the usual proxy variables are honoured.
"""
import argparse
import base64
import contextlib
import hashlib
import html
import http.client
import json
import os
import platform
import re
import shutil
import socket
import ssl
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
MARKER = ".seqprobe-complete"
DEFAULT_INDEX = "https://pypi.org/simple"
ATTEMPTS = 5
CHUNK = 1 << 18
OWN_COPY = "or set LIBTORCH to a libtorch {version} folder that you unpacked yourself"


class Failure(Exception):
    """What went wrong, in one line, and what to do about it."""

    def __init__(self, message, hint):
        super().__init__(message)
        self.hint = hint


def note(message):
    print(f"libtorch: {message}", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description="Prepare libtorch once per user and tell cargo where it is.")
    parser.add_argument("--table", default=os.path.join(HERE, "wheels.json"), help="what to download (for tests)")
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(os.path.dirname(HERE))),
                        help="folder whose .cargo/config.toml is written (for tests)")
    parser.add_argument("--free-bytes", type=int, help="take this as the free disk space (for tests)")
    options = parser.parse_args()
    with open(options.table, encoding="utf-8") as file:
        table = json.load(file)
    try:
        check_tools()
        if os.environ.get("LIBTORCH"):
            check_user_folder(os.environ["LIBTORCH"], table["version"])
            return
        folder = prepare_cached(table, options.free_bytes)
        write_cargo_config(options.root, folder)
        note(f"{table['version']} at {folder}")
    except Failure as failure:
        sys.exit(f"libtorch: {failure}\n  hint: {failure.hint.format(version=table['version'])}")
    except OSError as error:
        sys.exit(f"libtorch: {error.filename or cache_folder()}: {error.strerror or error}\n  hint: check the rights "
                 "and the free space of that folder, or set SEQPROBE_CACHE_DIR to another one")
    except KeyboardInterrupt:
        sys.exit("\nlibtorch: stopped; run the same command again to go on with the download")


# ---- checks ----------------------------------------------------------------------------------


def check_tools():
    """A missing compiler is reported before half a gigabyte is downloaded."""
    compiler = (os.environ.get("CXX") or "c++").split()
    for tool, hint in [(compiler[0], "apt-get install g++"), ("cc", "apt-get install g++"),
                       ("cargo", "install Rust from https://rustup.rs and open a new shell")]:
        if not shutil.which(tool):
            raise Failure(f"{tool} is not on the PATH", hint)
    if os.environ.get("LIBTORCH_USE_PYTORCH"):
        raise Failure("LIBTORCH_USE_PYTORCH is set and would take the place of the prepared libtorch",
                      "unset LIBTORCH_USE_PYTORCH")


def check_user_folder(folder, version):
    """A folder that the user named must hold the pinned version with libraries and headers."""
    hint = f"point LIBTORCH at an unpacked libtorch {version}, or unset it to have one downloaded"
    if not os.path.isabs(folder):
        raise Failure(f"LIBTORCH={folder} is not an absolute path", hint)
    for part in ["lib/libtorch.so", "lib/libtorch_cpu.so", "lib/libc10.so", "include/ATen/ATen.h", "build-version"]:
        if platform.system() != "Linux" and part.endswith(".so"):
            part = "lib"
        if not os.path.exists(os.path.join(folder, part)):
            raise Failure(f"LIBTORCH={folder} has no {part}", hint)
    found = read_version(folder)
    if found != version:
        raise Failure(f"LIBTORCH={folder} is version {found}, expected {version}", hint)
    note(f"{version} at {folder} (from LIBTORCH)")


def read_version(folder):
    with open(os.path.join(folder, "build-version"), encoding="utf-8") as file:
        return file.read().strip().split("+")[0]


def check_platform():
    """The wheels are for 64-bit x86 Linux with glibc 2.28 or newer."""
    found = f"{platform.system()} {platform.machine()}"
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise Failure(f"there is no prepared libtorch for {found}",
                      "set LIBTORCH to a libtorch {version} folder for this machine")
    library, number = platform.libc_ver()
    if library == "glibc" and tuple(map(int, number.split(".")[:2])) < (2, 28):
        raise Failure(f"glibc {number} is too old, 2.28 is needed", "use a newer system or a container")


# ---- the cached copy -------------------------------------------------------------------------


def cache_folder():
    cache = os.environ.get("SEQPROBE_CACHE_DIR")
    if not cache:
        cache = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "seqprobe")
    return os.path.abspath(cache)


def prepare_cached(table, free_bytes):
    """Returns the folder of a complete libtorch, made now if it is not there."""
    cache = cache_folder()
    folder = os.path.join(cache, f"libtorch-{table['version']}-cpu")
    if not is_complete(folder, table):
        check_platform()
        os.makedirs(cache, exist_ok=True)
        with only_one(folder + ".lock") as alone:
            if not is_complete(folder, table):
                make(folder, table, alone, free_bytes)
    return folder


def is_complete(folder, table):
    """Whether the folder can be used: false when absent, a failure when it is there but damaged."""
    if not os.path.lexists(folder):
        return False
    missing = [part for part, size in table["complete"].items()
               if not os.path.isfile(os.path.join(folder, part))
               or os.path.getsize(os.path.join(folder, part)) != size]
    if not os.path.exists(os.path.join(folder, "lib/libtorch.so")):
        missing.append("lib/libtorch.so")
    if not os.path.exists(os.path.join(folder, "build-version")) or read_version(folder) != table["version"]:
        missing.append("build-version")
    if missing:
        raise Failure(f"{folder} is damaged: {missing[0]} is missing or of the wrong size",
                      "remove that folder and run the same command again")
    marker = os.path.join(folder, MARKER)
    if not os.path.exists(marker):
        # Somebody's own copy, sizes right: adopt it. Where we may not write, it is checked each time.
        with contextlib.suppress(PermissionError):
            write_text(marker, "not made by prepare.py; file sizes checked, digests not\n")
    return True


@contextlib.contextmanager
def only_one(path):
    """Waits until no other process prepares the same folder; yields whether that is certain."""
    import fcntl  # Linux only, as is everything past check_platform
    with open(path, "w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note("another process is preparing it; waiting")
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            note(f"this file system has no locks ({error.strerror}); going on without")
            yield False
            return
        yield True


def make(folder, table, alone, free_bytes):
    """Downloads, checks, unpacks, and renames the finished folder into place."""
    cache = os.path.dirname(folder)
    # Without a lock each process downloads into a folder of its own.
    downloads = os.path.join(cache, "downloads" if alone else f"downloads-{os.getpid()}")
    os.makedirs(downloads, exist_ok=True)
    if alone:
        for name in os.listdir(cache):
            if name.startswith(".unpacking-"):  # left by a killed run of ours
                shutil.rmtree(os.path.join(cache, name))
    check_space(cache, downloads, table, free_bytes)
    unpacking = tempfile.mkdtemp(prefix=".unpacking-", dir=cache)
    try:
        for wheel in table["wheels"]:
            path = download(wheel, downloads)
            unpack(path, wheel["members"], unpacking)
            os.remove(path)
        os.symlink("libtorch_cpu.so", os.path.join(unpacking, "lib/libtorch.so"))
        write_text(os.path.join(unpacking, "build-version"), table["version"] + "\n")
        write_text(os.path.join(unpacking, MARKER),
                   "".join(f"{wheel['sha256']}  {wheel['file']}\n" for wheel in table["wheels"]))
        os.chmod(unpacking, 0o755)
        try:
            os.rename(unpacking, folder)
        except OSError:
            if not is_complete(folder, table):  # else another process was faster, with the same content
                raise
        is_complete(folder, table)
    finally:
        shutil.rmtree(unpacking, ignore_errors=True)
        with contextlib.suppress(OSError):  # kept while it holds a partial download
            os.rmdir(downloads)


def check_space(cache, downloads, table, free_bytes):
    there = sum(os.path.getsize(os.path.join(downloads, name)) for name in os.listdir(downloads))
    needed = sum(wheel["bytes"] for wheel in table["wheels"]) - there + table["unpacked_bytes"]
    free = shutil.disk_usage(cache).free if free_bytes is None else free_bytes
    if free < needed:
        raise Failure(f"{cache} has {free / 1e9:.2f} GB free, {needed / 1e9:.2f} GB are needed",
                      "free space, or set SEQPROBE_CACHE_DIR to a folder on another disk")


def unpack(path, members, folder):
    """Writes the wanted members of a checked wheel; a name that ends in / means a whole folder."""
    found = set()
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            for prefix, target in members.items():
                inside = prefix.endswith("/") and entry.filename.startswith(prefix)
                if entry.is_dir() or not (inside or entry.filename == prefix):
                    continue
                found.add(prefix)
                output = os.path.join(folder, target + entry.filename[len(prefix):])
                os.makedirs(os.path.dirname(output), exist_ok=True)
                with archive.open(entry) as source, open(output, "wb") as file:
                    shutil.copyfileobj(source, file, 1 << 20)
    if found != set(members):
        raise Failure(f"{os.path.basename(path)} lacks {sorted(set(members) - found)[0]}",
                      "this is a fault of the table wheels.json; please report it")


# ---- the network -----------------------------------------------------------------------------


def download(wheel, downloads):
    """Returns the path of the checked wheel; goes on where an earlier download stopped."""
    path = os.path.join(downloads, wheel["file"])
    part = path + ".part"
    if not os.path.exists(path):
        address = find_address(wheel)
        for attempt in range(ATTEMPTS):
            try:
                fetch(address, part, wheel)
                break
            except (OSError, http.client.HTTPException) as error:
                if getattr(error, "code", None) == 416:
                    os.remove(part)  # the server's file is shorter than our part of it: start over
                elif not worth_retrying(error):
                    raise network_failure(f"download of {wheel['file']}", error)
                if attempt + 1 == ATTEMPTS:
                    raise network_failure(f"download of {wheel['file']}", error)
                note(f"{explain(error)}; trying again")
                time.sleep(2 ** attempt)
        os.replace(part, path)
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    if digest.hexdigest() != wheel["sha256"]:
        os.remove(path)
        raise Failure(f"{wheel['file']} has SHA-256 {digest.hexdigest()}, expected {wheel['sha256']}",
                      "it was removed; run the same command again, and if this repeats do not trust that index, "
                      + OWN_COPY)
    return path


def find_address(wheel):
    """Asks the package index (simple API, JSON or HTML) where the file is."""
    index = (os.environ.get("PIP_INDEX_URL") or DEFAULT_INDEX).rstrip("/")
    page = f"{index}/{wheel['project']}/"
    try:
        with open_address(page, {"Accept": "application/vnd.pypi.simple.v1+json, text/html;q=0.5"}) as reply:
            body = reply.read()
            base = reply.geturl()
            kind = reply.headers.get("Content-Type", "")
    except (OSError, http.client.HTTPException) as error:
        raise network_failure(without_password(page), error)
    if "json" in kind:
        try:
            links = [(entry["filename"], entry["url"]) for entry in json.loads(body)["files"]]
        except (ValueError, KeyError, TypeError):
            raise Failure(f"{without_password(page)} did not answer as a package index", "check PIP_INDEX_URL")
    else:
        links = [(name.strip(), html.unescape(link)) for link, name in
                 re.findall(r'<a\b[^>]*?href="([^"]+)"[^>]*>([^<]*)</a>', body.decode("utf-8", "replace"))]
    if urllib.parse.urlsplit(base).hostname == urllib.parse.urlsplit(page).hostname:
        base = page  # keeps the index's user and password for links on the same host
    for name, link in links:
        if name == wheel["file"]:
            return urllib.parse.urljoin(base, link.split("#")[0])
    raise Failure(f"{without_password(page)} does not offer {wheel['file']}",
                  "set PIP_INDEX_URL to an index that does, " + OWN_COPY)


def fetch(address, part, wheel):
    """Appends to the partial file until it has the expected size."""
    have = os.path.getsize(part) if os.path.exists(part) else 0
    if have > wheel["bytes"]:
        have = 0
    if have == wheel["bytes"]:
        return
    with open_address(address, {"Range": f"bytes={have}-"} if have else {}) as reply:
        if reply.status != 206:
            have = 0  # the server sends the whole file
        with open(part, "ab") as file:
            file.truncate(have)
            progress = Progress(wheel["file"], have, wheel["bytes"])
            while have < wheel["bytes"]:
                try:
                    block = reply.read(CHUNK)
                except http.client.IncompleteRead as error:
                    block = error.partial
                if not block:
                    raise ConnectionError(f"the connection ended after {have} of {wheel['bytes']} bytes")
                file.write(block)
                have += len(block)
                progress.show(have)
            file.flush()
            os.fsync(file.fileno())
            progress.finish()


class Progress:
    """One line that is redrawn on a terminal, else one line for every 100 MB."""

    def __init__(self, name, start, total):
        self.name, self.total = name.split("-")[0], total
        self.terminal = sys.stderr.isatty()
        self.start = self.shown = start
        self.began = self.drawn = time.monotonic()
        note(f"downloading {name} ({total / 1e6:.0f} MB)" + (f", going on at {start / 1e6:.0f} MB" if start else ""))

    def show(self, have):
        now = time.monotonic()
        if self.terminal and now - self.drawn > 0.2:
            speed = (have - self.start) / 1e6 / (now - self.began)
            print(f"\r  {self.name}: {have / 1e6:.0f} of {self.total / 1e6:.0f} MB, {speed:.1f} MB/s   ",
                  end="", file=sys.stderr, flush=True)
            self.drawn = now
        elif not self.terminal and have - self.shown >= 100_000_000:
            note(f"{have / 1e6:.0f} of {self.total / 1e6:.0f} MB")
            self.shown = have

    def finish(self):
        if self.terminal:
            print("\r" + " " * 70 + "\r", end="", file=sys.stderr, flush=True)


def open_address(address, headers):
    """Opens an http(s) address; a user and password in it are sent as a header."""
    parts = urllib.parse.urlsplit(address)
    if parts.scheme not in ("http", "https"):
        raise Failure(f"{without_password(address)} is not an http or https address", "check PIP_INDEX_URL")
    request = urllib.request.Request(without_password(address), headers=headers)
    if parts.username:
        pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        request.add_unredirected_header("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())
    return urllib.request.urlopen(request, timeout=60, context=certificates())


def certificates():
    """The system's certificates (SSL_CERT_FILE included) and those that PIP_CERT names."""
    context = ssl.create_default_context()
    extra = os.environ.get("PIP_CERT")
    if extra:
        try:
            context.load_verify_locations(**({"capath": extra} if os.path.isdir(extra) else {"cafile": extra}))
        except OSError as error:
            raise Failure(f"PIP_CERT={extra} cannot be read: {error}", "point it at a PEM file, or unset it")
    return context


def without_password(address):
    parts = urllib.parse.urlsplit(address)
    return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def is_network(error):
    """A full disk or missing rights are also OSErrors, but no fault of the network."""
    return isinstance(error, (ConnectionError, TimeoutError, socket.timeout, ssl.SSLError, urllib.error.URLError,
                              http.client.HTTPException))


def worth_retrying(error):
    if isinstance(error, urllib.error.HTTPError):
        return error.code >= 500 or error.code == 429
    return is_network(error)


def explain(error):
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code} {error.reason}"
    return str(getattr(error, "reason", error)) or type(error).__name__


def network_failure(what, error):
    if not is_network(error):
        return error
    hint = "check the network and proxy, set PIP_INDEX_URL to a mirror, " + OWN_COPY
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        hint = "set PIP_CERT to your organisation's certificate file, " + OWN_COPY
    return Failure(f"{what} failed: {explain(error)}", hint)


# ---- small files -----------------------------------------------------------------------------


def write_text(path, text):
    """Writes through a temporary name, so that a reader never sees half a file."""
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def write_cargo_config(root, folder):
    """Puts one line into .cargo/config.toml and keeps everything else in it."""
    path = os.path.join(root, ".cargo", "config.toml")
    line = f"LIBTORCH = {{ value = {json.dumps(folder)}, relative = false }}"
    text = ""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            text = file.read()
    if re.search(r"(?m)^LIBTORCH\s*=.*$", text):
        changed = re.sub(r"(?m)^LIBTORCH\s*=.*$", lambda _: line, text)
    elif re.search(r"(?m)^\[env\]\s*$", text):
        changed = re.sub(r"(?m)^\[env\]\s*$", lambda _: f"[env]\n{line}\n", text, count=1)
    else:
        changed = text + ("\n" if text else "") + f"[env]\n{line}\n"
    if changed != text:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write_text(path, changed)


if __name__ == "__main__":
    main()
