# make run QUANTITY=100000 WORKERS=4 SEED=7 PORT=3000 EXIT=1: see scripts/run.

.DEFAULT_GOAL := help
.PHONY: help run test check openapi services-up services-down stop

help: ## this list
	@awk -F ': ## ' '/^[a-z-]+: ## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: ## one run of orders, followed live, then serve until Ctrl-C (QUANTITY, WORKERS, SEED, PORT; EXIT=1: audit, then stop)
	@scripts/deps
	@scripts/services with scripts/run

test: ## all tests, on a real Redis and a MongoDB-protocol server
	@scripts/deps
	@scripts/services with scripts/test

check: ## format, lints, docs, openapi.yaml, shell scripts, licences of dependencies
	@scripts/deps
	@scripts/check

openapi: ## write openapi/openapi.yaml from the code
	@scripts/deps
	@scripts/openapi

services-up: ## start the private Redis and MongoDB-protocol server, or say what runs
	@scripts/deps
	@scripts/services up

services-down: ## stop them; their data stay in .local/services
	@scripts/services down

stop: ## end what make run and make services-up of this clone left running
	@scripts/stop
