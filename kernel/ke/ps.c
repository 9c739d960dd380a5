/*
 * ke/ps.c - system threads and the one process, as drivers see them.
 *
 * Owns: the Ps surface. Owns not: threads themselves (ke/thread.c), handles (ke/ob.c).
 */
#include <lib/assert.h>
#include <lib/export.h>
#include <nt/ntifs.h>

#include "ke/dispatcher.h"
#include "ke/ob.h"
#include "ke/thread.h"
#include "ke/version.h"

enum { SYSTEM_PROCESS_ID = 4 };

/* Opaque to drivers: its address is its identity. */
struct _EPROCESS {
    DISPATCHER_HEADER header;
};

static const struct _OBJECT_TYPE process_type = {.name = "Process"};

static struct {
    struct ob_header header;
    struct _EPROCESS process;
} system_process = {.header = {.reference_count = 1, .type = &process_type}};

static PEPROCESS const initial_process = &system_process.process;

static const struct _OBJECT_TYPE *const thread_type_pointer = &ke_thread_type;
static const struct _OBJECT_TYPE *const process_type_pointer = &process_type;

LDR_EXPORT_AS("PsThreadType", thread_type_pointer);
LDR_EXPORT_AS("PsProcessType", process_type_pointer);
LDR_EXPORT_AS("PsInitialSystemProcess", initial_process);

/* WDK surface */

NTSTATUS NTAPI PsCreateSystemThread(PHANDLE ThreadHandle, ULONG DesiredAccess,
                                    POBJECT_ATTRIBUTES ObjectAttributes, HANDLE ProcessHandle,
                                    PCLIENT_ID ClientId, PKSTART_ROUTINE StartRoutine,
                                    PVOID StartContext)
{
    PKTHREAD thread;
    NTSTATUS status;
    void *process;

    UNREFERENCED_PARAMETER(ObjectAttributes);
    if (ProcessHandle != NULL) {
        status = ob_handle_reference(ProcessHandle, &process_type, &process);
        if (!NT_SUCCESS(status))
            return status;
        ob_dereference(process); /* there is one, which does not end */
    }
    status = ke_thread_allocate("driver", KE_PRIORITY_NORMAL, StartRoutine, StartContext, &thread);
    if (!NT_SUCCESS(status))
        return status;
    thread->begins_in_region = TRUE; /* WDK: PsCreateSystemThread, Remarks */
    thread->kernel_apc_disable = -1;
    /* All that the thread itself may look at is there before it runs. */
    status = ob_handle_create(thread, DesiredAccess, ThreadHandle);
    if (NT_SUCCESS(status)) {
        if (ClientId != NULL) {
            ClientId->UniqueProcess = (HANDLE)(ULONG_PTR)SYSTEM_PROCESS_ID;
            ClientId->UniqueThread = (HANDLE)thread->id;
        }
        ke_thread_start(thread);
    }
    ke_thread_release(thread);
    return status;
}
LDR_EXPORT(PsCreateSystemThread);

NTSTATUS NTAPI PsTerminateSystemThread(NTSTATUS ExitStatus)
{
    ke_thread_exit(ExitStatus);
}
LDR_EXPORT(PsTerminateSystemThread);

/*
 * Gives way to threads of the same priority that wait for this processor. PASSIVE_LEVEL.
 * STATUS_NO_YIELD_PERFORMED: there are none.
 */
NTSTATUS NTAPI ZwYieldExecution(VOID)
{
    ASSERT_IRQL(PASSIVE_LEVEL);
    return ke_thread_yield() ? STATUS_SUCCESS : STATUS_NO_YIELD_PERFORMED;
}
LDR_EXPORT(ZwYieldExecution);

BOOLEAN NTAPI PsIsSystemThread(PETHREAD Thread)
{
    UNREFERENCED_PARAMETER(Thread);
    return TRUE;
}
LDR_EXPORT(PsIsSystemThread);

HANDLE NTAPI PsGetCurrentThreadId(VOID)
{
    return (HANDLE)ke_thread_current()->id;
}
LDR_EXPORT(PsGetCurrentThreadId);

HANDLE NTAPI PsGetCurrentProcessId(VOID)
{
    return (HANDLE)(ULONG_PTR)SYSTEM_PROCESS_ID;
}
LDR_EXPORT(PsGetCurrentProcessId);

