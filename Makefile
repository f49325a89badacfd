PYTHON ?= python3
MINUTES ?= 10
BIN := .venv/bin
# Three tests at a time, as those of the page wait much: a thread that waits must not spin.
PYTEST := OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -n 3 --dist loadscope

.PHONY: help setup run test test-all soak audit bench docs lint clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.* ## /  make \1\t/p' Makefile | expand -t 18

setup: .venv/ready ## Create the environment in .venv

run: .venv/ready ## Serve the page at http://127.0.0.1:7860
	$(BIN)/python app.py

test: .venv/ready-to-test lint ## Run lint and the fast tests
	$(PYTEST) -m "not slow"

bench: .venv/ready-to-test ## Run the benchmarks: hours; an interrupted run continues
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python -m benchmarks

test-all: .venv/ready-to-test lint ## Run lint and all tests, with types and shapes checked: long
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[ray]'
	$(PYTEST) --jaxtyping-packages=neural_style,tests.checker

soak: .venv/ready-to-test ## Bad pictures, a crowd, a thousand runs; then random input, MINUTES=10 each
	$(BIN)/python -m tests.soak
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES)

audit: .venv/ready ## Look up known vulnerabilities of the installed versions: needs the network
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[audit]'
	$(BIN)/python -m pip freeze --exclude-editable > .venv/installed.txt
	$(BIN)/pip-audit --strict --no-deps --disable-pip --requirement .venv/installed.txt

lint: .venv/ready-to-test ## Check style, format and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

docs: .venv/ready-to-test ## Regenerate docs/settings.md and the recorded API of the page
	$(BIN)/python -m neural_style.settings.table > docs/settings.md
	$(BIN)/python -m tests.web.snapshot

clean: ## Remove the environment and caches
	rm -rf .venv .pytest_cache .ruff_cache

.venv/ready: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 run")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/ready-to-test: .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@
