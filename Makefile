# `make run` runs the default study, `make test` runs the tests. Both first install what is missing.
#
#   make run                             the default study, config/config.yaml
#   make study CONFIG=config/mnist.yaml  another study
#   make survey CONFIG=…                 build the page of the human study
#   make test PROCESSES=4                the quick tests, with this number of processes
#   make test-slow                       all other tests: the smoke study, kills, merges, Slurm, browser, other folders
#   make test-all                        both; without what is not installed (Slurm, a browser)
#   make test-slurm                      the tests on a real Slurm (installs it if possible)
#   make test-survey                     the tests of the survey page and the report in a real Chromium (installs it if possible)
#   make torture                         kill the smoke study over 50 times, damage its files, fill its disk: over half an hour
#   make check                           formatting, types, workflow lint
#   make bench                           the benchmarks
#   make publish CONFIG=…                copy a finished study to the store (docs/sharing.md)
#   make crate CONFIG=…                  pack a finished study into one file for an archive (docs/sharing.md)
#   make check-crate                     the tests of such a file, with the validator of RO-Crates
#   make restore                         fetch published studies
#   make merge-published                 during a `git merge`: combine what both sides have published
#   make forget                          delete checkpoints of jobs that are no longer running
#   make clean                           wait for runs to end, then delete results, logs and caches

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := run
.PHONY: run study survey survey-packages test test-slow test-all test-slurm test-survey torture check bench forget clean publish \
	restore merge-published crate validator check-crate

PYTHON ?= python3
CORES ?= all
# One process for each core of a small machine.
PROCESSES ?= 2
# Jobs are forked from one warm process. With EXECUTOR=local every job imports its packages anew, which takes longer.
EXECUTOR ?= fooling
# One line for each finished step, with the time left. With LOGGER= Snakemake prints its own output.
LOGGER ?= fooling
SNAKEMAKE := snakemake --executor $(EXECUTOR) $(if $(LOGGER),--logger $(LOGGER))
CONFIG ?=
CONFIGFILE := $(if $(CONFIG),--configfile '$(CONFIG)')

export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Busy-waiting threads are very slow on a shared machine: use one thread per process, and several processes.
export OMP_WAIT_POLICY ?= PASSIVE
export OMP_NUM_THREADS ?= 1

# Install again only if the content of these files has changed.
PINS := $(shell cat pyproject.toml constraints.txt | sha256sum | cut -c 1-16)
INSTALLED := .venv/installed-$(PINS)
INSTALLED_BENCH := .venv/installed-bench-$(PINS)
# Python compiles a module when it is first imported, in a fraction of the time that it takes to compile all at once.
PIP_INSTALL := .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt \
	--editable

# The validator of RO-Crates, in an environment of its own because it needs an older rich.
VALIDATED_WITH := tests/sharing/validator/requirements.txt
INSTALLED_VALIDATOR := .venv/validator/installed-$(shell sha256sum < $(VALIDATED_WITH) | cut -c 1-16)

# The npm packages of the survey page. Nothing else in a study needs them.
PAGE := src/fooling/survey/page
PACKAGES := results/.packages
INSTALLED_PACKAGES := $(PACKAGES)/installed-$(shell cat $(PAGE)/package-lock.json | sha256sum | cut -c 1-16)

# Only one make command at a time may run a study in this folder.
WITH_LOCK := mkdir -p .snakemake; exec 9>> .snakemake/run.lock; \
	flock --nonblock 9 || { echo "Another run is active in this folder: waiting for it."; flock 9; };

# Each running `snakemake` shares this lock, including one that was started by hand (rules/process.py).
WAIT_FOR_SNAKEMAKE := exec 8>> .snakemake/running.lock; \
	flock --nonblock 8 || { echo "A snakemake started by hand is running in this folder: waiting for it."; flock 8; };

# Jobs that are still running after Snakemake was killed hold the locks of their checkpoints.
WAIT_FOR_JOBS := for held in $$(compgen -G 'results/.checkpoints/*/lock'); do flock $$held true || true; done;

$(INSTALLED):
	@echo "Installing PyTorch, Snakemake and the other packages of constraints.txt in .venv: 2 to 5 minutes, 2.4 GB."
	@$(PYTHON) -m venv .venv
	@$(PIP_INSTALL) ".[study,survey,dev]"
	@.venv/bin/python -m fooling.encodings.cppn.compilation
	@touch $@

$(INSTALLED_BENCH): $(INSTALLED)
	@echo "Installing the libraries that the benchmarks compare with in .venv: about a minute."
	@$(PIP_INSTALL) ".[study,survey,dev,bench]"
	@touch $@

$(INSTALLED_PACKAGES):
	@command -v npm > /dev/null || { echo "npm is not installed. The survey page needs it to install jsPsych. \
	Install Node.js with npm (on Debian: apt-get install npm), then type make survey again. \
	Nothing else in the study needs npm." >&2; exit 1; }
	@rm -rf $(PACKAGES) && mkdir -p $(PACKAGES) && cp $(PAGE)/package.json $(PAGE)/package-lock.json $(PACKAGES)
	npm ci --prefix $(PACKAGES) --prefer-offline --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(INSTALLED_VALIDATOR):
	@$(PYTHON) -m venv .venv/validator
	@.venv/validator/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --requirement $(VALIDATED_WITH)
	@touch $@

