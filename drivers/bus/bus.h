/*
 * drivers/bus/bus.h - the buses that are built into the kernel.
 *
 * bus_init() finds the hardware and reports it to PnP as a tree: a root device of the machine, the
 * PCI root below it, the functions below that, behind their bridges. It loads and starts nothing.
 */
#pragma once

#include <hal/boot_info.h>

/* After pnp_init(), before pnp_start_all(). PASSIVE_LEVEL, once. */
void bus_init(const struct boot_info *boot);
