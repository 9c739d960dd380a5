# mk/all.mk - the whole graph, in the order the parts need each other.

include mk/toolchain.mk
include mk/acpica.mk
include mk/kernel.mk
include mk/drivers.mk
include mk/conformance.mk
include mk/image.mk
include mk/run.mk
include mk/test.mk

.PHONY: all clean help
all: $(KERNEL) $(B)/exports.txt $(B)/drivers.tar drivers drivers-mingw conformance-drivers test-drivers

clean:
	$(call say,CLEAN,$(B))
	$(Q)rm -rf $(B)

help:
	@sed -n 's/^#? //p' mk/help.txt
