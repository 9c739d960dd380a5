/*
 * rules.h - the rules that rules.sys breaks, by number, and its files.
 */
#pragma once

#include <ntddk.h>

#define RULES_TAG 0x656C7552 /* "Rule" */

enum {
    CONNECT_AT_DISPATCH = 1,
    ISR_KEEPS_IRQL,
    ISR_KEEPS_LOCK,
    LOCK_TWICE,
    RELEASE_FREE_LOCK,
    WAIT_AT_DISPATCH,
    ISR_DISCONNECTS,
    POOL_OF_NO_BYTES,
    ISR_ALLOCATES,
    ISR_SETS_EVENT,
    LEAK,
    COMPLETE_PENDING,
    COMPLETE_TWICE,
    STAY_CONNECTED,
    DPC_ENTERS_REGION,
    DPC_KEEPS_LOCK,
    ISR_TAKES_LONG,
    MUTEX_AT_DISPATCH,
    ISR_SETS_EVENT_BY_NAME,
    CLOSE_AT_DISPATCH,
    DPC_TAKES_LONG,
    NORMAL,
    LEAK_IRP,
    USE_AFTER_FREE,
    WRITE_PAST_END,
    SEND_FREED_IRP,
    WRITE_NEAR_END,
    WRITE_BEFORE,
    LEAVE_TIMER,
    RAISE_DOWN,
    LOWER_UP,
    LEAVE_REGION,
    ISR_WANTS_HELD_LOCK, /* a spin lock that is elsewhere held below DIRQL */
    ISR_LOCK_ORDER,      /* the interrupt spin lock, then another; elsewhere the other way round */
    ISR_LOCK_ORDER_KEPT, /* no rule: the same way everywhere */
    DISPATCH_KEEPS_LOCK, /* of a dispatch routine */
    DISPATCH_KEEPS_IRQL,
    DISPATCH_KEEPS_REGION,
    DISPATCH_KEEPS_OFF, /* interrupts */
    COMPLETION_KEEPS_IRQL,
    COMPLETION_KEEPS_REGION,
    FREE_IRP_TWICE,
    FREE_THREADED_IRP,
    FREE_IRP_AS_POOL,
    SEND_TO_NO_DEVICE,
    COMPLETION_NORMAL, /* no rule */
    WRITE_BEFORE_PAGE, /* of special pool, the block at its start */

    FIRST_LOCK_RULE = 0x40, /* locks.c */
    ORDER_REVERSED = FIRST_LOCK_RULE,
    ORDER_KEPT, /* no rule: always one order, in another only tried, released in any */
    ORDER_OF_THREE,
    ORDER_OF_QUEUED,
    ORDER_OF_FAST_MUTEXES,
    ORDER_OF_MUTEXES,
    ORDER_OF_FREED, /* no rule: what held the order has been freed between */
    OTHER_KIND_OF_LOCK,
    LOCK_NOT_INITIALIZED,
    CANCEL_LOCK_TWICE,
    CANCEL_LOCK_KEPT,
    CANCEL_LOCK_NOT_HELD,
    CANCEL_ROUTINE_KEEPS_LOCK,
    CANCEL_NORMAL, /* no rule */
    EXCLUSIVE_TWICE,
    SHARED_TO_EXCLUSIVE,
    SHARED_RELEASED_EXCLUSIVE,
    READER_WRITER_NORMAL, /* no rule */
    MUTEX_TWICE,
    MUTEX_OF_OTHER,
    MUTEX_NOT_HELD,
    MUTEX_MADE_AGAIN,
    THREAD_ENDS_WITH_MUTEX,
    FREE_HELD_LOCK,
    FREE_HELD_MUTEX,
    MUTEXES_NORMAL, /* no rule: recursion too, where it is allowed */
    HOLD_LOCK_LONG,

    FIRST_MEMORY_RULE = 0x80, /* memory.c */
    FREE_SET_TIMER = FIRST_MEMORY_RULE,
    FREE_QUEUED_DPC,
    FREE_QUEUED_WORK,
    FREE_QUEUED_IO_WORK,
    FREE_LOOKASIDE,
    FREE_RESOURCE,
    LOOKASIDE_TWICE,
    LOOKASIDE_UNKNOWN,
    LEAVE_LOOKASIDE,
    RESOURCE_TWICE,
    RESOURCE_UNKNOWN,
    LEAVE_RESOURCE,
    LEAVE_THREAD,
    LEAVE_APC, /* of a thread that does not have it */
    LEAVE_CALLBACK,
    LEAVE_NOTIFY_ROUTINE,
    LEAVE_BUG_CHECK_CALLBACK,
    LEAVE_EX_TIMER,
    LEAVE_TRACE_PROVIDER,
    DELETE_WITH_WMI,
    REMOVE_LOCK_AGAIN, /* after its removal has waited */
    REMOVE_LOCK_TAG,
    REMOVE_LOCK_WAIT_TAG,
    REMOVE_LOCK_NORMAL,   /* no rule: tags in any order, one twice; another lock in its memory */
    DELETE_AT_DISPATCH,   /* a timer, and would wait */
    FREE_AT_DISPATCH,     /* paged pool */
    REGISTRATIONS_NORMAL, /* no rule */
    MEMORY_NORMAL,        /* no rule */
};

enum { NAME_MAX = 64 };

/* A call of a routine by name, without the zero at its end. */
typedef struct _CALL_REQUEST {
    UCHAR Irql;
    CHAR Name[NAME_MAX];
} CALL_REQUEST;

/*
 * STATUS_PROCEDURE_NOT_FOUND; STATUS_INTERNAL_ERROR if the call came back with anything else than
 * STATUS_UNSUCCESSFUL, which one that the verifier skips does.
 */
NTSTATUS CallByName(const CALL_REQUEST *Request, ULONG Length);

/* For what import libraries lack, and headers inline. */
PVOID FindRoutine(PCWSTR Name);

VOID BreakLockRule(PDEVICE_OBJECT DeviceObject, ULONG Number);
VOID BreakMemoryRule(PDEVICE_OBJECT DeviceObject, ULONG Number);
