# Two commands do everything: `make run` opens the example clinic, `make test` proves the whole.
PYTHON ?= python3
BIN := .venv/bin
AS_OF := 2026-11-23

.PHONY: run test java postgresql chromium check docs benchmark mutation clean

# The example clinic's worklist, and then its pages, in an embedded database, at the address that it prints.
run: .venv/installed
	$(BIN)/azaward assess examples/clinic --as-of $(AS_OF)
	$(BIN)/azaward serve --demo

test: .venv/installed java postgresql chromium check
	$(BIN)/python -m pytest -n 2
	$(BIN)/python scripts/mutate_knowledge.py --sample 20 --seed 1 --allow 0
	$(BIN)/python benchmarks/alarms.py
	$(BIN)/python benchmarks/assess_one.py
	$(BIN)/python benchmarks/cohort.py --patients 2000
	$(BIN)/python benchmarks/names.py

check: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/azaward knowledge check > /dev/null

docs: .venv/installed
	$(BIN)/mkdocs build --strict

benchmark: .venv/installed
	$(BIN)/python benchmarks/engines.py
	$(BIN)/python benchmarks/assess_one.py
	$(BIN)/python benchmarks/alarms.py --patients 1000 --seed 7

mutation: .venv/installed
	$(BIN)/python scripts/mutate_knowledge.py

# Spark runs on Java 17 or newer.
java:
	@command -v java > /dev/null || sh scripts/install_debian.sh default-jre-headless

# The database of a clinic that has grown, and the browser that the pages are tried in.
postgresql:
	@ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 || sh scripts/install_debian.sh postgresql

chromium:
	@command -v chromium > /dev/null || sh scripts/install_debian.sh chromium

# Everything that is needed, at the versions and hashes of the lock file.
.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "azaward needs Python 3.11 or newer; found $$($(PYTHON) --version)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || sh scripts/install_debian.sh python3-venv
	@$(BIN)/python -c 'import sys' 2>/dev/null || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q src
	@touch $@

clean:
	rm -rf .venv site
