# make help lists what there is. Needs Go, git and, for `make test`, the Debian
# packages that .ci/packages names.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

# Tools are built once, at exactly these versions, and shared by all copies of
# the tree.
LINT_VERSION := v2.15.0
GORELEASER_VERSION := v2.16.0
TOOLS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/ombruk-tools
LINT := $(TOOLS)/golangci-lint-$(LINT_VERSION)
GORELEASER := $(TOOLS)/goreleaser-$(GORELEASER_VERSION)
# How long each fuzz target runs, and how many drives a campaign has.
FUZZTIME ?= 60s
DRIVES ?= 10000
# Which simulated drives the VM suite plays besides those of its stories: two
# that it once found a fault with. '.*' is all of them, in half an hour.
PROFILES ?= 'nvme-detached|ata-ssd-opal-no-trusted'
# Which stories of the boot stick the VM suite tells: usual, or all.
STORIES ?= usual
# Where goroutines meet; checked with the race detector.
RACE := ./erase/... ./internal/boot/... ./internal/drive/... ./internal/job/... ./internal/record/... ./internal/session/... ./internal/tui/...

COMMIT := $(shell git describe --always --dirty --abbrev=40 --match= 2>/dev/null)

.PHONY: help
help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: build
build: ## bin/ombruk, static
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-X main.commit=$(COMMIT)' -o bin/ombruk ./cmd/ombruk

.PHONY: check
check: fmt vet cross ## The fast checks, for every commit
	go test -short ./...

.PHONY: test
test: packages fmt vet cross lint release-check race ## Everything
	go test ./...
	@$(MAKE) vm

.PHONY: vm
vm: packages ## Real kernel, emulated drives: docs/vmlab.md
	go vet -tags vm ./internal/vmlab
	go test -tags vm -count=1 -timeout 25m ./internal/vmlab -args -profiles $(PROFILES) -stories $(STORIES)

.PHONY: figures
figures: packages ## How long a stick takes to its first screen, and to answer a key
	go test -tags vm -count=1 -v -timeout 10m ./internal/vmlab -run TestStickFigures -args -stories all

.PHONY: samples
samples: ## How well reports are read that nobody here has seen (SAMPLES=DIR with DMI, EDID, EnterpriseDrive of linux-hardware.org)
	go test -count=1 -v ./inventory/grade -run TestReportsNobodyHereHasSeen -args -samples "$(abspath $(SAMPLES))"

.PHONY: lint
lint: $(LINT) ## golangci-lint
	$< run

.PHONY: fuzz
fuzz: ## Each fuzz target for FUZZTIME (60s)
	.ci/fuzz $(FUZZTIME)

.PHONY: campaign
campaign: ## DRIVES (10000) simulated drives, honest ones and liars: docs/firmware.md
	go test -count=1 -v -timeout 60m ./internal/campaign -args -drives $(DRIVES)

.PHONY: bench
bench: ## Speed against other tools on scratch images, see docs/bench.md
	go run ./internal/bench
	go test -count=1 -v ./inventory -run TestABigMachineIsReadInLittleTimeAndMemory -bench BigMachine
	go test -count=1 ./inventory/grade -run '^$$' -bench Judge

.PHONY: snapshot
snapshot: $(GORELEASER) ## All release files into dist/, published nowhere
	$< release --snapshot --clean --skip=publish

.PHONY: clean
clean: ## Remove what builds leave
	rm -rf bin dist

# Parts of the above.

.PHONY: packages
packages:
	.ci/packages

.PHONY: fmt
fmt:
	@unformatted="$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go' | xargs -r ls 2>/dev/null))"; \
	if [ -n "$$unformatted" ]; then echo "gofmt -w would change:" $$unformatted; exit 1; fi

.PHONY: vet
vet:
	go vet ./...

# The station is Linux on two architectures; the office is anything.
OFFICE := ./cmd/ombruk ./certs ./report ./internal/bootusb ./internal/contract ./internal/lang ./internal/stick
.PHONY: cross
cross:
	CGO_ENABLED=0 GOARCH=arm64 go build -buildvcs=false ./...
	CGO_ENABLED=0 GOOS=windows go vet $(OFFICE)
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 go vet $(OFFICE)

.PHONY: race
race:
	CGO_ENABLED=1 go test -race -short $(RACE)

.PHONY: release-check
release-check: $(GORELEASER)
	$< check

$(LINT):
	.ci/tool $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

$(GORELEASER):
	.ci/tool $@ github.com/goreleaser/goreleaser/v2@$(GORELEASER_VERSION)
