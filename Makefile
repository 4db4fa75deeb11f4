# make demo: a trained model and its text in about two minutes. make test: all tests.

SWIFT ?= swift
TOOL = .build/release/majortom
NAMES = models/names.safetensors
PACKAGES = libicu-dev libpopt-dev zlib1g-dev libzstd-dev libmicrohttpd-dev unicode-data bzip2 zstd

.PHONY: demo build mpi test test-views test-calls test-bulk test-spark test-serve test-serve-sanitized test-cluster test-terminal test-completions test-durability readme examples lint format docs api benchmark packages clean
.PHONY: models install uninstall package test-package fuzz fuzz-build fuzz-replay fuzz-seeds sanitize

# Three models, and what each does, in two minutes: a language model in models/demo with a report of its training, a
# tagger of names, and a translator of numbers.
demo: build
	@mkdir -p models
	$(TOOL) train lm corpora/ships-log.txt -o $(DEMO_RUN) --overwrite --minutes 1 $(DEMO)
	@echo
	$(TOOL) generate -m $(DEMO_RUN) --prompt "HOB: " --length 600 --temperature 0.4 --seed 1
	@echo
	$(TOOL) train tagger corpora/names/train.conll --dev corpora/names/dev.conll -o $(NAMES) --overwrite --minutes 0.4
	@echo
	$(TOOL) tag -m $(NAMES) --color always "army core told Major Tom is a great battle commander"
	@echo
	$(TOOL) corpus numbers --from en --to fr --max 999 > models/numbers.tsv
	$(TOOL) train translator models/numbers.tsv -o $(TRANSLATOR) --overwrite --unit word --minutes 0.3
	@echo
	$(TOOL) translate -m $(TRANSLATOR) --attention "two hundred twelve"
	@echo
	@echo "the training of the first model, as charts: $(CURDIR)/$(DEMO_RUN)/report.html"

DEMO_RUN = models/demo
TRANSLATOR = models/translator.safetensors
# What a corpus of 400 kB and one minute ask for: short batches, so many updates.
DEMO = --hidden 256 --batch 16 --steps 64 --dropout 0.1 --rate 0.005 --precision bf16 --patience 0

build: packages
	$(SWIFT) build -c release $(ALONE)

# Swift's runtime goes into the tool. What else it needs is looked for in ../lib/majortom beside it and then in the
# system's folders: as DT_RPATH (old tags), which holds for the libraries that libraries need, too.
ALONE = --static-swift-stdlib -Xlinker --disable-new-dtags -Xlinker -rpath -Xlinker '$$ORIGIN/../lib/majortom'

# The small library by which processes that mpirun starts exchange messages: it is opened by them alone. Where both
# are installed, MPICC=mpicc.mpich makes it for MPICH.
MPICC ?= mpicc
MPI_LIBRARY = .build/mpi/libmajortom-mpi.so
mpi:
	@mkdir -p $(dir $(MPI_LIBRARY))
	$(MPICC) -O2 -shared -fPIC -o $(MPI_LIBRARY) Sources/CMPI/library/majortom-mpi.c

# The small models that a package carries, in models/share.
include packaging/models.mk

# The tool with its models, manual pages and completions. Under sudo nothing is built, as what root has written is
# in the way of later builds: make build models, then sudo make install. DESTDIR stands before every path.
PREFIX ?= /usr/local
# Where zsh looks depends on who installs: Debian's packages have vendor-completions.
ZSH ?= share/zsh/site-functions
COMPLETED = bash:share/bash-completion/completions/majortom zsh:$(ZSH)/_majortom \
  fish:share/fish/vendor_completions.d/majortom.fish
install: $(if $(SUDO_USER),,build models $(if $(shell command -v $(MPICC)),mpi))
	@test -x $(TOOL) -a -f $(word 1,$(SMALL)) || { echo "first, without sudo: make build models" >&2; exit 1; }
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/share/majortom/models" "$(DESTDIR)$(PREFIX)/share/man/man1"
	install --strip --mode=755 $(TOOL) "$(DESTDIR)$(PREFIX)/bin/majortom"
	install --mode=644 $(SMALL) "$(DESTDIR)$(PREFIX)/share/majortom/models"
	@if test -f "$(MPI_LIBRARY)"; then install -d "$(DESTDIR)$(PREFIX)/lib/majortom"; \
	  install --mode=644 $(MPI_LIBRARY) "$(DESTDIR)$(PREFIX)/lib/majortom"; fi
	$(TOOL) reference --man "$(DESTDIR)$(PREFIX)/share/man/man1"
	@for pair in $(COMPLETED); do file="$(DESTDIR)$(PREFIX)/$${pair#*:}"; \
	  mkdir -p "$${file%/*}" && $(TOOL) completions $${pair%%:*} >"$$file" || exit 1; done

uninstall:
	rm -rf "$(DESTDIR)$(PREFIX)/share/majortom"
	rm -f "$(DESTDIR)$(PREFIX)/lib/majortom/libmajortom-mpi.so"
	rm -f "$(DESTDIR)$(PREFIX)/bin/majortom" "$(DESTDIR)$(PREFIX)/share/man/man1/majortom.1" \
	  "$(DESTDIR)$(PREFIX)/share/man/man1/majortom-"*.1
	@for pair in $(COMPLETED); do rm -f "$(DESTDIR)$(PREFIX)/$${pair#*:}"; done

