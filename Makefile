# Two commands: `make demo` shows the main job on the embedded model, `make test` runs all checks.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_MODEL := qwen2.5-coder-1.5b-instruct-q4_k_m
TEST_MODEL := smollm2-135m-instruct-q4_1

.PHONY: demo test

demo: $(VENV)/.installed-demo
	$(BIN)/opto model pull $(DEMO_MODEL)
	$(BIN)/opto solve examples/problems/bakery.txt --model llamacpp:$(DEMO_MODEL)

test: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	-$(BIN)/opto model pull $(TEST_MODEL)  # without it the tests of local models skip
	$(BIN)/python -m pytest -n auto

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.installed-demo: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[local,ortools]'
	touch $@

$(VENV)/.installed-test: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@
