# The only entry point: `make help` lists what there is. Needs GNU make.
#
# Building needs Rust (the version is in Cargo.toml) and a C compiler. `make test` installs the rest.

.DEFAULT_GOAL := help
# The targets use all cores by themselves, and the order of the tests matters.
.NOTPARALLEL:
.DELETE_ON_ERROR:

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
PKGCONFIGDIR ?= $(LIBDIR)/pkgconfig
CMAKEDIR ?= $(LIBDIR)/cmake/saltyrtc
# The description of the ABI, for those who write declarations in other languages.
DATADIR ?= $(PREFIX)/share/saltyrtc
MANDIR ?= $(PREFIX)/share/man
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR ?= $(PREFIX)/share/zsh/site-functions
FISHCOMPDIR ?= $(PREFIX)/share/fish/vendor_completions.d
# systemd looks here too, whatever the prefix of systemd itself is.
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
DESTDIR ?=

CARGO ?= cargo
CC ?= cc
INSTALL ?= install
# Programs find a new library by the cache of the loader, which only root can renew.
LDCONFIG ?= $(if $(filter Linux,$(shell uname -s)),PATH=$$PATH:/sbin:/usr/sbin ldconfig,:)
RENEW_LOADER_CACHE = test -n "$(DESTDIR)" || test "$$(id -u)" != 0 || $(LDCONFIG)
CFLAGS ?= -O2 -g
C_WARNINGS := -std=c99 -Wall -Wextra -Wpedantic -Werror

