/*
 * Unwind data of x64 Windows images: RUNTIME_FUNCTION, UNWIND_INFO, UNWIND_CODE, epilogues.
 *
 * Works on the image as it is mapped: addresses are RVAs, each checked against the image's size
 * before a byte is read. unwind_info_step() does what RtlVirtualUnwind is documented to do: it runs
 * the unwind codes of the part of the prologue that has been executed backwards, or what is left
 * of an epilogue forwards, follows chained unwind data, and says whether the function has a
 * language handler.
 *
 * An epilogue is recognised by its instructions (add or lea of RSP, pops, return or jump out), as
 * on Windows; the epilogue codes of version 2 say the same and are skipped. One step narrower than
 * Windows: a direct jump alone is an epilogue only of a function that has saved nothing, because
 * gcc moves cold code out of its function and jumps there.
 *
 * Not here: language handlers and their scope tables (kernel/ke/seh.c), which image holds an
 * address.
 */
#ifndef PARSE_UNWIND_INFO_H
#define PARSE_UNWIND_INFO_H

#include "parse/pe.h"
#include "parse/unwind.h"

/* "struct UNWIND_INFO": flags */
enum unwind_flags {
    UNWIND_FLAG_EXCEPTION = 0x1, /* UNW_FLAG_EHANDLER */
    UNWIND_FLAG_UNWIND = 0x2,    /* UNW_FLAG_UHANDLER */
    UNWIND_FLAG_CHAINED = 0x4,   /* UNW_FLAG_CHAININFO */
};

/* A mapped image. */
struct unwind_image {
    uint64_t base;
    const uint8_t *bytes; /* the same place, where this runs */
    uint32_t size;
    struct pe_range functions; /* the exception directory, inside the image */
};

/* One RUNTIME_FUNCTION and where it stands. */
struct unwind_function {
    uint32_t begin_rva;
    uint32_t end_rva;
    uint32_t info_rva;
    uint32_t entry_rva;
};

/* The frame that a step has left. */
struct unwind_outcome {
    uint64_t establisher; /* what handlers know the frame by */
    uint32_t handler_rva; /* 0: none, or none that may be called at this instruction */
    uint32_t handler_data_rva;
    uint32_t flags;     /* of the primary function: which kinds the handler is for */
    bool machine_frame; /* an interrupt frame was popped: rip is no return address */
};

/* The function that holds an RVA, by binary search; false: none, it is a leaf function's. */
bool unwind_function_find(const struct unwind_image *image, uint32_t rva,
                          struct unwind_function *function);

/* Read the RUNTIME_FUNCTION at an RVA; false: outside the image. */
bool unwind_function_read(const struct unwind_image *image, uint32_t entry_rva,
                          struct unwind_function *function);

/* From inside the function at registers->general[UNWIND_RIP] to its caller. */
bool unwind_info_step(const struct unwind_image *image, const struct unwind_function *function,
                      struct unwind_registers *registers, struct unwind_outcome *outcome);

/* The same for a function without unwind data: its return address is on top of the stack. */
bool unwind_leaf_step(struct unwind_registers *registers, struct unwind_outcome *outcome);

#endif
