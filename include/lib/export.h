/*
 * The exports table: how a kernel routine becomes visible to drivers.
 *
 * The file that implements a routine of the WDK puts one line after it:
 *
 *     NTSTATUS NTAPI IoDoThing(...) { ... }
 *     LDR_EXPORT(IoDoThing);
 *
 * which emits { name, address } into the section .ldr_exports. kernel/ldr/exports.c hashes the
 * section once at boot and answers imports and MmGetSystemRoutineAddress from it; the host's
 * tools/list-exports.py reads the same section from the ELF file. What is not implemented has no
 * line, and so is absent: a driver that imports it is refused by name.
 *
 * NTOSKRNL.EXE, HAL.DLL and WMILIB.SYS share this one table, as the names never collide.
 *
 * Linker script: the section must be kept and bounded by __ldr_exports_start and
 * __ldr_exports_end, 8-byte aligned; it may be read-only:
 *
 *     .ldr_exports : ALIGN(8) {
 *         __ldr_exports_start = .; KEEP(*(.ldr_exports)) __ldr_exports_end = .; }
 */
#ifndef LIB_EXPORT_H
#define LIB_EXPORT_H

struct ldr_export {
    const char *name;
    const void *address;
};

/* Exports the function or variable SYMBOL under the name NAME (a string literal). */
#define LDR_EXPORT_AS(NAME, SYMBOL) LDR_EXPORT_AT(NAME, SYMBOL, __COUNTER__)

/* Exports a function under its own name. */
#define LDR_EXPORT(SYMBOL) LDR_EXPORT_AS(#SYMBOL, SYMBOL)

/* Exports a variable under its own name: the import slot receives the variable's address. */
#define LDR_EXPORT_DATA(SYMBOL) LDR_EXPORT_AS(#SYMBOL, SYMBOL)

/* Indirection, so that __COUNTER__ is expanded before it is pasted. */
#define LDR_EXPORT_AT(NAME, SYMBOL, NUMBER) LDR_EXPORT_ENTRY(NAME, SYMBOL, NUMBER)
#define LDR_EXPORT_ENTRY(NAME, SYMBOL, NUMBER)                                                     \
    static const struct ldr_export ldr_export_##NUMBER                                             \
        __attribute__((used, section(".ldr_exports"), aligned(8))) = {NAME,                        \
                                                                      (const void *)&(SYMBOL)}

#endif