TARGET := $(or $(CARGO_TARGET_DIR),target)/release
BUILD := build
HEADERS := $(wildcard include/*.h include/*.hpp)

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
MAJOR := $(word 1,$(subst ., ,$(VERSION)))
MINOR := $(word 2,$(subst ., ,$(VERSION)))
# As in build.rs: before 1.0 every minor version can change the ABI.
ABI := $(if $(filter 0,$(MAJOR)),0.$(MINOR),$(MAJOR))
FEATURES := $(shell sed -n '/^\[features\]/,/^\[dep/s/^\([a-z0-9_-]*\) = .*/\1/p' Cargo.toml | grep -vx -e default -e all -e audited-only)

# What a program needs that is linked with the static library.
STATIC_LIBS := $(shell scripts/static-libs.sh)

ifeq ($(shell uname -s),Darwin)
SHARED := libsaltyrtc.dylib
SHARED_ABI := libsaltyrtc.$(ABI).dylib
SHARED_FULL := libsaltyrtc.$(VERSION).dylib
else
SHARED := libsaltyrtc.so
SHARED_ABI := libsaltyrtc.so.$(ABI)
SHARED_FULL := libsaltyrtc.so.$(VERSION)
endif

# What cannot take long comes first.
TESTS := lint test-rust test-fuzz test-deny test-package test-docker test-abi test-c test-docs test-packages test-mobile \
	test-races test-python test-swift test-kotlin test-peers test-aiortc test-interop test-network test-soak

.PHONY: help all build header demo demo-browser docs docs-python wheels packages clean
.PHONY: bench bench-server bench-rtc bench-pull bench-bindings
.PHONY: install install-library install-server uninstall
.PHONY: test test-tools conformance check-targets fuzz soak sanitize mutants $(TESTS)

help: ## List the targets
	@echo "libsaltyrtc $(VERSION). Targets:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do \
		printf '  make %-14s %s\n' "$$name" "$$text"; done
	@echo "Variables of install and uninstall: PREFIX ($(PREFIX)), BINDIR, LIBDIR, INCLUDEDIR, PKGCONFIGDIR, CMAKEDIR,"
	@echo "DATADIR, MANDIR, UNITDIR, SYSUSERSDIR, BASHCOMPDIR, ZSHCOMPDIR, FISHCOMPDIR, DESTDIR"

all: build header ## Build the library and the server (release; AUDITED_ONLY=1: without dryoc), and check the C header

build:
	$(CARGO) build --locked --release $(if $(AUDITED_ONLY),--no-default-features --features "all audited-only")
	@# Programs look for the name with the version in it, also before the library is installed.
	ln -sf $(SHARED) $(TARGET)/$(SHARED_ABI)

# The header must do on its own, in the oldest C that it is for.
header:
	$(CC) $(C_WARNINGS) -fsyntax-only -x c include/saltyrtc.h

demo: all $(BUILD)/hello ## Build and run examples-c/hello.c
	$(BUILD)/hello

demo-browser: all $(BUILD)/send_file ## Chat and exchange files with a browser (ARGS: options of send_file)
	scripts/demo-browser.sh $(BUILD)/send_file $(BUILD)/received $(ARGS)

$(BUILD)/send_file: $(wildcard examples-c/*.h)

# Linked with the static library, so that they run from anywhere.
$(BUILD)/hello $(BUILD)/send_file: $(BUILD)/%: examples-c/%.c $(HEADERS) $(TARGET)/libsaltyrtc.a
	@mkdir -p $(BUILD)
	$(CC) $(C_WARNINGS) -D_POSIX_C_SOURCE=200809L $(CFLAGS) -Iinclude -o $@ $< $(TARGET)/libsaltyrtc.a $(STATIC_LIBS)

test: test-tools $(TESTS) ## Install what the tests need, and run everything

test-tools: ## Install what the tests need
	@scripts/install-test-tools.sh

test-rust: ## Rust tests: the core on its own, then with all features
	scripts/check-core.sh
	$(CARGO) test --locked --no-default-features
	@# Optimised: it compares the two implementations of NaCl for every length of a message.
	$(CARGO) test --locked --no-default-features --features vectorised --lib \
		--config 'profile.dev.package.saltyrtc.opt-level=2' -- --include-ignored crypto::
	$(CARGO) test --locked --no-default-features --features vectorised,audited-only --lib -- crypto:: protocol::
	@# A thousand clients are connected at once. Where that is not allowed, the test that needs it says so.
	ulimit -n $$(ulimit -Hn) 2>/dev/null || true; $(CARGO) test --locked

conformance: ## Check that code and tests name every requirement of the specification, and print which tests
	$(CARGO) test --locked --quiet --no-default-features --test conformance every_requirement -- --nocapture

# Latency is measured: nothing else should run meanwhile.
soak test-soak: SOAK_SECONDS = $(or $(SECONDS),$(if $(filter soak,$@),3600,240))
soak: ## The server with well-behaved and hostile clients, for an hour (SECONDS=3600)
test-soak: ## The same for four minutes, and what each attack costs (docs/abuse.md)
soak test-soak:
	ulimit -n $$(ulimit -Hn) 2>/dev/null || true; SALTYRTC_SOAK_SECONDS=$(SOAK_SECONDS) \
		$(CARGO) test --locked --quiet --test server_hostile -- --ignored --test-threads=1 --nocapture --exact abuse::abuse soak::soak

test-fuzz: ## Every fuzz target for a few seconds, from the inputs in fuzz/corpus
	scripts/fuzz.sh 3

fuzz: ## Every fuzz target for as long as you like (SECONDS=60)
	scripts/fuzz.sh $(or $(SECONDS),60)

sanitize: ## Rust and C tests under ThreadSanitizer and AddressSanitizer (hours; not part of test)
	scripts/sanitize.sh thread
	scripts/sanitize.sh address

mutants: ## Whether the tests notice changes of the security checks (hours; not part of test; ARGS: files)
	scripts/mutants.sh $(ARGS)

test-deny: ## Licences, origin and security of the dependencies
	scripts/test-deny.sh

test-package: ## The crate as others get it, built elsewhere
	scripts/test-package.sh

test-docker: ## The image of the server, or its steps where no container engine is at hand
	scripts/test-docker.sh

test-abi: ## What breaks programs that were made for a release (ABI.md)
	scripts/test-abi.py

test-c: ## C and C++ tests of the ABI, and the examples
	scripts/test-c.sh

# With the library that test-c has built.
test-docs: docs ## The guide: its programs, and the links of all pages
	$(CARGO) build --locked --quiet --lib --bin saltyrtc-server
	scripts/test-docs.py $(BUILD)/guide

test-packages: ## Packages of the server in a system that is thrown away: needs root or sudo
	scripts/test-packages.sh

test-mobile: ## The library for phones is small enough
	scripts/build-mobile.sh

test-races: ## C tests with many threads under ThreadSanitizer
	scripts/test-races.sh

test-python: ## The Python package: its wheel, with every Python that is at hand
	scripts/test-python.sh

test-swift: ## The Swift package, with a compiler that it gets by itself
	scripts/test-swift.sh

test-kotlin: ## The Kotlin artefacts, as they would be published, from Kotlin and from Java
	scripts/test-kotlin.sh

check-targets: ## The library compiles for iOS, Android and Windows (some minutes; not part of test)
	scripts/check-targets.sh

test-interop: ## Tests with other SaltyRTC implementations
	scripts/test-interop.sh

test-peers: ## Our WebRTC against itself and GStreamer's
	scripts/test-peers.sh

test-aiortc: ## Our ORTC against transports of aiortc
	scripts/test-aiortc.sh

test-network: ## WebRTC through NATs, over TURN, over bad links: needs root or sudo
	scripts/test-network.sh

lint: ## Formatting and clippy, for each set of features
	$(CARGO) fmt --check
	scripts/check-foreign.py --self-test
	scripts/check-foreign.py
	scripts/check-layers.py --self-test
	scripts/check-layers.py
	$(CARGO) clippy --locked --quiet --all-targets -- -D warnings
	$(CARGO) clippy --locked --quiet --all-targets --no-default-features -- -D warnings
	$(CARGO) clippy --locked --quiet --all-targets --features audited-only -- -D warnings
	@set -e; for feature in $(FEATURES); do \
		echo "clippy with $$feature alone"; \
		$(CARGO) clippy --locked --quiet --all-targets --no-default-features --features $$feature -- -D warnings; \
	done

docs: ## The guide and all pages as a book, with the reference of the C header, in build/docs/book
	scripts/build-docs.sh

docs-python: ## The reference of the Python package, in build/python/docs
	scripts/build-python-docs.sh

wheels: ## What is published of the Python package, in build/python/dist
	scripts/build-wheels.sh

packages: ## Debian and RPM packages of the server, in build/packages (DEBEMAIL=, DEBFULLNAME=: who makes them)
	scripts/build-packages.sh

bench: bench-server bench-rtc bench-pull bench-bindings ## Measure the speed

# Thousands of clients are connected at once. The program says so if there is no Python server.
bench-server: ## Compare the speed of the server with others (QUICK=1: rough, half a minute)
	$(CARGO) bench --locked --bench server --no-run
	scripts/install-python-server.sh >/dev/null || true
	ulimit -n $$(ulimit -Hn) && $(CARGO) bench --locked --bench server -- $(if $(QUICK),--quick)

# Links are made of network namespaces, which needs root. The program says so if it cannot.
bench-rtc: ## Compare the speed of WebRTC with others (QUICK=1: rough, two minutes)
	$(CARGO) bench --locked --bench rtc --no-run
	scripts/build-rtc-others.sh
	scripts/build-peers.sh link
	RTC_OTHERS=$(or $(CARGO_TARGET_DIR),target)/rtc-others/release \
		$(CARGO) bench --locked --bench rtc -- $(if $(QUICK),--quick)

bench-bindings: ## Compare the speed of the bindings with C (QUICK=1: rough, half a minute)
	scripts/bench-bindings.sh $(if $(QUICK),--quick)

bench-pull: build $(BUILD)/waiting ## Measure how fast C programs take events (QUICK=1: rough)
	benches/pull/run.py $(BUILD)/waiting $(if $(QUICK),--quick)

# Linked with the static library, as the examples are.
$(BUILD)/waiting: benches/pull/waiting.c $(HEADERS) $(TARGET)/libsaltyrtc.a
	@mkdir -p $(BUILD)
	$(CC) $(C_WARNINGS) -D_POSIX_C_SOURCE=200809L $(CFLAGS) -Iinclude -o $@ $< $(TARGET)/libsaltyrtc.a $(STATIC_LIBS)

# No build if there is one already, so that `sudo make install` needs no Rust for root.
$(TARGET)/libsaltyrtc.a $(TARGET)/$(SHARED) $(TARGET)/saltyrtc-server:
	$(MAKE) all

install: install-library install-server ## Install the library and the server

install-library: $(TARGET)/libsaltyrtc.a $(TARGET)/$(SHARED) ## Install headers, description, libraries and pkg-config file
	$(INSTALL) -d $(addprefix $(DESTDIR),$(INCLUDEDIR) $(LIBDIR) $(PKGCONFIGDIR) $(CMAKEDIR) $(DATADIR))
	$(INSTALL) -m 644 $(HEADERS) $(DESTDIR)$(INCLUDEDIR)
	$(INSTALL) -m 644 include/saltyrtc.json $(DESTDIR)$(DATADIR)
	$(INSTALL) -m 644 $(TARGET)/libsaltyrtc.a $(DESTDIR)$(LIBDIR)
	$(INSTALL) -m 755 $(TARGET)/$(SHARED) $(DESTDIR)$(LIBDIR)/$(SHARED_FULL)
	ln -sf $(SHARED_FULL) $(DESTDIR)$(LIBDIR)/$(SHARED_ABI)
	ln -sf $(SHARED_ABI) $(DESTDIR)$(LIBDIR)/$(SHARED)
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
		-e 's|@DATADIR@|$(DATADIR)|' -e 's|@VERSION@|$(VERSION)|' -e 's|@STATIC_LIBS@|$(STATIC_LIBS)|' saltyrtc.pc.in \
		> $(DESTDIR)$(PKGCONFIGDIR)/saltyrtc.pc
	for file in saltyrtc-config.cmake saltyrtc-config-version.cmake; do \
		sed -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@SHARED_ABI@|$(SHARED_ABI)|' \
			-e 's|@STATIC_LIBS@|$(STATIC_LIBS)|' -e 's|@VERSION@|$(VERSION)|' -e 's|@ABI@|$(ABI)|' \
			dist/cmake/$$file.in > $(DESTDIR)$(CMAKEDIR)/$$file || exit; \
		chmod 644 $(DESTDIR)$(CMAKEDIR)/$$file; \
	done
	chmod 644 $(DESTDIR)$(PKGCONFIGDIR)/saltyrtc.pc
	$(RENEW_LOADER_CACHE)

SERVER_UNITS := saltyrtc-server.service saltyrtc-server.socket

install-server: $(TARGET)/saltyrtc-server ## Install the server with manual page, completions and systemd units
	$(INSTALL) -d $(addprefix $(DESTDIR),$(BINDIR) $(MANDIR)/man1 $(UNITDIR) $(SYSUSERSDIR) \
		$(BASHCOMPDIR) $(ZSHCOMPDIR) $(FISHCOMPDIR))
	$(INSTALL) -m 755 $(TARGET)/saltyrtc-server $(DESTDIR)$(BINDIR)
	$(TARGET)/saltyrtc-server man > $(DESTDIR)$(MANDIR)/man1/saltyrtc-server.1
	$(TARGET)/saltyrtc-server completions bash > $(DESTDIR)$(BASHCOMPDIR)/saltyrtc-server
	$(TARGET)/saltyrtc-server completions zsh > $(DESTDIR)$(ZSHCOMPDIR)/_saltyrtc-server
	$(TARGET)/saltyrtc-server completions fish > $(DESTDIR)$(FISHCOMPDIR)/saltyrtc-server.fish
	for unit in $(SERVER_UNITS); do \
		sed 's|@BINDIR@|$(BINDIR)|' dist/systemd/$$unit > $(DESTDIR)$(UNITDIR)/$$unit || exit; \
	done
	$(INSTALL) -m 644 dist/systemd/saltyrtc-server.sysusers $(DESTDIR)$(SYSUSERSDIR)/saltyrtc-server.conf
	chmod 644 $(DESTDIR)$(MANDIR)/man1/saltyrtc-server.1 $(DESTDIR)$(BASHCOMPDIR)/saltyrtc-server \
		$(DESTDIR)$(ZSHCOMPDIR)/_saltyrtc-server $(DESTDIR)$(FISHCOMPDIR)/saltyrtc-server.fish \
		$(addprefix $(DESTDIR)$(UNITDIR)/,$(SERVER_UNITS))

uninstall: ## Remove what install installed
	rm -f $(addprefix $(DESTDIR)$(INCLUDEDIR)/,$(notdir $(HEADERS)))
	rm -f $(addprefix $(DESTDIR)$(LIBDIR)/,libsaltyrtc.a $(SHARED) $(SHARED_ABI) $(SHARED_FULL))
	$(RENEW_LOADER_CACHE)
	rm -f $(DESTDIR)$(PKGCONFIGDIR)/saltyrtc.pc $(DESTDIR)$(DATADIR)/saltyrtc.json
	rm -f $(addprefix $(DESTDIR)$(CMAKEDIR)/,saltyrtc-config.cmake saltyrtc-config-version.cmake)
	rmdir $(DESTDIR)$(DATADIR) $(DESTDIR)$(CMAKEDIR) 2>/dev/null || true
	rm -f $(DESTDIR)$(BINDIR)/saltyrtc-server $(DESTDIR)$(MANDIR)/man1/saltyrtc-server.1
	rm -f $(DESTDIR)$(BASHCOMPDIR)/saltyrtc-server $(DESTDIR)$(ZSHCOMPDIR)/_saltyrtc-server
	rm -f $(DESTDIR)$(FISHCOMPDIR)/saltyrtc-server.fish $(DESTDIR)$(SYSUSERSDIR)/saltyrtc-server.conf
	rm -f $(addprefix $(DESTDIR)$(UNITDIR)/,$(SERVER_UNITS))

clean: ## Remove everything that was built
	$(CARGO) clean
	rm -rf $(BUILD) bindings/kotlin/*/target
