/*
 * shortage.c - what connecting does when something has run out.
 *
 * Its runs have the system fail one allocation of a connect call, or leave it few vectors. Where
 * nothing is short, on a system that cannot be told so, its cases say what they missed.
 */
#include "shortage.h"

static TEST_CONNECTION Connection;
static ULONG Failures;

static VOID PrepareFull(PTEST_CONNECTION C, PTEST_DEVICE Device)
{
    TestPrepareFull(C, Device, 0);
}

static VOID PrepareAny(PTEST_CONNECTION C, PTEST_DEVICE Device)
{
    TestPrepareMessage(C, Device, TRUE);
}

/* A connect that may fail once for want of memory, leaving nothing behind; then it succeeds. */
static VOID CheckForm(PTEST_DEVICE Device, VOID (*Prepare)(PTEST_CONNECTION, PTEST_DEVICE),
                      NTSTATUS (*Connect)(PTEST_CONNECTION), PCSTR Name)
{
    NTSTATUS status;
    ULONG version;

    Prepare(&Connection, Device);
    version = Connection.Parameters.Version;
    status = Connect(&Connection);
    if (!NT_SUCCESS(status)) {
        Failures++;
        ExpectStatus(status, STATUS_INSUFFICIENT_RESOURCES, Name);
        Expect(Connection.Context == NULL && Connection.Parameters.Version == version,
               "CIE-FULL-5, CIE-OUT-6 which stores nothing and leaves Version");
        Prepare(&Connection, Device);
        ExpectStatus(Connect(&Connection), STATUS_SUCCESS,
                     "CIE-STAT-6, CIE-GEN-11 tried again, it connects: the failure left nothing");
    }
    if (Connection.Context != NULL)
        TestExpectCall(&Connection, 0, TestLevel(Device), "CIE-STAT-6 and is served");
    TestDisconnect(&Connection);
}

static VOID CheckMemory(PTEST_DEVICE Device)
{
    CheckForm(Device, PrepareFull, TestConnect,
              "CIE-STAT-2, CIE-GEN-11 without memory Version 1 gives "
              "STATUS_INSUFFICIENT_RESOURCES");
    CheckForm(Device, PrepareAny, TestConnect,
              TestIsMessage(Device) ? "CIE-STAT-2, CIE-GEN-11 without memory Version 3 gives "
                                      "STATUS_INSUFFICIENT_RESOURCES"
                                    : "CIE-STAT-2, CIE-GEN-11 without memory the fallback gives "
                                      "STATUS_INSUFFICIENT_RESOURCES");
    CheckForm(Device, PrepareFull, TestConnectLegacy,
              "LEG-3, CIE-STAT-2 without memory IoConnectInterrupt gives "
              "STATUS_INSUFFICIENT_RESOURCES");
}

/* An MSI function that asks for sixteen messages where no sixteen vectors are left. */
static VOID CheckVectors(PTEST_DEVICE Device)
{
    TestPrepareMessage(&Connection, Device, TRUE);
    if (!TestConnectOrFail(&Connection, "CIE-MTAB-15 a device short of vectors connects"))
        return;
    ExpectEqual(Connection.Parameters.Version, CONNECT_MESSAGE_BASED,
                "CIE-MTAB-15 by a message still");
    if (Connection.Parameters.Version == CONNECT_MESSAGE_BASED)
        ExpectEqual(
            Connection.Table->MessageCount, 1,
            "TC-41, CIE-MTAB-2, CIE-MTAB-15, CIE-MTAB-19, RES-MSI-6 MessageCount is exactly "
            "1 where the number asked for cannot be had");
    TestDisconnect(&Connection);
}

static VOID Run(VOID)
{
    PTEST_DEVICE device;

    for (device = TestDevices; device != NULL; device = device->Next)
        if (TestCanRaise(device))
            CheckMemory(device);
    Failures += CheckRoutines();
    device = TestFind(TestKindXhci, 0);
    if (device != NULL)
        CheckVectors(device);
    else
        ExpectEqual(Failures, 1, "CIE-STAT-2 the one allocation that fails is one of these calls'");
}

const TEST_GROUP TestGroup = {.Run = Run};
