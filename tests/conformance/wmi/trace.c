/*
 * trace.c - software tracing: a block that is traced by way of WMI, and messages to the session
 * whose handle its provider is told. test_conformance.py goes through the steps, and looks at what
 * the console's `trace` shows:
 *
 *   0  a provider registers a traced block, which trace= has enabled up to level 5, for keyword 6
 *   1  it is told the session's handle; messages, and one that is too large; then all is disabled
 *   2  it is told, and the handle is none any more
 */
#include "wmi.h"

#define TOO_LARGE (1024 * 1024)

typedef ULONG64 HANDLE64; /* TRACEHANDLE */

static NTSTATUS(__cdecl *Message)(HANDLE64, ULONG, const GUID *, USHORT, ...);
static NTSTATUS(NTAPI *MessageVa)(HANDLE64, ULONG, const GUID *, USHORT, va_list);

static const GUID MessageGuid = {0x4f1f2c0f, 0x7a31, 0x4d0e, {0x91, 0x02, 3, 4, 5, 6, 7, 8}};

#define FLAGS                                                                                      \
    (1 /* TRACE_MESSAGE_SEQUENCE */ | 2 /* _GUID */ | 8 /* _TIMESTAMP */ | 32 /* _SYSTEMINFO */)

static NTSTATUS ByVa(HANDLE64 Handle, ULONG Unused, ...)
{
    va_list arguments;
    NTSTATUS status;

    va_start(arguments, Unused);
    status = MessageVa(Handle, FLAGS, &MessageGuid, 12, arguments);
    va_end(arguments);
    return status;
}

static VOID LookUp(VOID)
{
    Message = TestRoutine(L"WmiTraceMessage");
    MessageVa = TestRoutine(L"WmiTraceMessageVa");
}

VOID CheckMessages(VOID)
{
    LookUp();
    ExpectStatus(Message(0, FLAGS, &MessageGuid, 10, NULL, 0), STATUS_INVALID_HANDLE,
                 "WmiTraceMessage refuses a handle of no session");
    ExpectStatus(ByVa(0, 0, NULL, 0), STATUS_INVALID_HANDLE, "WmiTraceMessageVa refuses it, too");
}

static BOOLEAN WaitForEnable(LONG Least)
{
    return TestSpinUntil(&Provider.Enables, Least, 60000);
}

static VOID StepRegister(VOID)
{
    LookUp();
    ProviderReset();
    Provider.Guids[BLOCKS].Guid = &TracedGuid;
    Provider.Guids[BLOCKS].InstanceCount = 1;
    Provider.Guids[BLOCKS].Flags = WMIREG_FLAG_TRACED_GUID;
    Provider.Library.GuidCount = BLOCKS + 1;
    ProviderDispatch();
    ExpectStatus(IoWMIRegistrationControl(TestDevices->Self, WMIREG_ACTION_REGISTER),
                 STATUS_SUCCESS, "a provider of a block that is traced registers");
    TestSpinUntil(&Provider.Requests, 1, 60000);
    Expect(Provider.RegInfos == 1, "and says that it has one");
}

static VOID StepMessages(VOID)
{
    static const CHAR text[] = "text";
    ULONG number = 0x11223344;
    PVOID block = ExAllocatePoolWithTag(NonPagedPool, TOO_LARGE, TEST_TAG);
    HANDLE64 handle;
    NTSTATUS status[2];
    KIRQL irql;

    Expect(WaitForEnable(1) && Provider.EnableMinor == IRP_MN_ENABLE_EVENTS &&
               (Provider.EnableNode.Flags & WNODE_FLAG_TRACED_GUID) != 0 &&
               IsEqualGUID(&Provider.EnableNode.Guid, &TracedGuid),
           "IRP_MN_ENABLE_EVENTS says that a traced block is wanted");
    handle = Provider.EnableNode.HistoricalContext;
    Expect((handle & 0xFFFF) != 0 && (UCHAR)(handle >> 16) == 5 && handle >> 32 == 6,
           "by a handle of the session with the level and the flags");
    KeRaiseIrql(HIGH_LEVEL, &irql);
    status[0] = Message(handle, FLAGS, &MessageGuid, 11, &number, (ULONG)sizeof(number), text,
                        (ULONG)sizeof(text), NULL, 0);
    status[1] = ByVa(handle, 0, &number, (ULONG)sizeof(number), NULL, 0);
    KeLowerIrql(irql);
    ExpectStatus(status[0], STATUS_SUCCESS, "WmiTraceMessage logs a message, at any IRQL");
    ExpectStatus(status[1], STATUS_SUCCESS, "WmiTraceMessageVa logs one, too");
    if (block == NULL) {
        Expect(FALSE, "there is memory for a large message");
        return;
    }
    ExpectStatus(Message(handle, FLAGS, &MessageGuid, 13, block, (ULONG)TOO_LARGE, NULL, 0),
                 STATUS_NO_MEMORY,
                 "WmiTraceMessage gives STATUS_NO_MEMORY for one larger than a buffer");
    ExpectStatus(ByVa(handle, 0, block, (ULONG)TOO_LARGE, NULL, 0), STATUS_NO_MEMORY,
                 "WmiTraceMessageVa gives STATUS_NO_MEMORY, too");
    ExFreePoolWithTag(block, TEST_TAG);
}

static VOID StepEnd(VOID)
{
    HANDLE64 handle = Provider.EnableNode.HistoricalContext;

    Expect(WaitForEnable(2) && Provider.EnableMinor == IRP_MN_DISABLE_EVENTS,
           "IRP_MN_DISABLE_EVENTS says that it is not wanted any more");
    ExpectStatus(Message(handle | 1, FLAGS, &MessageGuid, 14, NULL, 0), STATUS_INVALID_HANDLE,
                 "a session that has ended has no handle");
    ExpectStatus(IoWMIRegistrationControl(TestDevices->Self, WMIREG_ACTION_DEREGISTER),
                 STATUS_SUCCESS, "and the provider deregisters");
}

VOID StepTrace(ULONG Number)
{
    static VOID (*const steps[])(VOID) = {StepRegister, StepMessages, StepEnd};

    KtapBegin(&TestReport);
    if (Number < sizeof(steps) / sizeof(steps[0]))
        steps[Number]();
    KtapEnd(&TestReport);
}
