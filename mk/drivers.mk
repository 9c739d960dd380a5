# mk/drivers.mk - Windows drivers: .c to .sys, as any driver author builds them.
#
#   drivers/<name>/*.c             -> build/drivers/<name>.sys        against include/nt
#                                  -> build/drivers-mingw/<name>.sys  against mingw-w64's DDK
#                                  -> build/drivers-msvc/<name>.sys   by clang for MSVC's ABI, some
#   tests/conformance/<name>/*.c   -> build/conformance/<name>.sys    against mingw-w64's DDK,
#                                     where an .inf lies beside; the others: mk/conformance.mk
#   tests/drivers/<name>/*.c       -> build/test-drivers/<name>.sys   against mingw-w64's DDK
#   tests/bench/*.c                -> build/bench/bench.sys           against include/nt
#   tests/verifier/*.c             -> build/verifier/rules.sys        against include/nt
#
# A .sys is stripped; <name>.sys.debug beside it keeps what gdb wants. An .inf beside the sources
# is copied along. A conformance driver that needs names mingw-w64 does not have yet holds a file
# `include-nt` (one line: why) and is built against include/nt instead.
# lib/iointex/iointex.c -> build/lib/libiointex.a, for those that include <iointex.h>.
# Names missing in mingw-w64's import libraries come from tools/*-extra.def.

MINGW_DDK := /usr/share/mingw-w64/include/ddk

DRIVER_CFLAGS := -std=gnu17 -O2 -g -Wall -Wextra -Werror -D_AMD64_ -fno-ident -fno-stack-protector \
	-mno-stack-arg-probe
DRIVER_LDFLAGS := -shared -nostdlib -Wl,--subsystem,native -Wl,--entry,DriverEntry \
	-Wl,--dynamicbase -Wl,--nxcompat -Wl,--image-base,0x140000000 \
	-Wl,--exclude-all-symbols -Wl,--no-insert-timestamp
DRIVER_LIBS := -L$(B)/lib -liointex -lntoskrnl-extra -lhal-extra -lntoskrnl -lhal -lwmilib -lgcc

# MSVC's ABI: wchar_t, structure layout, __try. The objects link with mingw-w64's import libraries.
MSVC_CC     ?= clang
MSVC_CFLAGS := --target=x86_64-pc-windows-msvc -fms-extensions -std=gnu17 -O2 -g -gdwarf -Wall -Wextra \
	-Werror -Wno-macro-redefined -D_AMD64_ -fno-stack-protector -mno-stack-arg-probe -nostdinc \
	-isystem $(shell $(MSVC_CC) -print-resource-dir)/include -Iinclude/nt

OUR_HEADERS   := -nostdinc -isystem $(MINGW_CC_INCLUDE) -Iinclude/nt -Ilib/iointex
MINGW_HEADERS := -isystem $(MINGW_DDK) -Ilib/iointex

IMPORT_LIBS := $(B)/lib/libiointex.a $(B)/lib/libntoskrnl-extra.a $(B)/lib/libhal-extra.a

driver_names = $(sort $(notdir $(patsubst %/,%,$(dir $(wildcard $(1)/*/*.c)))))
# Built by clang for MSVC's ABI, too.
MSVC_EXAMPLES := virtio-rng ahci e1000e xhci
EXAMPLES    := $(filter-out bus,$(call driver_names,drivers))
TEST_DRIVERS := $(call driver_names,tests/drivers)
CONFORMANCE := $(sort $(notdir $(patsubst %/,%,$(dir $(wildcard tests/conformance/*/*.inf)))))

$(B)/lib/lib%-extra.a: tools/%-extra.def
	$(call say,DLLTOOL,$@)
	@mkdir -p $(@D)
	$(Q)$(MINGW_DLLTOOL) -d $< -l $@

$(B)/lib/iointex.o: lib/iointex/iointex.c lib/iointex/iointex.h $(B)/flags.driver
	$(call say,CC.SYS,$<)
	@mkdir -p $(@D)
	$(Q)$(MINGW_CC) $(MINGW_HEADERS) $(DRIVER_CFLAGS) -c -o $@ $<

$(B)/lib/libiointex.a: $(B)/lib/iointex.o
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(MINGW_AR) rcs $@ $<

