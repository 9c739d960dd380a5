/*
 * services.c - conformance of services that drivers of every kind import now and then: events and
 * sections by handle, whose a request is, versions, identifiers.
 */
#include "services.h"

#define UUIDS 100
#define RPC_LOCAL_ONLY ((NTSTATUS)0x40020056)
#define MULTICAST 1 /* in the node of an identifier: no card's address (RFC 4122 4.5) */

static VOID CheckProcess(VOID)
{
    PEPROCESS process = NULL;
    LAG_APC_STATE state;
    PIRP irp;

    ExpectStatus(PsLookupProcessByProcessId((HANDLE)(ULONG_PTR)0x7FFFFFFC, &process),
                 STATUS_INVALID_CID, "PsLookupProcessByProcessId refuses an id that is none");
    ExpectStatus(PsLookupProcessByProcessId(PsGetCurrentProcessId(), &process), STATUS_SUCCESS,
                 "PsLookupProcessByProcessId finds the current process");
    Expect(process == IoGetCurrentProcess(), "PsLookupProcessByProcessId: it is the one");
    Expect(PsGetProcessId(process) == PsGetCurrentProcessId(), "PsGetProcessId tells its id");
    ObDereferenceObject(process);
    Expect(IoThreadToProcess(PsGetCurrentThread()) == process, "IoThreadToProcess tells it, too");
    Expect(PsGetThreadId(PsGetCurrentThread()) == PsGetCurrentThreadId(),
           "PsGetThreadId tells what PsGetCurrentThreadId tells");
    Expect(IoIsSystemThread(PsGetCurrentThread()), "IoIsSystemThread: this is a system thread");
    KeStackAttachProcess(process, &state);
    Expect(IoGetCurrentProcess() == process, "KeStackAttachProcess attaches to it");
    KeUnstackDetachProcess(&state);
    Expect(IoGetCurrentProcess() == process, "KeUnstackDetachProcess goes back");
    irp = IoAllocateIrp(1, FALSE);
    if (irp == NULL)
        return;
    Expect(IoGetRequestorProcess(irp) == NULL, "IoGetRequestorProcess: NULL without a thread");
    ExpectEqual(IoGetRequestorProcessId(irp), 0, "IoGetRequestorProcessId: and 0");
    irp->Tail.Overlay.Thread = PsGetCurrentThread();
    Expect(IoGetRequestorProcess(irp) == process, "IoGetRequestorProcess: the thread's process");
    ExpectEqual(IoGetRequestorProcessId(irp), (ULONG_PTR)PsGetCurrentProcessId(),
                "IoGetRequestorProcessId: and its id");
    Expect(!IoIs32bitProcess(irp), "IoIs32bitProcess: no request is made by one of 32 bits");
    IoFreeIrp(irp);
    Expect(!IoIs32bitProcess(NULL), "IoIs32bitProcess: nor is the current process, without an IRP");
}

static VOID CheckIdentifiers(VOID)
{
    static UUID made[UUIDS];
    ULONG equal = 0, wrong = 0, local = 0;

    for (ULONG i = 0; i < UUIDS; i++) {
        NTSTATUS status = ExUuidCreate(&made[i]);

        local += (status == RPC_LOCAL_ONLY) != ((made[i].Data4[2] & MULTICAST) != 0);
        wrong += status != STATUS_SUCCESS && status != RPC_LOCAL_ONLY;
        wrong += (made[i].Data4[0] & 0xC0) != 0x80;
        for (ULONG k = 0; k < i; k++)
            equal += RtlCompareMemory(&made[i], &made[k], sizeof(UUID)) == sizeof(UUID);
    }
    ExpectEqual(wrong, 0, "ExUuidCreate makes identifiers of the usual variant");
    ExpectEqual(equal, 0, "ExUuidCreate makes no two the same");
    ExpectEqual(local, 0,
                "ExUuidCreate says RPC_NT_UUID_LOCAL_ONLY of those that have no card's address");
}

static VOID CheckText(VOID)
{
    static const WCHAR text[] = {'a', 'b', 0x20AC, 0x0431};
    CHAR bytes[4] = {0};
    ULONG count = 0;

    ExpectStatus(RtlUnicodeToMultiByteN(bytes, 4, &count, text, sizeof(text)), STATUS_SUCCESS,
                 "RtlUnicodeToMultiByteN converts");
    ExpectEqual(count, 4, "RtlUnicodeToMultiByteN: and counts the bytes");
    Expect(bytes[0] == 'a' && bytes[1] == 'b' && (UCHAR)bytes[2] == 0x80 && bytes[3] == '?',
           "RtlUnicodeToMultiByteN: into code page 1252, ? for what is not in it");
    RtlUnicodeToMultiByteN(bytes, 1, &count, text + 1, 2 * sizeof(WCHAR));
    Expect(count == 1 && bytes[0] == 'b' && bytes[1] == 'b',
           "RtlUnicodeToMultiByteN stops at the end of the buffer");
    ExpectStatus(RtlUnicodeToMultiByteN(bytes, 4, NULL, text, sizeof(text)), STATUS_SUCCESS,
                 "RtlUnicodeToMultiByteN needs no place for the count");
}

static VOID Run(VOID)
{
    CheckEvents();
    CheckSections();
    CheckFiles();
    CheckShares();
    CheckRefused();
    CheckProcess();
    CheckIdentifiers();
    CheckText();
    Expect(IoIsWdmVersionAvailable(1, 0x10) && IoIsWdmVersionAvailable(6, 0),
           "IoIsWdmVersionAvailable: 1.10 and 6.0 are");
    Expect(!IoIsWdmVersionAvailable(6, 1) && !IoIsWdmVersionAvailable(7, 0),
           "IoIsWdmVersionAvailable: no later version is");
}

/* 0: without memory; others are sent by CheckFiles and CheckRefused. */
static VOID Step(ULONG Number)
{
    if (Number == 0)
        StepShortage();
    NotedStep = Number;
}

const TEST_GROUP TestGroup = {
    .Run = Run, .Step = Step, .Unloading = UnloadingShortage, .Entry = EntryShortage};
