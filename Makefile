GO ?= go
COMPOSE ?= docker-compose
FUZZTIME ?= 10s
OUTAGE ?=
HOSTILE ?=
BENCH ?=
FOOTPRINT ?= 5m
DAY ?= 24h
CHAOS ?=
LYING ?= 5m
MUTANTS ?=
STORIES ?=
PROGRAMS := agent gateway localcore
BIN := bin
RELEASE ?=
CROSS_TO ?= armv6 armv7 arm64 amd64
TOOL := $(GO) tool -modfile=tools/go.mod
VULNDB ?=
LICENSES := Apache-2.0,MIT,BSD-2-Clause,BSD-3-Clause,ISC
DUAL := github.com/eclipse/paho.mqtt.golang

.DEFAULT_GOAL := help
.PHONY: help build test lint fmt vuln licenses units packages pages fuzz bench drain footprint day outage proof hostile chaos lying powercut mutants demo cross release compose-up compose-down clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build the three programs for this machine into bin/
	@for p in $(PROGRAMS); do \
	  echo "$(BIN)/piway-$$p"; \
	  $(GO) build -trimpath -ldflags '-s -w' -o $(BIN)/piway-$$p ./$$p || exit 1; \
	done

test: ## run all tests with the race detector, in random order
	$(GO) test -race -shuffle=on -parallel 8 -timeout 30m ./...

lint: ## check style, vet, module files and shell scripts
	$(TOOL) golangci-lint run ./...
	$(TOOL) golangci-lint run --build-tags documents ./shared/cli
	$(GO) vet ./...
	$(GO) vet -tags documents ./shared/cli
	$(GO) mod tidy -diff
	@for f in $$(grep -rlE '^#!.*\b(ba)?sh$$' --exclude='*.md' --exclude-dir=.git --exclude-dir=bin --exclude-dir=dist .); do \
	  bash -n "$$f" || exit 1; \
	done

fmt: ## fix formatting and the order of imports
	$(TOOL) golangci-lint fmt ./...

# A folder that is no copy would be a database in which nothing stands.
vuln: ## look for known vulnerabilities in dependencies, at vuln.go.dev or in a copy of it (VULNDB=DIR or VULNDB=URL)
	@case '$(VULNDB)' in \
	  '') db= ;; \
	  *://*) db='-db=$(VULNDB)' ;; \
	  *) db=-db=file://$$(cd '$(VULNDB)' && ls index/modules.json >/dev/null && pwd) || exit 1 ;; \
	esac; \
	$(TOOL) govulncheck $$db ./...

# Paho has two licences, of which we choose EDL-1.0, the BSD's; the tool knows only the other by its file, EPL-2.0.
licenses: ## see that what is built in has a licence that asks for no more than to be named
	@check() { $(GO) tool -modfile=tools/licenses/go.mod go-licenses check --logtostderr=false --log_file=/dev/null --stderrthreshold=2 "$$@"; }; \
	check --allowed_licenses=$(LICENSES) --ignore=$(DUAL) $(addprefix ./,$(PROGRAMS)) && \
	check --allowed_licenses=$(LICENSES),EPL-2.0 $(DUAL)

units: ## start both units in a container with systemd, and see that they work (needs root and Docker; some minutes)
	.ci/units-check

packages: ## install the packages of make release on machines with nothing else, and use them (STORIES=upgrade for some)
	.ci/packages-check dist/release $(STORIES)

pages: ## type the commands of our pages on machines with systemd (after make release; needs root and Docker; some minutes)
	.ci/pages-check

fuzz: ## run each fuzz test for FUZZTIME (default 10s)
	@grep -rlE '^func Fuzz' --include='*_test.go' . | sort | while read -r f; do \
	  for t in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*).*/\1/p' "$$f"); do \
	    echo "$$(dirname "$$f") $$t"; \
	    $(GO) test "$$(dirname "$$f")" -run '^$$' -fuzz "^$$t\$$" -fuzztime $(FUZZTIME) || exit 1; \
	  done; \
	done

