# make demo   a seeded practice: web, worker, preview inbox      make run    an empty installation
# make test   every check and test                               make lock   renew the locked requirements
# make scale  what many workers over PostgreSQL need on top       make chaos  200 random kills over 10,000 mails, on both databases
# make bench  the list of measurements; one of them, beside its floor: make bench NAME=newsletter
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.main-ready
SCALE_READY := $(VENV)/.scale-ready
TEST_READY := $(VENV)/.test-ready

# One measurement of bench/; without it, their list.
NAME ?=
# Options of the test run, as in: make test TESTS="--require-pg"
TESTS ?=

.PHONY: help demo run scale test lint types unit chaos bench lock clean

help:
	@grep -E '^# make' Makefile | cut -c3-

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Outreach needs Python 3.11 or newer; $(PYTHON) is older. Name another with: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(READY): requirements/main.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/main.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(SCALE_READY): requirements/scale.txt $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/scale.txt
	@touch $@

$(TEST_READY): requirements/test.txt $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt
	@touch $@

demo: $(READY)
	@exec $(BIN)/outreach demo

run: $(READY)
	@exec $(BIN)/outreach run

scale: $(SCALE_READY)
	@echo "Ready for PostgreSQL. Set DATABASE_URL=postgresql+psycopg://..., run $(BIN)/outreach migrate, then $(BIN)/outreach web and any number of $(BIN)/outreach worker (README, Scaling out)."

test: lint types unit

lint: $(TEST_READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(TEST_READY)
	$(BIN)/mypy

unit: $(TEST_READY)
	$(BIN)/pytest -n auto $(TESTS)

chaos: $(TEST_READY)
	@exec $(BIN)/python -m tests.chaos

bench: $(TEST_READY)
	@exec $(BIN)/python -m bench $(NAME)

lock: | $(BIN)/python
	$(BIN)/python -m pip install --quiet uv
	for name in main scale test; do $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header requirements/$$name.in -o requirements/$$name.txt; done

clean:
	rm -rf $(VENV) build *.egg-info
