# Everything that one does here. `make` alone lists it.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
DATA_DIR ?= ./data
# File by file and in the order of tests/conftest.py: by their number of tests, the few long ones would come last.
TOGETHER := --numprocesses 2 --dist loadfile --no-loadscope-reorder

# Trust what the machine trusts, as pip does: behind a company's proxy that is more than uv knows by itself.
export UV_SYSTEM_CERTS := true
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Tests start hundreds of processes, each of which would compile our code anew; `make clean` removes what is written.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install format lint type-check arrows check test coverage test-postgres test-kill test-pythons test-examples bench bench-large docs demo serve lock clean

help:  ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED)  ## Make .venv with the pinned tools and the three packages, editable

$(INSTALLED): requirements.lock pyproject.toml client/pyproject.toml server/pyproject.toml runtime/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 install")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps --only-binary :all: --requirement requirements-uv.lock
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock requirements-uv.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable client --editable server --editable runtime
	@touch $@

format: $(INSTALLED)  ## Lay out the code, and mend what can be mended
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

lint: $(INSTALLED)  ## Check layout and style
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check .

type-check: $(INSTALLED)  ## Check types with mypy --strict and pyright
	$(BIN)/mypy client/src server/src runtime/src tests demo docs benchmarks
	$(BIN)/pyright --pythonpath $(BIN)/python

arrows: $(INSTALLED)  ## Check that imports go one way
	$(BIN)/lint-imports

check: lint type-check arrows  ## All that is checked without running: style, types, arrows, drift
	$(BIN)/python docs/build_reference.py --check

test: $(INSTALLED)  ## Run all tests
	$(BIN)/pytest $(TOGETHER)

coverage: $(INSTALLED)  ## Run all tests and measure what they pass through, which takes half as long again
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(TOGETHER)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --include='client/*' --fail-under=100
	$(BIN)/coverage report --include='server/*' --fail-under=95
	$(BIN)/coverage report --include='runtime/*' --fail-under=95

test-postgres: $(INSTALLED)  ## Run the tests of what is stored on PostgreSQL alone; on your own server with POSTGRES=postgresql://…
	$(BIN)/pytest $(TOGETHER) -m postgres $(if $(POSTGRES),--postgres "$(POSTGRES)") tests/server

test-kill: export KILL_SECONDS ?= 120
test-kill: export KILL_SEEDS ?= 5
test-kill: $(INSTALLED)  ## Kill anything of a hub for KILL_SECONDS (120), with each of KILL_SEEDS (5) seeds
	$(BIN)/pytest -s tests/system/test_kill_anything.py

test-pythons: $(INSTALLED)  ## Run tests of client and runtime on each other Python from 3.10 on that is installed
	$(BIN)/python tests/run_pythons.py

test-examples: $(INSTALLED)  ## Run all examples, also those that install a lot
	$(BIN)/pytest -m "large or not large" tests/examples

bench: $(INSTALLED)  ## Measure us beside the floor and others, in one run, as ratios
	$(BIN)/python -m benchmarks

bench-large: $(INSTALLED)  ## Measure what grows with the catalogue, up to a million models
	$(BIN)/python -m benchmarks --large

docs: $(INSTALLED)  ## Write the reference pages from the docstrings
	$(BIN)/python docs/build_reference.py

demo: $(INSTALLED)  ## Start a hub, fill it with 1,751 real models, and use it
	$(BIN)/python -m demo

serve: $(INSTALLED)  ## Keep a hub running on DATA_DIR (./data)
	$(BIN)/wriftai-server serve --data-dir "$(DATA_DIR)"

lock:  ## Pin all dependencies anew, with hashes
	$(BIN)/uv pip compile --quiet --no-header --universal --python-version 3.11 --generate-hashes --no-emit-package wriftai --no-emit-package wriftai-runtime --no-emit-index-url --upgrade --extra cli client/pyproject.toml server/pyproject.toml --group pyproject.toml:dev --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --no-header --universal --python-version 3.10 --generate-hashes --no-emit-package wriftai-runtime --no-emit-index-url --upgrade --extra cli client/pyproject.toml --group pyproject.toml:client --output-file requirements-client.lock
	echo uv | $(BIN)/uv pip compile --quiet --no-header --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade - --output-file requirements-uv.lock

clean:  ## Remove what was made, but no data
	rm -rf .venv .venv-* .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
