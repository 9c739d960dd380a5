/*
 * before-vista.c - conformance of a driver that also runs before Windows Vista: what such systems
 * answer, and what the library in the place of Iointex.lib makes of it.
 */
#include "suite.h"

#include <iointex.h>

#define VISTA 6

static TEST_CONNECTION Connection;

static VOID LibraryDisconnect(PTEST_CONNECTION C)
{
    IO_DISCONNECT_INTERRUPT_PARAMETERS parameters;

    if (C->Context == NULL)
        return;
    RtlZeroMemory(&parameters, sizeof(parameters));
    parameters.Version = C->Parameters.Version;
    parameters.ConnectionContext.Generic = C->Context;
    WdmlibIoDisconnectInterruptEx(&parameters);
    C->Context = NULL;
}

/* The structure is that of Version 3, which begins as all others do. */
static VOID RefuseVersion(PTEST_DEVICE Device, ULONG Version)
{
    TestPrepareMessage(&Connection, Device, TRUE);
    Connection.Parameters.Version = Version;
    Expect(!NT_SUCCESS(WdmlibIoConnectInterruptEx(&Connection.Parameters)),
           "IOX-2, IOX-3, CIE-OUT-3 the library refuses any Version but 1");
    ExpectEqual(
        Connection.Parameters.Version, CONNECT_FULLY_SPECIFIED,
        "IOX-3, IOX-4, IOX-5, CIE-OUT-3, CIE-VER-4 and tells by Version 1 that the system is "
        "an old one");
    Expect(Connection.Context == NULL, "IOX-3 it stores nothing");
}

static VOID CheckOldSystem(PTEST_DEVICE Device)
{
    ULONG version;

    Expect(TestRoutine(L"IoConnectInterruptEx") == NULL &&
               TestRoutine(L"IoDisconnectInterruptEx") == NULL,
           "CIE-GEN-2, DIS-1, IOX-6 an old system has neither of the routines");
    Expect(TestRoutine(L"IoConnectInterrupt") != NULL &&
               TestRoutine(L"IoDisconnectInterrupt") != NULL &&
               TestRoutine(L"KeAcquireInterruptSpinLock") != NULL &&
               TestRoutine(L"KeReleaseInterruptSpinLock") != NULL,
           "IOX-6, LEG-1, ISL-3 but those that XP has");
    Expect(TestRoutine(L"IoReportInterruptActive") == NULL,
           "IOX-7 and none of those that came later");
    Expect(TestIsLine(Device), "IOX-8 a device that could send messages was given its line");
    for (version = CONNECT_LINE_BASED; version <= CONNECT_MESSAGE_BASED_PASSIVE; version++)
        RefuseVersion(Device, version);
    TestPrepareFull(&Connection, Device, 0);
    FULL(&Connection).ProcessorEnableMask = 0;
    ExpectStatus(WdmlibIoConnectInterruptEx(&Connection.Parameters), STATUS_INVALID_PARAMETER_10,
                 "CIE-FULL-20 an empty ProcessorEnableMask is refused, as it is later");
}

static VOID CheckNewSystem(PTEST_DEVICE Device)
{
    TestPrepareMessage(&Connection, Device, TRUE);
    ExpectStatus(WdmlibIoConnectInterruptEx(&Connection.Parameters), STATUS_SUCCESS,
                 "IOX-1, IOX-6 on a system that has the routine the library calls that");
    ExpectEqual(Connection.Parameters.Version,
                TestIsMessage(Device) ? CONNECT_MESSAGE_BASED : CONNECT_LINE_BASED,
                "IOX-4, CIE-OUT-1, CIE-OUT-2 Version is not rewritten to 1");
    if (Connection.Context != NULL)
        TestExpectCall(&Connection, 0, TestLevel(Device), "IOX-1 what connected is served");
    LibraryDisconnect(&Connection);
    if (!TestIsMessage(Device))
        return;
    TestPrepareLine(&Connection, Device);
    ExpectStatus(WdmlibIoConnectInterruptEx(&Connection.Parameters), STATUS_INVALID_DEVICE_REQUEST,
                 "IOX-4 a real error comes through");
    ExpectEqual(Connection.Parameters.Version, CONNECT_LINE_BASED,
                "IOX-4, CIE-OUT-4, CIE-OUT-6 with the Version asked for");
}

static VOID CheckWdmVersion(ULONG Major, ULONG Minor)
{
    UCHAR own = (UCHAR)(0x10 * (Minor + 1)); /* of WDM 1: 1.10 with 5.0, 1.20 with 5.1 */

    Expect(IoIsWdmVersionAvailable(1, 0) && IoIsWdmVersionAvailable(1, 5),
           "IoIsWdmVersionAvailable: 1.0 and 1.05 are on any system");
    if (Major < VISTA)
        Expect(IoIsWdmVersionAvailable(1, own) && !IoIsWdmVersionAvailable(1, own + 1) &&
                   !IoIsWdmVersionAvailable(VISTA, 0),
               "IoIsWdmVersionAvailable: an old system's version, and no later one");
}

static VOID Run(VOID)
{
    PTEST_DEVICE device;
    ULONG major = 0, minor = 0;

    PsGetVersion(&major, &minor, NULL, NULL);
    CheckWdmVersion(major, minor);
    for (device = TestDevices; device != NULL; device = device->Next) {
        if (!TestCanRaise(device))
            continue;
        if (major < VISTA)
            CheckOldSystem(device);
        else
            CheckNewSystem(device);
        TestPrepareFull(&Connection, device, 0);
        ExpectStatus(WdmlibIoConnectInterruptEx(&Connection.Parameters), STATUS_SUCCESS,
                     "IOX-2, IOX-4, IOX-6 Version 1 connects by the library on any system");
        if (Connection.Object != NULL)
            TestExpectCall(&Connection, 0, TestLevel(device), "IOX-2, IOX-6 and is served");
        LibraryDisconnect(&Connection);
        TestPrepareFull(&Connection, device, 0);
        FULL(&Connection).ShareVector = FALSE;
        ExpectStatus(WdmlibIoConnectInterruptEx(&Connection.Parameters), STATUS_SUCCESS,
                     "IOX-1 what the library disconnects is free to connect alone");
        LibraryDisconnect(&Connection);
    }
}

const TEST_GROUP TestGroup = {.Run = Run};
