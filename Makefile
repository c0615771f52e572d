# Belay's targets. `make help` lists them; README.md tells what they are for.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO ?= go
PAGE := bot/web/dist/sign.js
OWN_CONTRACTS := safe/devnet/build/Market.json
OLD_SAFES := safe/devnet/old/1.2.0/GnosisSafe.json
LINTER := tools/bin/golangci-lint
GREMLINS := tools/bin/gremlins
MUTATED ?= governance store
SEEDS ?= 1000000
FIRST ?= 1001
KILLS ?= 200
SIEGES ?= 10000
TIME ?= 15m
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
PURE := ./safe ./safe/calldata ./governance ./governance/timelock ./governance/relay

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: setup
setup: node_modules/.installed $(PAGE) $(OWN_CONTRACTS) $(OLD_SAFES) ## npm packages, the signing page, the sample contracts

node_modules/.installed: package.json package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: install Node.js 20 or newer with npm"; exit 1; }
	npm ci --no-audit --no-fund --ignore-scripts
	touch $@

$(PAGE): node_modules/.installed $(shell find bot/web/page bot/web/static bot/web/build.mjs -type f 2>/dev/null)
	node bot/web/build.mjs

$(OWN_CONTRACTS): node_modules/.installed safe/devnet/compile.mjs $(wildcard safe/devnet/contracts/*.sol)
	node safe/devnet/compile.mjs

$(OLD_SAFES): safe/devnet/old.mjs
	node safe/devnet/old.mjs
	touch $@

.PHONY: browser
browser: ## finds Chrome or Chromium; on Debian, as root, installs it where there is none
	@.ci/browser >/dev/null

.PHONY: build
build: $(PAGE) ## bin/belay, static, with the signing page inside
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/belay ./cmd/belay

# Built, not run by go: `go run` fails when it is interrupted, also where what it runs ends well.
.PHONY: demo
demo: setup build ## the whole local stack; ARGS="--script" plays it without anyone
	$(GO) build -o bin/demo ./cmd/demo
	exec bin/demo $(ARGS)

.PHONY: test
test: setup browser ## every test, with the race detector, the pages in a real browser
	CHROME="$$(.ci/browser)" $(GO) test -race -timeout 9m ./...

.PHONY: lint
lint: node_modules/.installed $(LINTER) ## gofmt, vet, golangci-lint, tsc, eslint
	@unformatted="$$(gofmt -l $$(git ls-files '*.go'))"; test -z "$$unformatted" || { echo "run gofmt on:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	$(LINTER) run ./...
	npx --no-install tsc --noEmit -p bot/web
	npx --no-install eslint --config bot/web/eslint.config.js bot/web/page

$(LINTER): tools/go.mod tools/go.sum
	cd tools && $(GO) build -o bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	touch $@

$(GREMLINS): tools/go.mod tools/go.sum
	cd tools && $(GO) build -o bin/gremlins github.com/go-gremlins/gremlins/cmd/gremlins
	touch $@

.PHONY: screenshots
screenshots: setup build browser ## takes the README's pictures from the demo into docs/images
	CHROME="$$(.ci/browser)" BELAY_SHOTS="$(CURDIR)/docs/images" $(GO) test -count 1 -run '^TestScreenshots$$' ./cmd/demo

.PHONY: bench
bench: setup build ## ratios against references run beside it; bench.json and a table
	CGO_ENABLED=0 $(GO) run ./cmd/bench $(ARGS)

.PHONY: bench-scale
bench-scale: ## how cost grows to a million proposals, within 15 minutes and 8 GB beside the code; bench-scale.json and a table
	CGO_ENABLED=0 $(GO) run ./cmd/bench --scale $(ARGS)

.PHONY: mutate
mutate: $(GREMLINS) ## changes one operator at a time and sees whether a test notices; MUTATED="governance store"
	@for package in $(MUTATED); do GO="$(GO)" GREMLINS="$(GREMLINS)" .ci/mutate $$package; done

.PHONY: soak
soak: setup ## seeds for TIME (15m) or up to SEEDS (1000000) from FIRST (1001), then SIEGES (10000) pauses beside a provider that fails, then KILLS (200) kills of the process
	$(GO) test -count 1 -timeout 24h -run '^TestSimulation$$' ./governance/coordinator -first $(FIRST) -seeds $(SEEDS) -for $(TIME) -v | grep -v '^===\|--- PASS'
	$(GO) test -count 1 -timeout 24h -run '^Test(One|Two)Providers?OfThree$$' ./cmd/belay -sieges $(SIEGES) -first-siege $(FIRST) -sieges-for $(TIME) -every-row 1 -v | grep -v '^===\|--- PASS'
	BELAY_KILLS=$(KILLS) $(GO) test -race -count 1 -timeout 24h -run '^TestNothingIsLostOrDoubledByAKill$$' -v ./cmd/belay

# A finding is written to testdata and fails again; what does not is a fuzzer that its own deadline cut off.
.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (default 20s)
	@for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg 2>/dev/null | grep '^Fuzz' || true); do \
	    echo "== $$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $${FUZZTIME:-20s} -fuzzminimizetime=1s $$pkg || \
	      $(GO) test -count 1 -run "^$$target$$" $$pkg || exit 1; \
	  done; done

.PHONY: vuln
vuln: ## govulncheck and npm audit, where their databases can be reached
	$(GO) run golang.org/x/vuln/cmd/govulncheck@latest ./...
	npm audit --omit=optional