# A Debian package and a tarball in .build/package, each with all libraries beyond glibc beside the tool.
package: build models
	SWIFT=$(SWIFT) packaging/package.sh

# Both in clean roots that mmdebstrap makes, without Swift: some minutes. SUITES="bookworm trixie": in several.
test-package: PACKAGES += mmdebstrap lintian
test-package: package
	Tests/Package/package.sh $(SUITES)

test: packages
	$(SWIFT) test -c release -Xswiftc -enable-testing

# Debug builds trap on a view that outlives its arena's batch, and check bounds and shapes. The gradient
# checks take minutes there, and are of the same code.
test-views: packages
	$(SWIFT) test --filter 'DenseMathTests|CellsTests|LayersTests|GoldenTests|SearchTests' \
	  --skip GradientTests

# Kills trainings 200 times and resumes them, some on a disk that is full: a quarter of an hour. Fewer: KILLS=20.
KILLS ?= 200
test-durability: PACKAGES += python3
test-durability: build
	Tests/Durability/durability.py --kills $(KILLS)

# Right and wrong calls with what each says first.
test-calls: PACKAGES += python3
test-calls: build
	Tests/Calls/calls.py

# One line in, one line out, of tag, translate, surprise and tokenize: what docs/bulk.md promises.
test-bulk: PACKAGES += python3
test-bulk: build
	Tests/Bulk/bulk.py

# The same under Spark with two workers, and under GNU parallel, against the plain run: some minutes, and 500 MB of
# PyPI's packages in .build/spark at first.
test-spark: PACKAGES += python3-venv default-jre-headless parallel
test-spark: build
	python3 -m venv .build/spark
	.build/spark/bin/pip install --quiet pyspark pandas pyarrow
	Tests/Bulk/spark.sh .build/spark/bin/python $(TOOL)

# The server with clients that others wrote (PyPI's openai and openapi-spec-validator, curl) and with requests that
# no client sends; the page in Debian's chromium without a window, by PyPI's selenium; 10,000 requests in a row and
# 1,000 clients at once, Debian's hey among them; $(MUTATED) requests with bytes changed; a minute of all kinds of clients
# at once. Half an hour at most.
test-serve: PACKAGES += python3-venv curl chromium chromium-driver hey
test-serve: build
	test -x .build/serve/bin/python || python3 -m venv .build/serve
	.build/serve/bin/pip install --quiet openai openapi-spec-validator selenium
	timeout 300 .build/serve/bin/python Tests/Serve/serve.py $(TOOL) openai
	timeout 300 .build/serve/bin/python Tests/Serve/page.py $(TOOL)
	timeout 300 .build/serve/bin/python Tests/Serve/load.py $(TOOL)
	timeout 600 .build/serve/bin/python Tests/Serve/abuse.py $(TOOL) mutate $(MUTATED)
	timeout 300 .build/serve/bin/python Tests/Serve/abuse.py $(TOOL) mix 1
MUTATED ?= 100000

# All kinds of clients at once for MINUTES, against a tool that is built with the address sanitizer, which looks for
# leaks as it ends.
MINUTES ?= 60
test-serve-sanitized: packages
	$(SWIFT) build --product majortom -Xcc -O2 --sanitize=address --scratch-path .build/serve-address
	Tests/Serve/abuse.py .build/serve-address/debug/majortom mix $(MINUTES)

# Several processes on this machine train as one, are killed, disagree: two minutes.
test-cluster: PACKAGES += python3 libopenmpi-dev openmpi-bin
test-cluster: build mpi
	Tests/Cluster/cluster.py

# Progress, colours and interrupts on pseudo-terminals of many widths. It wants what it starts to take some
# seconds, so it is not for a machine that is much faster than that of 2026.
test-terminal: PACKAGES += python3
test-terminal: build
	Tests/Terminal/terminal.py

# Completions in bash, zsh and fish; man pages by mandoc and groff.
test-completions: PACKAGES += python3 zsh fish mandoc groff man-db
test-completions: build
	Tests/Completions/completions.py

# The packages of Examples, built against one folder and run.
examples: build
	Tests/Examples/examples.sh

# Every command of the README and of docs/ runs, every block of their Swift compiles, every link leads somewhere.
# PAGES="README.md docs/tag.md": only these.
readme: PACKAGES += python3
readme: build
	Tests/Readme/readme.py $(PAGES)

# The pages of docs/reference, from the tables that --help is made from; and in .build/docs the DocC archives of
# all libraries, from their comments and catalogues. A public symbol without a comment, or a link that leads
# nowhere, is an error.
docs: PACKAGES += python3
docs: build
	$(TOOL) reference docs/reference
	docs/archives.py

