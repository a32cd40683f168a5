# Tartip: `make` lists what there is. A newcomer needs two: `make demo` and `make test`.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
PACKAGES := protos protos/client services/shared/kernel services/shared/lawbook services/shared/chassis \
	services/registry services/regimes services/timetracking infra/local infra/keycloak infra/cluster infra/telemetry infra/images
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
	@$(BIN)/python -m compileall -q $(PACKAGES) e2e_tests # where Python may not write, each start of a process would compile it again
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

# Each by itself, two side by side: much of what they do is waiting, and no time is asserted.
TRIED := e2e_tests/restore/try_drill.py e2e_tests/restore/try_topics_lost.py e2e_tests/bench/try_benches.py e2e_tests/capacity/try_measure.py
try-benches: $(READY) ## Run what is not among the tests in its smallest size: benches, measuring of capacity, the drills; nothing is written
	@$(BIN)/pytest -n 2 --dist loadfile $(TRIED)

soak: $(READY) ## Faults at random on the real stack, until the first loss (SEEDS="1 2 3", MINUTES=10 each)
	@exec $(BIN)/python -m e2e_tests.chaos $(SEEDS:%=--seed %) $(if $(MINUTES),--minutes $(MINUTES))

drill: $(READY) ## Lose the database, or Kafka, under load and bring it back: docs/restore.md (KIND=physical, logical or kafka, SIZE=1000 passages, ROWS=1000000 more)
	@exec $(BIN)/python -m e2e_tests.restore $(if $(KIND),--kind $(KIND)) $(if $(SIZE),--size $(SIZE)) $(if $(ROWS),--rows $(ROWS))

cut-off: $(READY) ## A region without Kafka for hours, and its return (HOURS=6 by the clock, GATES=2 of each protocol, MINUTES=5 in fact)
	@exec $(BIN)/python -m e2e_tests.cutoff $(if $(HOURS),--hours $(HOURS)) $(if $(GATES),--gates $(GATES)) $(if $(MINUTES),--minutes $(MINUTES))

capacity: $(READY) ## Compute what a region and the nation need from what was measured (SERVANTS=90000 REGIONS=20)
	@exec $(BIN)/python -m e2e_tests.capacity $(if $(SERVANTS),--servants $(SERVANTS)) $(if $(REGIONS),--regions $(REGIONS))

measure-capacity: $(READY) ## Measure that anew on a quiet machine, some eight minutes, and write it to docs/capacity.md (FORCE=1 on any)
	@exec $(BIN)/python -m e2e_tests.capacity --measure $(if $(FORCE),--force)

upgrade-test: $(READY) ## Upgrade a region under load, roll it back, upgrade it again: two versions at work (FROM=commit, SECONDS=30 in each state, PEOPLE=40, TURNS=2 without the last)
	@exec $(BIN)/python -m e2e_tests.upgrade $(if $(FROM),--from '$(FROM)') $(if $(SECONDS),--seconds $(SECONDS)) $(if $(PEOPLE),--people $(PEOPLE)) \
		$(if $(TURNS),--turns $(TURNS))

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

client: $(READY) ## Write build/client: wheels of the integrators' client and of the code generated from the protos
	@rm -rf build/client
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir build/client ./protos ./protos/client
	@rm -rf protos/build protos/client/build
	@ls build/client/*.whl

api-docs: $(READY) ## Write build/api: a page of every package of the contract, and tartip.desc, the descriptor set
	@cd e2e_tests && $(BIN)/python -m docs.api_pages

docs: $(READY) ## Write the catalogues in docs anew from the protos, the texts and the code: errors, audit events, data classes, telemetry
	@cd e2e_tests && $(BIN)/python -m docs.error_catalogue && $(BIN)/python -m docs.audit_events && $(BIN)/python -m docs.data_classes && \
		$(BIN)/python -m docs.telemetry_catalogue

dashboards: $(READY) ## Write the dashboards and the rules of the objectives anew into charts/tartip/files
	@exec $(BIN)/python -m telemetry

GO_TOOLS := helm-unittest helm-docs kube-score
build/tools/%: infra/tools/%/go.mod infra/tools/%/go.sum
	@command -v go > /dev/null || { echo "make charts builds $* with Go, and there is none on the PATH: install Go 1.26 or newer" >&2; exit 1; }
	@echo "building $*, once; that may take a minute or two …"
	@cd infra/tools/$* && GOBIN=$(CURDIR)/build/tools go install tool && touch $(CURDIR)/$@

charts: $(READY) $(GO_TOOLS:%=build/tools/%) ## Check the charts: lint, unit tests, what they come to, schemas of three versions of Kubernetes, kube-score
	@$(BIN)/pytest infra/cluster/tests/check_charts.py infra/cluster/tests/test_rendered.py

render: $(READY) build/tools/helm-docs ## Write what is generated in charts/ anew: topics, rendered examples, READMEs
	@$(BIN)/python -m region render
	@build/tools/helm-docs --chart-search-root charts --log-level warning

region: $(READY) ## Start a region's processes here, by the commands and variables of its manifests (VALUES=my-region.yaml)
	$(if $(VALUES),,$(error make region takes the region's values file: make region VALUES=my-region.yaml))
	@exec $(BIN)/python -m region run $(VALUES)

images: $(READY) ## Build the services' images without a network and try each (SERVICE=registry for one, BASE=image, REGISTRY=name, SAVE=1, AGAIN=1)
	@exec $(BIN)/python -m images $(SERVICE) $(if $(BASE),--base $(BASE)) $(if $(REGISTRY),--registry $(REGISTRY)) \
		$(if $(SAVE),--save) $(if $(AGAIN),--again)

sbom: $(READY) ## Write build/sbom.json, the bill of what the platform runs on (CycloneDX): versions, hashes, licences
	@exec $(BIN)/python -m images.bill_of_materials

check: lint protos test ## Lint, protos, tests: the most of what the gate runs (.ci/run)

lock: $(READY) ## Resolve requirements.lock anew: versions and hashes, no addresses
	@$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --no-annotate --universal \
		--python-version 3.11 --extra dev pyproject.toml -o requirements.lock

clean: ## Remove what was installed and generated
	@rm -rf $(VENV) protos/generated protos/third_party run build .pytest_cache .mypy_cache .ruff_cache

.PHONY: help setup protos demo run stack token ask parked redrive accounts reconcile fold test bench try-benches soak fuzz lint format docs charts render region sbom drill dashboards cut-off capacity measure-capacity upgrade-test api-docs client images check lock clean
