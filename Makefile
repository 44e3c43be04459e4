# Everything sets itself up: only make, git and Python 3.11 to 3.13 are needed, and for the tests a JDK and Maven.
PYTHON     ?= python3
VENV       := .venv
BIN        := $(VENV)/bin
PIP        := $(BIN)/python -m pip --disable-pip-version-check
CODE       := schemas pipeline models agents benchmarks tests
UV_VERSION := 0.13.9
UPGRADE    ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint servers bench lock clean

help: ## Show this list
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.runtime ## Simulate a day in a data centre, correlate it, print what came out
	$(BIN)/tocsin demo

test: lint servers ## Lint, then run every test
	$(BIN)/python -m pytest -n 2

lint: $(VENV)/.dev ## Check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict $(CODE)
	$(BIN)/lint-imports

servers: $(VENV)/.dev ## Fetch the real servers that tests start, where they are not there yet
	@$(BIN)/python -m agents.local

bench: $(VENV)/.dev ## Print the figures for speed and quality
	$(BIN)/python -m benchmarks

lock: ## Fix exact versions with hashes in requirements/ (UPGRADE=--upgrade for newer ones)
	@test -x $(VENV)-lock/bin/uv || ($(PYTHON) -m venv $(VENV)-lock && $(VENV)-lock/bin/pip install -q uv==$(UV_VERSION))
	$(call compile,runtime,pyproject.toml)
	$(call compile,build,--group build)
	$(call compile,dev,pyproject.toml --group dev -c requirements/runtime.txt -c requirements/build.txt)

clean: ## Remove the environment and everything that was generated
	rm -rf $(VENV) $(VENV)-lock build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the environment: a stamp says what has been installed ------------------------------------------------------------

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "Tocsin needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is not one: try 'make PYTHON=python3.12 ...'" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.runtime: $(VENV)/.python requirements/runtime.txt requirements/build.txt pyproject.toml
	$(PIP) install --quiet --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

# The development set holds all of the runtime set, so both stamps are set.
$(VENV)/.dev: $(VENV)/.python requirements/dev.txt pyproject.toml
	$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $(VENV)/.runtime $@

# Nothing of the machine gets into the file: no index, no host, no path.
compile = $(VENV)-lock/bin/uv pip compile --quiet $(2) --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(UPGRADE) -o requirements/$(1).txt
