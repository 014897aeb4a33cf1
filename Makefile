.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Editable installs in the order of dependence; every one is a package of this repository.
PACKAGES := $(wildcard libs/*/) $(wildcard services/*/) deploy/embedded/

.PHONY: help setup demo test check bench chaos mission learn reference compose lock clean

help: ## Show what can be done
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## Create .venv with everything the project needs

$(VENV)/.ready: requirements-dev.lock requirements.lock pyproject.toml $(wildcard */*/pyproject.toml)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(addprefix -e ,$(PACKAGES))
	@touch $@

demo: setup ## Run four hundred leads through a whole sequence in one process
	$(BIN)/followup demo

# Folders in their order: those whose tests wait for other processes come before the units.
test: setup ## Run the whole test suite
	$(BIN)/python -m pytest -n auto --maxprocesses=4 --dist loadfile --no-loadscope-reorder

check: setup ## Lint, types, import rules, one chain of migrations per owner, weights as learnt
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/typecheck.py
	$(BIN)/lint-imports
	$(BIN)/python tools/migrations.py
	$(BIN)/python tools/learn.py --check

bench: setup ## Measure throughput, latency, cost and scale; PART=full (several: "full lead"), SIZE=0.1
	$(BIN)/python bench/run.py $(PART) --size $(or $(SIZE),1)

chaos: setup ## Injure the distributed deployment under load for FOR seconds, drawn from SEED
	$(BIN)/python tests/faults/chaos/run.py --for $(or $(FOR),600) $(if $(SEED),--seed $(SEED))

mission: setup ## Show which tests carry which row of docs/mission.md
	$(BIN)/python tools/mission.py

learn: setup ## Learn the weights of the reply reader from its sayings
	$(BIN)/python tools/learn.py

reference: setup ## Write the tables of docs/reference and new message schemas from the code
	$(BIN)/python tools/reference.py
	$(BIN)/python tools/schemas.py

compose: ## Prove docker compose up, a lead's way through it, and three dispatchers
	$(PYTHON) tools/compose_check.py

lock: ## Resolve the dependencies anew (versions and hashes only)
	$(PYTHON) tools/lock.py

clean: ## Remove what was made
	rm -rf $(VENV) .followup
