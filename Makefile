# The developers' commands. `make` makes the environment; all others use it.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: env test slow lint types docs quick ci clean

env: $(BIN)/tlx

$(BIN)/tlx: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q -e '.[dev]'
	touch $@

test: env
	$(BIN)/pytest -n 2 -m 'not slow'

slow: env
	$(BIN)/pytest -n 2 -m slow

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: env
	$(BIN)/pyright

docs: env
	$(BIN)/pip install -q -e '.[docs]'
	$(BIN)/python -m sphinx -W --keep-going -q docs docs/_build

quick: env
	$(BIN)/tlx bench quick

ci:
	bash .ci/run

clean:
	rm -rf .venv build docs/_build docs/generated *.egg-info .pytest_cache .ruff_cache .hypothesis
	rm -f tlx/native/*.so