# $(1) folder under build/, $(2) name, $(3) source folder, $(4) header flags, $(5) another compiler
# with all its flags
define driver_rules
$(B)/$(1)/obj/$(2)/%.o: $(3)/%.c $(B)/flags.driver
	$$(call say,CC.SYS,$$<)
	@mkdir -p $$(@D)
	$$(Q)$(or $(5),$$(MINGW_CC) $$(DRIVER_CFLAGS)) $(4) -I$(3) -MMD -MP -c -o $$@ $$<

$(B)/$(1)/$(2).sys: $(patsubst $(3)/%.c,$(B)/$(1)/obj/$(2)/%.o,$(wildcard $(3)/*.c)) $$(IMPORT_LIBS)
	$$(call say,SYS,$$@)
	$$(Q)$$(MINGW_CC) $$(DRIVER_LDFLAGS) -o $$@.debug $$(filter %.o,$$^) $$(DRIVER_LIBS)
	$$(Q)$$(MINGW_STRIP) -o $$@.part $$@.debug && mv $$@.part $$@

$(B)/$(1)/%.inf: $(3)/%.inf
	@mkdir -p $$(@D)
	$$(Q)cp $$< $$@

-include $(patsubst $(3)/%.c,$(B)/$(1)/obj/$(2)/%.d,$(wildcard $(3)/*.c))
endef

headers_of = $(if $(wildcard $(1)/include-nt),$(OUR_HEADERS),$(MINGW_HEADERS))

$(foreach n,$(EXAMPLES),$(eval $(call driver_rules,drivers,$(n),drivers/$(n),$(OUR_HEADERS))))
$(foreach n,$(EXAMPLES),$(eval $(call driver_rules,drivers-mingw,$(n),drivers/$(n),$(MINGW_HEADERS))))
$(foreach n,$(CONFORMANCE),$(eval $(call driver_rules,conformance,$(n),tests/conformance/$(n),$(call headers_of,tests/conformance/$(n)))))

$(foreach n,$(TEST_DRIVERS),$(eval $(call driver_rules,test-drivers,$(n),tests/drivers/$(n),$(MINGW_HEADERS))))
$(foreach n,$(MSVC_EXAMPLES),$(eval $(call driver_rules,drivers-msvc,$(n),drivers/$(n),,$(MSVC_CC) $(MSVC_CFLAGS))))

$(eval $(call driver_rules,bench,bench,tests/bench,$(OUR_HEADERS)))
$(eval $(call driver_rules,verifier,rules,tests/verifier,$(OUR_HEADERS)))

sys_of = $(addprefix $(B)/$(1)/,$(addsuffix .sys,$(2)))
inf_of = $(addprefix $(B)/$(1)/,$(notdir $(foreach n,$(3),$(wildcard $(2)/$(n)/*.inf))))

DRIVER_FILES       := $(call sys_of,drivers,$(EXAMPLES)) $(call inf_of,drivers,drivers,$(EXAMPLES))
DRIVER_MSVC_FILES  := $(call sys_of,drivers-msvc,$(MSVC_EXAMPLES)) \
	$(call inf_of,drivers-msvc,drivers,$(MSVC_EXAMPLES))
DRIVER_MINGW_FILES := $(call sys_of,drivers-mingw,$(EXAMPLES)) \
	$(call inf_of,drivers-mingw,drivers,$(EXAMPLES))
CONFORMANCE_FILES  := $(call sys_of,conformance,$(CONFORMANCE)) \
	$(call inf_of,conformance,tests/conformance,$(CONFORMANCE))

TEST_DRIVER_FILES  := $(call sys_of,test-drivers,$(TEST_DRIVERS))
VERIFIER_FILES     := $(B)/verifier/rules.sys $(B)/verifier/rules.inf
BENCH_FILES        := $(B)/bench/bench.sys $(B)/bench/bench.inf

DRIVER_FLAGS := $(MINGW_CC) $(DRIVER_CFLAGS) $(OUR_HEADERS) $(MINGW_HEADERS)
$(B)/flags.driver: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(DRIVER_FLAGS)' | cmp -s - $@ || printf '%s\n' '$(DRIVER_FLAGS)' > $@

.PHONY: drivers drivers-mingw test-drivers
drivers: $(DRIVER_FILES)
drivers-mingw: $(DRIVER_MINGW_FILES) $(DRIVER_MSVC_FILES)
test-drivers: $(TEST_DRIVER_FILES)
