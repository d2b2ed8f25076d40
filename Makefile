# Two commands matter: `make run` (the night on sample/) and `make test`.
PYTHON ?= python3
BIN := .venv/bin
FOLDERS := expectations sources transforms warehouse simulation reports flows
STAMP := .venv/.setup-done
# uv comes from the lock as well: its pinned line is read here, so there is one source of versions.
UV_PIN := $(shell sed -n 's/^\(uv==[^ ]*\).*/\1/p' requirements.lock)

# A network with an authority of its own has it in the machine's store, which pip reads too.
export UV_SYSTEM_CERTS := true

.PHONY: setup run test fast drills lint types check interop lock dictionary clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(UV_PIN)"
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --offline --editable .
	$(BIN)/python -m compileall -q $(FOLDERS)
	touch $(STAMP)

run: setup
	@$(BIN)/cakupan run --landing sample; status=$$?; if [ $$status -eq 3 ]; then exit 0; else exit $$status; fi

test: setup
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

fast: setup
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder -m "not slow and not exhaustive"

drills: setup
	$(BIN)/python -m pytest -n 1 tests/drills -m "slow or exhaustive"
	$(BIN)/python -m pytest -n 1 tests --ignore tests/drills -m exhaustive

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sqlfluff lint warehouse/marts warehouse/steps warehouse/partials

types: setup
	$(BIN)/pyright

check: lint types

# The contracts against the standard's own command line, the tests' BPS server against the agency's own client, and
# the lake's Delta tables against Daft, each in an environment of its own: not part of `make test`.
interop: setup var/interop/bin/datacontract var/interop-stadata/.setup-done var/interop-daft/.setup-done
	$(BIN)/python -m pytest -n auto tests/interop/lint_contracts.py tests/interop/list_by_stadata.py \
		tests/interop/read_by_daft.py

var/interop/bin/datacontract: tests/interop/requirements.txt
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python var/interop
	$(BIN)/uv pip install --quiet --python var/interop/bin/python -r tests/interop/requirements.txt
	touch $@

var/interop-stadata/.setup-done: tests/interop/requirements-stadata.txt
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python var/interop-stadata
	$(BIN)/uv pip install --quiet --python var/interop-stadata/bin/python -r tests/interop/requirements-stadata.txt
	touch $@

var/interop-daft/.setup-done: tests/interop/requirements-daft.txt
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python var/interop-daft
	$(BIN)/uv pip install --quiet --python var/interop-daft/bin/python -r tests/interop/requirements-daft.txt
	touch $@

lock:
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile pyproject.toml --extra dask --group dev --universal \
		--generate-hashes --no-emit-index-url --no-annotate --python-version 3.11 --quiet -o requirements.lock

dictionary: setup
	$(BIN)/python -m expectations.dictionary

clean:
	rm -rf .venv var
