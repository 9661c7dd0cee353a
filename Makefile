# Needs Python 3.11 or later and make; everything else goes to .venv, by hash from the lock files.

VENV := .venv
BIN := $(VENV)/bin
# Passed on: make test ARGS="-k ingest", make lock ARGS=--upgrade
ARGS ?=
# To the shell as a variable, not as text of the recipe: a branch's name may be anything.
export ENV ?=
MIGRATE ?=
QUICK ?=

PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
UV_COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-emit-index-url --custom-compile-command "make lock" --quiet

# The first of these that is 3.11 or later makes .venv; `make PYTHON=… run` chooses another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$python && break; done)

# squawk knows neither that each migration is a transaction of its own (so nothing is ever half done: prefer-robust-stmts)
# nor that the migrator sets the timeouts. prefer-bigint-over-int: counts per request fit, and rows per token shall be small.
SQUAWK := $(BIN)/squawk --assume-in-transaction --pg-version 18.0 \
	--exclude prefer-robust-stmts,require-lock-timeout,require-statement-timeout,prefer-bigint-over-int,require-concurrent-index-creation,require-concurrent-index-deletion

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: $(VENV)/.runtime ## Serve Thunder here, on an embedded Postgres unless DATABASE_URL names another
	@$(BIN)/python manage.py run $(ARGS)

.PHONY: demo
demo: $(VENV)/.runtime ## Post the sample traces and 200 labelled ones with their outcomes, server running or not
	@$(BIN)/python manage.py demo $(ARGS)

.PHONY: deploy
deploy: $(VENV)/.dev ## Deploy an environment to Modal (ENV=staging, ENV=production; MIGRATE=1 migrates first)
	@test -n "$$ENV" || { echo "which? make deploy ENV=staging" >&2; exit 1; }
	@$(BIN)/python manage.py deploy $(if $(filter 1,$(MIGRATE)),--migrate) $(ARGS) -- "$$ENV"

.PHONY: test
test: $(VENV)/.dev ## Run the tests (ARGS="-k ingest" for some of them)
	@$(BIN)/python -m pytest -n 2 $(ARGS)

.PHONY: bench
bench: $(VENV)/.dev ## Measure each path against the least it could take (QUICK=1 under a minute; docs/PERFORMANCE.md)
	@$(BIN)/python -m tests.bench $(if $(QUICK),--quick) $(ARGS)

.PHONY: screenshots
screenshots: $(VENV)/.dev ## Take the pictures of docs/VIEWER.md anew (needs Chromium)
	@$(BIN)/python -m tests.viewer.screenshots $(ARGS)

.PHONY: check
check: $(VENV)/.dev ## Lint, check format and types, the one-way picture, queries and migrations
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyrefly check
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint sql/queries sql/migrations
	$(SQUAWK) sql/migrations/*.sql

.PHONY: format
format: $(VENV)/.dev ## Put Python and SQL in shape, and mend what can be mended without thinking
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/sqlfluff fix sql/queries

.PHONY: schema
schema: $(VENV)/.runtime ## Write sql/schema.sql anew after adding a migration
	$(BIN)/python manage.py schema --of-migrations --output sql/schema.sql

.PHONY: lock
lock: $(VENV)/.dev ## Write both lock files anew after changing pyproject.toml (ARGS=--upgrade for newer versions)
	$(UV_COMPILE) pyproject.toml --output-file requirements.lock $(ARGS)
	$(UV_COMPILE) --group dev --constraints requirements.lock --output-file requirements-dev.lock $(ARGS)

.PHONY: clean
clean: ## Remove .venv and the caches; the data in .thunder stays
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Made anew where Python itself is gone, after an upgrade of the system for instance.
ifeq ($(wildcard $(BIN)/python),)
.PHONY: $(VENV)/.runtime
endif

$(VENV)/.runtime: requirements.lock
	@test -n "$(PYTHON)" || { echo "Thunder needs Python 3.11 or later; python3 is $$(python3 -V 2>&1)" >&2; exit 1; }
	@echo "Installing what requirements.lock lists into $(VENV) …" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv --clear $(VENV)
	@$(PIP_INSTALL) -r requirements.lock
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@echo "Installing what requirements-dev.lock lists into $(VENV) …" >&2
	@$(PIP_INSTALL) -r requirements-dev.lock
	@touch $@
