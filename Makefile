# Two commands matter: `make test` and `go run ./cmd/homing demo`.

GO ?= go

.PHONY: test test-current setup test-newer lint tidy build-time bench bench-claim bench-peers bench-distance bench-handler soak fuzz rename

test: setup ## all tests, race detector on
	$(GO) test -race -timeout 10m ./...
	cd examples && $(GO) test -race -timeout 10m ./...

# go.mod names the oldest release of Go that counts, which go builds with here. The
# current one is fetched as a module.
CURRENT ?= go1.27.4
test-current: setup ## all tests with the current release of Go
	GOTOOLCHAIN=$(CURRENT) $(GO) vet ./...
	GOTOOLCHAIN=$(CURRENT) $(GO) test -timeout 10m ./...

setup: ## what the tests need and this machine lacks, from Debian's packages
	@scripts/setup

# Not part of test: what these suites of Debian hold changes from day to day, and may
# not fit together today.
test-newer: setup ## package postgres against newer servers; make test-newer POSTGRES=18
	@bin=$$(scripts/newer-servers $(POSTGRES)) && PATH="$$bin:$$PATH" $(GO) test -race -count=1 -timeout 10m ./postgres/...

lint: ## formatting, vet, staticcheck
	@out=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$out" ] || { echo "not formatted (run gofmt -w):"; echo "$$out"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	cd examples && $(GO) vet ./...
	cd examples && $(GO) tool -modfile=../go.mod staticcheck ./...

tidy: ## after a dependency has changed: the examples choose versions together with us
	$(GO) mod tidy
	cd examples && $(GO) mod tidy

build-time: ## a build from an empty cache, which must stay under a minute on 2 cores
	@scripts/cold-build

bench: ## every measurement, into bench/results; about 20 minutes, best with nothing else running
	@echo "Measures everything, into bench/results; about 20 minutes, best with nothing else running:"
	@echo "  1. bench-handler   what Homing costs inside an app and beside it     3 minutes"
	@echo "  2. bench-peers     a request through nginx, HAProxy, Caddy, Homing   7 minutes; the first time, Caddy is built"
	@echo "  3. bench-claim     queries to a far database, or the request?        8 minutes"
	@echo "  4. bench-distance  a replayed write over an ocean; needs root        3 minutes"
	@for part in handler peers claim distance; do echo "== bench-$$part, from $$(date +%T)" && $(MAKE) --no-print-directory bench-$$part || exit 1; done

bench-claim: setup ## the claim, with 1 to 20 queries a request, into bench/results; about 8 minutes
	$(GO) run ./bench/claim/full

FUZZTIME ?= 1m
fuzz: ## each fuzzer for FUZZTIME
	@scripts/fuzz $(FUZZTIME)

rename: ## make rename MODULE=example.org/homing: publish under another module path
	@scripts/rename "$(MODULE)"

PEERS ?= --write bench/results
bench-peers: ## what a request costs here and through other proxies; make bench-peers PEERS=--quick
	@scripts/setup-bench
	$(GO) run ./bench/peers $(PEERS)

bench-distance: ## a replayed write over an ocean, with real packets, into bench/results; root, about 3 minutes
	$(GO) run ./bench/distance --out bench/results

HANDLER ?= --write bench/results
bench-handler: setup ## what Homing costs inside an app, by Go benchmarks; make bench-handler HANDLER="--only read"
	$(GO) run ./bench/handler $(HANDLER)

SOAK ?= 10m
soak: ## the edge with the race detector in it, under everything at once; make soak SOAK=1m
	$(GO) run ./bench/peers --soak $(SOAK)