PEPROCESS NTAPI IoGetCurrentProcess(VOID)
{
    return initial_process;
}
LDR_EXPORT(IoGetCurrentProcess);
LDR_EXPORT_AS("PsGetCurrentProcess", IoGetCurrentProcess);

HANDLE NTAPI PsGetProcessId(PEPROCESS Process)
{
    UNREFERENCED_PARAMETER(Process); /* there is one */
    return PsGetCurrentProcessId();
}
LDR_EXPORT(PsGetProcessId);

HANDLE NTAPI PsGetThreadId(PETHREAD Thread)
{
    return (HANDLE)((PKTHREAD)Thread)->id;
}
LDR_EXPORT(PsGetThreadId);

/* IRQL <= APC_LEVEL. WDK: PsLookupProcessByProcessId */
NTSTATUS NTAPI PsLookupProcessByProcessId(HANDLE ProcessId, PEPROCESS *Process)
{
    if (ProcessId != PsGetCurrentProcessId())
        return STATUS_INVALID_CID;
    *Process = initial_process;
    ob_reference(*Process);
    return STATUS_SUCCESS;
}
LDR_EXPORT(PsLookupProcessByProcessId);

PEPROCESS NTAPI IoThreadToProcess(PETHREAD Thread)
{
    UNREFERENCED_PARAMETER(Thread);
    return initial_process;
}
LDR_EXPORT(IoThreadToProcess);

BOOLEAN NTAPI IoIsSystemThread(PETHREAD Thread)
{
    return PsIsSystemThread(Thread);
}
LDR_EXPORT(IoIsSystemThread);

/*
 * All threads share the one address space: a thread is attached where it was before, as one of the
 * system process is on Windows. IRQL <= APC_LEVEL. WDK: KeStackAttachProcess
 */
VOID NTAPI KeStackAttachProcess(PRKPROCESS PROCESS, PRKAPC_STATE ApcState)
{
    ASSERT((PVOID)PROCESS == (PVOID)initial_process);
    *ApcState = (KAPC_STATE){.Process = NULL}; /* nothing to undo */
}
LDR_EXPORT(KeStackAttachProcess);

VOID NTAPI KeUnstackDetachProcess(PRKAPC_STATE ApcState)
{
    UNREFERENCED_PARAMETER(ApcState);
}
LDR_EXPORT(KeUnstackDetachProcess);

VOID NTAPI IoGetStackLimits(PULONG_PTR LowLimit, PULONG_PTR HighLimit)
{
    const struct _KTHREAD *thread = ke_thread_current();

    *LowLimit = (ULONG_PTR)thread->stack_base;
    *HighLimit = (ULONG_PTR)thread->stack_top;
    /* The first thread runs on the boot stack: the page in use is certain. */
    if (thread->stack_base == NULL) {
        *LowLimit = (ULONG_PTR)PAGE_ALIGN(&thread);
        *HighLimit = *LowLimit + PAGE_SIZE;
    }
}
LDR_EXPORT(IoGetStackLimits);

PVOID NTAPI IoGetInitialStack(VOID)
{
    ULONG_PTR low, high;

    IoGetStackLimits(&low, &high);
    return (PVOID)high;
}
LDR_EXPORT(IoGetInitialStack);

LOGICAL NTAPI IoWithinStackLimits(ULONG_PTR RegionStart, SIZE_T RegionSize)
{
    ULONG_PTR low, high;

    IoGetStackLimits(&low, &high);
    return RegionStart >= low && RegionStart <= high && RegionSize <= high - RegionStart;
}
LDR_EXPORT(IoWithinStackLimits);

BOOLEAN NTAPI PsGetVersion(PULONG MajorVersion, PULONG MinorVersion, PULONG BuildNumber,
                           PUNICODE_STRING CSDVersion)
{
    if (MajorVersion != NULL)
        *MajorVersion = ke_version.major;
    if (MinorVersion != NULL)
        *MinorVersion = ke_version.minor;
    if (BuildNumber != NULL)
        *BuildNumber = ke_version.build;
    if (CSDVersion != NULL)
        CSDVersion->Length = 0;
    return FALSE; /* not a checked build */
}
LDR_EXPORT(PsGetVersion);
