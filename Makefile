# SPDX-License-Identifier: GPL-2.0-or-later
# netd: container networking in one C library, with its CLI and CNI plugin. "make help" lists targets.

VERSION := $(shell sed -n 's/^\#define NETD_VERSION_STRING "\(.*\)"/\1/p' include/netd.h)
SOVERSION := 0

BUILD ?= build
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/netd
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
CNI_BIN_DIR ?= /opt/cni/bin

CC ?= cc
AR ?= ar
OBJCOPY ?= objcopy
PKG_CONFIG ?= pkg-config
INSTALL ?= install
CLANG_FORMAT ?= clang-format
CLANG_TIDY ?= clang-tidy
CPPCHECK ?= cppcheck
CFLAGS ?= -O2 -g

V ?= 0
ifeq ($(V),0)
Q := @
say = @printf '  %-7s %s\n' $(1) $(2)
else
Q :=
say = @:
endif

WARN := -Wall -Wextra -Werror -Wshadow -Wvla -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes \
	-Wundef -Wconversion
HARDEN := -fstack-protector-strong -fvisibility=hidden
ifeq ($(SANITIZE),1)
SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
else
HARDEN += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
endif

pkg_cflags = $(shell $(PKG_CONFIG) --cflags $(1) | sed 's/-I/-isystem /g')
pkg_libs = $(shell $(PKG_CONFIG) --libs $(1))

LIB_PKGS := libmnl libnftnl libnl-3.0 lmdb
LIB_CFLAGS := $(call pkg_cflags,$(LIB_PKGS))
LIB_LIBS := $(call pkg_libs,$(LIB_PKGS))
PROG_CFLAGS := $(call pkg_cflags,jansson)
PROG_LIBS := $(call pkg_libs,jansson)
# asked for only when a test is built: cmocka need not be there for the rest
TEST_CFLAGS = $(call pkg_cflags,cmocka)
TEST_LIBS = $(call pkg_libs,cmocka)

ALL_CPPFLAGS := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Iinclude -Inetd $(LIB_CFLAGS) $(CPPFLAGS)
ALL_CFLAGS := -std=gnu11 $(WARN) $(HARDEN) $(SAN) $(CFLAGS) -MMD -MP
PIE_CFLAGS := $(ALL_CFLAGS) -fPIE
PIC_CFLAGS := $(ALL_CFLAGS) -fPIC
ALL_LDFLAGS := -Wl,-z,relro -Wl,-z,now -Wl,--as-needed $(SAN) $(LDFLAGS)

