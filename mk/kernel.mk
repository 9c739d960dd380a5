# mk/kernel.mk - build/dirql.elf: compile, link, embed the symbol table.
#
# Sources are found by wildcard: a file put in its folder is built. The image is linked until the
# embedded symbol table agrees with the addresses it describes (tools/link-kernel).

KERNEL        := $(B)/dirql.elf
LINKER_SCRIPT := arch/x86_64/linker.ld

KERNEL_C := $(wildcard kernel/main.c kernel/*/*.c arch/x86_64/*.c drivers/bus/*.c)
KERNEL_S := $(wildcard arch/x86_64/*.S)
KERNEL_O := $(KERNEL_C:%.c=$(B)/obj/%.o) $(KERNEL_S:%.S=$(B)/obj/%.S.o)

KERNEL_CPPFLAGS := -nostdinc -isystem $(CC_INCLUDE) -Iinclude -Ikernel -Idrivers -D_NTOSKRNL_ -D_AMD64_
KERNEL_CODEGEN  := -ffreestanding -fshort-wchar -mno-red-zone -mgeneral-regs-only \
	-fno-pic -fno-pie -mcmodel=kernel -fcf-protection=none -fno-stack-protector \
	-fno-omit-frame-pointer -fasynchronous-unwind-tables -fdebug-prefix-map=$(CURDIR)=.
KERNEL_WARNINGS := -Wall -Wextra -Wshadow -Wundef -Wvla -Wstrict-prototypes \
	-Wmissing-prototypes -Wimplicit-fallthrough -Werror
KERNEL_CFLAGS   := -std=gnu17 -O2 -g $(KERNEL_CODEGEN) $(KERNEL_WARNINGS)
KERNEL_LDFLAGS  := -nostdlib -static --no-dynamic-linker -z noexecstack \
	-z max-page-size=4096 --build-id=none --eh-frame-hdr

# Compiled in place, from the checkout's root, so that __FILE__ is short and builds repeat.
$(B)/obj/%.o: %.c $(B)/flags.kernel
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CPPFLAGS) $(ACPI_CFLAGS) $(KERNEL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/%.S.o: %.S $(B)/flags.kernel
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CPPFLAGS) -g -fno-pic \
		-MMD -MP -c -o $@ $<

$(KERNEL): $(KERNEL_O) $(ACPI_OBJECTS) $(LINKER_SCRIPT) tools/link-kernel tools/make-symtab.py
	$(call say,LD,$@)
	$(Q)CC='$(CC)' LD='$(LD)' NM='$(NM)' tools/link-kernel $@ $(LINKER_SCRIPT) \
		$(KERNEL_LDFLAGS) -- $(KERNEL_O) $(ACPI_OBJECTS)

$(B)/exports.txt: $(KERNEL) tools/list-exports.py
	$(call say,EXPORTS,$@)
	$(Q)$(PYTHON) tools/list-exports.py $(KERNEL) > $@

# Objects depend on the flags they were made with: another compiler or option rebuilds them.
KERNEL_FLAGS := $(CC) $(CC_TARGET) $(KERNEL_CPPFLAGS) $(ACPI_CFLAGS) $(KERNEL_CFLAGS) $(KERNEL_LDFLAGS)
$(B)/flags.kernel: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(KERNEL_FLAGS)' | cmp -s - $@ || printf '%s\n' '$(KERNEL_FLAGS)' > $@

.PHONY: FORCE
FORCE:

.PHONY: kernel
kernel: $(KERNEL)

-include $(KERNEL_O:.o=.d)
