/*
 * context.c - the first stack frame of a thread, in the shape hal_context_switch() leaves one; and
 * the proof that C and assembly agree about what entry.S pushes.
 */
#include <hal/hal.h>
#include <hal/upcall.h>

#include "frame.h"

/* What hal_context_switch() pushes, from the saved stack pointer upward. */
struct switch_frame {
    uint64_t xmm6_to_15[20];
    uint32_t mxcsr;
    uint32_t reserved;
    uint64_t r15, r14, r13, r12, rbx, rbp;
    uint64_t return_address;
    uint64_t end_of_stack[2]; /* RSP stays 16-byte aligned in both routines of switch.S */
};

_Static_assert(offsetof(struct switch_frame, mxcsr) == 0xA0, "switch.S");
_Static_assert(offsetof(struct switch_frame, r15) == 0xA8, "switch.S");

/* entry.S */
_Static_assert(offsetof(struct hal_interrupt_frame, xmm) == INTERRUPT_XMM, "frame.h");
_Static_assert(offsetof(struct hal_interrupt_frame, mxcsr) == INTERRUPT_MXCSR, "frame.h");
_Static_assert(offsetof(struct hal_interrupt_frame, kept) == INTERRUPT_LOCALS, "frame.h");
_Static_assert(offsetof(struct hal_interrupt_frame, rip) == INTERRUPT_RIP, "frame.h");

enum { MXCSR_DEFAULT = 0x1F80 }; /* SDM 1 "MXCSR" 10.2.3: all exceptions masked, round to nearest */

/* switch.S */
void hal_context_start(void);
void hal_context_intercepted(void);

void hal_context_init(struct hal_context *context, void *stack_top, void (*entry)(void *),
                      void *argument)
{
    uint64_t top = (uint64_t)stack_top & ~15ull;
    struct switch_frame *frame = (struct switch_frame *)(top - sizeof(struct switch_frame));

    *frame = (struct switch_frame){
        .mxcsr = MXCSR_DEFAULT,
        .r12 = (uint64_t)argument,
        .rbx = (uint64_t)entry,
        .return_address = (uint64_t)hal_context_start,
    };
    context->rsp = (uint64_t)frame;
}

uint64_t hal_context_intercept(struct hal_context *context)
{
    struct switch_frame *frame = (struct switch_frame *)context->rsp;
    uint64_t goes_on_at = frame->return_address;

    frame->return_address = (uint64_t)hal_context_intercepted;
    return goes_on_at;
}