LIB_SRC := $(sort $(wildcard netd/*.c))
FRONT_SRC := $(sort $(wildcard netd/front/*.c))
CLI_SRC := $(sort $(wildcard netd/cli/*.c))
CNI_SRC := $(sort $(wildcard cni-plugin/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
TOOL_SRC := $(sort $(wildcard tests/tools/*.c))

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
pic = $(patsubst %.c,$(BUILD)/pic/%.o,$(1))

BENCH_SRC := $(sort $(wildcard tests/bench/*.c))

LIB_A := $(BUILD)/libnetd.a
OBJS_A := $(BUILD)/libnetd-objs.a
LIB_SO := $(BUILD)/libnetd.so
FRONT_A := $(BUILD)/libfront.a
CLI := $(BUILD)/netd
CNI := $(BUILD)/cni/netd
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(UNIT_SRC))
BENCHES := $(patsubst tests/bench/%.c,$(BUILD)/tests/bench/%,$(BENCH_SRC))
TOOLS := $(patsubst tests/tools/%.c,$(BUILD)/tests/tools/%,$(TOOL_SRC))

all: $(LIB_A) $(LIB_SO) $(CLI) $(CNI) ## library, CLI and CNI plugin (default)

help: ## this list
	@sed -n 's/^\([a-z_.-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 18
	@echo "Variables: BUILD CC CFLAGS PREFIX DESTDIR CNI_BIN_DIR SANITIZE=1 V=1"

$(BUILD)/obj/cni-plugin/%.o $(BUILD)/obj/netd/cli/%.o $(BUILD)/obj/netd/front/%.o \
	$(BUILD)/obj/tests/unit/%.o: ALL_CPPFLAGS += $(PROG_CFLAGS)
$(BUILD)/obj/tests/unit/%.o: ALL_CPPFLAGS += -Icni-plugin -Inetd/cli $(TEST_CFLAGS)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(PIE_CFLAGS) -c $< -o $@

$(BUILD)/pic/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(PIC_CFLAGS) -c $< -o $@

# For the programs and tests of this tree: every module within reach.
$(OBJS_A): $(call obj,$(LIB_SRC))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# For others: one object in which only netd_* is global, so that no name of ours meets one of theirs.
$(LIB_A): $(call obj,$(LIB_SRC))
	$(call say,AR,$@)
	$(Q)$(CC) -r -nostdlib $^ -o $(BUILD)/libnetd.o
	$(Q)$(OBJCOPY) --localize-hidden $(BUILD)/libnetd.o
	$(Q)rm -f $@ && $(AR) rcs $@ $(BUILD)/libnetd.o

$(FRONT_A): $(call obj,$(FRONT_SRC))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(LIB_SO).$(VERSION): $(call pic,$(LIB_SRC)) netd/libnetd.map
	$(call say,LD,$@)
	$(Q)$(CC) -shared $(ALL_LDFLAGS) -Wl,-soname,libnetd.so.$(SOVERSION) \
		-Wl,--version-script=netd/libnetd.map $(if $(SAN),,-Wl,-z,defs) \
		$(call pic,$(LIB_SRC)) $(LIB_LIBS) -o $@

$(LIB_SO): $(LIB_SO).$(VERSION)
	$(Q)ln -sf $(notdir $<) $(BUILD)/libnetd.so.$(SOVERSION)
	$(Q)ln -sf libnetd.so.$(SOVERSION) $@

# The programs carry the library inside: one file to install, no path to search at start-up.
$(CLI): $(call obj,$(CLI_SRC)) $(FRONT_A) $(OBJS_A)
	$(call say,LD,$@)
	$(Q)$(CC) -pie $(ALL_LDFLAGS) $^ $(LIB_LIBS) $(PROG_LIBS) -o $@

$(CNI): $(call obj,$(CNI_SRC)) $(FRONT_A) $(OBJS_A)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -pie $(ALL_LDFLAGS) $^ $(LIB_LIBS) $(PROG_LIBS) -o $@

# Unit tests link the static library, so that internal modules can be reached, and the modules of
# both programs without their main().
PROG_A := $(BUILD)/libprog.a

$(PROG_A): $(filter-out %/main.o,$(call obj,$(CLI_SRC) $(CNI_SRC)))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/tests/unit/%: $(BUILD)/obj/tests/unit/%.o $(PROG_A) $(FRONT_A) $(OBJS_A)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -pie $(ALL_LDFLAGS) $^ $(LIB_LIBS) $(PROG_LIBS) $(TEST_LIBS) -o $@

$(BUILD)/tests/tools/%: $(BUILD)/obj/tests/tools/%.o $(FRONT_A) $(OBJS_A)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -pie $(ALL_LDFLAGS) $^ $(LIB_LIBS) -lpthread -o $@

$(BUILD)/tests/bench/%: $(BUILD)/obj/tests/bench/%.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -pie $(ALL_LDFLAGS) $^ -o $@

bench-build: $(BENCHES)

bench: all bench-build ## CNI ADD and DEL beside the reference plugins (root, some minutes)
	BUILD=$(BUILD) tests/bench/cni.sh

tools: $(TOOLS) ## servers, clients and probes for the integration tests

unit-build: $(UNIT)

unit: $(UNIT) ## build and run the unit tests (no root needed)
	@for t in $(UNIT); do $$t || exit 1; done

check: ## the whole test suite (root; installs what it needs)
	scripts/test

ALL_C := $(LIB_SRC) $(FRONT_SRC) $(CLI_SRC) $(CNI_SRC) $(UNIT_SRC) $(TOOL_SRC) $(BENCH_SRC) $(wildcard tests/runtime/*.c)
ALL_H := $(wildcard include/*.h netd/*.h netd/*/*.h cni-plugin/*.h tests/*/*.h)

lint: ## clang-format, layers, cppcheck, clang-tidy
	$(Q)$(CLANG_FORMAT) --dry-run --Werror $(ALL_C) $(ALL_H)
	$(Q)scripts/check-layers
	$(Q)$(CPPCHECK) --quiet --error-exitcode=1 --std=c11 --inline-suppr \
		--suppressions-list=scripts/cppcheck.suppress --enable=warning,performance,portability \
		-D_GNU_SOURCE -DNETD_LINT -Iinclude -Inetd -Icni-plugin $(LIB_SRC) $(FRONT_SRC) $(CLI_SRC) $(CNI_SRC)
	$(Q)printf '%s\n' $(LIB_SRC) $(FRONT_SRC) $(CLI_SRC) $(CNI_SRC) | xargs -P 2 -n 4 sh -c \
		'$(CLANG_TIDY) --quiet --warnings-as-errors="*" "$$@" -- -std=gnu11 $(ALL_CPPFLAGS) \
		-Icni-plugin $(PROG_CFLAGS) 2>/dev/null' sh

format: ## rewrite the sources in the project's format
	$(Q)$(CLANG_FORMAT) -i $(ALL_C) $(ALL_H)

compile_commands.json: $(ALL_C) ## for editors (needs bear)
	bear -- $(MAKE) BUILD=$(BUILD)/bear all tools unit-build

install: all ## install below DESTDIR, PREFIX and CNI_BIN_DIR
	$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR) \
		$(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(DOCDIR) $(DESTDIR)$(BASHCOMPDIR) $(DESTDIR)$(CNI_BIN_DIR)
	$(INSTALL) -m 0755 $(CLI) $(DESTDIR)$(BINDIR)/netd
	$(INSTALL) -m 0755 $(CNI) $(DESTDIR)$(CNI_BIN_DIR)/netd
	$(INSTALL) -m 0755 $(LIB_SO).$(VERSION) $(DESTDIR)$(LIBDIR)/
	ln -sf libnetd.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libnetd.so.$(SOVERSION)
	ln -sf libnetd.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libnetd.so
	$(INSTALL) -m 0644 $(LIB_A) $(DESTDIR)$(LIBDIR)/
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
		-e 's|@VERSION@|$(VERSION)|' netd/netd.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/netd.pc
	$(INSTALL) -m 0644 include/netd.h $(DESTDIR)$(INCLUDEDIR)/netd.h
	$(INSTALL) -m 0644 man/netd.1 $(DESTDIR)$(MANDIR)/man1/netd.1
	$(INSTALL) -m 0644 netd/cli/completion.bash $(DESTDIR)$(BASHCOMPDIR)/netd
	$(INSTALL) -m 0644 README.md CHANGELOG.md LICENSE docs/cni.md $(DESTDIR)$(DOCDIR)/

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(BINDIR)/netd $(DESTDIR)$(CNI_BIN_DIR)/netd \
		$(DESTDIR)$(LIBDIR)/libnetd.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libnetd.so.$(SOVERSION) \
		$(DESTDIR)$(LIBDIR)/libnetd.so $(DESTDIR)$(LIBDIR)/libnetd.a \
		$(DESTDIR)$(LIBDIR)/pkgconfig/netd.pc $(DESTDIR)$(INCLUDEDIR)/netd.h \
		$(DESTDIR)$(MANDIR)/man1/netd.1 $(DESTDIR)$(BASHCOMPDIR)/netd
	rm -rf $(DESTDIR)$(DOCDIR)

clean: ## remove what was built
	rm -rf $(BUILD)

.PHONY: all help tools bench-build bench unit-build unit check lint format install uninstall clean
.SECONDARY:

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
