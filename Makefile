# From a fresh clone to a verdict: `make quickstart`. Needs Rust, Python 3.8 or newer and a C++ compiler. libtorch is
# downloaded once per user, or taken from LIBTORCH. Everything uses the release profile, so nothing is compiled twice.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build
.PHONY: help prepare build quickstart gate check check-light test docs faults fuzz bench calibration mutants fixtures clean

PYTHON ?= python3
CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
PROGRAM := $(TARGET)/release/seqprobe

# An empty LIBTORCH in the environment would hide the one in .cargo/config.toml.
ifeq ($(strip $(LIBTORCH)),)
unexport LIBTORCH
endif

# Cargo chooses the features of shared dependencies by what is asked for. Asking for the whole workspace with one of
# its test programs gives the same choice as `cargo test`, so that build, test and bench share every dependency.
WORKSPACE := --release --locked --workspace
PROGRAM_TARGETS := --bin seqprobe --test repository

# The crates that need no libtorch.
LIGHT_CRATES := $(foreach name,core files stats hub data linear report,$(if $(wildcard crates/seqprobe-$(name)),-p seqprobe-$(name)))
LIGHT := --release --locked $(LIGHT_CRATES)

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

prepare: ## download libtorch once per user and tell cargo where it is
	@$(PYTHON) crates/seqprobe-models/libtorch/prepare.py

build: prepare ## build the program: target/release/seqprobe
	$(CARGO) build $(WORKSPACE) $(PROGRAM_TARGETS)

quickstart: build ## run the small suite; ARGS="--no-cache" and the like are passed on
	$(PROGRAM) run benchmarks/quickstart.toml --out reports/quickstart $(ARGS)

gate: quickstart ## compare the quickstart's scores with the accepted ones
	$(PROGRAM) check reports/quickstart --baseline benchmarks/quickstart.baseline.toml

check: prepare ## formatting, lints, and the rules for documents: links, terms, spelling
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(WORKSPACE) --all-targets -- -D warnings
	$(CARGO) test $(WORKSPACE) --test repository -- --skip prepare_libtorch
	@if command -v typos >/dev/null; then echo typos; typos; else echo "spelling is not checked: pip install typos"; fi

check-light: ## format, lint and test the crates that need no libtorch; nothing is downloaded but crates
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(LIGHT) --all-targets -- -D warnings
	$(CARGO) test $(LIGHT)
	$(CARGO) test --release --locked -p seqprobe-tests --test repository -- --skip prepare_libtorch

test: check ## everything that must pass before a change is accepted, the quick parts first
	$(CARGO) build $(WORKSPACE) $(PROGRAM_TARGETS)
	$(CARGO) test $(WORKSPACE) $(ARGS)
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(WORKSPACE) --no-deps --lib --bins --examples

docs: ## build the book: target/book/index.html; needs mdbook
	@command -v mdbook >/dev/null || { echo "mdbook is missing: cargo install mdbook --version 0.5.4 --locked"; exit 1; }
	mdbook build docs --dest-dir "$(abspath $(TARGET))/book"

faults: build ## kill, damage and starve the cache: 200 times what `make test` does a few times
	SEQPROBE_FAULTS=$(or $(FAULTS),200) $(CARGO) test $(WORKSPACE) --test end_to_end faults:: -- --nocapture

fuzz: prepare ## give damaged FASTA, CSV, compressed files, cards, suites, manifests, shards and tokenizers to their readers, ten minutes each
	$(CARGO) test $(WORKSPACE) --no-run
	SEQPROBE_FUZZ_SECONDS=$(or $(SECONDS_EACH),600) $(CARGO) test $(WORKSPACE) fuzz_ -- --nocapture --test-threads 1

bench: prepare ## time the hot parts; ARGS="-p seqprobe-stats" narrows it
	$(CARGO) bench --locked $(or $(ARGS),--workspace)

mutants: ## mutation tests of the statistics and the gate; takes hours
	@command -v cargo-mutants >/dev/null || \
		{ echo "cargo-mutants is missing: cargo install cargo-mutants --version 27.1.0 --locked"; exit 1; }
	$(CARGO) mutants -p seqprobe-stats --output $(TARGET) -C=--release -C=--locked -C=--lib -C=--test=stats \
		--timeout 120 $(ARGS)
	$(CARGO) mutants -p seqprobe-report -f 'crates/seqprobe-report/src/gate.rs' \
		-f 'crates/seqprobe-report/src/gate/*.rs' --output $(TARGET) -C=--release -C=--locked -C=--lib \
		-C=--test=report --timeout 300 $(ARGS)

calibration: prepare ## measure how often intervals and verdicts are right, on simulated pairs: about half an hour
	$(CARGO) build $(WORKSPACE) --example calibration
	$(TARGET)/release/examples/calibration

fixtures: ## say how the reference values in the tests were made
	@echo "Reference values are committed; tests need no Python or R packages. Each folder of them has the script that"
	@echo "made it, and the first lines of the script name the versions that it needs:"
	@git ls-files '*/generate*.py' | sed 's/^/  python3 /'
	@git ls-files '*/generate*.R' | sed 's/^/  Rscript /'
	@echo "Run one in an environment with those packages and look at the difference before you commit it."

clean: ## remove what was built and the quickstart's report; libtorch and the caches stay
	$(CARGO) clean
	rm -rf reports/quickstart
