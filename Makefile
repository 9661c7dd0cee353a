# Needs Python 3.11 or later and make. Everything else is installed into .venv from the lock files, verified by hash.

VENV := .venv
BIN := $(VENV)/bin
# Additional arguments: make test ARGS="-k ingest", make lock ARGS=--upgrade
ARGS ?=
# Exported as a variable instead of inserted into the recipe, because a name may contain shell syntax.
export ENV ?=
MIGRATE ?=
QUICK ?=
MINUTES ?= 5
SECONDS ?= 60

PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
OFFLINE := echo "The packages could not be installed (see above). This step needs the network, or a package index, \
	once; later starts don't. Set PIP_INDEX_URL if you have an index of your own, and run make again" >&2
UV_COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-emit-index-url --custom-compile-command "make lock" --quiet

# The first Python that is 3.11 or later creates .venv; `make PYTHON=… run` chooses another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$python && break; done)

# squawk does not know that each migration runs in its own transaction (prefer-robust-stmts), nor that the migrator sets
# the timeouts. prefer-bigint-over-int, -smallint: counts per request and per list fit, and arrays should be small.
SQUAWK := $(BIN)/squawk --assume-in-transaction --pg-version 18.0 \
	--exclude prefer-robust-stmts,require-lock-timeout,require-statement-timeout,prefer-bigint-over-int,require-concurrent-index-creation,require-concurrent-index-deletion,prefer-bigint-over-smallint

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: $(VENV)/.runtime ## Run the server (without DATABASE_URL, on an embedded Postgres)
	@$(BIN)/python manage.py run $(ARGS)

.PHONY: demo
demo: $(VENV)/.runtime ## Post sample traces, and 1,375 labeled traces with outcomes
	@$(BIN)/python manage.py demo $(ARGS)

.PHONY: install
install: $(VENV)/.dev ## Install everything into .venv, also Modal's client and the tools of the tests

.PHONY: deploy
deploy: $(VENV)/.dev ## Deploy an environment to Modal (ENV=staging, ENV=production; MIGRATE=1 migrates first)
	@test -n "$$ENV" || { echo "ENV: not set; run make deploy ENV=staging" >&2; exit 1; }
	@$(BIN)/python manage.py deploy $(if $(filter 1,$(MIGRATE)),--migrate) $(ARGS) -- "$$ENV"

.PHONY: test
test: $(VENV)/.dev ## Run the tests (ARGS="-k ingest" selects some)
	@$(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

.PHONY: bench
bench: $(VENV)/.dev ## Run the benchmarks of docs/PERFORMANCE.md (QUICK=1 takes under a minute)
	@$(BIN)/python -m tests.bench $(if $(QUICK),--quick) $(ARGS)

.PHONY: chaos
chaos: $(VENV)/.dev ## Run clients for MINUTES=5 while everything below them fails, and check that nothing is lost
	@$(BIN)/python -m tests.chaos --minutes $(MINUTES) $(ARGS)

.PHONY: fuzz
fuzz: $(VENV)/.dev ## Fuzz the API and the parsers of request bodies for SECONDS=60
	@$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(ARGS)

.PHONY: screenshots
screenshots: $(VENV)/.dev ## Update the screenshots of docs/VIEWER.md (needs Chromium)
	@$(BIN)/python -m tests.viewer.screenshots $(ARGS)

.PHONY: check
check: $(VENV)/.dev ## Check style, types, layering, queries and migrations
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyrefly check
	$(BIN)/lint-imports
	PYTHONWARNINGS=ignore:resource_tracker $(BIN)/sqlfluff lint --processes 0 sql/queries sql/migrations
	$(SQUAWK) sql/migrations/*.sql

.PHONY: format
format: $(VENV)/.dev ## Format Python and SQL, and apply safe lint fixes
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/sqlfluff fix sql/queries

.PHONY: schema
schema: $(VENV)/.runtime ## Update sql/schema.sql after adding a migration
	$(BIN)/python manage.py schema --of-migrations --output sql/schema.sql

.PHONY: parquet
parquet: $(VENV)/.runtime ## Install what `export --format parquet` needs (170 MB)
	@$(PIP_INSTALL) -r requirements-parquet.lock || { $(OFFLINE); exit 1; }

# One resolution: each further lock file has versions of the first.
.PHONY: lock
lock: $(VENV)/.dev ## Update the lock files after changing pyproject.toml (ARGS=--upgrade for newer versions)
	$(UV_COMPILE) pyproject.toml --group run --output-file requirements.lock $(ARGS)
	$(UV_COMPILE) pyproject.toml --constraints requirements.lock --output-file requirements-container.lock $(ARGS)
	$(UV_COMPILE) --group dev --constraints requirements.lock --output-file requirements-dev.lock $(ARGS)
	$(UV_COMPILE) --group parquet --constraints requirements-dev.lock --output-file requirements-parquet.lock $(ARGS)

.PHONY: clean
clean: ## Remove .venv and the caches, but keep the data in .thunder
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Recreate .venv if its Python is missing, for example after a system upgrade.
ifeq ($(wildcard $(BIN)/python),)
.PHONY: $(VENV)/.runtime
endif

$(VENV)/.runtime: requirements.lock
	@test -n "$(PYTHON)" || { echo "Thunder needs Python 3.11 or later; python3 is $$(python3 -V 2>&1)" >&2; exit 1; }
	@echo "Installing requirements.lock into $(VENV) …" >&2
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) # also if it was interrupted
	@$(PIP_INSTALL) -r requirements.lock || { $(OFFLINE); exit 1; }
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@echo "Installing requirements-dev.lock into $(VENV) …" >&2
	@$(PIP_INSTALL) --no-compile -r requirements-dev.lock || { $(OFFLINE); exit 1; }
	@touch $@
