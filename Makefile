# What can be done here. `make help` lists it.

DATA ?= .huizhi
FAULTS ?= tests/faults
WORKERS ?= 2
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
DURATION ?= 300
TEST_PACKAGES := spin gcc postgresql gccgo golang-golang-x-mod-dev librabbitmq-dev
.PHONY: help setup run demo test model fault-test chaos cluster-test check bench requirements clean

help: ## List every command with a sentence.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## Make .venv and install what the machine lacks; starts nothing.
	@$(BIN)/python -m services.cli.stack.install

run: setup ## Start everything on this machine, play the demonstration, and stay up until Ctrl-C.
	@$(BIN)/huizhi demo --data $(DATA) --stay

demo: setup ## Start everything, play the demonstration, and stop; succeeds only if the ledger is right.
	@$(BIN)/huizhi demo --data $(DATA)

test: setup ## Run all tests against real servers but those marked long, which fault-test runs, and cluster-test.
	@$(BIN)/python -m services.cli.stack.install $(TEST_PACKAGES)
	@$(BIN)/python -m pytest -m "not long" --numprocesses $(WORKERS) --no-loadscope-reorder $(TESTS)

model: setup ## Check the custody protocol and its controls with Spin, exhaustively within stated bounds.
	@$(BIN)/python -m services.cli.stack.install $(TEST_PACKAGES)
	@tests/model/run.sh

fault-test: setup ## All fault tests, the long ones too: kill, stop and cut off every part at every step, under load.
	@$(BIN)/python -m pytest $(FAULTS)

chaos: setup ## Kill, pause and fill up everything at random under load: make chaos DURATION=300 [SEED=7]; leaves a report.
	@$(BIN)/python -m tests.faults.chaos --duration $(DURATION) $(if $(SEED),--seed $(SEED))

cluster-test: setup ## Kill nodes of a three-node broker and the primary of a database pair, under load.
	@$(BIN)/python -m pytest tests/cluster

check: setup ## Look over the code: ruff, its format, mypy in strict mode, import-linter, documents.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tests.contracts.documents --check

bench: setup ## Measure and hold it against bars: make bench [CASES="capacity latency"] [SETTINGS="HUIZHI_BATCH_SIZE=250"].
	@$(BIN)/python -m services.cli.stack.install $(TEST_PACKAGES)
	@env $(SETTINGS) $(BIN)/python -m tests.bench $(CASES)

requirements: ## Write requirements.txt and requirements-dev.txt anew from the newest versions that pyproject.toml allows.
	@deploy/local/pin-requirements.sh $(PYTHON)

clean: ## Stop the local stack of DATA and remove its data, .venv and all caches.
	@if [ -x $(BIN)/huizhi ] && [ -d $(DATA) ]; then $(BIN)/huizhi down --data $(DATA); fi
	rm -rf $(DATA) $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is written last, so a set-up that was interrupted is done again.
$(INSTALLED): requirements.txt requirements-dev.txt pyproject.toml
	@PYTHON=$(PYTHON) deploy/local/make-venv.sh $(VENV)
	@echo "installing the pinned Python packages"
	@$(PIP) install -r requirements-dev.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
