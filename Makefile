# ModelBroker: everything that people and CI run.
#
#   make build   programs in .build/release      make demo    the whole path, on this machine, cleaned up afterwards
#   make test    every test                      make check   format, warnings, import rules
#   make deps    missing Debian packages         make clean   what was built
#   make sim     the queues before the models, a million requests without sockets; SEED=n
#   make budgets allocations and instructions of the data path, against Tests/Budgets/budgets.json
#   make deb     the Debian package in .build           make image   the container image, .build/modelbroker-image.tar
#   make guests  the tests that need a Debian machine, Prometheus or a browser, which take minutes to fetch
#   make apiserver  the Kubernetes parts against a real API server: KUBE_APISERVER=program ETCD=program
#   make record-apiserver  the same, and what was said is kept in Tests/Recorded, for the Swift tests to hear again
#   make pictures  of top and of the live page, for the README
#   make faults  200 random faults under load, one after another; SEED=n
#   make upgrades  20 upgrades of agent and proxy under load, to and from a version whose maps have other layouts
#   make bench   beside nginx, HAProxy and Envoy in under 3 minutes; make bench-full in under 30

SHELL := bash
.DEFAULT_GOAL := build
SWIFT ?= swift
PYTHON ?= python3
# Swift's libraries in the programs themselves: less memory, and nothing of the toolchain is needed to run them.
RELEASE = -c release --static-swift-stdlib $(SYMBOLS)
# Nobody opens a debugger on CI, and a quarter of the compiler's time goes with what one reads.
SYMBOLS := $(if $(CI),-debug-info-format none)
# Test targets without sockets, processes and clocks.
PURE := ^(Admission|Catalog|Configuration|Control|Flow|HTTPWire|Identity|Kubernetes|Routing|Telemetry)Tests\.
BIN := .build/release
SHIFTED := .build-shifted
VENV := .build/venv
PRODUCTS := modelbrokerd modelbroker-proxy modelbroker mock-engine

.PHONY: build test unit budgets system guests faults apiserver record-apiserver upgrades shifted sim demo pictures check format \
	deps bpf venv clean bench bench-full image deb

# All at once: one after another, a processor would wait for the last module of each.
build: deps bpf
	$(SWIFT) build $(RELEASE)
	@echo "built: $(PRODUCTS:%=.build/release/%)"

# Only what is missing is installed; without root the command to run is printed.
deps:
	@Tests/Checks/deps.sh

# The BPF programs, which the Swift build embeds.
bpf: deps
	@$(MAKE) --no-print-directory -C bpf

test: unit budgets system

# What the tests print is in .build/unit.log.
unit: deps bpf
	$(SWIFT) build --build-tests $(SYMBOLS)
	@$(PYTHON) Tests/Checks/unit.py --swift $(SWIFT) --pure '$(PURE)' --log .build/unit.log

# What each request and each event costs; `Tests/Budgets/check.py --update` makes what is measured the new budgets.
budgets: build
	@$(PYTHON) Tests/Budgets/check.py

# The scheduler of the proxy with a clock of its own; it fails if a share, a bound or a limit does not come out.
sim: build
	@.build/release/queue-sim $(SEED)

# Agent, proxy and engines as processes, as they are deployed; needs root for the kernel's part. Tests that measure time run
# by themselves, the others three at a time: they wait more than they compute.
system: build venv
	MODELBROKER_BIN=.build/release $(VENV)/bin/python -m pytest -n 3 --dist loadfile -m "not alone and not guest and not apiserver" \
		Tests/SystemTests
	MODELBROKER_BIN=.build/release $(VENV)/bin/python -m pytest -m alone Tests/SystemTests

# With what takes minutes to fetch: the package on a Debian machine made for it, the metrics in Prometheus, the live page in
# Chromium.
guests: build venv
	@Tests/Checks/deps.sh guests
	MODELBROKER_BIN=.build/release $(VENV)/bin/python -m pytest -m guest Tests/SystemTests

# With programs of Kubernetes, which are not ours to fetch. RECORD is a directory.
apiserver: named build venv
	KUBE_APISERVER=$(realpath $(KUBE_APISERVER)) ETCD=$(realpath $(ETCD)) RECORD=$(RECORD) MODELBROKER_BIN=$(BIN) \
		$(VENV)/bin/python -m pytest -m apiserver Tests/SystemTests

.PHONY: named
named:
	@test -x "$(KUBE_APISERVER)" -a -x "$(ETCD)" || { echo "KUBE_APISERVER=program ETCD=program" >&2; exit 2; }

record-apiserver:
	@$(MAKE) --no-print-directory apiserver RECORD=$(CURDIR)/Tests/Recorded/kubernetes

faults: build venv
	FAULTS=200 FAULTS_SEED=$(or $(SEED),8) MODELBROKER_BIN=$(BIN) $(VENV)/bin/python -m pytest -s Tests/SystemTests/test_faults.py

# The programs of a version that differs in nothing but its number and the layouts of its maps; as long to build as `build`.
shifted: deps bpf
	$(SWIFT) build $(RELEASE) --scratch-path $(SHIFTED) -Xcc -DMB_SHIFTED

upgrades: build shifted venv
	UPGRADES=20 SHIFTED=$(SHIFTED)/release MODELBROKER_BIN=$(BIN) $(VENV)/bin/python -m pytest \
		Tests/SystemTests/test_upgrades.py

venv: $(VENV)/.installed

$(VENV)/.installed: Tests/requirements.txt
	@$(PYTHON) -m venv --clear $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement Tests/requirements.txt
	@touch $@

# deploy/README.md says what to do with them.
deb: build
	@deploy/debian/build.sh $(BIN) .build

image: build
	@$(PYTHON) deploy/image/build.py --programs $(BIN) --output .build/modelbroker-image.tar

demo: build venv
	@Tests/Demo/demo.sh

pictures: build venv
	MODELBROKER_BIN=.build/release $(VENV)/bin/python Tests/Demo/screenshots.py

# Timing: nothing else should run meanwhile. BENCH="--save" also draws the chart; Tests/Bench has a README.
bench: build
	@Tests/Bench/deps.sh
	@$(MAKE) --no-print-directory -C Tests/Bench
	@cd Tests/Bench && $(PYTHON) -m bench $(BENCH)

bench-full:
	@$(MAKE) --no-print-directory bench BENCH="--full $(BENCH)"

check: deps bpf
	$(SWIFT) format lint --recursive --strict Sources Tests
	@Tests/Checks/imports.sh
	@Tests/Checks/source.sh
	MODELBROKER_WARNINGS=error $(SWIFT) build --build-tests

format:
	$(SWIFT) format --in-place --recursive Sources Tests

clean:
	@$(MAKE) --no-print-directory -C bpf clean
	rm -rf .build $(SHIFTED)
