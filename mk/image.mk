# mk/image.mk - what is booted: the driver archive and the ISO.
#
# drivers.tar (ustar) holds the example drivers and their INFs. The ISO starts GRUB by BIOS and by
# UEFI, from CD, disk or USB stick; only the GRUB modules it needs are put in. It holds no HFS+ tree,
# so that xorriso can write it again with files exchanged (tools/hostlib/qemu.py).

ARCHIVE := $(B)/drivers.tar
ISO     := $(B)/dirql.iso
ISO_MAX := 8388608

GRUB_MODULES := multiboot2 normal iso9660 part_msdos part_gpt fat serial terminal test configfile

$(ARCHIVE): $(DRIVER_FILES) tools/dirql tools/hostlib/archive.py
	$(call say,TAR,$@)
	$(Q)tools/dirql pack -o $@ $(DRIVER_FILES)

$(ISO): $(KERNEL) $(ARCHIVE) boot/grub.cfg kernel/acpi/LICENSE.ACPICA mk/image.mk
	$(call say,ISO,$@)
	$(Q)rm -rf $(B)/iso && mkdir -p $(B)/iso/boot/grub
	$(Q)$(OBJCOPY) --strip-debug $(KERNEL) $(B)/iso/boot/dirql.elf
	$(Q)cp $(ARCHIVE) $(B)/iso/boot/
	$(Q)cp boot/grub.cfg $(B)/iso/boot/grub/
	$(Q)cp kernel/acpi/LICENSE.ACPICA $(B)/iso/boot/
	$(Q)grub-mkrescue --fonts= --locales= --themes= \
		--install-modules="$(GRUB_MODULES)" -o $@ $(B)/iso -- -hfsplus off > $(B)/iso.log 2>&1 \
		|| { cat $(B)/iso.log; rm -f $@; exit 1; }
	$(Q)[ $$(stat -c %s $@) -le $(ISO_MAX) ] \
		|| { echo "$@ is larger than $(ISO_MAX) bytes"; rm -f $@; exit 1; }

.PHONY: iso flash
iso: $(ISO)

flash: $(ISO)
	@tools/flash '$(ISO)' '$(DEV)'
