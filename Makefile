# Each target does its own set-up; options go through ARGS: make loadtest ARGS="--quick".
# twofold's exit code (0 yes, 1 no, 3 cannot tell, …) is in make's last line: make's own is 2.
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
# pytest's code where ARGS leave no test of a part.
NO_TESTS := 5
# Tests start hundreds of processes: Python compiles the code once, not in each of them.
test test-fast: export PYTHONDONTWRITEBYTECODE :=
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-header --only-binary :all:

.DEFAULT_GOAL := help
.PHONY: help loadtest compare gate test test-fast lint docs bench truth reliability lock clean set-up set-up-compose

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

loadtest: set-up-compose ## does throughput double when servers double? (workload cpu)
	$(BIN)/twofold run $(ARGS)

compare: set-up-compose ## which worker model for which workload? (cpu and io)
	$(BIN)/twofold run --workload cpu,io --latency $(ARGS) || test $$? -eq 1 -o $$? -eq 3
	$(BIN)/twofold compare

gate: set-up-compose ## did this change make it slower, or scale worse? (working tree against the merge base)
	$(BIN)/twofold gate $(ARGS)

test: set-up-compose ## all tests; those that need Docker are skipped where there is none
	@$(PYTHON) scripts/set_up.py --parquet --servers --docs
	$(BIN)/python -m scripts.side_by_side -n auto --dist worksteal -m "parallel or not (docker or slow)" $(ARGS) || test $$? -eq $(NO_TESTS)
	$(BIN)/pytest -m "(docker or slow) and not (parallel or campaign)" $(ARGS) || test $$? -eq $(NO_TESTS)

test-fast: set-up ## the tests that need neither Docker nor patience
	$(BIN)/pytest -n auto -m "not docker and not slow" $(ARGS)

lint: set-up ## format, lint and types; scripts, Dockerfiles, workflows and pinned packages
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(PYTHON) scripts/set_up.py --lint
	$(BIN)/python scripts/other_linters.py

docs: set-up ## the documentation as a site, in .cache/docs; a warning is an error
	@$(PYTHON) scripts/set_up.py --docs
	$(BIN)/python scripts/reference_pages.py
	$(BIN)/sphinx-build --quiet --nitpicky --fail-on-warning --keep-going --doctree-dir .cache/doctrees docs .cache/docs

bench: set-up ## is the load generator fast, exact and honest? (into results/bench.json)
	$(BIN)/python scripts/bench.py $(ARGS)

truth: set-up ## is the verdict true? on systems whose truth is known (into results/truth.json)
	$(BIN)/python scripts/truth.py $(ARGS)

reliability: set-up ## does anything get lost, or stay behind? the short form (into results/reliability.json)
	$(BIN)/python -m scripts.reliability $(ARGS)

lock: set-up ## resolve the dependencies anew into requirements/
	$(COMPILE) --upgrade --group generator -o loadtests/generator/requirements.txt
	$(COMPILE) --upgrade pyproject.toml requirements/build.in --group dev --group generator \
		-o requirements/harness.txt
	$(COMPILE) --upgrade app/requirements.in -o app/requirements.txt
	$(COMPILE) --upgrade requirements/parquet.in -o requirements/parquet.txt
	$(COMPILE) --upgrade requirements/servers.in -o requirements/servers.txt
	cp requirements/servers.txt compose/app-servers/requirements.txt
	$(COMPILE) --upgrade --constraint requirements/harness.txt --group docs -o requirements/docs.txt
	$(COMPILE) --upgrade --constraint requirements/harness.txt --group lint -o requirements/lint.txt

clean: ## remove what set-up and the tools made; results stay
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis

set-up:
	@$(PYTHON) scripts/set_up.py

set-up-compose:
	@$(PYTHON) scripts/set_up.py --compose
