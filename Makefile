# `make help` lists what there is. `make up` is all a newcomer needs.

SHELL := /bin/sh
.DEFAULT_GOAL := help
# The targets depend on each other by their order; Go itself uses all processors.
.NOTPARALLEL:

# Under sudo Go is often not in PATH. The second directory is where deploy/setup.sh puts a Node.js for the dashboard's
# build if the system's is too old.
GO ?= $(shell command -v go || echo /usr/local/go/bin/go)
export PATH := $(patsubst %/,%,$(dir $(GO))):/usr/local/lib/sdp-node/node_modules/.bin:$(PATH)
# No toolchain or checksum surprises: what go.mod says is what is used.
export GOTOOLCHAIN := local

# Settings of `make up` and `make down`: make up DATA=~/sdp-two LISTEN=127.0.0.1:7800 UP_FLAGS=--no-demo
DATA ?=
LISTEN ?=
UP_FLAGS ?=
up_flags = $(if $(DATA),--data '$(DATA)') $(if $(LISTEN),--listen '$(LISTEN)') $(UP_FLAGS)
down_flags = $(if $(DATA),--data '$(DATA)')

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X sdp/worker.Version=$(VERSION)
temporald_sources := $(wildcard deploy/temporald/*.go) deploy/temporald/go.mod deploy/temporald/go.sum
# What is left for `make e2e` and `make bench`, which run for minutes.
slow_packages := /internal/e2e$$|/cmd/bench$$
TEST_FLAGS ?=
quiet := --no-print-directory
# The tools of `make lint` are pinned in a module of their own, so that what they require does not become what SDP requires.
tools := bin/golangci-lint bin/workflowcheck

##@ Use

.PHONY: up
up: setup build ## Install what is missing, build, and run everything with the demo until Ctrl-C
	@exec deploy/with-docker.sh bin/sdp up $(up_flags)

.PHONY: down
down: bin/sdp ## Stop it and remove our containers, images, networks and data
	@exec deploy/with-docker.sh bin/sdp down $(down_flags)

##@ Build

.PHONY: build
build: bin/sdp bin/temporald ## Build bin/sdp and bin/temporald

# Always, because `go build` itself knows best what changed.
.PHONY: bin/sdp
bin/sdp: web
	@$(GO) build -ldflags '$(LDFLAGS)' -o $@ ./cmd/sdp

bin/temporald: $(temporald_sources)
	@echo "building temporald (the Temporal server); the first time takes 5 to 10 minutes and 3 GB of memory ..."
	@cd deploy/temporald && CGO_ENABLED=0 $(GO) build -ldflags '-s -w' -o ../../bin/.temporald .
	@mv bin/.temporald $@

.PHONY: web
web: ## Build the dashboard, if its sources changed
	@command -v npm >/dev/null || { echo "the dashboard is built with Node.js: run make setup"; exit 1; }
	@if [ -e web/package.json ]; then $(MAKE) $(quiet) -C web; fi

$(tools): deploy/tools/go.mod deploy/tools/go.sum
	@echo "building $(notdir $@); the first time takes some minutes ..."
	@cd deploy/tools && $(GO) build -o ../../$@ "$$($(GO) list tool | grep '/$(notdir $@)$$')" && touch ../../$@

##@ Test

# What waits goes beside what computes: packages are installed while temporald is built, which needs Go alone, and the
# linters, which are built first, take what the tests leave of the processors.
.PHONY: test
test: ## Everything that must pass before a merge
	@mkdir -p bin; $(MAKE) $(quiet) bin/temporald >bin/temporald.log 2>&1 & built=$$!; \
		$(MAKE) $(quiet) setup-test; ready=$$?; \
		wait $$built && [ $$ready = 0 ] || { cat bin/temporald.log; exit 1; }
	@$(MAKE) $(quiet) build
	@nice -n 19 $(MAKE) $(quiet) lint >bin/lint.log 2>&1 & lint=$$!; \
		$(MAKE) $(quiet) test-unit && $(MAKE) $(quiet) e2e; tested=$$?; \
		wait $$lint; linted=$$?; cat bin/lint.log; [ $$tested = 0 ] && [ $$linted = 0 ]

.PHONY: test-unit
test-unit: bin/temporald ## Unit and integration tests with the race detector, on real parts
	$(GO) test -race -vet=off -timeout 20m $(TEST_FLAGS) $$($(GO) list ./... | grep -vE '$(slow_packages)')
	cd deploy/temporald && $(GO) test -vet=off $(TEST_FLAGS) ./...

.PHONY: e2e
e2e: build ## End-to-end tests: the real processes, killed and restarted, and the dashboard in a browser
	$(GO) test -count=1 -parallel 4 -vet=off -timeout 50m $(TEST_FLAGS) ./internal/e2e/...

.PHONY: bench
bench: setup-test build ## Measure the figures of the README and print them as a table
	@$(GO) run ./cmd/bench

.PHONY: screenshots
screenshots: setup-test build ## Take the README's pictures anew, into docs/pictures
	SDP_PICTURES_TO='$(CURDIR)/docs/pictures' $(GO) test -count=1 -v -timeout 30m -run '^TestPictures$$' ./internal/e2e

.PHONY: lint
lint: $(tools) ## golangci-lint with vet and the import rules, workflowcheck, the dashboard's format, types and rules, shell syntax
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
		[ -z "$$unformatted" ] || { echo "run make fmt; not formatted: $$unformatted"; exit 1; }
	bin/golangci-lint run ./...
	cd deploy/temporald && ../../bin/golangci-lint run ./...
	bin/workflowcheck -test=false ./workflows/...
	@if [ -d web/node_modules ]; then $(MAKE) $(quiet) -C web check; fi
	@for f in deploy/*.sh .ci/run; do sh -n $$f || exit 1; done

.PHONY: fmt
fmt: ## Format all Go code, and the dashboard's
	@gofmt -w $$(git ls-files -co --exclude-standard '*.go')
	@if [ -d web/node_modules ]; then $(MAKE) $(quiet) -C web format; fi

##@ Machine

.PHONY: setup
setup: ## Install what `make up` needs, if it is missing, and start Docker
	@deploy/setup.sh up

.PHONY: setup-test
setup-test: ## Install what the tests need, if it is missing, and start Docker
	@deploy/setup.sh test

.PHONY: clean
clean: ## Remove what was built; data is removed by `make down`
	rm -rf bin

.PHONY: help
help: ## Show this
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-zA-Z_0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo
