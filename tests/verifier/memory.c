/*
 * memory.c - memory that is given away while something in it is in use, and its like that is not.
 *
 * What must stay queued is queued at DISPATCH_LEVEL: on one processor nobody takes it then.
 */
#include "rules.h"

/* No header has these. */
typedef VOID NTAPI INITIALIZE_APC(PRKAPC Apc, PVOID Thread, ULONG Environment,
                                  PKKERNEL_ROUTINE KernelRoutine, PKRUNDOWN_ROUTINE RundownRoutine,
                                  PKNORMAL_ROUTINE NormalRoutine, KPROCESSOR_MODE ApcMode,
                                  PVOID NormalContext);
typedef BOOLEAN NTAPI INSERT_APC(PRKAPC Apc, PVOID Argument1, PVOID Argument2, KPRIORITY Increment);

typedef union _CONTENTS {
    KTIMER Timer;
    KDPC Dpc;
    WORK_QUEUE_ITEM Work;
    NPAGED_LOOKASIDE_LIST List;
    ERESOURCE Resource;
} CONTENTS, *PCONTENTS;

static NPAGED_LOOKASIDE_LIST List;
static ERESOURCE Resource;
static KEVENT Never;

static VOID NTAPI DpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

static VOID NTAPI WorkRoutine(PVOID Parameter)
{
    KeSetEvent((PKEVENT)Parameter, 0, FALSE);
}

static VOID NTAPI IoWorkRoutine(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Context);
}

