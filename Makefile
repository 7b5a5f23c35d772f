# OpenTrail: every target sets up what it needs; nothing is expected but Python 3.11.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: run test check bench docs lock clean

run: $(VENV)/.run
	@exec $(BIN)/opentrail serve

test: check $(VENV)-audit/.ready
	$(BIN)/python -m pytest -m "contract and not alone" -n 3 --dist loadfile --no-loadscope-reorder
	$(BIN)/python -m pytest -m alone

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -m "not contract" -n 2

bench: $(VENV)/.dev $(VENV)-bench/.peers
	$(BIN)/python benchmarks/run.py $(NAMES)

$(VENV)-bench/.peers: requirements/bench.lock
	@command -v wrk >/dev/null && test -x /usr/sbin/nginx || (apt-get update -qq && apt-get install -y -qq wrk nginx-light)
	$(PYTHON) -m venv $(VENV)-bench
	$(VENV)-bench/bin/pip install -q --require-hashes -r requirements/bench.lock
	@touch $@

docs: $(VENV)/.dev
	$(BIN)/python tools/make_reference.py
	$(BIN)/python tools/make_decoding_page.py

lock:
	$(PYTHON) -m venv $(VENV)-lock && $(VENV)-lock/bin/pip -q install uv
	cd requirements && for f in run dev bench mcp prowler; do \
	  ../$(VENV)-lock/bin/uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-annotate --no-header $$f.in -o $$f.lock || exit 1; done
	$(PYTHON) tools/keep_packages.py requirements/prowler.lock requirements/prowler.keep

$(VENV)/bin/python:
	@$(PYTHON) -m venv $(VENV) || (apt-get update -qq && apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV))

$(VENV)/.run: requirements/run.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install -q --require-hashes -r requirements/run.lock
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.lock tests/contract/node/package-lock.json $(VENV)/.run
	$(BIN)/pip install -q --require-hashes -r requirements/dev.lock
	$(BIN)/python tools/fetch_vectors.py $(VENV)/protocol-cases
	@(command -v strace && command -v openssl && command -v ps) >/dev/null || (apt-get update -qq && apt-get install -y -qq strace openssl procps)
	cd tests/contract/node && npm ci --silent
	@touch $@

# Two tools of auditors, each with the versions that it wants.
$(VENV)-audit/.ready: requirements/prowler.lock requirements/mcp.lock
	$(PYTHON) -m venv $(VENV)-audit/prowler
	$(VENV)-audit/prowler/bin/pip install -q --no-deps --require-hashes -r requirements/prowler.lock
	$(PYTHON) -m venv $(VENV)-audit/mcp
	$(VENV)-audit/mcp/bin/pip install -q --no-deps --require-hashes -r requirements/mcp.lock
	@touch $@

clean:
	rm -rf $(VENV) $(VENV)-lock $(VENV)-bench $(VENV)-audit
