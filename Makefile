# The two commands: `make demo` and `make test`. Everything else: `make help`.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check
export PYTHONDONTWRITEBYTECODE = # where it is set, as in many containers, each program of a test compiles all SDKs anew

.PHONY: help demo test test-all soak fuzz test-real test-operations test-page dashboards check bench bench-quick prices clean

help: ## List what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

$(VENV)/.%: pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "no $(PYTHON): install Python 3.10 or newer, or say PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "$(PYTHON) is older than 3.10: say PYTHON=python3.13, for example"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "cannot make $(VENV): is the venv module of $(PYTHON) installed?"; exit 1; }
	@echo "installing costspan[$*] into $(VENV) …"
	@$(PIP) install --quiet --progress-bar off uv 2>/dev/null && $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -e '.[$*]' 2>/dev/null \
		|| $(PIP) install --quiet --progress-bar off -e '.[$*]' || { echo "the installation failed: is a package index reachable?"; exit 1; }
	@touch $@

demo: $(VENV)/.demo ## Set up, run a sample program against a simulated provider, show what it spent
	@$(BIN)/costspan demo

test: $(VENV)/.test ## Set up and pass the tests
	@$(BIN)/python -m pytest -m "not real and not slow" -n auto --maxprocesses 4

test-all: $(VENV)/.test ## The slow ones too: whole programs, and long sweeps
	@$(BIN)/python -m pytest -n auto --maxprocesses 4

soak: $(VENV)/.test ## Calls for ten minutes (SECONDS=600) while provider, collector and ledger fail; proves that nothing is lost
	@$(BIN)/python tests/soak

fuzz: ## Hunt with atheris, in an environment of its own, for input that breaks a property of tests/fuzz (SECONDS=300)
	@$(MAKE) --no-print-directory VENV=$(VENV)-fuzz $(VENV)-fuzz/.fuzz
	@$(VENV)-fuzz/bin/python tests/fuzz

test-real: $(VENV)/.real ## The ledger's tests on ClickHouse's own engine, with Parquet, and fed by a Node program (1 GB installed)
	@tests/install.sh node=nodejs npm=npm
	@$(BIN)/python -m pytest -m real tests/ledger tests/reports

test-operations: $(VENV)/.operations ## Install a real Prometheus, Alertmanager, VictoriaMetrics and Collector; test all configs on them
	@tests/operations/install.sh
	@$(BIN)/python -m pytest -m real -n 3 --dist loadgroup tests/operations

test-page: $(VENV)/.page ## Install a real Chromium; test the page in it, and make its pictures in build/pages
	@tests/install.sh "chromium=chromium fonts-dejavu-core" chromedriver=chromium-driver
	@$(BIN)/python -m pytest -m real tests/web

dashboards: $(VENV)/.operations ## Make dashboards and alert rules from their tables
	@$(BIN)/python grafana/generate

check: $(VENV)/.dev ## Format, lint, types, known vulnerabilities of what is installed
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/python .ci/audit

bench: $(VENV)/.dev ## Measure everything, beside other tools in environments of their own; writes benchmarks/RESULTS.md (ROWS=1000000)
	@$(BIN)/python benchmarks/results.py --rows $(or $(ROWS),1000000)

bench-quick: $(VENV)/.dev ## Measure a call, its price and its attribution, in under two minutes
	@$(BIN)/python benchmarks/results.py --quick

prices: $(VENV)/.dev ## Build the bundled price list from the newest genai-prices and litellm
	@$(PIP) install --quiet --upgrade --target build/lists genai-prices
	@$(PIP) install --quiet --upgrade --target build/lists --no-deps litellm
	@PYTHONPATH=build/lists $(BIN)/python -m costspan.pricing.lists

clean: ## Remove what was built here
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .hypothesis .coverage*
