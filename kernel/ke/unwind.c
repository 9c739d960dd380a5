/*
 * ke/unwind.c - see ke/unwind.h; and the routines by which drivers unwind themselves.
 *
 * The kernel has no RUNTIME_FUNCTIONs. So that a driver's own walk crosses it, one made-up function
 * stands for all of its code: RtlLookupFunctionEntry returns it and RtlVirtualUnwind knows it.
 */
#include "ke/unwind.h"

#include <hal/exception.h>
#include <hal/hal.h>
#include <lib/bugcheck.h>
#include <lib/export.h>
#include <lib/string.h>

#include "mm/mm.h"
#include "parse/dwarf_cfi.h"
#include "parse/unwind_info.h"

#define UPPER_HALF 0xFFFF800000000000ull /* stacks and images are there */

enum { BACKTRACE_STEPS_MAX = 1024 };

/* linker.ld */
extern const char kernel_text_start[], kernel_text_end[];
extern const uint8_t kernel_frame_index_start[], kernel_frame_index_end[];
extern const uint8_t kernel_frames_start[], kernel_frames_end[];

_Static_assert(offsetof(CONTEXT, Rip) - offsetof(CONTEXT, Rax) == UNWIND_RIP * 8, "unwind.h");
_Static_assert(sizeof(KNONVOLATILE_CONTEXT_POINTERS) == UNWIND_SAVED_AT_COUNT * 8, "unwind.h");

static RUNTIME_FUNCTION kernel_function;

static bool stack_read(void *context, uint64_t address, void *to, uint32_t size)
{
    (void)context;
    if (address < UPPER_HALF || address > UINT64_MAX - size || !mm_address_is_valid(address) ||
        !mm_address_is_valid(address + size - 1))
        return false;
    memcpy(to, (const void *)address, size);
    return true;
}

static bool kernel_step(struct unwind_registers *registers, bool *exact)
{
    const struct cfi_tables tables = {
        .index = {{kernel_frame_index_start,
                   (uint64_t)(kernel_frame_index_end - kernel_frame_index_start)},
                  (uint64_t)kernel_frame_index_start},
        .frames = {{kernel_frames_start, (uint64_t)(kernel_frames_end - kernel_frames_start)},
                   (uint64_t)kernel_frames_start},
    };
    struct unwind_outcome outcome;
    struct cfi_row row;

    if (!cfi_row_find(&tables, registers->general[UNWIND_RIP] - (*exact ? 0 : 1), &row)) {
        /* Assembly without tables keeps its return address on top, and calls nobody. */
        bool leaf = *exact && unwind_leaf_step(registers, &outcome);

        *exact = false;
        return leaf;
    }
    *exact = row.signal_frame;
    return cfi_row_apply(&row, registers);
}

/* function NULL: of one without unwind data. */
static bool function_step(const struct unwind_image *image, const struct unwind_function *function,
                          struct unwind_registers *registers, bool *exact, struct ke_frame *frame)
{
    struct unwind_outcome outcome;
    bool done = function != NULL ? unwind_info_step(image, function, registers, &outcome)
                                 : unwind_leaf_step(registers, &outcome);

    frame->image_base = image->base;
    frame->establisher = outcome.establisher;
    if (outcome.handler_rva != 0 && outcome.handler_rva < image->size) {
        frame->handler = (PEXCEPTION_ROUTINE)(image->base + outcome.handler_rva);
        frame->handler_data = (PVOID)(image->base + outcome.handler_data_rva);
        frame->handler_kinds = outcome.flags;
    }
    *exact = outcome.machine_frame;
    return done;
}

static bool image_step(const struct bugcheck_image *found, struct unwind_registers *registers,
                       bool *exact, struct ke_frame *frame)
{
    const struct unwind_image image = {.base = found->base,
                                       .bytes = (const uint8_t *)found->base,
                                       .size = (uint32_t)found->size,
                                       .functions = {found->functions_rva, found->functions_size}};
    uint32_t rva = (uint32_t)(registers->general[UNWIND_RIP] - image.base);
    struct unwind_function function;

    if (!unwind_function_find(&image, rva, &function))
        return function_step(&image, NULL, registers, exact, frame);
    frame->function = (PRUNTIME_FUNCTION)(image.base + function.entry_rva);
    return function_step(&image, &function, registers, exact, frame);
}

