# mk/acpica.mk - ACPICA, unpatched, from Debian's linux-source package or a tree named by hand.
#
#   ACPICA_SRC=DIR   a Linux source tree (or its drivers/acpi/acpica and include/acpi alone)
#
# The package's tarball is unpacked once, these two folders only, into build/acpica/src; the list of
# files is then written to build/acpica/sources.mk, which make reads on its own. The objects are
# linked into one, without what kernel/acpi never reaches. Nothing of ACPICA is committed; all its
# files used here may be had under BSD-3-Clause.

ACPICA_SRC     ?=
ACPICA_TARBALL := $(firstword $(wildcard /usr/src/linux-source-6.*.tar.xz))
ACPICA_DIR     := $(B)/acpica
ACPICA_TREE    := $(or $(ACPICA_SRC),$(ACPICA_DIR)/src)
ACPICA_LIST    := $(ACPICA_DIR)/sources$(if $(ACPICA_SRC),-named).mk

# ACPICA's platform is chosen by -DMODESTO: see kernel/acpi/include/acmodesto.h.
ACPICA_CPPFLAGS := -U__linux__ -U__linux -Ulinux -DMODESTO -Ikernel/acpi/include \
	-isystem $(ACPICA_TREE)/include

# Neither debugger nor resource dump: text nobody would see.
ACPICA_LEFT_OUT := db%.c rsdump.c rsdumpinfo.c
ACPICA_C        := # set by the list
ifneq ($(COMPILES),)
include $(ACPICA_LIST)
endif
ACPICA_C := $(sort $(filter-out $(ACPICA_LEFT_OUT),$(ACPICA_C)))
ACPICA_O := $(ACPICA_C:%.c=$(ACPICA_DIR)/obj/%.o)

$(ACPICA_DIR)/sources.mk:
	$(if $(ACPICA_TARBALL),,$(error no /usr/src/linux-source-6.*.tar.xz: install linux-source-6.1 \
		(`tools/setup`), or name a tree by ACPICA_SRC=))
	$(call say,UNPACK,$(ACPICA_TARBALL))
	@rm -rf $(ACPICA_DIR)/src $(ACPICA_DIR)/src.new && mkdir -p $(ACPICA_DIR)/src.new
	@tar -xJf $(ACPICA_TARBALL) -C $(ACPICA_DIR)/src.new --strip-components=1 --wildcards \
		'*/drivers/acpi/acpica/*' '*/include/acpi/*'
	@mv $(ACPICA_DIR)/src.new $(ACPICA_DIR)/src
	@cd $(ACPICA_DIR)/src/drivers/acpi/acpica && echo ACPICA_C := *.c > $(abspath $@).new
	@mv $@.new $@

$(ACPICA_DIR)/sources-named.mk: FORCE_LIST
	@mkdir -p $(@D)
	@cd $(ACPICA_TREE)/drivers/acpi/acpica && echo ACPICA_C := *.c > $(abspath $@).new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

.PHONY: FORCE_LIST
FORCE_LIST:

ACPICA_CFLAGS = -std=gnu17 -Os -w -ffunction-sections -fdata-sections $(KERNEL_CODEGEN)

$(ACPICA_DIR)/obj/%.o: $(ACPICA_TREE)/drivers/acpi/acpica/%.c kernel/acpi/include/acmodesto.h \
		$(B)/flags.kernel
	$(call say,CC,acpica/$*.c)
	@mkdir -p $(@D)
	$(Q)$(CC) -nostdinc -isystem $(CC_INCLUDE) $(ACPICA_CPPFLAGS) $(ACPICA_CFLAGS) -c -o $@ $<

# What kernel/acpi asks for, and all it leads to; the rest of ACPICA stays out.
ACPI_KERNEL_O = $(patsubst %.c,$(B)/obj/%.o,$(wildcard kernel/acpi/*.c))
$(ACPICA_DIR)/acpica.o: $(ACPICA_O) $(ACPI_KERNEL_O)
	$(call say,LD,$@)
	$(Q)$(NM) -u $(ACPI_KERNEL_O) | sed -n 's/^ *U \(acpi_.*\)/-u \1/p' | sort -u > $@.roots
	$(Q)$(LD) -r --gc-sections @$@.roots -o $@ $(ACPICA_O)

ACPI_OBJECTS := $(if $(wildcard kernel/acpi/*.c),$(ACPICA_DIR)/acpica.o)
# Only kernel/acpi sees ACPICA's headers.
$(B)/obj/kernel/acpi/%.o: ACPI_CFLAGS = $(ACPICA_CPPFLAGS)

# ---- build/host/acpi-routes: kernel/acpi on the host (tests/acpi) ------------------------------

HOSTCC        ?= gcc
HOST_ACPI     := $(B)/host/acpi
HOST_ACPI_SRC := $(addprefix kernel/acpi/,acpi.c eval.c link.c os.c os_lock.c root.c routing.c) \
	kernel/parse/cmdline.c kernel/parse/parse.c $(wildcard tests/acpi/*.c)
HOST_ACPI_O   := $(HOST_ACPI_SRC:%.c=$(HOST_ACPI)/%.o)
HOST_ACPICA_O := $(ACPICA_C:%.c=$(HOST_ACPI)/acpica/%.o)
HOST_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined
HOST_ACPI_CFLAGS := -std=gnu17 -O1 -g -fshort-wchar -fno-strict-aliasing

$(HOST_ACPI)/acpica/%.o: $(ACPICA_TREE)/drivers/acpi/acpica/%.c kernel/acpi/include/acmodesto.h
	$(call say,HOSTCC,acpica/$*.c)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(ACPICA_CPPFLAGS) $(HOST_ACPI_CFLAGS) -w -ffunction-sections -c -o $@ $<

$(HOST_ACPI)/%.o: %.c
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -Itests/acpi/include -Itests/acpi -Iinclude -Ikernel $(ACPICA_CPPFLAGS) \
		-D_NTOSKRNL_ -D_AMD64_ $(HOST_ACPI_CFLAGS) $(HOST_SANITIZE) -Wall -Wextra \
		-MMD -MP -c -o $@ $<

$(B)/host/acpi-routes: $(HOST_ACPI_O) $(HOST_ACPICA_O)
	$(call say,HOSTLD,$@)
	$(Q)$(HOSTCC) $(HOST_SANITIZE) -Wl,--gc-sections \
		-Wl,--wrap=acpi_ex_system_memory_space_handler -o $@ $^

.PHONY: acpi-routes
acpi-routes: $(B)/host/acpi-routes

-include $(HOST_ACPI_O:.o=.d)
