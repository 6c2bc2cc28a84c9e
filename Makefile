# One environment in the checkout serves every target. `make help` lists them.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null \
	&& { echo $$p; break; }; done)
UV := $(shell command -v uv 2>/dev/null)
LANG_ ?=
# Browsers and kernels take the processor, other tests wait now and then: side by side each takes what the other leaves.
# What judges labs by the clock runs afterwards: it mostly waits, so there are more workers than processors.
# PARALLEL is for a single run of all.
BUSY ?= -n 3
WAITING ?= -n 2
JUDGED ?= -n 5
PARALLEL ?= -n 4
# A test that fails beside hundreds of others may have lacked the processor: up to three in each of these runs of pytest get a
# second try. The first one stays in the closing lines with its traceback. `make test RERUNS=` gives none, nor does `make proof`.
export RERUNS ?= --reruns 1 --reruns-delay 5 --max-suite-reruns 3 --rerun-show-tracebacks
JUDGING := tests/authoring/proof tests/labs tests/grading/test_same_points.py tests/grading/test_determinism.py
# A run starts hundreds of Pythons. Without compiled modules each would compile the kit, and each worker every test.
unexport PYTHONDONTWRITEBYTECODE
# IPython takes the packages of another environment that is active before those of its own.
unexport VIRTUAL_ENV

.DEFAULT_GOAL := help
.PHONY: help install develop lab test lint busy waiting aside judged installed proof pythons quick coverage build slides site release bench pictures lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

define venv
	@test -n "$(UV)$(PYTHON)" || { echo "WebSocket Lab needs Python 3.11 to 3.14; found none. / Python 3.11-3.14 gerekli, bulunamadı."; exit 1; }
	@test -x $(BIN)/python || $(if $(UV),$(UV) venv --seed --quiet $(if $(PYTHON),--python $(PYTHON)) $(VENV),$(PYTHON) -m venv $(VENV))
endef

# uv where it is present, plain pip where it isn't; the same exact versions by either.
PIP := -m pip install --quiet --disable-pip-version-check
define fetch
	@if [ -n "$(UV)" ] || [ -x $(BIN)/uv ]; then \
		uv="$(or $(UV),$(BIN)/uv)"; \
		"$$uv" pip install --quiet --compile-bytecode --python $(BIN)/python -r $(1) && "$$uv" pip install --quiet --python $(BIN)/python --no-deps -e .; \
	else \
		$(BIN)/python $(PIP) -r $(1) && $(BIN)/python $(PIP) --no-deps -e .; \
	fi
endef

$(VENV)/.lab: requirements.lock pyproject.toml
	$(venv)
	$(call fetch,requirements.lock)
	@touch $@

$(VENV)/.develop: requirements-dev.lock requirements.lock pyproject.toml
	$(venv)
	@test -n "$(UV)" || $(BIN)/python $(PIP) "$$(grep '^uv==' requirements-dev.lock)"
	$(call fetch,requirements-dev.lock)
	@touch $@ $(VENV)/.lab

install: $(VENV)/.lab ## create .venv with what the course needs
develop: $(VENV)/.develop ## create .venv with what the tests need, too

lab: $(VENV)/.lab ## open the course in JupyterLab (make lab LANG_=tr for Turkish)
	$(BIN)/wslab lab $(if $(LANG_),--language $(LANG_))

test: $(VENV)/.develop ## run every test, in a real browser and real kernels too, and what lint looks at
	@failed=0; $(MAKE) --no-print-directory -k -j 3 lint busy aside || failed=1; cat build/waiting.log; \
		$(MAKE) --no-print-directory judged || failed=1; exit $$failed

lint: $(VENV)/.develop ## look at style and types, and whether every edition is what course/ says
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/wslab build --check

busy: $(VENV)/.develop ## run the tests with a browser or a kernel
	$(BIN)/python -m pytest $(BUSY) $(RERUNS) --dist loadscope -m "(browser or notebook) and not proof and not elsewhere and not installed"

waiting: $(VENV)/.develop ## run the tests without, but for those that judge labs
	$(BIN)/python -m pytest $(WAITING) $(RERUNS) --dist loadscope $(JUDGING:%=--ignore=%) \
		-m "not browser and not notebook and not proof and not elsewhere and not installed"

judged: $(VENV)/.develop ## run the tests that judge labs by the clock
	$(BIN)/python -m pytest $(JUDGED) $(RERUNS) --dist loadscope $(JUDGING) -m "not browser and not notebook and not proof"

installed: $(VENV)/.develop ## build the package, install it by uv and pip in empty environments, run the course from it
	$(BIN)/python -m pytest $(RERUNS) -m installed tests/installed

aside: $(VENV)/.develop
	@mkdir -p build && $(MAKE) --no-print-directory waiting >build/waiting.log 2>&1

pythons: $(VENV)/.develop ## serve() and the notebooks on every other Python found here
	.ci/pythons

proof: $(VENV)/.develop ## run every lab's checks on all that is known to be right and wrong, twenty times over
	$(BIN)/python -m pytest -o faulthandler_timeout=0 -m proof

quick: $(VENV)/.develop ## the everyday tests: about 90 seconds, no browser, no kernels
	$(BIN)/python -m ruff check .
	$(BIN)/python -m pytest -q $(PARALLEL) --dist loadscope -m "not slow and not browser and not notebook and not proof and not installed"

# The tests of `make test`, or fewer: make coverage TESTS="tests/serving -m 'not browser'"
TESTS ?= -m "not proof and not elsewhere and not installed"
coverage: $(VENV)/.develop ## report which lines the tests run, in processes that they start too
	@rm -rf build/coverage && mkdir -p build/coverage
	-$(BIN)/python -m coverage run -m pytest -q $(PARALLEL) --dist loadscope $(TESTS)
	@$(BIN)/python -m coverage combine -q
	@$(BIN)/python -m coverage html -q
	$(BIN)/python -m coverage report --skip-covered --sort=miss

build: $(VENV)/.develop ## write notebooks/, labs/, solutions/ and the instructor's guide from course/
	$(BIN)/wslab build
	$(BIN)/wslab schedule --guide

slides: $(VENV)/.develop ## write build/slides: a reveal.js file for each notebook and language
	$(BIN)/wslab slides

site: $(VENV)/.develop ## write build/site: both editions to read in a browser, with search
	$(BIN)/wslab site

release: $(VENV)/.develop ## make a release up to its tag: make release VERSION=0.2.0; a trial: make release DRY=1
	$(BIN)/python .ci/release.py $(VERSION) $(if $(DRY),--dry-run)

bench: $(VENV)/.develop ## measure, keep the figures, compare them with earlier runs; asserts nothing
	@for script in $(filter-out bench/ledger.py,$(wildcard bench/*.py)); do echo "== $$script"; $(BIN)/python $$script || exit 1; done

pictures: $(VENV)/.develop ## render the READMEs' pictures anew from real runs
	$(BIN)/python docs/pictures/render.py

lock: $(VENV)/.develop ## renew the exact versions in requirements*.lock
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-header --no-annotate \
		--extra class --extra processes pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-header --no-annotate \
		--extra dev --extra class --extra processes --extra grading --extra authoring --extra dask -c requirements.lock pyproject.toml -o requirements-dev.lock

clean: ## remove the environment and every cache
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
