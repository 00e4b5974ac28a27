# Two commands for people: `make run` and `make test`. Both do all the set-up they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RIGS := tests/rigs/zwave tests/rigs/zigbee2mqtt tests/rigs/seam_js tests/rigs/seamapi_js tests/rigs/browser
RIG_STAMPS := $(RIGS:%=%/node_modules/.package-lock.json)
MATTER := tests/rigs/matter
CLIENTS := $(wildcard tests/compat/clients/*.txt)
CLIENT_STAMPS := $(CLIENTS:tests/compat/clients/%.txt=tests/compat/envs/%/.stamp)

.PHONY: run test installed check unit acceptance compat compat-envs locks-table simulate mutations crash soak
.PHONY: bench docs rigs mosquitto chromium guides install clean

run: $(VENV)/.run
	@PATH="$(CURDIR)/$(BIN):$$PATH" latchwork serve --demo

test:
	@$(MAKE) --no-print-directory -j4 installed check
	@$(MAKE) --no-print-directory unit acceptance
	@[ ! -f $(MATTER)/.rig/reason ] || \
	  echo "NOT TESTED HERE, the driver on the real Matter stack: $$(cat $(MATTER)/.rig/reason)"

# All that the tests need, to be made side by side.
installed: $(VENV)/.dev rigs chromium guides $(CLIENT_STAMPS)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The stories of faults stand side by side in one file: who is done takes some of them over.
unit: $(VENV)/.dev rigs
	LATCHWORK_SEEDS=500 $(BIN)/pytest -n 2 --dist worksteal -m "not acceptance"

# The tests of a file share what it starts: one process gets it whole.
acceptance: $(VENV)/.dev rigs chromium guides compat-envs
	$(BIN)/pytest -rs -n 5 --dist loadfile -m acceptance

compat: $(VENV)/.dev compat-envs
	$(BIN)/pytest tests/compat

compat-envs: rigs
	@$(MAKE) --no-print-directory -j4 $(CLIENT_STAMPS)

SEEDS ?= 500
FIRST ?= 1
KILLS ?= 200
MINUTES ?= 10

simulate: $(VENV)/.dev
	$(BIN)/python tests/simulation/run.py --seeds $(SEEDS) --first $(FIRST)

mutations: $(VENV)/.dev
	$(BIN)/python tests/simulation/run.py --mutations

crash: $(VENV)/.dev
	LATCHWORK_KILLS=$(KILLS) $(BIN)/pytest -s tests/acceptance/test_crashes.py

soak: $(VENV)/.dev
	$(BIN)/python -m bench.soak --minutes $(MINUTES) $(if $(KEEP),--keep)

# Plays every driver's conformance anew and writes what came of it into docs/locks.md.
locks-table: $(VENV)/.dev rigs
	rm -rf .conformance
	LATCHWORK_CONFORMANCE_RESULTS=$(CURDIR)/.conformance $(BIN)/pytest -n 4 --dist loadfile -k "conformance and not document" tests
	$(BIN)/python -m latchwork.drivers.conformance.table .conformance docs/locks.md

bench: $(VENV)/.dev
	$(BIN)/python -m bench

docs: $(VENV)/.dev
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

rigs: $(RIG_STAMPS) $(MATTER)/.rig/stamp mosquitto

mosquitto:
	@scripts/need mosquitto "The tests on real Zigbee software need the MQTT broker Mosquitto" mosquitto

chromium:
	@scripts/need chromium "The browser tests of the console need Chromium" chromium chromium-browser

# Without them the tests say what was not tested.
guides:
	@scripts/need ruby "The guide in Ruby is tested with Ruby" ruby || true
	@scripts/need php-cli "The guide in PHP is tested with PHP" php || true

install: $(VENV)/.dev rigs

clean:
	rm -rf $(VENV) $(RIGS:%=%/node_modules) $(MATTER)/node_modules $(MATTER)/.rig tests/compat/envs

# What a stamp stands for is installed again when its lock file changes.
$(VENV)/.run: requirements.lock pyproject.toml | $(VENV)/bin/pip
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(VENV)/bin/pip
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@ $(VENV)/.run

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Latchwork needs Python 3.11 or newer; point make at one: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "Python's venv module is missing. On Debian: apt-get install python3-venv"; exit 1; }

%/node_modules/.package-lock.json: %/package-lock.json scripts/need-node
	@scripts/need-node
	cd $* && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(MATTER)/.rig/stamp: $(MATTER)/requirements.lock $(MATTER)/package-lock.json scripts/matter-rig
	@scripts/need-node
	scripts/matter-rig
	@touch $@

# An environment that holds one client of Seam and nothing else.
tests/compat/envs/%/.stamp: tests/compat/clients/%.txt | $(VENV)/.dev
	@$(BIN)/python -m venv --clear --without-pip $(@D)
	@$(BIN)/pip --python $(@D)/bin/python install --quiet --disable-pip-version-check \
	  --require-hashes -r $<
	@touch $@
