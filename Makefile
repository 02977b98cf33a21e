# Every target is one verb of the `ops` package, which needs nothing but Debian's python3.
# Options: `make test T="tests/ops -k redis"`, `make manage A="ingest_events --help"`.
PYTHON ?= python3
.DEFAULT_GOAL := help
.PHONY: help run stop test check bench manage lock

help: ## list these targets
	@$(PYTHON) -m ops help

run: ## start everything on http://127.0.0.1:8000; the first start prepares the machine and loads a demo
	@$(PYTHON) -m ops run

stop: ## stop what `make run` started, from any terminal
	@$(PYTHON) -m ops stop

test: ## run every check and every test (T=... passes arguments to pytest alone)
	@$(PYTHON) -m ops test $(T)

check: ## run every check but the tests
	@$(PYTHON) -m ops check

bench: ## run the benchmarks (A=... passes arguments)
	@$(PYTHON) -m ops bench $(A)

manage: ## run a Django command: make manage A="ingest_events --help"
	@$(PYTHON) -m ops manage $(A)

lock: ## pin requirements*.in into requirements*.txt (A=--upgrade takes newer releases)
	@$(PYTHON) -m ops lock $(A)
