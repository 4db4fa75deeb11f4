# make demo: a trained model and its text in about two minutes. make test: all tests.

SWIFT ?= swift
TOOL = .build/release/majortom
MODEL = models/demo.safetensors
NAMES = models/names.safetensors
PACKAGES = libicu-dev libpopt-dev zlib1g-dev unicode-data bzip2

.PHONY: demo build test test-views test-durability lint format docs benchmark packages clean

demo: build
	@mkdir -p models
	$(TOOL) train lm corpora/ships-log.txt -o $(MODEL) --overwrite --minutes 1 $(DEMO)
	@echo
	$(TOOL) generate -m $(MODEL) --prompt "HOB: " --length 600 --temperature 0.5 --seed 2
	@echo
	$(TOOL) train tagger corpora/names/train.conll --dev corpora/names/dev.conll -o $(NAMES) --overwrite \
	  --epochs 40 --patience 0
	@echo
	$(TOOL) tag -m $(NAMES) "army core told Major Tom is a great battle commander"

# What the demo's corpus of 138 kB and one minute ask for: short batches, so many updates.
DEMO = --hidden 256 --batch 16 --steps 64 --dropout 0.5 --rate 0.005 --precision bf16 --patience 0

build: packages
	$(SWIFT) build -c release

test: packages
	$(SWIFT) test -c release -Xswiftc -enable-testing

# Debug builds trap on a view that outlives its arena's batch, and check bounds and shapes. The gradient
# checks take minutes there, and are of the same code.
test-views: packages
	$(SWIFT) test --filter 'DenseMathTests|CellsTests|LayersTests|GoldenTests|SearchTests' \
	  --skip GradientTests

# Kills trainings 200 times and resumes them, some on a disk that is full: an hour. Fewer: KILLS=20.
KILLS ?= 200
test-durability: build
	Tests/Durability/durability.py --kills $(KILLS)

# The pages of docs/reference, from the tables that --help is made from.
docs: build
	$(TOOL) reference docs/reference

lint:
	$(SWIFT) format lint --strict --recursive Sources Tests Package.swift

format:
	$(SWIFT) format --in-place --recursive Sources Tests Package.swift

# Speed, memory and start beside the rivals that PYTHON has, in half an hour; QUICK=1: in five minutes.
benchmark: build
	Benchmarks/benchmark.py $(if $(QUICK),--quick) $(BENCHMARK)

# Installs the Debian packages that are missing, and nothing where all are there.
packages:
	@missing=; for package in $(PACKAGES); do \
	  dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'install ok installed' \
	    || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then \
	  echo "installing$$missing"; \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq && $$sudo apt-get install -y -qq --no-install-recommends $$missing; fi

clean:
	rm -rf .build models