static VOID NTAPI KernelApc(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                            PVOID *Argument1, PVOID *Argument2)
{
    UNREFERENCED_PARAMETER(Apc);
    UNREFERENCED_PARAMETER(NormalRoutine);
    UNREFERENCED_PARAMETER(NormalContext);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

static VOID NTAPI NormalApc(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

static VOID NTAPI EndlessThread(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    KeWaitForSingleObject(&Never, Executive, KernelMode, FALSE, NULL);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

/* A system thread that stays in the critical region it begins in: no normal APC is run. */
static VOID LeaveThread(BOOLEAN WithApc)
{
    static KAPC apc;
    PVOID object;
    HANDLE thread;

    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    if (!NT_SUCCESS(PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL,
                                         EndlessThread, NULL)))
        return;
    if (WithApc &&
        NT_SUCCESS(ObReferenceObjectByHandle(thread, 0, NULL, KernelMode, &object, NULL))) {
        ((INITIALIZE_APC *)FindRoutine(L"KeInitializeApc"))(&apc, object, 0, KernelApc, NULL,
                                                            NormalApc, KernelMode, NULL);
        ((INSERT_APC *)FindRoutine(L"KeInsertQueueApc"))(&apc, NULL, NULL, 0);
        ObDereferenceObject(object);
    }
    ZwClose(thread);
}

static VOID InitializeList(PNPAGED_LOOKASIDE_LIST Lookaside)
{
    ExInitializeNPagedLookasideList(Lookaside, NULL, NULL, 0, 64, RULES_TAG, 0);
}

static VOID FreeInUse(ULONG Number)
{
    PCONTENTS block = ExAllocatePoolWithTag(NonPagedPool, sizeof(CONTENTS), RULES_TAG);
    LARGE_INTEGER hour;
    KIRQL old;

    if (block == NULL)
        return;
    hour.QuadPart = -36000000000LL;
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    switch (Number) {
    case FREE_SET_TIMER:
        KeInitializeTimer(&block->Timer);
        KeSetTimer(&block->Timer, hour, NULL);
        break;
    case FREE_QUEUED_DPC:
        KeInitializeDpc(&block->Dpc, DpcRoutine, NULL);
        KeInsertQueueDpc(&block->Dpc, NULL, NULL);
        break;
    case FREE_QUEUED_WORK:
        ExInitializeWorkItem(&block->Work, WorkRoutine, &Never);
        ExQueueWorkItem(&block->Work, DelayedWorkQueue);
        break;
    case FREE_LOOKASIDE:
        InitializeList(&block->List);
        break;
    case FREE_RESOURCE:
        ExInitializeResourceLite(&block->Resource);
        break;
    }
    ExFreePoolWithTag(block, RULES_TAG);
    KeLowerIrql(old);
}

static VOID FreeQueuedIoWork(PDEVICE_OBJECT DeviceObject)
{
    PIO_WORKITEM item = IoAllocateWorkItem(DeviceObject);
    KIRQL old;

    if (item == NULL)
        return;
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    IoQueueWorkItem(item, IoWorkRoutine, DelayedWorkQueue, NULL);
    IoFreeWorkItem(item);
    KeLowerIrql(old);
}

/* Each of them used to its end. */
static VOID UseAll(VOID)
{
    PCONTENTS block = ExAllocatePoolWithTag(NonPagedPool, sizeof(CONTENTS), RULES_TAG);
    LARGE_INTEGER hour;
    KEVENT done;
    PVOID entry;

    if (block == NULL)
        return;
    hour.QuadPart = -36000000000LL;
    KeInitializeTimer(&block->Timer);
    KeSetTimer(&block->Timer, hour, NULL);
    KeCancelTimer(&block->Timer);
    KeInitializeDpc(&block->Dpc, DpcRoutine, NULL);
    KeInsertQueueDpc(&block->Dpc, NULL, NULL);
    KeFlushQueuedDpcs();
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    ExInitializeWorkItem(&block->Work, WorkRoutine, &done);
    ExQueueWorkItem(&block->Work, DelayedWorkQueue);
    KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    InitializeList(&block->List);
    entry = ExAllocateFromNPagedLookasideList(&block->List);
    if (entry != NULL)
        ExFreeToNPagedLookasideList(&block->List, entry);
    ExDeleteNPagedLookasideList(&block->List);
    ExInitializeResourceLite(&block->Resource);
    ExDeleteResourceLite(&block->Resource);
    ExFreePoolWithTag(block, RULES_TAG);
}

/* ---- registrations -------------------------------------------------------------------------- */

static VOID NTAPI Callback(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

static VOID NTAPI ThreadNotify(HANDLE ProcessId, HANDLE ThreadId, BOOLEAN Create)
{
    UNREFERENCED_PARAMETER(ProcessId);
    UNREFERENCED_PARAMETER(ThreadId);
    UNREFERENCED_PARAMETER(Create);
}

static VOID NTAPI BugCheckRoutine(PVOID Buffer, ULONG Length)
{
    UNREFERENCED_PARAMETER(Buffer);
    UNREFERENCED_PARAMETER(Length);
}

typedef PEX_TIMER NTAPI ALLOCATE_TIMER(PEXT_CALLBACK Callback, PVOID Context, ULONG Attributes);
typedef BOOLEAN NTAPI DELETE_TIMER(PEX_TIMER Timer, BOOLEAN Cancel, BOOLEAN Wait,
                                   PEXT_DELETE_PARAMETERS Parameters);

/* Of all kinds but WMI; with Undo taken back, too. */
static VOID Register(ULONG Number, BOOLEAN Undo)
{
    static KBUGCHECK_CALLBACK_RECORD record;
    static const GUID provider = {0x5d3e1a70, 0x1111, 0x4222, {1, 2, 3, 4, 5, 6, 7, 8}};
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Callback\\Rules");
    OBJECT_ATTRIBUTES attributes;
    PCALLBACK_OBJECT object;
    PVOID registration;
    REGHANDLE trace;
    PEX_TIMER timer;

    switch (Number) {
    case LEAVE_CALLBACK:
        InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, NULL, NULL);
        if (!NT_SUCCESS(ExCreateCallback(&object, &attributes, TRUE, TRUE)))
            return;
        registration = ExRegisterCallback(object, Callback, NULL);
        if (Undo) {
            ExUnregisterCallback(registration);
            ObDereferenceObject(object);
        }
        break;
    case LEAVE_NOTIFY_ROUTINE:
        PsSetCreateThreadNotifyRoutine(ThreadNotify);
        if (Undo)
            PsRemoveCreateThreadNotifyRoutine(ThreadNotify);
        break;
    case LEAVE_BUG_CHECK_CALLBACK:
        KeInitializeCallbackRecord(&record);
        KeRegisterBugCheckCallback(&record, BugCheckRoutine, NULL, 0, (PUCHAR) "rules");
        if (Undo)
            KeDeregisterBugCheckCallback(&record);
        break;
    case LEAVE_EX_TIMER:
        timer = ((ALLOCATE_TIMER *)FindRoutine(L"ExAllocateTimer"))(NULL, NULL, 0);
        if (Undo)
            ((DELETE_TIMER *)FindRoutine(L"ExDeleteTimer"))(timer, TRUE, TRUE, NULL);
        break;
    case LEAVE_TRACE_PROVIDER:
        EtwRegister(&provider, NULL, NULL, &trace);
        if (Undo)
            EtwUnregister(trace);
        break;
    }
}

static VOID DeleteAtDispatch(VOID)
{
    DELETE_TIMER *deleteTimer = (DELETE_TIMER *)FindRoutine(L"ExDeleteTimer");
    PEX_TIMER timer = ((ALLOCATE_TIMER *)FindRoutine(L"ExAllocateTimer"))(NULL, NULL, 0);
    KIRQL old;

    KeRaiseIrql(DISPATCH_LEVEL, &old);
    deleteTimer(timer, TRUE, TRUE, NULL);
    KeLowerIrql(old);
}

static VOID FreeAtDispatch(VOID)
{
    PVOID block = ExAllocatePoolWithTag(PagedPool, 100, RULES_TAG);
    KIRQL old;

    KeRaiseIrql(DISPATCH_LEVEL, &old);
    ExFreePoolWithTag(block, RULES_TAG);
    KeLowerIrql(old);
}

/* ---- remove locks ---------------------------------------------------------------------------- */

static BOOLEAN Enter(PIO_REMOVE_LOCK Lock, PVOID Tag)
{
    return NT_SUCCESS(IoAcquireRemoveLock(Lock, Tag));
}

/* What follows the rules, to the last release: that of the removal. */
static BOOLEAN UseRemoveLock(PIO_REMOVE_LOCK Lock)
{
    BOOLEAN entered;

    IoInitializeRemoveLock(Lock, RULES_TAG, 1, 0);
    entered = Enter(Lock, NULL) & Enter(Lock, Lock) & Enter(Lock, Lock);
    IoReleaseRemoveLock(Lock, NULL);
    IoReleaseRemoveLock(Lock, Lock);
    return entered;
}

static VOID BreakRemoveLock(ULONG Number)
{
    PIO_REMOVE_LOCK lock = ExAllocatePoolWithTag(NonPagedPool, sizeof(*lock), RULES_TAG);

    if (lock == NULL || !UseRemoveLock(lock))
        return;
    if (Number == REMOVE_LOCK_TAG)
        IoReleaseRemoveLock(lock, NULL);
    IoReleaseRemoveLockAndWait(lock, Number == REMOVE_LOCK_WAIT_TAG ? NULL : lock);
    if (Number == REMOVE_LOCK_AGAIN)
        IoInitializeRemoveLock(lock, RULES_TAG, 1, 0);
    ExFreePoolWithTag(lock, RULES_TAG);
}

VOID BreakMemoryRule(PDEVICE_OBJECT DeviceObject, ULONG Number)
{
    switch (Number) {
    case FREE_QUEUED_IO_WORK:
        FreeQueuedIoWork(DeviceObject);
        break;
    case LOOKASIDE_TWICE:
        InitializeList(&List);
        InitializeList(&List);
        break;
    case LOOKASIDE_UNKNOWN:
        ExDeleteNPagedLookasideList(&List);
        break;
    case LEAVE_LOOKASIDE:
        InitializeList(&List);
        break;
    case RESOURCE_TWICE:
        ExInitializeResourceLite(&Resource);
        ExInitializeResourceLite(&Resource);
        break;
    case RESOURCE_UNKNOWN:
        ExDeleteResourceLite(&Resource);
        break;
    case LEAVE_RESOURCE:
        ExInitializeResourceLite(&Resource);
        break;
    case LEAVE_THREAD:
    case LEAVE_APC:
        LeaveThread(Number == LEAVE_APC);
        break;
    case LEAVE_CALLBACK:
    case LEAVE_NOTIFY_ROUTINE:
    case LEAVE_BUG_CHECK_CALLBACK:
    case LEAVE_EX_TIMER:
    case LEAVE_TRACE_PROVIDER:
        Register(Number, FALSE);
        break;
    case DELETE_AT_DISPATCH:
        DeleteAtDispatch();
        break;
    case FREE_AT_DISPATCH:
        FreeAtDispatch();
        break;
    case REMOVE_LOCK_NORMAL:
        BreakRemoveLock(Number); /* twice, maybe in the same memory */
        BreakRemoveLock(Number);
        break;
    case REMOVE_LOCK_AGAIN:
    case REMOVE_LOCK_TAG:
    case REMOVE_LOCK_WAIT_TAG:
        BreakRemoveLock(Number);
        break;
    case DELETE_WITH_WMI:
        IoWMIRegistrationControl(DeviceObject, WMIREG_ACTION_REGISTER);
        break;
    case REGISTRATIONS_NORMAL:
        for (Number = LEAVE_CALLBACK; Number <= LEAVE_TRACE_PROVIDER; Number++)
            Register(Number, TRUE);
        IoWMIRegistrationControl(DeviceObject, WMIREG_ACTION_REGISTER);
        IoWMIRegistrationControl(DeviceObject, WMIREG_ACTION_DEREGISTER);
        break;
    case MEMORY_NORMAL:
        UseAll();
        break;
    default:
        FreeInUse(Number);
    }
}
