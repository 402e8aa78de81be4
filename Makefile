# Each target works on a fresh Debian machine with Python 3.11 or newer, and says what is missing if something is.
SHELL := /bin/bash
BIN := .venv/bin

.PHONY: demo test test-quick test-long check docs bench serve wheels vectors lock clean setup setup-development setup-web setup-everything

setup:
	@scripts/setup.sh runtime

setup-development:
	@scripts/setup.sh development

setup-web:
	@scripts/setup.sh runtime web

setup-everything:
	@scripts/setup.sh development web

demo: setup  ## a whole election on the published totals: keys, ballots over HTTP, board, tally, verification, and a caught fraud
	@$(BIN)/retally lab demo $(ARGS)

test: setup-everything  ## every test; tests that need something absent say so
	@scripts/judges.sh
	@$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)
	@if [ -d client/web/node_modules ]; then cd client/web && npm test --silent; \
	 else echo "Node.js is missing: the tests of the web client did not run"; fi
	@if command -v cargo >/dev/null; then cargo test --quiet --locked --manifest-path crypto/native/Cargo.toml \
	 && cargo test --quiet --locked --manifest-path crypto/wasm/Cargo.toml; \
	 else echo "cargo is missing: the Rust unit tests did not run"; fi

test-quick: setup-development  ## before each commit: the files of tests/quick.txt, under two minutes on two quiet cores
	@$(BIN)/python -m pytest -n auto --dist loadfile -k 'not postgresql' $$(grep -v '^#' tests/quick.txt) $(ARGS)

test-long: setup-development  ## by hand, for hours: coverage-guided fuzzing of every reader, SECONDS for each (an hour)
	@scripts/fuzz.sh all $(or $(SECONDS),3600)

check: setup-everything  ## format, lint, types, dependency rule, the documents' form
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m scripts.prose
	@if cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1; then \
	 cargo fmt --check --manifest-path crypto/native/Cargo.toml \
	 && cargo clippy --quiet --locked --all-targets --all-features --manifest-path crypto/native/Cargo.toml -- -D warnings \
	 && cargo fmt --check --manifest-path crypto/wasm/Cargo.toml \
	 && cargo clippy --quiet --locked --all-targets --manifest-path crypto/wasm/Cargo.toml -- -D warnings; \
	 else echo "rustfmt or clippy is missing: the Rust sources were not checked"; fi
	@if [ -d client/web/node_modules ]; then cd client/web && npm run --silent check; \
	 else echo "Node.js is missing: the web client was not checked"; fi

docs:  ## the documentation as pages, in docs/_build/html: guides, specification, decisions, Python packages; with search
	@scripts/setup.sh docs
	@$(BIN)/python -m scripts.documentation docs/_build/html

bench: setup-development  ## measure on this machine; writes benchmarks/figures.json and the tables of docs/performance.md
	@$(BIN)/python -m benchmarks
	@$(BIN)/python -m benchmarks.performance

serve: setup-web  ## server and page with a ready small election, and a finished one
	@if [ -f client/web/dist/bundle.sha256 ]; then $(BIN)/retally lab serve --web client/web/dist $(ARGS); \
	 else $(BIN)/retally lab serve $(ARGS); fi

wheels: setup  ## what is handed out, in dist/: wheels of all distributions, and the reference verifier as one file
	@$(BIN)/python -m scripts.make_wheels dist

vectors: setup-development  ## regenerate docs/spec/vectors
	@$(BIN)/python -m scripts.make_vectors

lock: setup-development  ## compile requirements/*.txt anew: versions and hashes, no addresses
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/runtime.in -o requirements/runtime.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/cluster.in -c requirements/runtime.txt -o requirements/cluster.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/development.in -c requirements/cluster.txt -o requirements/development.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/docs.in -c requirements/development.txt -o requirements/docs.txt

clean:
	rm -rf .venv dist docs/_build crypto/native/target crypto/target client/web/node_modules client/web/dist client/web/dist-* client/web/accelerator
