# make run QUANTITY=100000 WORKERS=4 SEED=7 PORT=3000 EXIT=1: see xtask/src/run.rs.

.DEFAULT_GOAL := help
# When make began, in seconds since the epoch; make run prints the time since then.
export MAKE_BEGAN := $(shell date +%s)
.PHONY: help run test check test-faults test-k8s chaos bench benches dashboard openapi sbom services-up services-down stop

help: ## show this list
	@awk -F ': ## ' '/^[a-z0-9-]+: ## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: ## run a million orders, follow them live, then serve until Ctrl-C (QUANTITY, WORKERS, SEED, PORT; EXIT=1: audit, then stop)
	@scripts/deps
	@scripts/xtask prepare scripts/build
	@scripts/services with scripts/xtask run

test: ## run all Rust tests, on a real Redis and a MongoDB-protocol server with their data in memory (TEST_THREADS)
	@scripts/deps
	@scripts/xtask prepare scripts/build tests
	@scripts/test

check: ## check format, lints, docs, openapi.yaml, the contract by fuzzing, the dashboard in Chromium, rules on a real Prometheus, images, manifests, shell scripts, licences
	@scripts/deps
	@scripts/xtask prepare scripts/build
	@scripts/services with scripts/check

test-faults: ## run every fault test ten times, chaos, and the model's large searches (TIMES, RUNS; takes hours)
	@scripts/deps
	@scripts/services with scripts/faults

test-k8s: ## test on a real cluster: that of KUBECONFIG, after asking, or a new one (FAST, KEEP, QUANTITY)
	@scripts/deps
	@scripts/e2e test-k8s

chaos: ## run random faults in random runs (RUNS, SEED, MINUTES); a failure prints its seed
	@scripts/deps
	@scripts/services with scripts/e2e chaos

bench: ## measure runs against the floor, in turns (QUANTITY, WORKERS="1 2 4 8", ROUNDS, AGAINST=folder of another build, ONLY=cancel|import|processor, CANCELLED, IMPORTED)
	@scripts/deps
	@scripts/services with scripts/e2e bench

benches: ## measure generator, ids and scripts with Criterion (make bench measures whole runs)
	@scripts/deps
	@scripts/services with cargo bench -p pedidos-benches

openapi: ## write openapi/openapi.yaml from the code
	@scripts/deps
	@scripts/openapi

dashboard: ## build the web page; the next build of the API serves it at /
	@scripts/dashboard

sbom: ## write what each program is built from, as CycloneDX, into .local/sbom
	@scripts/deps
	@scripts/sbom

services-up: ## start a private Redis and MongoDB-protocol server, or show which run
	@scripts/deps
	@scripts/services up

services-down: ## stop these servers; their data stay in .local/services
	@scripts/services down

stop: ## stop what make run and make services-up of this clone left running
	@scripts/xtask stop
