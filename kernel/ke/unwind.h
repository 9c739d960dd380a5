/*
 * ke/unwind.h - frames of this machine: from a register state to that of the caller.
 *
 * Driver frames by the .pdata of their image, the kernel's own by .eh_frame; each table is read by
 * its parser of kernel/parse. No locks, no allocation: also with the machine stopped.
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

/* What a step has found out about the frame that it left. */
struct ke_frame {
    uint64_t image_base;
    PRUNTIME_FUNCTION function; /* in the image; NULL: a leaf function, or the kernel's */
    uint64_t establisher;       /* 0: the kernel's */
    PEXCEPTION_ROUTINE handler; /* NULL: none, or none that may be called here */
    PVOID handler_data;
    uint32_t handler_kinds;   /* UNW_FLAG_EHANDLER, UNW_FLAG_UHANDLER */
    bool interrupted_a_stack; /* the frame is of an interrupt, not of an exception */
};

/*
 * Turn the state of a frame into that of its caller. *exact in and out: Rip is the next instruction
 * to run, not a return address. `pointers`: where registers were found, NULL: not wanted. False: no
 * caller, or none that can be found; the state is void then.
 */
bool ke_unwind_step(PCONTEXT context, bool *exact, PKNONVOLATILE_CONTEXT_POINTERS pointers,
                    struct ke_frame *frame);

/* Hand the bug check its unwinder. Once, at boot. */
void ke_unwind_init(void);
