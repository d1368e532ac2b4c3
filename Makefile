# An index of commands: `make help`.
.DEFAULT_GOAL := help
.PHONY: help setup repro smoke summary report test lint unit bench clean

PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# The project's own code comes first, whatever else is installed.
export PYTHONPATH := src

help: ## List the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/\1|\2/' | awk -F'|' '{printf "  make %-9s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## Set up .venv from the lock file

# `make` compares dates: a newer lock file sets up again. The first line refuses Pythons that are too old.
$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "RMS needs Python 3.11 or newer; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# 127 MB that `make repro` does without.
$(VENV)/.ready-to-test: requirements-test.lock $(VENV)/.ready
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-test.lock
	@touch $@

repro: setup ## Run every stage that is not up to date, and print the result
	@dvc repro
	@rms summary
	@echo "The report: reports/report.html"

smoke: setup ## Run the small experiment (half a minute), leaving params.yaml changed until `rms params`
	@rms params experiment=smoke
	@dvc repro

summary: setup ## Print the result table of the last run
	@rms summary

test: lint unit ## Run every check and test

lint: setup
	ruff check .
	ruff format --check .
	mypy
	rms params --check

unit: $(VENV)/.ready-to-test
	pytest

bench: setup ## Run the benchmarks (RMS_TEST_PHOTOS names a folder of photographs)
	@for file in bench/*.py; do echo "== $$file"; python $$file || exit 1; done

clean: ## Remove what the stages wrote and what tests left (not DVC's cache, not .venv)
	rm -rf $(filter-out data/train_corpora/,$(wildcard data/*/)) data/train_corpora/*/ models/judge reports/*/ reports/*.csv reports/spending.json reports/matrix.md reports/report.html .pytest_cache .mypy_cache .ruff_cache .hypothesis
