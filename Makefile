# The things one does with a checkout. Each target installs what it needs first, through scripts/setup.sh.

export CARGO_TARGET_DIR ?= $(CURDIR)/target
SIGNALS_DIR ?= ./signals
DEMO_ARGS ?=
BENCH_ARGS ?=
HISTORY_ARGS ?=
TOLLGATE_FUZZ_CASES ?= 100000
ROUNDS ?= 20

# scripts/lib.sh puts cargo on the PATH of a fresh shell.
SHELL := /bin/bash
CARGO := . scripts/lib.sh; cargo

.DEFAULT_GOAL := help
.PHONY: help run screenshots test lint bench history analytics data torture fuzz explore

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## build tollgate with its console and serve a demonstration (DEMO_ARGS="--listen 127.0.0.1:8080")
	@scripts/setup.sh run
	@features=$$(scripts/console.sh) && $(CARGO) build --release -p tollgate $$features
	@exec "$(CARGO_TARGET_DIR)/release/tollgate" demo $(DEMO_ARGS)

screenshots: ## pictures of every screen, light and dark, wide and narrow, into docs/screenshots
	@scripts/setup.sh console
	@scripts/browser.sh screenshots

test: ## all tests
	@scripts/setup.sh test
	@scripts/test.sh

lint: ## format, clippy, arrows between crates, licences
	@scripts/setup.sh lint
	@scripts/lint.sh

bench: ## measure against nginx on this machine (BENCH_ARGS="--sustained 120 --save")
	@scripts/setup.sh bench
	@SIGNALS_DIR="$(SIGNALS_DIR)" python3 bench/run.py $(BENCH_ARGS)

history: ## measure reports, downloads and look-ups beside PostgreSQL, DuckDB and ClickHouse's engine (HISTORY_ARGS="--events 20000000 --save")
	@scripts/setup.sh history
	@scripts/history.sh $(HISTORY_ARGS)

analytics: ## measure reports with amounts of money over a year (ANALYTICS_ARGS="--events 20000000 --save")
	@scripts/setup.sh run
	@$(CARGO) build --profile dist -p tollgate
	@python3 bench/analytics.py --tollgate "$${CARGO_TARGET_DIR:-target}/dist/tollgate" $(ANALYTICS_ARGS)

torture: ## 100,000 seeds of a failing disk and 200 kills of the real process: about half an hour
	@scripts/setup.sh test
	@TOLLGATE_SEEDS=100000 $(CARGO) test --release -p tollgate-ledger --test log_model --test ledger_model
	@TOLLGATE_KILLS=200 $(CARGO) test --release -p tollgate --test kill

fuzz: ## mutations of legal requests, files, filters and user agents, 100,000 for each test: about an hour (TOLLGATE_FUZZ_CASES=20000)
	@scripts/setup.sh test
	@TOLLGATE_FUZZ_CASES=$(TOLLGATE_FUZZ_CASES) $(CARGO) test --no-fail-fast --test fuzz -p tollgate-screening -p tollgate-signals -p tollgate-http

explore: ## property tests with cases that make test does not draw, ROUNDS times over (20)
	@scripts/setup.sh test
	@for round in $$(seq $(ROUNDS)); do $(CARGO) test --quiet --lib --tests -p tollgate-domain -p tollgate-screening -p tollgate-ledger -p tollgate-intake -p tollgate-outbound || exit 1; done

data: ## fetch country, cloud and user-agent data files into SIGNALS_DIR (default ./signals)
	@scripts/setup.sh data
	@SIGNALS_DIR="$(SIGNALS_DIR)" scripts/data.sh
