# Every target says what it is for: `make` lists them.

GO ?= go
MODULES = observe/otel internal/quotes # of their own, so that what they need reaches no host
SPEC_PORT ?= 4010
# Half of their time tests wait: for back-off, for leases, for processes that they kill.
TEST_PACKAGES ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))
# SQLite is C in the words of Go. To watch the memory of that C as well, and each of its pointers, takes two thirds of the time of its
# tests and would find nothing of ours: the driver around it, and what it is handed and gives back, is watched.
RACE = -race -gcflags=modernc.org/...=-d=checkptr=0 -gcflags=modernc.org/sqlite/lib=-race=false

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: test
# By the environment, so that vet, staticcheck and the programs that tests build compile nothing a second time without -race.
# A program with -race would otherwise wait a second at its end, and the tests run hundreds of them.
test: export GOFLAGS += $(RACE)
test: export GORACE ?= atexit_sleep_ms=20
test: fmt-check vet lint postgres ## everything that must hold before a commit: format, vet, staticcheck, all tests with -race
	$(GO) test -vet=off -ldflags=-w -p $(TEST_PACKAGES) ./stores/... ./examples/... ./internal/... ./... # the longest first
	@for m in $(MODULES); do ( cd $$m && $(GO) vet ./... && $(GO) test -vet=off -ldflags=-w ./... ) || exit 1; done

.PHONY: quick
quick: ## the tests without -race
	$(GO) test ./...

.PHONY: prove
prove: ## the campaigns of kills and faults at their full counts; prints the counts
	SCRIP_PROVE=1 $(GO) test -count=1 -timeout 150m -v -run 'Campaign' ./...

.PHONY: spec
spec: ## send every request of the OpenAI adapters to a server made from OpenAI's own API description (Prism, by npm)
	@dir=$$(mktemp -d) && trap 'kill $$pid 2>/dev/null; rm -rf "$$dir"' EXIT && \
	npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$$dir" @stoplight/prism-cli@5.14.2 && \
	{ "$$dir/node_modules/.bin/prism" mock -h 127.0.0.1 -p $(SPEC_PORT) internal/openaispec/testdata/openai.json >"$$dir/log" 2>&1 & pid=$$!; } && \
	for i in $$(seq 150); do grep -q 'is listening' "$$dir/log" && break; kill -0 $$pid 2>/dev/null || { cat "$$dir/log" >&2; exit 1; }; sleep 0.2; done && \
	SCRIP_OPENAI_SPEC=http://127.0.0.1:$(SPEC_PORT)/v1 $(GO) test -count=1 -v -run Description ./internal/openaispec

.PHONY: wordpress
wordpress: ## publish to a real WordPress with MariaDB, brought up for it and torn down again (as root on Debian)
	tools/wordpress/with.sh $(GO) test -count=1 -v -p 1 -run "TestPublish|WordPress" ./automation/wordpress ./examples/quickstart

.PHONY: faults
faults: ## write docs/faults.md anew: every function run into every fault of the fake upstreams
	$(GO) test -count=1 -run TheFaultMatrix ./internal/gateproof -update

.PHONY: bench
bench: ## the benchmarks, five rounds
	$(GO) test -run '^$$' -bench . -benchmem -count=5 ./...

.PHONY: bench-ledger
bench-ledger: postgres ## the ledger of every store beside what a host would write itself, in one table; some minutes
	@$(GO) run ./internal/ledgerbench

.PHONY: bench-runs
bench-runs: postgres ## the rate of a run beside what its workers could do, and the memory of its stages, in one table; some minutes
	@$(GO) run ./internal/runbench

.PHONY: cover
cover: ## statement coverage of the packages that handle money and runs, by all tests together
	$(GO) test -coverpkg=./credits,./engine,./automation -coverprofile=coverage.out ./credits ./engine/... ./automation/... ./stores/... ./storetest ./examples/...
	$(GO) tool cover -func=coverage.out | tail -1

.PHONY: site
site: ## run the quickstart and look at every page of its site in headless Chromium, as on a desktop and on a phone
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
	$(GO) run ./examples/quickstart -db "$$dir/site.db" -out "$$dir/out" && \
	cd tools && $(GO) run ./site $(if $(SHOTS),-screenshots "$(abspath $(SHOTS))") "$$dir/out"

.PHONY: postgres
postgres: ## find the server that the tests of stores/postgres run, or install Debian's package where that is possible
	@$(GO) run ./internal/pgtest/find >/dev/null 2>&1 || \
	{ test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -q && apt-get install -y -q --no-install-recommends postgresql; } || \
	{ echo "install PostgreSQL (Debian: apt-get install postgresql) or set DATABASE_URL" >&2; exit 1; }

.PHONY: fmt-check
fmt-check: ## fail if a file is not formatted
	@unformatted=$$($$($(GO) env GOROOT)/bin/gofmt -l .); test -z "$$unformatted" || { echo "not formatted, run gofmt -w:"; echo "$$unformatted"; exit 1; }

.PHONY: vet
vet: ## go vet
	$(GO) vet ./...

.PHONY: lint
lint: ## staticcheck with the checks of staticcheck.conf
	@checker=$$(GOFLAGS= $(GO) tool -n -modfile=tools/go.mod staticcheck) && echo staticcheck ./... && $$checker ./...
