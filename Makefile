# Two commands to know: `make run` opens the example clinic, `make test` runs the checks and the tests.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
AS_OF := 2026-11-23
# The certificates that this machine trusts, a hospital's own among them, where it keeps any.
export UV_SYSTEM_CERTS ?= $(if $(wildcard /etc/ssl/certs/ca-certificates.crt),true,false)
# Programs that start again and again keep their bytecode.
unexport PYTHONDONTWRITEBYTECODE
# Exactly what requirements/ holds, by its hashes; nothing is resolved again (scripts/lock.py).
SYNC = $(BIN)/uv pip sync --quiet --python .venv --require-hashes --build-constraints requirements/build.txt

.PHONY: run test proof packages check docs benchmark mutation fresh outdated clean

# The example clinic's worklist, and then its pages, in an embedded database, at the address that it prints.
run: .venv/run
	$(BIN)/azaward assess examples/clinic --as-of $(AS_OF)
	$(BIN)/azaward serve --demo --port $(PORT)

test: packages .venv/test check
	$(BIN)/python -m pytest -n 2 --dist worksteal
	$(BIN)/python scripts/mutate_knowledge.py --sample 20 --seed 1 --allow 0
	$(BIN)/python benchmarks/alarms.py
	$(BIN)/python benchmarks/assess_one.py
	$(BIN)/python benchmarks/cohort.py --patients 2000
	$(BIN)/python benchmarks/names.py

check: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/azaward knowledge check > /dev/null

docs: .venv/test
	$(BIN)/mkdocs build --strict

benchmark: .venv/test
	$(BIN)/python benchmarks/engines.py
	$(BIN)/python benchmarks/assess_one.py
	$(BIN)/python benchmarks/alarms.py --patients 1000 --seed 7

mutation: .venv/test
	$(BIN)/python scripts/mutate_knowledge.py
	$(BIN)/python scripts/misspell.py

# The proofs that take too long for every change; rewrites docs/proof.md. One of them: make proof ONLY=kills
proof: packages .venv/test
	$(BIN)/python scripts/proof.py $(ONLY)

# Tries the set-up as a newcomer meets it: from a fresh clone, with an empty home and no cache, to an open page.
fresh:
	$(PYTHON) scripts/fresh.py

# Which locked versions have a newer release. For information: it never fails.
outdated: .venv/run
	$(BIN)/python scripts/outdated.py

# What the tests need from Debian: Java for Spark, PostgreSQL for large clinics, a browser for the pages.
packages:
	@sh scripts/install_debian.sh java=default-jre-headless initdb=postgresql chromium=chromium

TESTED = requirements/run.txt requirements/spark.txt requirements/test.txt requirements/docs.txt

# The pages and every command except Spark's. After `make test`, the tools of the tests stay installed.
.venv/run: requirements/run.txt requirements/build.txt pyproject.toml .venv/set-up
	$(SYNC) $(if $(wildcard .venv/test),$(TESTED),requirements/run.txt)
	@$(MAKE) --no-print-directory azaward
	@touch $@

# The same, with Spark and the tools of the tests and the documentation.
.venv/test: $(TESTED) requirements/build.txt pyproject.toml .venv/set-up
	$(SYNC) $(TESTED)
	@$(MAKE) --no-print-directory azaward
	@touch .venv/run $@

# azaward itself, as it stands in src/.
.PHONY: azaward
azaward:
	@$(BIN)/uv pip install --quiet --python .venv --no-deps --build-constraints requirements/build.txt --editable .
	@$(BIN)/python -m compileall -q src

# Touched last, with the folder and the Python that it was made for: what was interrupted, moved, copied or lost its
# Python is made anew.
MADE_FOR = $(CURDIR) $(shell readlink -e $(BIN)/python)
ifneq ($(shell cat .venv/set-up 2> /dev/null),$(MADE_FOR))
.PHONY: .venv/set-up
endif
.venv/set-up: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "azaward needs Python 3.11 or newer; found $$($(PYTHON) --version). Choose another: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2> /dev/null || sh scripts/install_debian.sh =python3-venv
	@$(PYTHON) -m venv --clear .venv
	@echo "Setting up .venv. This usually takes less than a minute; the tools of the tests take longer."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $<
	@echo "$(CURDIR) $$(readlink -e $(BIN)/python)" > $@

clean:
	rm -rf .venv site
