/*
 * ke/seh.c - __try, __except and __finally of MSVC's and clang's C: the handler that all functions
 * with them share.
 *
 * Its data is a scope table (winnt.h: SCOPE_TABLE_AMD64): stretches of code, innermost first, each
 * with a filter and where to go on, or with the code of a __finally. The table is the image's; what
 * does not lie inside the image is not followed.
 */
#include <lib/bugcheck.h>
#include <lib/export.h>
#include <nt/wdm.h>

/* Code of a filter and of a __finally: called with the frame whose variables it works on. */
typedef LONG(NTAPI scope_filter_fn)(PEXCEPTION_POINTERS Pointers, PVOID EstablisherFrame);
typedef VOID(NTAPI scope_finally_fn)(BOOLEAN AbnormalTermination, PVOID EstablisherFrame);

enum { FILTER_EXECUTE_HANDLER = 1 }; /* in place of an address: EXCEPTION_EXECUTE_HANDLER */

struct scope {
    uint32_t begin, end; /* all of these relative to the image */
    uint32_t handler;    /* filter, or __finally where target is 0 */
    uint32_t target;
};

struct scopes {
    const struct scope *list;
    uint32_t count;
    uint64_t base;
    uint64_t size;
    uint32_t control; /* in the image */
};

static bool scopes_open(const DISPATCHER_CONTEXT *dispatcher, struct scopes *scopes)
{
    const uint32_t *table = dispatcher->HandlerData;
    uint64_t offset = (uint64_t)table - dispatcher->ImageBase;
    struct bugcheck_image image;

    if (!lib_image_find(dispatcher->ControlPc, &image) || image.base != dispatcher->ImageBase ||
        offset > image.size - sizeof(*table))
        return false;
    *scopes = (struct scopes){.list = (const struct scope *)(table + 1),
                              .count = *table,
                              .base = image.base,
                              .size = image.size,
                              .control = (uint32_t)(dispatcher->ControlPc - image.base)};
    return scopes->count <= (image.size - sizeof(*table) - offset) / sizeof(struct scope);
}

static bool scope_holds(const struct scope *scope, uint64_t rva)
{
    return rva >= scope->begin && rva < scope->end;
}

static EXCEPTION_DISPOSITION scopes_search(const struct scopes *scopes, PEXCEPTION_RECORD record,
                                           PVOID frame, PCONTEXT context,
                                           PDISPATCHER_CONTEXT dispatcher)
{
    EXCEPTION_POINTERS pointers = {record, context};

    for (uint32_t i = dispatcher->ScopeIndex; i < scopes->count; i++) {
        const struct scope *scope = &scopes->list[i];
        LONG answer = EXCEPTION_EXECUTE_HANDLER;

        if (!scope_holds(scope, scopes->control) || scope->target == 0 ||
            scope->target >= scopes->size || scope->handler >= scopes->size)
            continue;
        if (scope->handler != FILTER_EXECUTE_HANDLER)
            answer = ((scope_filter_fn *)(scopes->base + scope->handler))(&pointers, frame);
        if (answer < 0)
            return ExceptionContinueExecution;
        if (answer > 0)
            RtlUnwindEx(frame, (PVOID)(scopes->base + scope->target), record,
                        (PVOID)(ULONG_PTR)(ULONG)record->ExceptionCode, dispatcher->ContextRecord,
                        dispatcher->HistoryTable);
    }
    return ExceptionContinueSearch;
}

/* Does the unwind end inside the guarded code of this same scope, so that it is not left? */
static bool scope_keeps_target(const struct scopes *scopes, const struct scope *left,
                               uint64_t target)
{
    for (uint32_t i = 0; i < scopes->count; i++) {
        const struct scope *scope = &scopes->list[i];

        if (scope_holds(scope, target) && scope->handler == left->handler &&
            scope->target == left->target)
            return true;
    }
    return false;
}

static void scopes_unwind(const struct scopes *scopes, const EXCEPTION_RECORD *record, PVOID frame,
                          PDISPATCHER_CONTEXT dispatcher)
{
    bool to_here = (record->ExceptionFlags & EXCEPTION_TARGET_UNWIND) != 0;
    uint64_t target = dispatcher->TargetIp - scopes->base;

    for (uint32_t i = dispatcher->ScopeIndex; i < scopes->count; i++) {
        const struct scope *scope = &scopes->list[i];

        if (!scope_holds(scope, scopes->control))
            continue;
        if (to_here && scope_keeps_target(scopes, scope, target))
            return;
        if (scope->target != 0) {
            if (to_here && scope->target == target)
                return; /* its __except goes on: what is further out stays */
        } else if (scope->handler < scopes->size) {
            /* A __finally that raises or unwinds itself is not entered twice. */
            dispatcher->ScopeIndex = i + 1;
            ((scope_finally_fn *)(scopes->base + scope->handler))(TRUE, frame);
        }
    }
}

/* WDK surface */

EXCEPTION_DISPOSITION NTAPI __C_specific_handler(PEXCEPTION_RECORD ExceptionRecord,
                                                 PVOID EstablisherFrame, PCONTEXT ContextRecord,
                                                 PDISPATCHER_CONTEXT DispatcherContext)
{
    struct scopes scopes;

    if (!scopes_open(DispatcherContext, &scopes))
        return ExceptionContinueSearch;
    if ((ExceptionRecord->ExceptionFlags & EXCEPTION_UNWIND) == 0)
        return scopes_search(&scopes, ExceptionRecord, EstablisherFrame, ContextRecord,
                             DispatcherContext);
    scopes_unwind(&scopes, ExceptionRecord, EstablisherFrame, DispatcherContext);
    return ExceptionContinueSearch;
}
LDR_EXPORT(__C_specific_handler);

/*
 * Leave the scopes between here and TargetIp in TargetFrame: what `return` in a __try compiles
 * to.
 */
VOID NTAPI _local_unwind(PVOID TargetFrame, PVOID TargetIp)
{
    RtlUnwindEx(TargetFrame, TargetIp, NULL, NULL, NULL, NULL);
}
LDR_EXPORT(_local_unwind);
