# Tartip: `make` lists what there is. A newcomer needs two: `make demo` and `make test`.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
PACKAGES := protos services/shared/kernel services/shared/lawbook services/shared/chassis \
	services/registry services/regimes services/timetracking infra/local infra/keycloak infra/images
READY := $(VENV)/.ready
GENERATED := protos/generated/.ready

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/.locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tartip needs Python 3.11 or newer; this is " + sys.version.split()[0])'
	@echo "installing what requirements.lock names into $(VENV), a minute or two …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(GENERATED): $(VENV)/.locked protos/generate.sh $(shell find protos/tartip -name '*.proto' 2>/dev/null)
	@protos/generate.sh
	@touch $@

$(READY): $(GENERATED) $(PACKAGES:%=%/pyproject.toml)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(PACKAGES:%=-e %)
	@touch $@

setup: $(READY) ## Install everything from the lock, generate code from the protos

protos: $(READY) ## Generate code from the protos, lint them, and compare them with the last commit's
	@cd protos && $(BIN)/buf lint
	@protos/breaking.sh

demo: $(READY) ## A ministry lives a week: turnstiles to explained days (SEED=n, KEEP=1 stays up, REAL=1 on real Kafka and Keycloak)
	@cd e2e_tests && exec $(BIN)/python -m demo $(if $(SEED),--seed $(SEED)) $(if $(KEEP),--keep) $(if $(REAL),--real)

run: $(READY) ## Start the platform on this machine with its embedded parts, until Ctrl-C (CLOCK=instant: stands still there)
	@exec $(BIN)/python -m localstack run $(if $(CLOCK),--clock $(CLOCK))

stack: $(READY) ## The same on real Kafka, Keycloak and PostgreSQL; needs Java and Maven (CLOCK=instant)
	@exec $(BIN)/python -m localstack run --real $(if $(CLOCK),--clock $(CLOCK))

token: $(READY) ## Print a token: make token AS=hr-officer
	@exec $(BIN)/python -m localstack token

# The question stands in the environment, where make puts METHOD, JSON, AS, IN and FOR: no shell reads their quotes again.
ask: $(READY) ## Call an RPC: make ask METHOD=ListStateBodies JSON='{}' [AS=hr-officer] [IN=ru] [FOR=evaluation]; without METHOD it lists them
	@exec $(BIN)/python -m localstack ask

# Operators' commands of timetracking, told where the platform of `make run` or `make demo KEEP=1` is and what its clock says.
parked: $(READY) ## List what waits in the running platform's parking lot (ARGS='--reason malformed')
	@exec $(BIN)/python -m localstack operate parked

redrive: $(READY) ## Send parked records again (ARGS='--reason bug --dry-run')
	@exec $(BIN)/python -m localstack operate redrive

accounts: $(READY) ## Show what became of every record of each device (ARGS='--level')
	@exec $(BIN)/python -m localstack operate accounts

reconcile: $(READY) ## Compute days a second time and compare them (ARGS='--all')
	@exec $(BIN)/python -m localstack operate reconcile

fold: $(READY) ## Check days without the platform: make fold IN=days.json OUT=answer.json
	$(if $(and $(IN),$(OUT)),,$(error make fold takes IN= and OUT=, two files: make fold IN=days.json OUT=answer.json))
	@exec $(BIN)/python -m timetracking fold "$(IN)" "$(OUT)"

# All of them by three side by side, each with servers of its own, file by file in their order: much of what they do is waiting.
SIDE_BY_SIDE := -n 3 --dist loadfile --no-loadscope-reorder

test: $(READY) ## Run all tests (TESTS=path for some)
	@$(BIN)/pytest $(or $(TESTS),$(SIDE_BY_SIDE))

bench: $(READY) ## Measure how fast it is, with its limits: docs/benchmarks.md (ONLY=echo,fold for some, SCALE=0.1 for smaller)
	@exec $(BIN)/python -m e2e_tests.bench --write $(if $(ONLY),--only $(ONLY)) $(if $(SCALE),--scale $(SCALE))

try-benches: $(READY) ## Run the benches that are not among the tests, in their smallest size; nothing is written
	@$(BIN)/pytest e2e_tests/bench/try_benches.py

soak: $(READY) ## Faults at random on the real stack, until the first loss (SEEDS="1 2 3", MINUTES=10 each)
	@exec $(BIN)/python -m e2e_tests.chaos $(SEEDS:%=--seed %) $(if $(MINUTES),--minutes $(MINUTES))

fuzz: $(READY) ## Give every parser what nobody would send, until one breaks (MINUTES=5, SEED=n, ONLY=adms,isapi)
	@exec $(BIN)/python -m e2e_tests.fuzz $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only '$(ONLY)')

lint: $(READY) ## Format check, lint, types, imports, law data
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/yamllint --strict -c services/shared/lawbook/.yamllint.yaml services/shared/lawbook

format: $(READY) ## Format the code
	@$(BIN)/ruff check --fix --quiet || true
	@$(BIN)/ruff format

docs: $(READY) ## Write docs/error-catalogue.md, docs/audit-events.md and docs/data-classes.md anew from the protos, the texts and the code
	@cd e2e_tests && $(BIN)/python -m docs.error_catalogue && $(BIN)/python -m docs.audit_events && $(BIN)/python -m docs.data_classes

images: $(READY) ## Build the services' images without a network and try each (SERVICE=registry for one, BASE=image, REGISTRY=name, SAVE=1, AGAIN=1)
	@exec $(BIN)/python -m images $(SERVICE) $(if $(BASE),--base $(BASE)) $(if $(REGISTRY),--registry $(REGISTRY)) \
		$(if $(SAVE),--save) $(if $(AGAIN),--again)

sbom: $(READY) ## Write build/sbom.json, the bill of what the platform runs on (CycloneDX): versions, hashes, licences
	@exec $(BIN)/python -m images.bill_of_materials

check: lint protos test ## What CI runs: lint, protos, tests

lock: $(READY) ## Resolve requirements.lock anew: versions and hashes, no addresses
	@$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --no-annotate --universal \
		--python-version 3.11 --extra dev pyproject.toml -o requirements.lock

clean: ## Remove what was installed and generated
	@rm -rf $(VENV) protos/generated protos/third_party run build .pytest_cache .mypy_cache .ruff_cache

.PHONY: help setup protos demo run stack token ask parked redrive accounts reconcile fold test bench try-benches soak fuzz lint format docs images sbom check lock clean