bench: ## measure the gateway beside NATS, mosquitto and its broker library, in some minutes (BENCH="-args -help" for more)
	$(GO) test ./proof/bench -run '^$$' -bench Peers -benchtime 1x -timeout 1h $(BENCH)

drain: ## send a backlog at AWS's full rate and count what AWS would discard (4 minutes)
	$(GO) test ./gateway/gateway -run '^$$' -bench Cloud_drain -benchtime 1x

footprint: ## measure sizes, memory, CPU and bytes written, for FOOTPRINT a figure (default 5m; half an hour in all)
	@$(MAKE) --no-print-directory cross PROGRAMS="agent gateway"
	@for f in dist/linux-*/piway-*; do \
	  echo "$$f $$(stat -c %s "$$f") bytes, $$(xz -6 -c "$$f" | wc -c) by xz"; \
	done
	@for f in dist/release/*.deb; do [ ! -e "$$f" ] || echo "$$f $$(stat -c %s "$$f") bytes"; done
	FOOTPRINT=$(FOOTPRINT) $(GO) test ./proof/footprint -run '^$$' -bench Footprint -benchtime 1x -timeout 2h

day: ## count what the gateway writes in a day, by file and by reason, without waiting for it (DAY=1h for less)
	PIWAY_DAY=$(DAY) $(GO) test ./proof/day -run '^TestDay' -count=1 -v

outage: ## run the same outage against Piway, mosquitto and telegraf (OUTAGE="--help" for more)
	$(GO) run ./proof/outage $(OUTAGE)

proof: ## run the long forms of the proofs, some minutes
	PIWAY_LONG=1 $(GO) test -count=1 -timeout 15m ./proof/...

hostile: ## attack a gateway from the LAN, phase by phase, and count what it costs the others (HOSTILE="--help" for more)
	$(GO) run ./proof/hostile $(HOSTILE)

chaos: ## kill, cut power and lines, fail disks and step clocks for a minute, and count every sample (CHAOS="--help" for more)
	$(GO) run ./proof/chaos $(CHAOS)

lying: ## try seeds that nobody saw of spool and queue on disks that lie, for LYING a test (default 5m)
	PIWAY_LYING_FOR=$(LYING) PIWAY_LYING_FROM=random $(GO) test -race -count=1 -timeout 0 ./agent/spool ./gateway/queue \
	  -run '^(TestSpool_property|TestQueue_lyingDisk|TestQueue_powerCut)$$'

powercut: ## cut the power of a virtual machine ten times, and count every report (POWERCUT="--help" for more)
	$(GO) run ./proof/powercut $(POWERCUT)

mutants: ## break each promise once in a copy of the tree, and expect the tests to notice (MUTANTS=uplink for some)
	PIWAY_LONG=1 PIWAY_LYING_FOR=3s $(GO) run ./proof/mutants $(MUTANTS)

demo: ## run everything on this machine, with nothing to configure
	$(GO) run ./gateway demo

cross: ## build the three programs for Raspberry Pis and servers into dist/
	@for to in $(CROSS_TO); do \
	  case $$to in \
	    armv6) arch=arm arm=6 ;; \
	    armv7) arch=arm arm=7 ;; \
	    *) arch=$$to arm= ;; \
	  esac; \
	  CGO_ENABLED=0 GOOS=linux GOARCH=$$arch GOARM=$$arm $(MAKE) --no-print-directory build BIN=dist/linux-$$to || exit 1; \
	done

release: ## make packages, tarballs, images and an apt tree in dist/release (RELEASE="armhf" for some; docs/release.md)
	@GO='$(GO)' tools/release/release $(RELEASE)

compose-up: ## build and start the container stack (localcore, gateway, three agents, a script)
	$(COMPOSE) up -d --build

compose-down: ## stop the container stack and remove its volumes
	$(COMPOSE) --profile localcore --profile mosquitto down -v

clean: ## remove what build and cross made
	rm -rf bin dist
