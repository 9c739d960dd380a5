# Makefile - the one entry to everything that is built, run and tested.
#
# Non-recursive: each part lives in mk/*.mk and adds its targets and dependencies to this one
# graph. All results go to build/. `make help` lists what there is to ask for.
#
#   V=1             print whole command lines
#   CROSS_COMPILE=  prefix of the kernel's tool chain, such as x86_64-elf-
#   MINGW=          prefix of the driver tool chain (x86_64-w64-mingw32-)
#   QEMU=           the emulator that run, test, bench and debug start

MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

B := build

V ?= 0
ifeq ($(V),0)
Q := @
say = @printf '  %-7s %s\n' '$(1)' '$(2)'
else
Q :=
say = @:
endif

PYTHON ?= python3
QEMU   ?= qemu-system-x86_64
MINGW  ?= x86_64-w64-mingw32-
export QEMU MINGW

# Goals that start by installing what is missing run in two steps, so that a compiler that was
# not there when this file was read is found afterwards.
SETUP_GOALS := run test

ifneq ($(filter $(SETUP_GOALS),$(MAKECMDGOALS)),)
ifeq ($(DIRQL_SETUP_DONE),)
.PHONY: $(MAKECMDGOALS) set-up
.NOTPARALLEL:
set-up:
	@tools/setup
$(MAKECMDGOALS): set-up
	+@$(MAKE) DIRQL_SETUP_DONE=1 $@
else
include mk/all.mk
endif
else
include mk/all.mk
endif
