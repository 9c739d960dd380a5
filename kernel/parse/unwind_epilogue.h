/*
 * Epilogues of x64 Windows functions, recognised by their instructions ("x64 prolog and epilog").
 * Part of unwind_info.c.
 */
#ifndef PARSE_UNWIND_EPILOGUE_H
#define PARSE_UNWIND_EPILOGUE_H

#include "parse/unwind_info.h"

struct unwind_epilogue {
    /* in */
    uint32_t frame_register; /* 0: none */
    bool saves_nothing;      /* the prologue neither saves nor allocates */
    /* out */
    bool from_frame_register; /* RSP is taken from it first */
    int32_t adjustment;       /* then added to RSP */
    uint8_t pop_count;
    uint8_t pops[16];
};

/* Is what stands at rva the rest of an epilogue, up to the return or jump? */
bool unwind_epilogue_find(const struct unwind_image *image, const struct unwind_function *function,
                          uint32_t rva, struct unwind_epilogue *epilogue);

/* Do what it does, but for the return itself. */
bool unwind_epilogue_run(const struct unwind_epilogue *epilogue,
                         struct unwind_registers *registers);

#endif