/* What hal_consolidate called: its caller is the frame that the others were made one with. */
static bool consolidated_step(struct unwind_registers *registers, bool *exact)
{
    uint64_t context;

    if (!stack_read(NULL, hal_consolidate_context_at(registers->general[UNWIND_RSP]), &context,
                    sizeof(context)) ||
        !stack_read(NULL, context + offsetof(CONTEXT, Rax), registers->general,
                    UNWIND_REGISTER_COUNT * sizeof(uint64_t)))
        return false;
    *exact = false;
    for (unsigned i = 0; registers->saved_at != NULL && i < UNWIND_XMM_COUNT; i++) {
        registers->saved_at[i] = context + offsetof(CONTEXT, Xmm0) + i * UNWIND_XMM_SIZE;
        registers->saved_at[UNWIND_XMM_COUNT + i] = context + offsetof(CONTEXT, Rax) + i * 8;
    }
    return registers->xmm == NULL || stack_read(NULL, context + offsetof(CONTEXT, Xmm0),
                                                registers->xmm, UNWIND_XMM_COUNT * UNWIND_XMM_SIZE);
}

static bool registers_step(struct unwind_registers *registers, bool *exact, struct ke_frame *frame)
{
    uint64_t rip = registers->general[UNWIND_RIP];
    struct bugcheck_image image;
    struct unwind_outcome outcome;

    *frame = (struct ke_frame){0};
    registers->read = stack_read;
    if (rip == (uint64_t)hal_consolidate_return)
        return consolidated_step(registers, exact);
    if (lib_address_in_kernel(rip)) {
        bool done = kernel_step(registers, exact);

        frame->interrupted_a_stack = *exact && rip != (uint64_t)trap_common_return;
        return done;
    }
    if (lib_image_find(rip, &image))
        return image_step(&image, registers, exact, frame);
    /* A call of nowhere: its return address is on top. */
    if (!*exact || !unwind_leaf_step(registers, &outcome))
        return false;
    *exact = false;
    return true;
}

bool ke_unwind_step(PCONTEXT context, bool *exact, PKNONVOLATILE_CONTEXT_POINTERS pointers,
                    struct ke_frame *frame)
{
    struct unwind_registers registers = {
        .general = &context->Rax, .xmm = &context->Xmm0, .saved_at = (uint64_t *)pointers};
    uint64_t rsp = context->Rsp;

    return registers_step(&registers, exact, frame) && context->Rsp > rsp;
}

/* bugcheck_unwind_fn */
static bool backtrace_step(struct bugcheck_registers *r, bool *exact)
{
    uint64_t general[UNWIND_REGISTER_COUNT] = {r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp,
                                               r->rsi, r->rdi, r->r8,  r->r9,  r->r10, r->r11,
                                               r->r12, r->r13, r->r14, r->r15, r->rip};
    struct unwind_registers registers = {.general = general};
    struct ke_frame frame;

    if (!registers_step(&registers, exact, &frame))
        return false;
    r->rbx = general[UNWIND_RBX];
    r->rsp = general[UNWIND_RSP];
    r->rbp = general[UNWIND_RBP];
    r->rsi = general[UNWIND_RSI];
    r->rdi = general[UNWIND_RDI];
    r->r12 = general[12];
    r->r13 = general[13];
    r->r14 = general[14];
    r->r15 = general[UNWIND_R15];
    r->rip = general[UNWIND_RIP];
    return true;
}

void ke_unwind_init(void)
{
    kernel_function.EndAddress = (ULONG)(kernel_text_end - kernel_text_start);
    lib_bugcheck_set_unwinder(backtrace_step);
}

/* Return addresses from the caller of the routine that asks, at most `count` behind `skip`. */
static __attribute__((noinline)) uint32_t return_addresses(uint32_t skip, uint32_t count,
                                                           PVOID *addresses)
{
    struct ke_frame frame;
    CONTEXT context;
    bool exact = false;
    uint32_t found = 0;

    hal_context_capture(&context);
    /* Two steps lead to the routine of the WDK, a third to its caller. */
    for (uint32_t i = 0; i < BACKTRACE_STEPS_MAX && found < count; i++) {
        if (i >= 2 && i - 2 >= skip)
            addresses[found++] = (PVOID)context.Rip;
        if (!ke_unwind_step(&context, &exact, NULL, &frame))
            break;
    }
    return found;
}

/* WDK surface */

LDR_EXPORT_AS("RtlCaptureContext", hal_context_capture);

