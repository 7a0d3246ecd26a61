# Two commands do everything on a machine with Python 3.11, make and git: `make demo` and `make test`.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header --override requirements/overrides.txt
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Each of the many processes that the tests start would compile all it imports: seconds, each time.
unexport PYTHONDONTWRITEBYTECODE

# Two workers, and whole files to each: tests wait about as long as they compute.
SIDE_BY_SIDE = --numprocesses $(or $(WORKERS),2) --dist loadfile --no-loadscope-reorder

.PHONY: help demo serve test isolation check fmt generate openapi proto-baseline lock clean mutation chaos \
	bench-overhead bench-runs bench-auth bench-log bench-turns bench-prepare bench-watchers \
	bench-quality bench-retrieval bench-enhancement bench-ingest

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 20

# Rebuilt whenever a lock or the project's metadata changes; a half-made one is made again.
$(READY): requirements/bootstrap.lock requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if v >= (3, 11) else \
	  f"Obelisk needs Python 3.11 or newer, and {sys.executable} is {v[0]}.{v[1]}: make PYTHON=python3.11 ...")'
	@rm -f $@
	@echo "setting up $(VENV): once, about a gigabyte, a minute or two"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.lock
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## Do the main job on embedded parts and real input
	@obelisk demo

serve: $(READY) ## Serve gRPC and REST until stopped
	@obelisk serve

test: $(READY) ## Run the tests on real Postgres and Valkey
	@pytest -m "not pooler" $(SIDE_BY_SIDE)

isolation: $(READY) ## Try to reach one tenant as another, in every way there is; needs PgBouncer
	@pytest -m pooler
	@PYTHONPATH=tests python -m isolation

mutation: $(READY) ## Change the rules of identity and tenancy, and see which changes a test notices
	@mutmut run
	@mutmut results

check: $(READY) ## Run every gate
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	buf lint
	buf breaking proto --against proto/baseline.binpb
	.ci/check-generated

fmt: $(READY) ## Format the code and the protos
	ruff check --fix --exit-zero .
	ruff format .
	buf format --write proto

generate: $(READY) ## Write src/obelisk/v1 and the OpenAPI document from the protos
	buf generate
	$(MAKE) openapi

openapi: $(READY)
	python -m entrypoints.rest.openapi > $(VENV)/openapi.json
	cat $(VENV)/openapi.json > docs/openapi.json

proto-baseline: $(READY) ## Make today's protos the contract that later ones may not break
	buf build proto --exclude-source-info --output proto/baseline.binpb

lock: $(READY) ## Compile the hashed locks anew
	$(COMPILE) pyproject.toml --output-file requirements/runtime.lock
	$(COMPILE) pyproject.toml --group dev --output-file requirements/dev.lock
	$(COMPILE) pyproject.toml --extra layout --output-file requirements/layout.lock
	$(COMPILE) pyproject.toml --extra ocr --output-file requirements/ocr.lock
	grep -A99 '^uv==' requirements/dev.lock | sed '/^[a-z]/{/^uv==/!Q}' > $(VENV)/bootstrap.lock
	mv $(VENV)/bootstrap.lock requirements/bootstrap.lock

bench-overhead: $(READY) ## What Obelisk adds before the first token, beside the bare model
	@python bench/overhead.py

bench-runs: $(READY) ## Serving runs, up to 256 at a time, beside a bare gRPC server and one of the usual kind
	@python bench/runs.py

bench-auth: $(READY) ## What verifying an access token adds to a request
	@python bench/auth.py

bench-turns: $(READY) ## What a turn costs at the beginning and at the end of a conversation
	@python bench/turns.py

bench-prepare: $(READY) ## What preparing a conversation saves before the first token
	@python bench/prepare.py

bench-log: $(READY) ## Token events a second into the log of one embedded Postgres
	@python bench/log.py

bench-watchers: $(READY) ## A thousand watchers of fifty runs on one server process
	@python bench/watchers.py

bench-quality: $(READY) ## How well the search ranks: DATA=folder of corpus.jsonl, queries.jsonl, qrels.tsv
	@python bench/quality.py $(DATA)

bench-ingest: $(READY) ## Pages and chunks a second by format beside docling, and runs beside 500 documents
	@python bench/ingest.py
	@python bench/ingest_beside.py

bench-enhancement: $(READY) ## What an enhancer that hangs adds before the first token
	@python bench/enhancement.py

bench-retrieval: $(READY) ## A search among up to 50,000 passages, beside the plain design
	@python bench/retrieval.py

chaos: $(READY) ## Break everything while runs are at work: make chaos FAULTS=2000 (100 when not said)
	@python -m bench.chaos --faults $(or $(FAULTS),100)

clean: ## Remove everything that was set up, with the demo's data
	rm -rf $(VENV) .obelisk mutants .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