# What has changed in the public face since the release that CHANGELOG.md names last, by two debug builds: some
# minutes. RELEASE=REVISION compares with another; what is listed in docs/api-changes.txt is meant.
RELEASE = $$(sed -n 's/^Revision: `\([^`]*\)`.*/\1/p' CHANGELOG.md | head -n 1)
api: packages
	$(SWIFT) package diagnose-api-breaking-changes $(RELEASE) --baseline-dir .build/api \
	  --breakage-allowlist-path docs/api-changes.txt

lint:
	$(SWIFT) format lint --strict --recursive $(FORMATTED)

format:
	$(SWIFT) format --in-place --recursive $(FORMATTED)

FORMATTED = Sources Tests Package.swift Examples Fuzz/Sources Fuzz/Package.swift

# Speed, memory and start beside the rivals that PYTHON has, in half an hour; QUICK=1: in five minutes.
benchmark: build
	Benchmarks/benchmark.py $(if $(QUICK),--quick) $(BENCHMARK)

# Every reader under libFuzzer and the address sanitizer, ten minutes each; SECONDS=60: a minute each;
# DRIVER=model: one of them. What is found goes to Fuzz/.build/findings. When it is mended, a small
# input stays in Fuzz/Inputs, which fuzz-replay reads once. fuzz-seeds writes the first inputs anew,
# as is needed when a format changes.
fuzz: fuzz-build
	@mkdir -p Fuzz/.build/findings
	@for driver in $(DRIVERS); do echo "$$driver: $(SECONDS) s"; \
	  mkdir -p Fuzz/.build/corpus/$$driver; \
	  $(FUZZ) $$driver $(LIMITS) -detect_leaks=0 -max_total_time=$(SECONDS) \
	    -artifact_prefix=Fuzz/.build/findings/$$driver- \
	    Fuzz/.build/corpus/$$driver Fuzz/Inputs/$$driver 2>Fuzz/.build/$$driver.log \
	    || { tail -n 60 Fuzz/.build/$$driver.log; exit 1; }; \
	  grep -h -o 'DONE .*' Fuzz/.build/$$driver.log; done

fuzz-replay: fuzz-build
	@$(FUZZ) --check Fuzz/Inputs
	@for driver in $(DRIVERS); do \
	  $(FUZZ) $$driver $(LIMITS) Fuzz/Inputs/$$driver/* 2>Fuzz/.build/$$driver.log \
	    || { tail -n 60 Fuzz/.build/$$driver.log; exit 1; }; \
	  echo "$$driver: $$(grep -c '^Executed' Fuzz/.build/$$driver.log) inputs"; done

fuzz-seeds: fuzz-build
	$(FUZZ) --seeds Fuzz/Inputs

SECONDS = 600
DRIVERS = $(or $(DRIVER),$$($(FUZZ) --list))
# Swift's own backtracer may hang in a process under the sanitizer, which has a report of its own.
FUZZ = SWIFT_BACKTRACE=enable=no Fuzz/.build/release/Fuzz
# A read that takes more than that much time or memory is a finding, too. Leaks are looked for by
# fuzz-replay alone, as that takes more time than reading.
LIMITS = -timeout=20 -malloc_limit_mb=256 -rss_limit_mb=2048

# A manifest cannot have the package instrumented, so the flags stand here. The program has a main of
# its own, for which libFuzzer comes without one; gold, the usual linker, cannot link it.
fuzz-build: packages
	$(SWIFT) build --package-path Fuzz -c release --sanitize address \
	  -Xswiftc -sanitize-coverage=edge,$(COVERAGE) -Xcc -fsanitize-coverage=$(COVERAGE) \
	  -Xswiftc -use-ld=lld -Xlinker -lstdc++ \
	  -Xlinker $$($(CLANG) -print-resource-dir)/lib/linux/libclang_rt.fuzzer_no_main-$$(uname -m).a

# The one of the Swift in use, whose libraries fit.
CLANG = $$(dirname $$(readlink -f $$(command -v $(SWIFT))))/clang

COVERAGE = indirect-calls,trace-cmp,inline-8bit-counters,pc-table

# The tests under the address and under the thread sanitizer; SANITIZERS=thread: one of them. Some are
# left out: gradient checks are long and of the same code as the others; one test counts seconds; and
# under the thread sanitizer kernels have one level, so that none of the processor's can be checked. A
# program that ends by exit() still holds what it has, XCTest too: these are no leaks.
sanitize: packages
	for kind in $(SANITIZERS); do mkdir -p .build/$$kind; \
	  $(CLANG) -O2 -shared -fPIC -o .build/$$kind/SwiftMutex.so Tests/Sanitizers/SwiftMutex.c && \
	  $(SWIFT) build --build-tests $(SANITIZED) && \
	  ASAN_OPTIONS=detect_leaks=0 LD_PRELOAD=$$([ $$kind = address ] || echo $$PWD/.build/$$kind/SwiftMutex.so) \
	    $(SWIFT) test --skip-build $(SANITIZED) --skip GradientTests --skip scoringIsQuick \
	    $$([ $$kind = address ] || echo --skip kernelsOfTheProcessorsLevelRun) || exit 1; done

SANITIZED = -c release --sanitize=$$kind --scratch-path .build/$$kind -Xswiftc -enable-testing
SANITIZERS = address thread

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
