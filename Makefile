# make run · make test are the two commands; the rest is for those who change the code.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: help run test fuzz faults mutants audit dev lint format bench lock clean

help: ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# The lock names every package, so pip need not resolve (and its resolver takes an extra such as gql[requests] for unpinned).
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "Customer Strata needs Python 3.11, 3.12 or 3.13; $$($(PYTHON) --version) found. Set PYTHON=/path/to/python3.12."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

run: $(STAMP) ## set up and run the main job: land, classify, publish, report
	strata run

# A worker mostly waits for processes that it started, so that two leave two cores a fifth idle; four gain nothing more.
test: $(STAMP) ## set up and run the whole test suite
	pytest -n 3 --dist loadfile --no-loadscope-reorder

fuzz: $(STAMP) ## ten thousand spoiled files and answers, properties with twenty times the examples: 15 minutes
	STRATA_MUTATIONS=10000 pytest -n 2 --dist worksteal tests/unit/test_mutated_input.py
	STRATA_EXAMPLES_TIMES=20 pytest -n 2 --dist worksteal -m hypothesis tests/unit

faults: $(STAMP) ## two hundred kills at random moments, half an hour on two free cores; goes on where it ended
	python tests/faults/make_faults.py data/faults

mutants: $(STAMP) ## 300 small changes of rules and 300 of functions: does a test notice? goes on where it ended
	python tests/mutants/make_mutants.py sql data/mutants
	python tests/mutants/make_mutants.py python data/mutants

dev: $(STAMP) ## Dagster's page on this machine, http://127.0.0.1:3000
	strata dev

lint: $(STAMP) ## ruff, mypy, sqlfluff
	ruff check .
	ruff format --check .
	mypy
	STRATA_WAREHOUSE=:memory: sqlfluff lint dbt_project/models --disable-progress-bar

format: $(STAMP) ## rewrite Python and SQL in the house style
	ruff check --fix .
	ruff format .
	STRATA_WAREHOUSE=:memory: sqlfluff fix dbt_project/models --disable-progress-bar

# Not in the product's environment either: it would bring a second pip. --strict fails where nothing can be asked.
AUDIT_VENV := data/audit/environment
AUDIT_STAMP := $(AUDIT_VENV)/.installed
$(AUDIT_STAMP): .ci/audit.lock
	$(PYTHON) -m venv $(AUDIT_VENV)
	$(AUDIT_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .ci/audit.lock
	@touch $(AUDIT_STAMP)

audit: $(AUDIT_STAMP) ## known vulnerabilities of what requirements.lock names, asked of PyPI (needs a network)
	$(AUDIT_VENV)/bin/pip-audit --strict --disable-pip --require-hashes -r requirements.lock $(OPTIONS)

# What only benchmarks need (plots, peers) stays out of the product's environment and lock.
BENCH_VENV := data/benchmarks/environment
BENCH_STAMP := $(BENCH_VENV)/.installed
SIZE ?= 1m
$(BENCH_STAMP): benchmarks/requirements.lock
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r benchmarks/requirements.lock
	@touch $(BENCH_STAMP)

bench: $(STAMP) $(BENCH_STAMP) ## measured comparisons, such as make bench SIZE="100k 1m" ONLY="landing,days"
	python -m benchmarks $(foreach size,$(SIZE),--size $(size)) --only "$(ONLY)" $(OPTIONS)

lock: $(STAMP) ## write the three locks anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header pyproject.toml --output-file requirements.lock

	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header benchmarks/requirements.in --output-file benchmarks/requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header .ci/audit.in --output-file .ci/audit.lock

clean: ## remove the environment; landed data stays
	rm -rf $(VENV)
