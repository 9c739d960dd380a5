# mk/toolchain.mk - the compilers, and a clear word where one will not do.
#
# The kernel wants a gcc that targets x86-64 ELF: x86_64-linux-gnu- (Debian's own), x86_64-elf-
# or a plain native gcc. The drivers want mingw-w64. Only goals that compile are checked.

ifndef CROSS_COMPILE
CROSS_COMPILE := $(if $(shell command -v x86_64-linux-gnu-gcc 2>/dev/null),x86_64-linux-gnu-,)
endif

CC      := $(CROSS_COMPILE)gcc
LD      := $(CROSS_COMPILE)ld
NM      := $(CROSS_COMPILE)nm
OBJCOPY := $(CROSS_COMPILE)objcopy

MINGW_CC      := $(MINGW)gcc
MINGW_DLLTOOL := $(MINGW)dlltool
MINGW_STRIP   := $(MINGW)strip
MINGW_AR      := $(MINGW)ar

NO_COMPILE_GOALS := clean help format
COMPILES := $(if $(MAKECMDGOALS),$(filter-out $(NO_COMPILE_GOALS),$(MAKECMDGOALS)),all)

ifneq ($(COMPILES),)
CC_TARGET := $(shell $(CC) -dumpmachine 2>/dev/null)
ifeq ($(CC_TARGET),)
$(error no compiler "$(CC)": install it (`tools/setup`), or name a tool chain by CROSS_COMPILE=)
endif
ifneq ($(filter x86_64-w64-% x86_64-%-cygwin x86_64-apple-%,$(CC_TARGET)),)
$(error "$(CC)" makes $(CC_TARGET) objects; the kernel needs x86-64 ELF (CROSS_COMPILE=x86_64-elf-))
endif
ifeq ($(filter x86_64-%,$(CC_TARGET)),)
$(error "$(CC)" targets $(CC_TARGET); the kernel needs x86-64 ELF (CROSS_COMPILE=x86_64-elf-))
endif
ifeq ($(shell command -v $(LD) 2>/dev/null),)
$(error no linker "$(LD)" beside "$(CC)": install binutils for $(CC_TARGET))
endif
ifeq ($(shell $(MINGW_CC) -dumpmachine 2>/dev/null),)
$(error no driver compiler "$(MINGW_CC)": install gcc-mingw-w64-x86-64 (`tools/setup`))
endif
CC_INCLUDE       := $(shell $(CC) -print-file-name=include)
MINGW_CC_INCLUDE := $(shell $(MINGW_CC) -print-file-name=include)
endif
