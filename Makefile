.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Python imports Dagster twice as fast when it may keep compiled files, and nothing reports home.
unexport PYTHONDONTWRITEBYTECODE
export DAGSTER_DISABLE_TELEMETRY := 1
export DO_NOT_TRACK := 1

DEMO := .spotify_pipeline/demo
# More processes than cores, for tests wait for sockets and processes, too.
WORKERS = $(shell $(PYTHON) -c "import os; print(min(4, (os.cpu_count() or 1) + 2))")
# Folders whose tests would be deselected anyway: to import them takes time in each process.
WITHOUT = $(foreach kind,$(1),--ignore-glob='*/$(kind)/*')
PYTEST = $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help demo recount test test-rest test-lowest test-pythons test-all dev check faults machines wipes leaks storm mutants bench lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo "spotify-pipeline needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$($(PYTHON) --version). Set PYTHON=..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
		--requirement <(awk '/^uv==/ {keep=1} /^[a-z]/ && !/^uv==/ {keep=0} keep' requirements.lock)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(READY)

demo: $(READY) ## Mirror five segments of a generated customer table to audiences of a local Spotify
	@$(BIN)/spotify-pipeline demo

recount: $(READY) ## Count the demo's lists again in plain Python and compare them with what the sandbox received
	@$(BIN)/python -m spotify_pipeline_tests.demo.recount --warehouse $(DEMO)/warehouse/warehouse.duckdb \
		--sandbox $(DEMO)/sandbox

dev: $(READY) ## Open the Dagster UI: over the demo's state, or over yours where .env names one
	@$(BIN)/spotify-pipeline dev

test: $(READY) ## Run the tests of every change, unit and integration: minutes, and nothing but Python is needed
	@$(PYTEST) -m "unit or integration" $(call WITHOUT,e2e stress contract)

test-rest: $(READY) ## Run the other tests: browser, PostgreSQL, faults, wipes, leaks, the wheel, all examples of each property
	@ALL_EXAMPLES=1 $(PYTEST) -m "hypothesis or not (unit or integration)"

test-all: test test-rest test-lowest test-pythons ## Run all tests

# Where our code meets its dependencies, in a minute: the rest of the unit tests is about our own rules.
MEETING = $(addprefix spotify_pipeline_tests/,warehouse identity spotify customer_list components settings)
UNIT = -m unit -q $(MEETING) $(call WITHOUT,integration e2e stress contract)

# Into an environment, from a lock: dependencies, and this package as its wheel.
INSTALL = $(BIN)/uv pip install --quiet --python $(1)/bin/python --require-hashes --requirement $(2) \
	&& $(BIN)/python -m hatchling build --target wheel --directory $(1)/wheel > /dev/null \
	&& $(BIN)/uv pip install --quiet --offline --python $(1)/bin/python --no-deps $(1)/wheel/*.whl

test-lowest: $(READY) ## Run unit tests of where libraries are used, with the lowest versions that pyproject.toml allows
	@echo "Unit tests with requirements-lowest.lock ($$($(BIN)/python --version)): $(MEETING)"
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)/lowest
	@$(call INSTALL,$(VENV)/lowest,requirements-lowest.lock)
	@$(VENV)/lowest/bin/python -m pytest -p no:cacheprovider $(UNIT)

test-pythons: $(READY) ## Run the same tests with each other Python that is supported and found here
	@for version in 3.11 3.12 3.13; do \
		test "$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')" != $$version || continue; \
		for python in python$$version $$HOME/.pyenv/versions/$$version.*/bin/python none; do \
			$$python -c '' 2>/dev/null && break; \
		done; \
		test $$python != none || { echo "Python $$version is not here: not tested with it."; continue; }; \
		echo "Unit tests with requirements.lock and $$($$python --version): $(MEETING)"; \
		$(BIN)/uv venv --quiet --clear --python "$$($$python -c 'import sys; print(sys.executable)')" $(VENV)/python$$version \
			&& $(call INSTALL,$(VENV)/python$$version,requirements.lock) \
			&& $(VENV)/python$$version/bin/python -m pytest -p no:cacheprovider $(UNIT) || exit 1; \
	done

check: $(READY) ## Lint, types, import rules, Dagster definitions
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(BIN)/pyright --project spotify_pipeline_tests
	@$(BIN)/lint-imports
	@$(BIN)/dg check defs
	@$(BIN)/dg list defs > /dev/null
	@$(BIN)/dagster definitions validate -w workspace.yaml

faults: $(READY) ## Break uploads, processes, tokens and rates in every way there is, and print what survived
	@$(BIN)/python -m spotify_pipeline_tests.stress.faults

machines: $(READY) ## Kill, stop and double runs of machines that share a database and a bucket, and print what came of it
	@$(BIN)/python -m spotify_pipeline_tests.stress.machines

wipes: $(READY) ## Try to wipe a live audience in a hundred ways, and print what the guards made of it
	@$(BIN)/python -m spotify_pipeline_tests.stress.wipes

leaks: $(READY) ## Plant a thousand canaries, break runs in every way on both stores, and search every byte they left
	@$(BIN)/python -m spotify_pipeline_tests.stress.leaks

storm: $(READY) ## Send a million events while a fifth of the requests fail and the sender is killed
	@$(BIN)/python -m spotify_pipeline_tests.conversions.stress.storm

mutants: $(READY) ## Change the guards' code in every way there is, and count the changes no test notices
	@$(BIN)/python -m spotify_pipeline_tests.mirror.guards.mutation

bench: $(READY) ## Measure speed and memory against named alternatives
	@$(BIN)/python -m benchmarks.identity
	@$(BIN)/python -m benchmarks.customer_list
	@$(BIN)/python -m benchmarks.upload
	@$(BIN)/python -m benchmarks.conversions
	@$(BIN)/python -m benchmarks.erasures

COMPILE = $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-header \
	--no-strip-extras --quiet

lock: $(READY) ## Resolve the dependencies of pyproject.toml again, the highest and the lowest that it allows
	@$(COMPILE) --extra dev --output-file requirements.lock
	@$(COMPILE) --extra test --resolution lowest-direct --output-file requirements-lowest.lock

clean: ## Remove the virtual environment and the demo's state
	@rm -rf $(VENV) $(DEMO)
