# Everything a contributor runs. `make` alone prints the targets.

SWIFT   ?= swift
PREFIX  ?= /usr/local
DESTDIR ?=
# Further arguments: `make test ARGS='--filter Catalog'`, `make bench ARGS='--scale 0.1 cdc_tpcb'`.
ARGS    ?=
# Of PostgreSQL: what test-matrix runs against.
VERSIONS ?= 14 15 16 17 18

RELEASE := -c release --static-swift-stdlib --product flowctl

.PHONY: help build test test-matrix demo lint format golden fuzz bench install clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

build: ## build the release binary with Swift's runtime inside it: bin/flowctl
	@scripts/prerequisites build
	$(SWIFT) build $(RELEASE)
	@mkdir -p bin
	@ln -sf "$$($(SWIFT) build $(RELEASE) --show-bin-path)/flowctl" bin/flowctl
	@echo "bin/flowctl"

test: ## install what is missing, build, and run all tests against real servers
	@scripts/prerequisites test
	$(SWIFT) build --build-tests
	SWIFT=$(SWIFT) scripts/repeat-failures scripts/run-tests $(ARGS)

test-matrix: ## the tests that use a server, against PostgreSQL 14 to 18; VERSIONS='16 18' for some
	@scripts/prerequisites test
	$(SWIFT) build --build-tests
	SWIFT=$(SWIFT) scripts/repeat-failures scripts/test-matrix $(VERSIONS) -- $(ARGS)

demo: ## two throwaway servers, sample data, live traffic, and a pipeline between them
	@scripts/prerequisites demo
	@$(MAKE) --no-print-directory build
	bin/flowctl demo $(ARGS)

lint: ## check the style of every source file
	$(SWIFT) format lint --strict --parallel --recursive Sources Tests Package.swift

format: ## bring every source file to the style
	$(SWIFT) format --in-place --parallel --recursive Sources Tests Package.swift

golden: ## run all tests and rewrite their expected output; read the diff before committing it
	@scripts/prerequisites test
	UPDATE_GOLDEN=1 $(SWIFT) test $(ARGS)

fuzz: ## a minute of random input for each parser; ARGS='600 yaml' for ten of one
	@scripts/prerequisites build
	scripts/fuzz $(ARGS)

bench: ## measure validate, and flowctl beside Postgres' own logical replication
	@scripts/prerequisites bench
	@$(MAKE) --no-print-directory build
	bench/validate
	bench/run $(ARGS)

install: ## copy the binary, its manual and completions below PREFIX, /usr/local where none is given
	@test -x bin/flowctl || $(MAKE) --no-print-directory build
	scripts/install bin/flowctl "$(DESTDIR)$(PREFIX)"

clean: ## remove what was built
	rm -rf .build bin