# A killed Snakemake leaves its locks behind. Delete them only if no other Snakemake is running.
UNLOCK := $(WAIT_FOR_SNAKEMAKE) exec 8>&-; if compgen -G '.snakemake/locks/*' > /dev/null; then \
	$(WAIT_FOR_JOBS) snakemake --unlock $(CONFIGFILE); fi;

# Snakemake ends with a traceback if it cannot read the study file, or cannot create its cache below HOME.
REQUIRE_CONFIG := test -z '$(CONFIG)' || { test -f '$(CONFIG)' && iconv -f UTF-8 '$(CONFIG)'; } > /dev/null 2>&1 || { \
	echo "CONFIG=$(CONFIG) is not a text file. Name a study file: make study CONFIG=config/mnist.yaml" >&2; exit 2; }; \
	mkdir -p "$${XDG_CACHE_HOME:-$${HOME:-}/.cache}" 2> /dev/null || export XDG_CACHE_HOME='$(CURDIR)/.snakemake/cache';

# Without free space for .snakemake, Snakemake ends with tracebacks.
REQUIRE_ROOM := { mkdir -p .snakemake && head -c 1000000 /dev/zero > .snakemake/room; } 2> /dev/null || room=none; \
	rm -f .snakemake/room 2> /dev/null || true; if test "$${room:-}"; then echo "Nothing can be written in .snakemake:\
	the disk is full or read-only. Fix this, then type make run again. Nothing is lost."; exit 1; fi;

run study: $(INSTALLED)
	@$(REQUIRE_CONFIG) $(REQUIRE_ROOM) $(WITH_LOCK) $(UNLOCK) { $(SNAKEMAKE) --cores $(CORES) $(CONFIGFILE) && python -m sharing.records; } \
		|| { status=$$?; $(REQUIRE_ROOM) exit $$status; }

survey-packages: $(INSTALLED_PACKAGES)

survey: $(INSTALLED_PACKAGES) $(INSTALLED)
	@$(REQUIRE_CONFIG) $(REQUIRE_ROOM) $(WITH_LOCK) $(UNLOCK) $(SNAKEMAKE) --cores $(CORES) $(CONFIGFILE) -- survey_build

PYTEST := python -m pytest --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder --durations 15

test: $(INSTALLED)
	$(PYTEST) -m "not slow and not torture"

test-slow: $(INSTALLED)
	$(PYTEST) -m "slow and not torture"

# Both use the same smoke study, made once.
test-all: $(INSTALLED)
	export MADE_ONCE=$$(mktemp -d); trap 'rm -rf "$$MADE_ONCE"' EXIT; \
	$(PYTEST) -m "not slow and not torture"; $(PYTEST) -m "slow and not torture"

torture: $(INSTALLED)
	python -m pytest -m torture tests/torture
	FOOLING_FUZZ=thorough python -m pytest tests/fuzz

test-slurm: $(INSTALLED)
	tests/slurm/install.sh
	REQUIRE_SLURM=1 python -m pytest tests/slurm

test-survey: $(INSTALLED)
	tests/survey/install.sh
	$(MAKE) survey-packages
	REQUIRE_BROWSER=1 python -m pytest tests/survey tests/report/test_browser.py tests/report/test_draft_in_browser.py

validator: $(INSTALLED_VALIDATOR)

check-crate: $(INSTALLED) $(INSTALLED_VALIDATOR)
	REQUIRE_VALIDATOR=1 python -m pytest tests/sharing/test_crate.py

check: $(INSTALLED)
	ruff format --check
	ruff check
	mypy
	snakefmt --check Snakefile rules workflow
	snakemake --lint

bench: $(INSTALLED_BENCH)
	python -m benchmarks

publish restore crate: $(INSTALLED)
	@$(REQUIRE_CONFIG) $(WITH_LOCK) python -m sharing $@ $(CONFIGFILE)

merge-published: $(INSTALLED)
	@$(WITH_LOCK) python -m sharing merge

# A checkpoint is not used again if its settings or code have changed. A running job holds the lock of its checkpoint.
forget:
	@for held in $$(compgen -G 'results/.checkpoints/*/lock'); do \
		folder=$$(dirname $$held); \
		flock --nonblock $$held sh -c "du -sh $$folder && rm -r $$folder" || echo "$$folder is in use by a running job"; \
	done

# Keep the lock files: other processes may be waiting for them.
clean:
	@$(WITH_LOCK) $(WAIT_FOR_SNAKEMAKE) $(WAIT_FOR_JOBS) \
	rm -rf results logs .mypy_cache .pytest_cache .ruff_cache .hypothesis build; \
	find .snakemake -mindepth 1 -maxdepth 1 ! -name '*.lock' -exec rm -rf {} +
