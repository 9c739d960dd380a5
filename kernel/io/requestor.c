/*
 * io/requestor.c - whose a request is: the thread's that made it, and that is the system process'.
 */
#include <lib/export.h>
#include <nt/ntifs.h>

/* WDK surface */

/* NULL: the request belongs to no thread. IRQL <= DISPATCH_LEVEL. WDK: IoGetRequestorProcess */
PEPROCESS NTAPI IoGetRequestorProcess(PIRP Irp)
{
    PETHREAD thread = Irp->Tail.Overlay.Thread;

    return thread == NULL ? NULL : IoThreadToProcess(thread);
}
LDR_EXPORT(IoGetRequestorProcess);

ULONG NTAPI IoGetRequestorProcessId(PIRP Irp)
{
    PEPROCESS process = IoGetRequestorProcess(Irp);

    return process == NULL ? 0 : (ULONG)(ULONG_PTR)PsGetProcessId(process);
}
LDR_EXPORT(IoGetRequestorProcessId);

/* Irp NULL: the current process. Nobody here has 32 bits. WDK: IoIs32bitProcess */
BOOLEAN NTAPI IoIs32bitProcess(PIRP Irp)
{
    UNREFERENCED_PARAMETER(Irp);
    return FALSE;
}
LDR_EXPORT(IoIs32bitProcess);
