# Two commands do all the set-up: `make demo` runs the shop, `make test` proves it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: topups webhooks demo test quick check docs clients bench bench-short bench-versions bench-sealing screenshots simulate mutants faults readers overload alterations fuzz schemathesis lock

demo: $(VENV)/installed
	$(BIN)/lingdang serve --demo

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest -n 4 --dist worksteal

# The inner loop, under a minute: what needs no database and starts no process.
quick: $(VENV)/installed-dev
	$(BIN)/python -m pytest -q -n 2 -m "not slow and not database" --hypothesis-profile=quick

check: $(VENV)/installed-dev
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports
	$(BIN)/python -m tools.audit

# The documentation as a site, in the folder site; a link that leads nowhere fails it.
docs: $(VENV)/installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

# Clients in TypeScript and Python, generated from the OpenAPI document and compiled. Needs npm and pip.
clients: $(VENV)/installed-dev
	$(BIN)/python -m tools.clients

bench: $(VENV)/installed-dev
	$(BIN)/python -m proof.bench

# About two minutes; fails when a figure is on the wrong side of its floor in proof/bench/floors.toml.
bench-short: $(VENV)/installed-dev
	$(BIN)/python -m proof.bench --short

# This version beside another one: make bench-versions BEFORE=v0.1.0 (docs/performance.md).
bench-versions: $(VENV)/installed-dev
	$(BIN)/python -m proof.bench.versions --before $(BEFORE)

bench-sealing: $(VENV)/installed-dev
	$(BIN)/python -m proof.bench.sealing

SEEDS ?= 0-999
simulate: $(VENV)/installed-dev
	$(BIN)/python -m proof.simulation --seeds $(SEEDS)

mutants: $(VENV)/installed-dev
	$(BIN)/python -m proof.simulation.mutants

# One kind of fault on the real processes, under load: make faults KIND=postmaster COUNT=100 (docs/faults.md).
KIND ?= worker
faults: $(VENV)/installed-dev
	$(BIN)/python -m proof.faults --kind $(KIND) --count $(or $(COUNT),10)

# Readers of the journal beside late and prepared transactions, ended sessions and crashes (docs/faults.md).
readers: $(VENV)/installed-dev
	$(BIN)/python -m proof.faults.readers --seconds $(SECONDS)

# Webhooks under load: receivers that misbehave, workers that are killed, each event in order (docs/webhooks.md).
webhooks: $(VENV)/installed-dev
	$(BIN)/python -m proof.webhooks --seconds $(SECONDS)

# Top-ups at providers' stand-ins: notifications repeated, shuffled and forged, processes killed (docs/faults.md).
topups: $(VENV)/installed-dev
	$(BIN)/python -m proof.topups --seeds $(if $(filter file,$(origin SEEDS)),0-1,$(SEEDS))

# Each kind of overload beside customers who buy, a minute for each (docs/faults.md).
overload: $(VENV)/installed-dev
	$(BIN)/python -m proof.faults.overload

alterations: $(VENV)/installed-dev
	$(BIN)/python -m proof.attacks --count $(or $(COUNT),100000)

SECONDS ?= 600
fuzz: $(VENV)/installed-fuzz
	$(BIN)/python -m proof.fuzz --seconds $(SECONDS) --target all

schemathesis: $(VENV)/installed-dev
	$(BIN)/python -m proof.fuzz.http --seconds $(SECONDS)

screenshots: $(VENV)/installed-dev
	PYTHONPATH=tests $(BIN)/python -m browser.screenshots

# The versions that stand in the lock files stay; UPGRADE=--upgrade takes the newest that pyproject.toml allows. Needs uv.
UV ?= uv
COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --no-annotate --custom-compile-command "make lock" $(UPGRADE)
lock:
	$(COMPILE) pyproject.toml sdk/python/pyproject.toml --output-file requirements.lock
	$(COMPILE) pyproject.toml sdk/python/pyproject.toml --extra dev --extra docs --output-file requirements-dev.lock

$(VENV)/installed: requirements.lock pyproject.toml sdk/python/pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps -e . -e sdk/python
	touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	$(BIN)/pip install --quiet --require-hashes -r requirements-dev.lock
	touch $@

$(VENV)/installed-fuzz: $(VENV)/installed-dev
	$(BIN)/pip install --quiet -e '.[fuzz]'
	touch $@
