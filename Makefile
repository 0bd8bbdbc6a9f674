# `make up` runs the whole system, `make test` tests it; both install missing packages.
SHELL := /bin/bash
.DEFAULT_GOAL := help
ARGS ?=
CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)

.PHONY: help up build test lint demo bench fuzz sqlx manifests compose

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## Build, and run the whole system here; ARGS="--port-base 3000" is passed on
	@scripts/install server
	@$(MAKE) --no-print-directory build
	@exec $(TARGET)/release/postern up $(ARGS)

build: ## The release binaries, in target/release
	$(CARGO) build --release --bins --locked

test: ## Every test
	@scripts/install server test
	@scripts/peers
	$(CARGO) build --workspace --bins --tests --locked
	$(CARGO) test --workspace --locked $(ARGS)

lint: ## The checks of CI besides the tests
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) run --quiet --locked -p dependency-direction
	scripts/check-docs
	scripts/check-migrations
	$(CARGO) run --quiet --locked -p licences

demo: ## Send, deliver and read a message on a running system, step by step
	@scripts/install demo
	@scripts/demo $(ARGS)

bench: ## Benchmark, side by side with Postfix and Dovecot if they are installed
	@scripts/install server
	@$(MAKE) --no-print-directory build
	$(CARGO) build --release --bins -p bench --locked
	$(TARGET)/release/bench $(ARGS)

fuzz: ## Fuzz the parsers of untrusted input; ARGS="--seconds 60 session" is passed on
	@scripts/fuzz $(ARGS)

sqlx: ## Renew the checked-in query data after a change of SQL or of a schema
	@scripts/install server
	@scripts/sqlx

manifests: ## Check the Kubernetes manifests against the schemas, offline
	@scripts/install manifests
	@scripts/check-manifests

compose: ## Test the system under `docker compose up` (takes minutes)
	@tests/compose.sh
