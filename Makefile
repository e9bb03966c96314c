# What can be made of Cooper. `make` alone prints the lines that begin with ##.

GO      ?= go
PREFIX  ?= /usr/local
DESTDIR ?=

# Every program is static: the child that becomes a container's command runs
# where no library of this machine can be loaded any more. The tag leaves out
# what the command library has for writing manual pages: half a millisecond and
# 0.2 MB in each process, the shims included.
PROGRAMS := $(patsubst %/main.go,%,$(sort $(wildcard stage*/cmd/*/main.go)))
BUILD    := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -tags urfave_cli_no_docs -ldflags '-s -w'

# stage01 … stage07
STAGES := $(foreach dir,$(sort $(wildcard stage*-*)),$(firstword $(subst -, ,$(dir))))

.PHONY: help build install setup test test-vm lint demo docs bench bench-network clean $(STAGES) $(STAGES:%=test-%)

help:
	@sed -n 's/^## /  /p' Makefile

## make build         the engine bin/cooper and the stages' programs bin/stageNN, static
build:
	$(BUILD) -o bin/ $(PROGRAMS:%=./%)

## make install       build, and copy the engine to /usr/local/bin (or PREFIX=… DESTDIR=…)
install: build
	install -D -m 0755 bin/cooper $(DESTDIR)$(PREFIX)/bin/cooper

## make demo          the whole engine at work on this machine; needs root, but no registry
demo: build
	@.ci/demo

## make stage03       one stage's program: make stage03 ARGS='run --rootfs DIR CMD'
$(STAGES):
	@$(BUILD) -o bin/ $(addprefix ./,$(wildcard $@-*/cmd/*))
	@bin/$(notdir $(firstword $(wildcard $@-*/cmd/*))) $(ARGS)

## make test          all tests, with the race detector; without root those that need none
test: setup
	@status=0; .ci/test ./... || status=1; .ci/test-vm || status=1; exit $$status

## make test-vm       the kernel's tests once more, in a throw-away machine with cgroup v2
test-vm:
	@MACHINES=all .ci/test-vm

## make test-stage03  one stage's tests
$(STAGES:%=test-%): setup
	@.ci/test ./$(wildcard $(@:test-%=%)-*)/...

## make lint          gofmt, go vet (for arm64 too), staticcheck
lint:
	@unformatted=$$(gofmt -l docs $(sort $(wildcard stage*-*))); \
		test -z "$$unformatted" || { echo "not as gofmt has it: $$unformatted"; exit 1; }
	$(GO) vet ./...
	CGO_ENABLED=0 GOARCH=arm64 $(GO) vet ./...
	$(GO) tool staticcheck ./...

## make docs          fill the chapters' listings from the source
docs:
	$(GO) run ./docs/cmd/listings

## make bench         how long a container takes, beside the other engines on this machine
bench: build
	@.ci/bench

## make bench-network how fast its network comes and goes, carries data and answers names
bench-network: build
	@.ci/bench-network

## make setup         install what the tests use, if it is missing (Debian, as root)
setup:
	@.ci/setup

## make clean         remove bin
clean:
	rm -rf bin
