# make        set up the environment and build what params.yaml asks for, up to the page to listen to
# make setup  the environment alone, in .venv
# make test   style, types and all tests
# make lint   style and types alone
# make cluster       what submits jobs to Slurm, and DVC's remotes by ssh and S3, into .venv as well
# make test-cluster  the tests that need a Slurm and an sshd, which it installs and starts (Debian, root)
# make test-backends the tests on the JAX and PyTorch backends, in an environment of their own: gigabytes
# make rulegraph     draw the graph of the rules in README.md again
# make lock   choose new versions of everything (then commit the lock files)

PYTHON ?= python3
BIN := .venv/bin
UV := build/uv/bin/uv

.PHONY: all setup test lint lock cluster test-cluster test-backends rulegraph
.DEFAULT_GOAL := all

# Scripts of an environment hold its path, so a project that was moved needs a new one.
ifneq ($(wildcard .venv/ready),)
ifneq ($(shell cat .venv/ready),$(CURDIR))
MOVED := .venv
.PHONY: .venv/ready
endif
endif

all: setup
	@$(BIN)/snakemake
	@echo "To listen, open $(CURDIR)/report/index.html in a browser."

setup: .venv/ready

.venv/ready: $(UV) requirements.lock pyproject.toml
	@echo "Setting up .venv: takes a few minutes, once."
	@rm -rf $(MOVED)
	@$(PYTHON) -m venv --without-pip .venv
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@git config merge.dvc-lock.driver "$(BIN)/python workflow/merge_lock.py %O %A %B" 2>/dev/null || true
	@echo '$(CURDIR)' > $@

$(UV): requirements-uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || { \
	  echo "error: Python 3.11, 3.12 or 3.13 is needed, and $(PYTHON) is $$($(PYTHON) --version 2>&1);" \
	    "name another with: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv --clear build/uv
	@build/uv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: \
	  --require-hashes --requirement requirements-uv.lock
	@touch $@

test: lint
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --durations 20 -m 'not cluster and not backends'

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

cluster: .venv/cluster

.venv/cluster: .venv/ready requirements-cluster.lock
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes \
	  --requirement requirements-cluster.lock
	@touch $@

test-cluster: cluster
	@tests/cluster/sshd.sh install
	@tests/cluster/slurm.sh start
	@$(BIN)/pytest -m cluster; status=$$?; tests/cluster/slurm.sh stop; exit $$status

.venv-backends/ready: $(UV) requirements.lock requirements-backends.lock pyproject.toml
	@$(PYTHON) -m venv --without-pip .venv-backends
	@$(UV) pip sync --quiet --python .venv-backends/bin/python --require-hashes \
	  requirements.lock requirements-backends.lock
	@$(UV) pip install --quiet --python .venv-backends/bin/python --no-deps --no-build-isolation \
	  --editable .
	@touch $@

test-backends: .venv-backends/ready
	@.venv-backends/bin/pytest -m backends

rulegraph: setup
	@$(BIN)/python workflow/rulegraph.py

LOCK := pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes \
  --no-annotate --no-header

lock: $(UV)
	@$(UV) $(LOCK) --group dev pyproject.toml --output-file requirements.lock
	@$(UV) $(LOCK) --constraint requirements.lock requirements-cluster.in \
	  --output-file requirements-cluster.lock
	@$(UV) $(LOCK) --constraint requirements.lock requirements-backends.in \
	  --output-file requirements-backends.lock
	@echo uv | $(UV) $(LOCK) - --output-file requirements-uv.lock
