# ftsl: `make demo` shows it, `make test` proves it; both install what is missing first.

PREFIX  ?= /usr/local
DESTDIR ?=
SWIFT   ?= swift
CONFIG  ?= release
BIN      = .build/$(CONFIG)/ftsl

BUILD_PACKAGES = libreadline-dev libsqlite3-dev libxxhash-dev pkg-config make
TEST_PACKAGES  = $(BUILD_PACKAGES) iproute2 nftables openssh-server openssh-client rsync git \
                 postgresql redis-server netcat-openbsd socat strace mandoc valgrind \
                 python3 python3-cryptography python3-xxhash procps
BENCH_PACKAGES = $(BUILD_PACKAGES) openssl netcat-openbsd socat ncat gnuplot-nox python3

.PHONY: all build demo test install uninstall lint bench clean setup setup-test setup-bench

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

test: setup-test
	$(SWIFT) build -c release --build-tests
	FTSL_BINARY=$(CURDIR)/.build/release/ftsl $(SWIFT) test -c release --skip-build

lint:
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests

bench: setup-bench
	$(SWIFT) build -c release
	@sh Tests/Benchmarks/run $(BIN)

BASH_COMPLETION = $(DESTDIR)$(PREFIX)/share/bash-completion/completions/ftsl
ZSH_COMPLETION  = $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_ftsl
FISH_COMPLETION = $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/ftsl.fish

install: build
	install -D -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/ftsl
	for page in man/*.[1-8]; do \
	  install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; \
	done
	install -D -m 644 completions/ftsl.bash $(BASH_COMPLETION)
	install -D -m 644 completions/_ftsl $(ZSH_COMPLETION)
	install -D -m 644 completions/ftsl.fish $(FISH_COMPLETION)

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/ftsl $(BASH_COMPLETION) $(ZSH_COMPLETION) $(FISH_COMPLETION)
	for page in man/*.[1-8]; do \
	  rm -f $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; \
	done

clean:
	rm -rf .build .build-* Package.resolved bench
