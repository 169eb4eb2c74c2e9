# ftsl: `make demo` shows it, `make test` proves it; both install what is missing first.

PREFIX  ?= /usr/local
DESTDIR ?=
SWIFT   ?= swift
CONFIG  ?= release
BIN      = .build/$(CONFIG)/ftsl
VERSION  = $(shell sed -n 's/.*version = "\(.*\)".*/\1/p' Sources/FTSLCommands/CommandLineTool.swift)

BUILD_PACKAGES = libreadline-dev libsqlite3-dev libxxhash-dev pkg-config make
TEST_PACKAGES  = $(BUILD_PACKAGES) iproute2 nftables openssh-server openssh-client rsync git \
                 postgresql redis-server netcat-openbsd socat strace mandoc valgrind \
                 python3 python3-cryptography python3-xxhash procps tmux vim less htop zsh fish gcc libc6-dev \
                 prometheus curl systemd dpkg-dev lintian debootstrap
BENCH_PACKAGES = $(BUILD_PACKAGES) openssl netcat-openbsd socat ncat gnuplot-nox python3 \
                 nats-server libnats-dev mosquitto mosquitto-clients gcc libc6-dev

.PHONY: all build demo record test install install-files uninstall deb dist lint bench fuzz fuzz-merge clean setup setup-test setup-bench

all: build

setup:
	@sh packaging/setup $(BUILD_PACKAGES)

setup-test:
	@sh packaging/setup $(TEST_PACKAGES)

setup-bench:
	@sh packaging/setup $(BENCH_PACKAGES)

build: setup
	$(SWIFT) build -c $(CONFIG) --product ftsl

demo: build
	@sh Tests/Demo/demo $(BIN)

# The README's recording, as an asciinema cast and an SVG.
record: build
	@sh packaging/setup tmux python3
	python3 Tests/Demo/record $(BIN) Tests/Demo/recording

test: setup-test
	$(SWIFT) build -c release --build-tests
	FTSL_BINARY=$(CURDIR)/.build/release/ftsl $(SWIFT) test -c release --skip-build

lint:
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests

bench: setup-bench
	$(SWIFT) build -c release
	@python3 Tests/Benchmarks/run $(BIN)

BASH_COMPLETION = $(DESTDIR)$(PREFIX)/share/bash-completion/completions/ftsl
ZSH_COMPLETION  = $(DESTDIR)$(PREFIX)/share/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)/_ftsl
FISH_COMPLETION = $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/ftsl.fish
EXAMPLES        = $(DESTDIR)$(PREFIX)/share/doc/ftsl/examples
UNITS           = $(DESTDIR)$(PREFIX)/lib/systemd
# One entry of Tests/FTSLFuzzTests for a while; what is new stays in .build-fuzz until `make fuzz-merge`.
ENTRY ?= acceptor
FUZZ_SECONDS ?= 60
CORPUS = Tests/FTSLFuzzTests/Corpus/$(ENTRY)
FUZZER = SWIFT_BACKTRACE=enable=no FTSL_FUZZ_ENTRY=$(ENTRY) .build-fuzz/release/ftsl-fuzz -max_len=2048 -timeout=10 -rss_limit_mb=1024

build-fuzz: setup
	FTSL_FUZZ=1 $(SWIFT) build -c release --scratch-path .build-fuzz --product ftsl-fuzz \
	  --sanitize fuzzer -Xswiftc -assert-config -Xswiftc Debug

fuzz: build-fuzz
	@mkdir -p .build-fuzz/$(ENTRY)
	$(FUZZER) -max_total_time=$(FUZZ_SECONDS) .build-fuzz/$(ENTRY) $(CORPUS)

fuzz-merge: build-fuzz
	$(FUZZER) -merge=1 $(CORPUS) .build-fuzz/$(ENTRY)

install: build install-files

# Of a binary that is there.
install-files:
	install -s -D -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/ftsl
	for page in man/*.[1-8]; do \
	  install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; \
	done
	for example in packaging/examples/*; do \
	  install -D -m 755 $$example $(EXAMPLES)/$${example##*/}; \
	done
	install -D -m 644 packaging/grafana/ftsl.json $(EXAMPLES)/grafana-dashboard.json
	install -D -m 644 completions/ftsl.bash $(BASH_COMPLETION)
	install -D -m 644 completions/_ftsl $(ZSH_COMPLETION)
	install -D -m 644 completions/ftsl.fish $(FISH_COMPLETION)
	cd packaging/systemd && for unit in system/* user/*; do \
	  install -d $(UNITS)/$${unit%/*} && \
	  sed 's|/usr/bin/ftsl|$(PREFIX)/bin/ftsl|' $$unit > $(UNITS)/$$unit && \
	  chmod 644 $(UNITS)/$$unit; \
	done

uninstall:
	rm -f $(EXAMPLES)/*
	rm -f $(DESTDIR)$(PREFIX)/bin/ftsl $(BASH_COMPLETION) $(ZSH_COMPLETION) $(FISH_COMPLETION)
	for page in man/*.[1-8]; do \
	  rm -f $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; \
	done
	cd packaging/systemd && for unit in system/* user/*; do rm -f $(UNITS)/$$unit; done
	rmdir $(EXAMPLES) $(DESTDIR)$(PREFIX)/share/doc/ftsl 2>/dev/null || true

# A Debian package in .build/packages; the Swift runtime is in its binary.
deb: build
	@sh packaging/setup dpkg-dev make
	packaging/deb $(BIN) .build/packages

# The sources of the last commit as a tarball in .build/packages.
dist:
	@mkdir -p .build/packages
	git archive --format=tar --prefix=ftsl-$(VERSION)/ HEAD | gzip -9n > .build/packages/ftsl-$(VERSION).tar.gz
	@echo .build/packages/ftsl-$(VERSION).tar.gz

clean:
	rm -rf .build .build-* Package.resolved bench
