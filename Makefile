PYTHON ?= python3
BIN := .venv/bin
# Two tests at a time: a thread of one that waits must not spin on the other's core.
PYTEST := OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -n 2 --dist loadscope

.PHONY: help setup run test test-all bench lint clean

help: ## What can be made
	@sed -n 's/^\([a-z-]*\):.* ## /  make \1\t/p' Makefile | expand -t 18

setup: .venv/ready ## An environment in .venv, without starting anything

run: .venv/ready ## The page at http://127.0.0.1:7860
	$(BIN)/python app.py

test: .venv/ready-to-test lint ## Checks of style and the tests, on two cores
	$(PYTEST) -m "not slow"

bench: .venv/ready-to-test ## The measurements: hours; goes on where it was interrupted
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python -m benchmarks

test-all: .venv/ready-to-test lint ## The same with the slow proofs: half an hour more
	$(PYTEST)

lint: .venv/ready-to-test ## Style, and which package imports which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

clean: ## Removes the environment and caches
	rm -rf .venv .pytest_cache .ruff_cache

.venv/ready: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 run")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/ready-to-test: .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@
