/*
 * ap_boot.h - the trampoline page, shared by ap_boot.S and smp.c.
 *
 * smp.c copies the code to a page below 1 MiB and fills in the parameters at its end. Offsets are
 * from the start of the page.
 */
#pragma once

#define TRAMPOLINE_GDT 0xF80 /* null, 32-bit code, 64-bit code, data */
#define TRAMPOLINE_GDT_BYTES 0x20
#define TRAMPOLINE_GDT_POINTER 0xFA0 /* limit (2 bytes), base (4 bytes) */
#define TRAMPOLINE_FAR_32 0xFA8      /* offset (4 bytes), selector (2 bytes) */
#define TRAMPOLINE_FAR_64 0xFB0
#define TRAMPOLINE_CR3 0xFB8   /* physical, below 4 GiB: smp.c's own tables */
#define TRAMPOLINE_ENTRY 0xFC0 /* 64-bit address of smp_ap_entry */

/* The 64-bit selectors are those of x86_gdt.h. */
#define TRAMPOLINE_SELECTOR_CODE32 0x08
