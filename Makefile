# make run    the page at http://127.0.0.1:7860, in an environment of its own
# make test   the tests, under 8 minutes on two cores
# make bench  the measurements, hours on two cores; goes on where it was interrupted
PYTHON ?= python3
BIN := .venv/bin
# Two tests at a time: a thread of one that waits must not spin on the other's core.
PYTEST := OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -n 2 --dist loadscope

.PHONY: setup run test test-all bench lint clean

setup: .venv/ready

run: .venv/ready
	$(BIN)/python app.py

test: .venv/ready-to-test lint
	$(PYTEST) -m "not slow"

bench: .venv/ready-to-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python -m benchmarks

test-all: .venv/ready-to-test lint
	$(PYTEST)

lint: .venv/ready-to-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

clean:
	rm -rf .venv .pytest_cache .ruff_cache

.venv/ready: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 run")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/ready-to-test: .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@
