# The one task file. `make demo` shows the main job, `make test` is everything that CI runs; both install what is missing.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.PHONY: help setup build image demo test check unit suites bench bless fmt deny programs winetests clean

TARGET := x86_64-unknown-linux-gnu
OUT := $(CURDIR)/$(or $(CARGO_TARGET_DIR),target)/$(TARGET)/release
export CARGO_TERM_COLOR ?= auto
# Where setup may have put Rust.
export PATH := $(PATH):$(HOME)/.cargo/bin
# A workspace of its own, which says why.
DISPLAY_CRATE := --manifest-path secmon/display/Cargo.toml --target-dir $(or $(CARGO_TARGET_DIR),target)
# Tests that run the product use these binaries and build nothing themselves.
export PORTCULLIS_BIN := $(OUT)

help: ## lists the tasks
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile

setup: ## installs what is missing: compilers, Wine as the peer, the clients of the programs' registries
	@tests/setup

build: setup ## release build: secmon, portcullis-manage, portcullis-display, portcullis-runtime, portcullis-mkimage, in one folder
	@cargo build --release --locked -p secmon -p portcullis-manage -p libos --bins
	cargo build --release --locked $(DISPLAY_CRATE)
	ln -sf portcullis-manage $(OUT)/portcullis-oci
	echo "built: $(OUT)/secmon"

image: build ## makes the base image, unless it is there and whole
	@$(OUT)/secmon image build

demo: image ## the main job on real input: 7-Zip for Windows packs, tests and unpacks a folder
	@tests/demo

fmt: ## formats the sources
	@cargo fmt --all
	cargo fmt --manifest-path secmon/display/Cargo.toml

check: setup ## formatting, lints, dependencies
	@cargo fmt --all --check
	cargo fmt --manifest-path secmon/display/Cargo.toml --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy --release --all-targets --locked $(DISPLAY_CRATE) -- -D warnings
	if cargo deny --version >/dev/null 2>&1; then
	  cargo deny --offline check bans licenses sources
	  cargo deny --offline --manifest-path secmon/display/Cargo.toml --config deny.toml check bans licenses sources
	else
	  echo "cargo-deny is not installed: skipped (make deny installs and runs it)"
	fi

deny: ## installs cargo-deny into the user's cache folder and runs it, advisories too
	@tools="$${XDG_CACHE_HOME:-$$HOME/.cache}/portcullis/tools"
	[ -x "$$tools/bin/cargo-deny" ] || cargo install --locked --root "$$tools" cargo-deny
	"$$tools/bin/cargo-deny" deny check

test: check image ## everything that CI runs; the last line is the sum
	@{ cargo test --workspace --locked --no-fail-fast -- --test-threads=2; cargo test --release --locked $(DISPLAY_CRATE); } 2>&1 | tests/sum

unit: ## unit tests only
	@cargo test --workspace --locked --lib --bins

suites: image ## the suites under tests/ only
	@cargo test -p portcullis --locked --no-fail-fast -- --test-threads=2 2>&1 | tests/sum

programs: setup ## fetches the real programs that the tests run
	@cargo run --quiet --locked --bin portcullis-programs

winetests: image ## Wine's own conformance tests as a table: all of them, or DLL=ntdll, or DLL=ntdll TEST=sync
	@tests/setup winetests
	cargo run --quiet --locked --bin portcullis-winetests -- $(DLL) $(TEST)

bench: image ## the table of ratios, and the same as JSON under target/
	@cargo bench -p portcullis --locked

bless: ## writes the files that tests compare with: the ABI's listing, the page of calls, the schemas of policy files and of what --raw writes
	@PORTCULLIS_BLESS=1 cargo test --locked -p shim-abi --lib render
	PORTCULLIS_BLESS=1 cargo test --locked -p portcullis-manage --lib repository_has
	PORTCULLIS_BLESS=1 cargo test --locked -p portcullis --test status_page

clean: ## removes what was built; the user's cache folder stays
	@cargo clean
