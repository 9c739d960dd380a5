/*
 * Unwind data of the kernel itself: .eh_frame, found through the sorted index of .eh_frame_hdr.
 *
 * Kernel code is compiled with asynchronous unwind tables, so that each instruction of a kernel
 * frame tells where its caller's registers are: what an exception needs that crosses kernel frames
 * on its way from one driver frame to another, and what backtraces need of the routines that keep
 * no frame pointer.
 *
 * Read: the forms that gcc and gas write for x86-64 (augmentation "zR" and "zRS", 32-bit
 * PC-relative pointers, an index of 32-bit offsets). Refused: DWARF expressions and all else.
 * (Linux Standard Base Core "Exception Frames" 10.6; DWARF 4 "Call Frame Information" 6.4)
 */
#ifndef PARSE_DWARF_CFI_H
#define PARSE_DWARF_CFI_H

#include "parse/unwind.h"

/* A section and the address it is linked at. */
struct cfi_section {
    struct parse_bytes bytes;
    uint64_t address;
};

struct cfi_tables {
    struct cfi_section index;  /* .eh_frame_hdr */
    struct cfi_section frames; /* .eh_frame */
};

enum cfi_rule_kind {
    CFI_SAME,      /* the caller's value is still in the register */
    CFI_SAVED,     /* at CFA + offset */
    CFI_UNDEFINED, /* of the return address: there is no caller */
};

/* How one instruction's frame is left. Registers as enum unwind_register numbers them. */
struct cfi_row {
    uint8_t cfa_register;
    bool signal_frame; /* the "caller" was interrupted: its rip is no return address */
    int64_t cfa_offset;
    uint8_t kind[UNWIND_REGISTER_COUNT]; /* enum cfi_rule_kind */
    int32_t offset[UNWIND_REGISTER_COUNT];
};

/* The row for an instruction; false: no table has it, or it is malformed. */
bool cfi_row_find(const struct cfi_tables *tables, uint64_t address, struct cfi_row *row);

/* Registers of the frame to those of its caller. False: no caller, or the stack is not readable. */
bool cfi_row_apply(const struct cfi_row *row, struct unwind_registers *registers);

#endif
