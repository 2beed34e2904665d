# Every target works on a fresh machine with Python 3.11+, pip and make; paths may contain spaces.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

PEERS := .venv-peers

.PHONY: demo serve test check lint types contracts golden bench bench-validation bench-transports fuzz peers clean
.DEFAULT_GOAL := demo

$(STAMP): pyproject.toml
	"$(PYTHON)" -m venv "$(VENV)"
	"$(BIN)/python" -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch "$(STAMP)"

demo: $(STAMP)            ## the main job, end to end, on embedded defaults
	"$(BIN)/python" -m edi_server demo

serve: $(STAMP)           ## the daemon on inbox/ and outbox/
	"$(BIN)/python" -m edi_server serve

test: $(STAMP)            ## all tests
	"$(BIN)/python" -m pytest -n 2 --dist worksteal

$(PEERS)/.installed: tests/peers/requirements.txt
	"$(PYTHON)" -m venv "$(PEERS)"
	"$(PEERS)/bin/python" -m pip install --quiet --disable-pip-version-check -r tests/peers/requirements.txt
	@touch "$@"

peers: $(PEERS)/.installed ## another AS2 implementation, in an environment of its own, for tests/rooms/test_as2_peer.py

lint: $(STAMP)
	"$(BIN)/python" -m ruff format --check .
	"$(BIN)/python" -m ruff check .

types: $(STAMP)
	"$(BIN)/python" -m mypy

contracts: $(STAMP)       ## imports only look down
	"$(BIN)/lint-imports"

check: lint types contracts  ## what CI runs
	-@$(MAKE) --no-print-directory peers
	@$(MAKE) --no-print-directory test

golden: $(STAMP)          ## rewrite golden files; review the diff like code
	EDI_SERVER_REWRITE_GOLDEN=1 "$(BIN)/python" -m pytest -n 2 tests/documents

bench: $(STAMP)           ## both benchmarks, speed against peers in an environment of its own; fails if a promise is not kept
	@kept=0; \
	"$(BIN)/python" benchmarks/run.py || kept=1; \
	"$(BIN)/python" benchmarks/validation.py || kept=1; \
	exit $$kept

bench-validation: $(STAMP) ## the second benchmark alone: EDIFACT and X12, six message types
	"$(BIN)/python" benchmarks/validation.py

bench-transports: $(STAMP) ## SFTP and AS2 on loopback: files and messages a second, CPU and memory
	@kept=0; \
	"$(BIN)/python" benchmarks/transports.py || kept=1; \
	"$(BIN)/python" benchmarks/daemon.py || kept=1; \
	exit $$kept

fuzz: $(STAMP)            ## long fuzzing
	"$(BIN)/python" -m pytest -m soak -n 2 tests

clean:
	rm -rf "$(VENV)" .venv-bench "$(PEERS)" var
