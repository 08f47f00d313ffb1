# What a newcomer needs is `make run` and `make test`; `make help` tells the rest. Go, Node, npm and make must be there.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
FUZZTIME ?= 10s
DURATION ?= 10m
CLIENTS  ?= 30
SEED     ?=
FLAGS    ?=
TOOL     := go tool -modfile=tools.mod
E2E_PROGRAMS := chromium python3-websockets openssl curl nginx caddy haproxy apache2
GO_FILES := find . -name '*.go' -not -path '*/node_modules/*'

# No paths of this machine and no time in the binary: the same source makes the same bytes.
GO_BUILD := CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$(VERSION)"

.PHONY: help run demo build bench bench-attack test test-go test-public test-e2e test-long test-go-long test-e2e-long test-protocol-long
.PHONY: soak lint fuzz clean FORCE

help: ## print this
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 16

run: build ## build and serve on http://localhost:3000 (FLAGS="--addr :8080" and so on)
	@exec bin/crier $(FLAGS)

demo: build ## run, with plain WebSocket endpoints on ports of their own (echo 9527, hello 8080, chat 9000), for any page
	@exec bin/crier --echo-addr :9527 --hello-addr :8080 --chat-addr :9000 --allowed-origins '*' $(FLAGS)

build: bin/crier ## build bin/crier

bin/crier: public/client/4/socket.io.js FORCE
	$(GO_BUILD) -o $@ .

# The client scripts of npm that the binary carries.
public/client/4/socket.io.js: public/node_modules/.package-lock.json
	npm run --silent bundle --prefix public
	@touch $@

%/node_modules/.package-lock.json: %/package-lock.json %/package.json
	npm ci --ignore-scripts --prefix $*
	@touch $@

bench: public/client/4/socket.io.js ## measure Crier beside its peers (3/4 hour); QUICK=1 ends within two minutes
	go build -C bench -trimpath -o .build/bench ./cmd/bench
	@cd bench && exec .build/bench $(if $(QUICK),-quick) $(FLAGS)

bench-attack: public/client/4/socket.io.js ## measure what others notice while one address does its worst (half an hour); QUICK=1 takes 3 minutes
	go build -C bench -trimpath -o .build/attack ./cmd/attack
	@cd bench && exec .build/attack $(if $(QUICK),-quick) $(FLAGS)

test: test-go test-public test-e2e ## run the tests (15 minutes): Go's in both builds, the page's, one client of each protocol, browsers

# The race detector is another build: without it are the system calls of the binary that ships, and the ceilings of memory.
test-go: public/client/4/socket.io.js
	@scripts/need gcc
	go test -race -timeout 20m ./...
	go test -timeout 20m ./...
	cd bench && go vet ./... && go test -race ./...

test-public: public/node_modules/.package-lock.json
	npm test --prefix public

test-e2e: build e2e/node_modules/.package-lock.json
	@scripts/need $(E2E_PROGRAMS)
	E2E_CLIENTS=few npm test --prefix e2e
	E2E_CLIENTS=few npm run test:reference --prefix e2e

test-long: test-go-long test-e2e-long test-protocol-long ## run what takes longer (40 minutes): long seeds, every client, short soaks, the protocol under load

# CRIER_TEST_LONG asks Go's tests for their long forms.
test-go-long: public/client/4/socket.io.js
	CRIER_TEST_LONG=1 go test -timeout 30m ./...

test-e2e-long: build e2e/node_modules/.package-lock.json
	@scripts/need $(E2E_PROGRAMS) python3-socketio
	npm test --prefix e2e
	npm run test:reference --prefix e2e

test-protocol-long: build e2e/node_modules/.package-lock.json
	go build -o e2e/.build/lab ./e2e/servers/lab
	npm run test:load --prefix e2e

# E2E_BIN names another binary, such as one with the race detector.
soak: build e2e/node_modules/.package-lock.json ## kill, cut and stall for DURATION (10m) with CLIENTS (30); SEED=... is a plan again
	cd e2e && node soak/main.js --duration $(DURATION) --clients $(CLIENTS) $(if $(SEED),--seed $(SEED))

lint: ## gofmt, go vet, builds for other systems and for 32 bits, staticcheck, govulncheck
	@unformatted=$$($(GO_FILES) -exec gofmt -l {} +); [ -z "$$unformatted" ] || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }
	go vet ./...
	for os in darwin windows; do GOOS=$$os CGO_ENABLED=0 go build ./...; done
	for arch in 386 arm; do GOOS=linux GOARCH=$$arch CGO_ENABLED=0 go build ./...; done
	$(TOOL) staticcheck ./...
	@scripts/vulnerabilities $(TOOL) govulncheck ./...

fuzz: ## run each fuzz target for FUZZTIME (10s)
	@scripts/fuzz $(FUZZTIME)

clean: ## remove what the other targets made
	rm -rf bin bench/.build bench/peers/npm/node_modules public/node_modules e2e/node_modules e2e/.build public/client/2 public/client/4

FORCE:
