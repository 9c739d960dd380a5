/*
 * ex/trace_session.c - the buffer of the trace session, and the messages of software tracing (WPP),
 * which are written to a session instead of by a provider.
 *
 * Records stand one behind the other, and are taken in that order; the buffer is empty again when
 * the last has been taken. It is allocated once, when it is first needed.
 */
#include <lib/bits.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/ntddk.h>

#include "ex/trace.h"
#include "mm/pool.h"

#define SESSION_TAG MM_TAG("Etws")

enum { RECORD_ALIGNMENT = 8, LOGGER_MASK = 0xFFFF };

static KSPIN_LOCK buffer_lock; /* at HIGH_LEVEL */
static unsigned char *buffer;
static uint32_t used, taken; /* bytes */
static uint64_t lost;
static uint32_t messages;
static bool is_active;

static KIRQL lock(void)
{
    KIRQL irql;

    KeRaiseIrql(HIGH_LEVEL, &irql);
    KeAcquireSpinLockAtDpcLevel(&buffer_lock);
    return irql;
}

static void unlock(KIRQL irql)
{
    KeReleaseSpinLockFromDpcLevel(&buffer_lock);
    KeLowerIrql(irql);
}

NTSTATUS ex_trace_session_begin(void)
{
    KIRQL irql;

    if (buffer == NULL)
        buffer = mm_pool_alloc(EX_TRACE_BUFFER_SIZE, SESSION_TAG);
    if (buffer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    irql = lock();
    if (!is_active) {
        used = taken = 0;
        lost = 0;
        messages = 0;
    }
    is_active = true;
    unlock(irql);
    return STATUS_SUCCESS;
}

void ex_trace_session_end(void)
{
    KIRQL irql = lock();

    is_active = false;
    unlock(irql);
}

static uint32_t record_size(uint32_t data_size)
{
    return (uint32_t)(sizeof(struct ex_trace_record) + data_size + RECORD_ALIGNMENT - 1) &
           ~(RECORD_ALIGNMENT - 1u);
}

bool ex_trace_put(struct ex_trace_record *record, void (*copy)(unsigned char *to, void *context),
                  void *context)
{
    KIRQL irql;
    bool kept;

    KeQuerySystemTime(&record->time);
    record->thread = (uint64_t)PsGetCurrentThreadId();
    irql = lock();
    record->cpu = KeGetCurrentProcessorNumber();
    kept = is_active && record->data_size <= EX_TRACE_DATA_MAX &&
           record_size(record->data_size) <= EX_TRACE_BUFFER_SIZE - used;
    if (kept) {
        if (record->kind == EX_TRACE_MESSAGE)
            record->sequence = ++messages;
        memcpy(buffer + used, record, sizeof(*record));
        copy(buffer + used + sizeof(*record), context);
        used += record_size(record->data_size);
    } else if (is_active) {
        lost++;
    }
    unlock(irql);
    return kept;
}

bool ex_trace_take(struct ex_trace_record *record, void *data)
{
    KIRQL irql = lock();
    bool found = taken != used;

    if (found) {
        memcpy(record, buffer + taken, sizeof(*record));
        memcpy(data, buffer + taken + sizeof(*record), record->data_size);
        taken += record_size(record->data_size);
        if (taken == used)
            taken = used = 0;
    }
    unlock(irql);
    return found;
}

uint64_t ex_trace_lost(void)
{
    return lost;
}

/* ---- Messages ------------------------------------------------------------------------------- */

struct message_parts {
    __builtin_ms_va_list arguments;
};

/* Pairs of a pointer and its length, up to a pointer that is NULL. */
static uint64_t parts_size(__builtin_ms_va_list arguments)
{
    uint64_t size = 0;

    while (__builtin_va_arg(arguments, const void *) != NULL)
        size += __builtin_va_arg(arguments, ULONG);
    return size;
}

static void parts_copy(unsigned char *to, void *context)
{
    struct message_parts *parts = context;
    const void *from;

    while ((from = __builtin_va_arg(parts->arguments, const void *)) != NULL) {
        ULONG size = __builtin_va_arg(parts->arguments, ULONG);

        memcpy(to, from, size);
        to += size;
    }
}

/* WDK surface */

/*
 * Any IRQL, the data resident. STATUS_INVALID_HANDLE: no session has this number; STATUS_NO_MEMORY:
 * it has no room for the message, which is lost. WDK: WmiTraceMessageVa.
 */
NTSTATUS NTAPI WmiTraceMessageVa(TRACEHANDLE LoggerHandle, ULONG MessageFlags, LPGUID MessageGuid,
                                 USHORT MessageNumber, __builtin_ms_va_list MessageArgList)
{
    struct ex_trace_record record = {.kind = EX_TRACE_MESSAGE, .flags = MessageFlags};
    struct message_parts parts;
    uint64_t size;

    if (!is_active || (LoggerHandle & LOGGER_MASK) != EX_TRACE_LOGGER)
        return STATUS_INVALID_HANDLE;
    __builtin_ms_va_copy(parts.arguments, MessageArgList);
    size = parts_size(parts.arguments);
    __builtin_ms_va_end(parts.arguments);
    record.data_size = size > EX_TRACE_DATA_MAX ? EX_TRACE_DATA_MAX + 1 : (uint32_t)size;
    record.descriptor.Id = MessageNumber;
    if ((MessageFlags & TRACE_MESSAGE_GUID) != 0)
        record.id = *MessageGuid;
    __builtin_ms_va_copy(parts.arguments, MessageArgList);
    if (!ex_trace_put(&record, parts_copy, &parts))
        return STATUS_NO_MEMORY;
    __builtin_ms_va_end(parts.arguments);
    return STATUS_SUCCESS;
}
LDR_EXPORT(WmiTraceMessageVa);

/* The same. WDK: WmiTraceMessage. */
NTSTATUS __cdecl WmiTraceMessage(TRACEHANDLE LoggerHandle, ULONG MessageFlags, LPGUID MessageGuid,
                                 USHORT MessageNumber, ...)
{
    __builtin_ms_va_list arguments;
    NTSTATUS status;

    __builtin_ms_va_start(arguments, MessageNumber);
    status = WmiTraceMessageVa(LoggerHandle, MessageFlags, MessageGuid, MessageNumber, arguments);
    __builtin_ms_va_end(arguments);
    return status;
}
LDR_EXPORT(WmiTraceMessage);