/* The history table is a cache on Windows; nothing is kept in it here. Any IRQL. */
PRUNTIME_FUNCTION NTAPI RtlLookupFunctionEntry(ULONG64 ControlPc, PULONG64 ImageBase,
                                               PUNWIND_HISTORY_TABLE HistoryTable)
{
    struct bugcheck_image found;
    struct unwind_function function;

    UNREFERENCED_PARAMETER(HistoryTable);
    if (lib_address_in_kernel(ControlPc)) {
        *ImageBase = (ULONG64)kernel_text_start;
        return &kernel_function;
    }
    *ImageBase = 0;
    if (!lib_image_find(ControlPc, &found))
        return NULL;
    const struct unwind_image image = {.base = found.base,
                                       .bytes = (const uint8_t *)found.base,
                                       .size = (uint32_t)found.size,
                                       .functions = {found.functions_rva, found.functions_size}};
    *ImageBase = found.base;
    if (!unwind_function_find(&image, (uint32_t)(ControlPc - found.base), &function))
        return NULL;
    return (PRUNTIME_FUNCTION)(found.base + function.entry_rva);
}
LDR_EXPORT(RtlLookupFunctionEntry);

/* By a function entry of the caller's, of code that is in no image: its unwind data is believed. */
static bool given_step(ULONG64 image_base, const RUNTIME_FUNCTION *entry, PCONTEXT context,
                       PKNONVOLATILE_CONTEXT_POINTERS pointers, struct ke_frame *frame)
{
    const struct unwind_image image = {
        .base = image_base, .bytes = (const uint8_t *)image_base, .size = UINT32_MAX};
    const struct unwind_function function = {.begin_rva = entry->BeginAddress,
                                             .end_rva = entry->EndAddress,
                                             .info_rva = entry->UnwindData};
    struct unwind_registers registers = {.general = &context->Rax,
                                         .xmm = &context->Xmm0,
                                         .saved_at = (uint64_t *)pointers,
                                         .read = stack_read};
    bool exact;

    *frame = (struct ke_frame){0};
    return function_step(&image, &function, &registers, &exact, frame);
}

/* What cannot be unwound leaves Rip 0, where a walk ends. Any IRQL. */
PEXCEPTION_ROUTINE NTAPI RtlVirtualUnwind(ULONG HandlerType, ULONG64 ImageBase, ULONG64 ControlPc,
                                          PRUNTIME_FUNCTION FunctionEntry, PCONTEXT ContextRecord,
                                          PVOID *HandlerData, PULONG64 EstablisherFrame,
                                          PKNONVOLATILE_CONTEXT_POINTERS ContextPointers)
{
    struct bugcheck_image image;
    struct ke_frame frame;
    bool exact = false, done;

    ContextRecord->Rip = ControlPc;
    if (FunctionEntry == NULL || lib_address_in_kernel(ControlPc) ||
        lib_image_find(ControlPc, &image))
        done = ke_unwind_step(ContextRecord, &exact, ContextPointers, &frame);
    else
        done = given_step(ImageBase, FunctionEntry, ContextRecord, ContextPointers, &frame);
    if (!done)
        ContextRecord->Rip = 0;
    *EstablisherFrame = frame.establisher;
    if ((frame.handler_kinds & HandlerType) == 0)
        return NULL;
    *HandlerData = frame.handler_data;
    return frame.handler;
}
LDR_EXPORT(RtlVirtualUnwind);

PVOID NTAPI RtlPcToFileHeader(PVOID PcValue, PVOID *BaseOfImage)
{
    struct bugcheck_image image;

    *BaseOfImage = NULL;
    if (lib_image_find((ULONG_PTR)PcValue, &image))
        *BaseOfImage = (PVOID)image.base;
    return *BaseOfImage;
}
LDR_EXPORT(RtlPcToFileHeader);

/* Flags: bit 0 asks for user frames, of which there are none. IRQL <= DISPATCH_LEVEL. */
ULONG NTAPI RtlWalkFrameChain(PVOID *Callers, ULONG Count, ULONG Flags)
{
    return (Flags & 1) != 0 ? 0 : return_addresses(0, Count, Callers);
}
LDR_EXPORT(RtlWalkFrameChain);

USHORT NTAPI RtlCaptureStackBackTrace(ULONG FramesToSkip, ULONG FramesToCapture, PVOID *BackTrace,
                                      PULONG BackTraceHash)
{
    ULONG count = return_addresses(FramesToSkip, FramesToCapture, BackTrace);
    ULONG hash = 0;

    for (ULONG i = 0; i < count; i++)
        hash += (ULONG)(ULONG_PTR)BackTrace[i];
    if (BackTraceHash != NULL)
        *BackTraceHash = hash;
    return (USHORT)count;
}
LDR_EXPORT(RtlCaptureStackBackTrace);
