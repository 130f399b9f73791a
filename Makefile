# make run QUANTITY=100000 WORKERS=4 SEED=7 PORT=3000 EXIT=1: see scripts/run.

.DEFAULT_GOAL := help
.PHONY: help run test check test-faults test-k8s chaos bench benches dashboard openapi sbom services-up services-down stop

help: ## this list
	@awk -F ': ## ' '/^[a-z-]+: ## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: ## one run of orders, followed live, then serve until Ctrl-C (QUANTITY, WORKERS, SEED, PORT; EXIT=1: audit, then stop)
	@scripts/deps
	@scripts/services with scripts/run

test: ## all tests, on a real Redis and a MongoDB-protocol server
	@scripts/deps
	@scripts/services with scripts/test

check: ## format, lints, docs, openapi.yaml, contract fuzzing, the dashboard in Chromium, rules on a real Prometheus, images and manifests, shell scripts, licences
	@scripts/deps
	@scripts/services with scripts/check

test-faults: ## every fault test ten times, chaos, the model's large searches (TIMES, RUNS; hours)
	@scripts/deps
	@scripts/services with scripts/faults

test-k8s: ## on a real cluster: KUBECONFIG's, after asking, or one that is made here (FAST, KEEP, QUANTITY)
	@scripts/deps
	@scripts/test-k8s

chaos: ## random faults in random runs (RUNS, SEED, MINUTES); a failure says its seed
	@scripts/deps
	@scripts/services with scripts/e2e chaos

bench: ## our runs beside the floor, in turns (QUANTITY, WORKERS="1 2 4 8", ROUNDS)
	@scripts/deps
	@scripts/services with scripts/e2e bench

benches: ## Criterion: generator, ids, scripts (make bench measures whole runs)
	@scripts/deps
	@scripts/services with cargo bench --workspace --bench parts

openapi: ## write openapi/openapi.yaml from the code
	@scripts/deps
	@scripts/openapi

dashboard: ## build the web page, which the next build of the API serves at /
	@scripts/dashboard

sbom: ## what each program is built from, as CycloneDX, into .local/sbom
	@scripts/deps
	@scripts/sbom

services-up: ## start the private Redis and MongoDB-protocol server, or say what runs
	@scripts/deps
	@scripts/services up

services-down: ## stop them; their data stay in .local/services
	@scripts/services down

stop: ## end what make run and make services-up of this clone left running
	@scripts/stop
