# The one place that knows how to set up and run things here. `make help` lists what there is.
#
#   PYTHON=python3.12   the Python to make .venv with; found by itself where it is not given
#   SNN=1               with the spiking extra: TensorFlow and NengoDL, Python 3.11 only
#   ARGS='-k photo'     handed to the program a target runs

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
PIP_FLAGS ?= --quiet --disable-pip-version-check

# The first of these that is Python 3.11 or newer and can make a virtual environment (Debian ships that part apart).
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$python; break; }; done)

# The versions that were installed together, for the Python in .venv.
CONSTRAINTS = constraints/$(shell $(BIN)/python -c 'import sys; print("py311" if sys.version_info < (3, 12) else "py312")').txt
INSTALL = $(BIN)/python -m pip install $(PIP_FLAGS) --constraint $(CONSTRAINTS)

# The scripts among the modules of bench/; BENCHES=peers runs one.
BENCHES ?= $(basename $(notdir $(shell grep -l __main__ bench/*.py)))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo serve test check bench snn clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(VENV)/.core  ## make a small catalogue, index it, search it, serve the page
	$(BIN)/vitrine demo $(ARGS)

serve: $(VENV)/.core  ## serve the catalogue in VITRINE_DATA: page and HTTP
	$(BIN)/vitrine serve $(ARGS)

test: $(VENV)/.test $(if $(SNN),snn)  ## run all the tests; with SNN=1 those of the spiking classifier too
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.test  ## lint, formatting, types, and who may import whom
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layout.py

bench: $(VENV)/.bench  ## measure speed, memory and quality, one script of bench/ after the other
	@for name in $(BENCHES); do echo "== bench.$$name" && $(BIN)/python -m bench.$$name || exit 1; done

snn: $(VENV)/.core  ## add the spiking extra to .venv, where its Python is 3.11
	@if $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 12))'; then \
		echo "snn: left out. TensorFlow 2.15 and NengoDL need Python 3.11 and .venv has $$($(BIN)/python -V);" \
			"everything else works. For it: rm -r $(VENV) && make snn PYTHON=python3.11"; \
	else $(INSTALL) --editable '.[snn]'; fi

clean:  ## remove caches and build products; the environment and the data stay
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +

# Each stamp is renewed when what it was installed from has changed, so a second `make` starts at once.
$(VENV)/bin/python:
	@if [ -z '$(PYTHON)' ]; then \
		echo 'Vitrine needs Python 3.11 or newer with its venv module, and found none.' >&2; \
		echo 'On Debian and Ubuntu, as root: apt-get install python3 python3-venv (or python3.11-venv);' >&2; \
		echo 'elsewhere install Python 3.11, 3.12 or 3.13. Then: make PYTHON=/path/to/python3' >&2; exit 1; fi
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: pyproject.toml $(wildcard constraints/*.txt) | $(VENV)/bin/python
	@echo 'Installing Vitrine into $(VENV) ($(CONSTRAINTS)). The first time this takes some minutes: torch is large.'
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.core
	$(INSTALL) --editable '.[test,clip]'
	@touch $@

$(VENV)/.bench: $(VENV)/.test
	$(INSTALL) --editable '.[test,bench]'
	@touch $@
