/*
 * io/priority_hint.c - how important a request is, for drivers that order what they queue.
 *
 * An IRP has its hint, plus one, in bits of Flags that no documented flag has; 0 is a normal one's.
 * What is sent to a file begins with the file's. WDK "Using IRP Priority Hints".
 */
#include <lib/bits.h>
#include <lib/export.h>

#include "io/file.h"

#define IRP_PRIORITY_HINT BITS(19, 17)

/* WDK surface */

/* Any IRQL. WDK: IoGetIoPriorityHint */
IO_PRIORITY_HINT NTAPI IoGetIoPriorityHint(PIRP Irp)
{
    uint32_t hint = (uint32_t)FIELD_GET(IRP_PRIORITY_HINT, Irp->Flags);

    return hint == 0 ? IoPriorityNormal : (IO_PRIORITY_HINT)(hint - 1);
}
LDR_EXPORT(IoGetIoPriorityHint);

/* Any IRQL. STATUS_INVALID_PARAMETER: there is no such hint. WDK: IoSetIoPriorityHint */
NTSTATUS NTAPI IoSetIoPriorityHint(PIRP Irp, IO_PRIORITY_HINT PriorityHint)
{
    if ((ULONG)PriorityHint >= MaxIoPriorityTypes)
        return STATUS_INVALID_PARAMETER;
    Irp->Flags = (ULONG)FIELD_SET(IRP_PRIORITY_HINT, Irp->Flags, (ULONG)PriorityHint + 1);
    return STATUS_SUCCESS;
}
LDR_EXPORT(IoSetIoPriorityHint);
