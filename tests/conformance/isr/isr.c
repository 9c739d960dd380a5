/*
 * isr.c - conformance of interrupt service routines: where they run, what they may do, how those of
 * one line are called; and of the place of connecting in a device's start.
 */
#include "isr.h"

TEST_CONNECTION Shared[LINE_DEVICES];

/* What the Started routine found. */
static struct {
    ULONG Starts, Irql, Calls;
    NTSTATUS Status;
} AtStart;

static TEST_CONNECTION Kept; /* over a stop and a start */
static ULONG StopIrql = ~0u;
static PTEST_DEVICE FailNext;

/* ---- in START_DEVICE ------------------------------------------------------------------------ */

static VOID Started(PTEST_DEVICE Device)
{
    static TEST_CONNECTION connection;

    if (!TestCanRaise(Device))
        return;
    if (Device == FailNext) {
        TestPrepareFull(&connection, Device, 0);
        if (NT_SUCCESS(TestConnect(&connection)))
            TestDisconnect(&connection);
        Device->StartStatus = STATUS_DEVICE_CONFIGURATION_ERROR;
        return;
    }
    AtStart.Starts++;
    AtStart.Irql |= KeGetCurrentIrql();
    TestPrepareFull(&connection, Device, 0);
    AtStart.Status = TestConnect(&connection);
    if (!NT_SUCCESS(AtStart.Status))
        return;
    TestRaise(Device, 0);
    if (TestWaitCalls(&connection, 1))
        AtStart.Calls++;
    TestDisconnect(&connection);
}

static VOID CheckStart(VOID)
{
    Expect(AtStart.Starts != 0, "PNP-1 devices have been started");
    ExpectEqual(AtStart.Irql, PASSIVE_LEVEL, "PNP-12, RES-START-1 at PASSIVE_LEVEL");
    ExpectStatus(AtStart.Status, STATUS_SUCCESS,
                 "PNP-1, CIE-GEN-1 in START_DEVICE, after the bus, a driver connects");
    ExpectEqual(AtStart.Calls, AtStart.Starts,
                "PNP-1, PNP-10 and can enable the interrupt it was given, line or message");
}

/* ---- stopping ------------------------------------------------------------------------------- */

static VOID Removing(PTEST_DEVICE Device)
{
    if (Kept.Object == NULL || Kept.Device != Device)
        return;
    StopIrql = KeGetCurrentIrql();
    TestAcknowledge(Device);
    TestDisconnect(&Kept);
}

static VOID CheckStop(PTEST_DEVICE Device)
{
    TestPrepareFull(&Kept, Device, 0);
    if (!TestConnectOrFail(&Kept, "PNP-7 a device connects"))
        return;
    Device->StartLater = TRUE;
    Expect(TestRestart(Device),
           "RES-START-5 a START_DEVICE that is pended and completed later starts");
    Expect(StopIrql == PASSIVE_LEVEL && Kept.Object == NULL,
           "PNP-7, PNP-8 in STOP_DEVICE, before it is passed down, a driver disconnects");
    TestPrepareFull(&Kept, Device, 0);
    if (TestConnectOrFail(&Kept, "PNP-7, PNP-6 started again it connects")) {
        TestExpectCall(&Kept, 0, FULL(&Kept).Irql, "PNP-7, PNP-6 and is served");
        TestDisconnect(&Kept);
    }
}

/* Started again it connects, disconnects and then fails. */
static VOID CheckFailedStart(PTEST_DEVICE Device)
{
    PDEVICE_OBJECT physical = Device->Physical;
    PTEST_DEVICE device;
    BOOLEAN started;

    FailNext = Device;
    started = TestRestart(Device);
    for (device = TestDevices; device != NULL && device->Physical != physical;)
        device = device->Next;
    Expect(!started && device == NULL,
           "PNP-5 a device whose start fails after it had connected gets REMOVE_DEVICE");
    FailNext = NULL;
}

/* The rocker's messages come at a high level, so that they nest. */
static VOID Filter(PTEST_DEVICE Device, PIO_RESOURCE_REQUIREMENTS_LIST *List)
{
    PIO_RESOURCE_LIST list;
    ULONG i, j;

    if (Device->Kind != TestKindRocker || *List == NULL)
        return;
    list = (*List)->List;
    for (i = 0; i < (*List)->AlternativeLists; i++) {
        PIO_RESOURCE_DESCRIPTOR descriptor = list->Descriptors;

        for (j = 0; j < list->Count; j++, descriptor++)
            if (descriptor->Type == CmResourceTypeInterrupt) {
                descriptor->Flags |= CM_RESOURCE_INTERRUPT_POLICY_INCLUDED;
                ((PLAG_INTERRUPT_REQUIREMENT)descriptor)->PriorityPolicy = LagPriorityHigh;
            }
        list = (PIO_RESOURCE_LIST)descriptor;
    }
}

static VOID Run(VOID)
{
    PTEST_DEVICE rocker = TestFind(TestKindRocker, 0), edu = TestFind(TestKindEdu, 0);
    PTEST_DEVICE serial = TestFind(TestKindSerial, 0), edge = TestFind(TestKindKeyboard, 0);

    CheckStart();
    CheckRegisters(rocker != NULL ? rocker : edu);
    CheckStack(rocker != NULL ? rocker : edu);
    CheckCalls(serial);
    CheckStop(serial);
    if (rocker != NULL) {
        CheckNesting(serial, rocker);
        CheckMessages(rocker);
    } else {
        CheckChain(LINE_DEVICES);
        CheckEdgeChain(edge);
        CheckGone(edu);
        CheckStorm(edu, serial);
        CheckFailedStart(TestFind(TestKindEdu, LINE_DEVICES - 1));
    }
}

const TEST_GROUP TestGroup = {
    .Run = Run, .Stop = Stop, .Started = Started, .Removing = Removing, .Filter = Filter};
