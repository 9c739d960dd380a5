/*
 * host.h - the machine that kernel/acpi sees on the host.
 *
 * Physical memory is what host_memory_add() put there. Everything else, and every port, reads
 * zeros and keeps what is written; configuration space reads zeros: as the corpus' expected routes
 * were made.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern bool host_is_verbose; /* log lines go to standard error */

/* These bytes stand at that address; they must stay where they are. */
void host_memory_add(uint64_t address, void *bytes, size_t size);

/*
 * Read the *.aml files of a folder and lay them out with an RSDP, as firmware does: DSDT, then the
 * other tables by name. Returns the RSDP's address; 0, with a message, where there is no DSDT.
 */
uint64_t machine_load(const char *folder);
