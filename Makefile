# make fit    the main job: the posterior of the preclinical studies, or of their synthetic twin where data are absent
# make report the whole analysis on one page, reports/preclinical/three-level/index.html; DATASET=clinical or another
# make test   the tests; make test-wide also those of many cases, whole commands and pages; make test-slow all, statistical too
# make lint   style, types, import contracts
# make docs   the documentation as docs/_build/html/index.html; a warning is an error
# make bench  times against other programs; make calibration every model on data from its prior, docs/calibration.md
# make package wheel and sdist, installed and used in an empty environment of every Python at hand
# make guides the commands of docs/guides again, with what they print
# make faults kills, full disks, damaged files and 10,000 malformed tables, docs/reliability.md
# make gallery every kind of picture from a made-up table, docs/gallery.md
# All set up .venv first; nothing else is needed than a Python >= 3.12.

SHELL := /bin/bash
BIN := .venv/bin

.PHONY: fit report test test-wide test-slow lint docs package guides gallery bench calibration faults clean
.DELETE_ON_ERROR:

fit: .venv/ready
	$(BIN)/python scripts/fit.py

report: .venv/ready
	$(BIN)/python scripts/report.py $(if $(DATASET),--dataset $(DATASET))

PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test: .venv/ready
	$(PYTEST) -m "not slow and not wide"

test-wide: .venv/ready
	$(PYTEST)

test-slow: .venv/ready
	$(PYTEST) -m "slow or not slow"

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/ready
	rm -rf docs/_build docs/api/generated
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going docs docs/_build/html

package:
	.ci/package

guides: .venv/ready
	$(BIN)/python docs/guides.py

gallery: .venv/ready
	$(BIN)/python docs/gallery.py

bench: .venv/ready
	$(BIN)/python benchmarks/fit.py
	$(BIN)/python benchmarks/peers.py
	$(BIN)/python benchmarks/commands.py

calibration: .venv/ready
	$(BIN)/python benchmarks/calibration.py

faults: .venv/ready
	$(BIN)/python -m benchmarks.faults

clean:
	rm -rf .venv docs/_build docs/api/generated .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

.venv/ready: pyproject.toml constraints.txt
	@for python in python3.13 python3.14 python3.12 python3 python "$$HOME"/.pyenv/versions/3.1[2-9].*/bin/python; do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then \
	    found="$$python"; break; fi; done; \
	if [ -z "$$found" ]; then \
	  echo "bayesmeta needs Python 3.12 or newer with venv; found: $$(python3 --version 2>&1)." >&2; \
	  echo "Install python3.13 (or 3.12) and python3-venv, or: pyenv install 3.13; then run make again." >&2; exit 2; fi; \
	echo "setting up .venv with $$("$$found" --version)"; \
	"$$found" -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable . --group dev --group docs
	@touch $@
