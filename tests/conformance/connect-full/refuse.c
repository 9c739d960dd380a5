/*
 * refuse.c - fully specified calls that must be refused, each with its status and no effect.
 */
#include "full.h"

static TEST_CONNECTION Connection, Other;
static KSPIN_LOCK Lock;

/* Prepares the call anew; the cases then spoil one member. */
static PIO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS Fresh(PTEST_DEVICE Device)
{
    TestPrepareFull(&Connection, Device, 0);
    return &FULL(&Connection);
}

static VOID Refuse(NTSTATUS Wanted, PCSTR Name)
{
    TestRefuse(&Connection, Wanted, Name);
}

VOID RefuseArguments(PTEST_DEVICE Device)
{
    Fresh(Device)->PhysicalDeviceObject = NULL;
    Refuse(STATUS_INVALID_PARAMETER,
           "TC-9, CIE-FULL-2 NULL PhysicalDeviceObject gives STATUS_INVALID_PARAMETER, Version 1");
    Fresh(Device)->PhysicalDeviceObject = NULL;
    Connection.Parameters.Version = CONNECT_FULLY_SPECIFIED_GROUP;
    Refuse(STATUS_INVALID_PARAMETER,
           "CIE-FULL-2 NULL PhysicalDeviceObject gives STATUS_INVALID_PARAMETER, Version 4");
    if (!MmIsDriverVerifying(TestDriver)) { /* which would stop the machine */
        Fresh(Device)->PhysicalDeviceObject = Device->Self;
        Refuse(STATUS_INVALID_PARAMETER,
               "CIE-STAT-7 a device object that is not a PDO gives STATUS_INVALID_PARAMETER");
    }
    Fresh(Device)->InterruptObject = NULL;
    Refuse(STATUS_INVALID_PARAMETER,
           "CIE-FULL-4 NULL InterruptObject gives STATUS_INVALID_PARAMETER");
    Fresh(Device)->ServiceRoutine = NULL;
    Refuse(STATUS_INVALID_PARAMETER,
           "CIE-FULL-7 NULL ServiceRoutine gives STATUS_INVALID_PARAMETER");
}

VOID RefuseLevels(PTEST_DEVICE Device)
{
    static const KIRQL software[] = {APC_LEVEL, DISPATCH_LEVEL};
    PIO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS full;
    ULONG i;

    full = Fresh(Device);
    full->Irql = full->SynchronizeIrql = PASSIVE_LEVEL;
    full->SpinLock = &Lock;
    Refuse(STATUS_INVALID_PARAMETER,
           "TC-12, CIE-FULL-31, CIE-PASS-3 a passive routine with a spin lock is refused");
    full = Fresh(Device);
    full->Irql = PASSIVE_LEVEL;
    Refuse(STATUS_INVALID_PARAMETER, "CIE-FULL-32 only Irql PASSIVE_LEVEL is refused");
    full = Fresh(Device);
    full->SynchronizeIrql = PASSIVE_LEVEL;
    Refuse(STATUS_INVALID_PARAMETER, "CIE-FULL-32 only SynchronizeIrql PASSIVE_LEVEL is refused");
    for (i = 0; i < sizeof(software); i++) {
        full = Fresh(Device);
        full->Irql = software[i];
        Refuse(STATUS_INVALID_PARAMETER, "CIE-FULL-33 an Irql of 1 or 2 is refused");
    }
    full = Fresh(Device);
    full->SynchronizeIrql = full->Irql - 1;
    Refuse(STATUS_INVALID_PARAMETER, "CIE-FULL-28 SynchronizeIrql below Irql is refused");
    full = Fresh(Device);
    full->SynchronizeIrql = HIGH_LEVEL + 1;
    Refuse(STATUS_INVALID_PARAMETER, "CIE-FULL-28 SynchronizeIrql above HIGH_LEVEL is refused");
    full = Fresh(Device);
    full->Irql = full->SynchronizeIrql = full->Irql + 1;
    Refuse(STATUS_INVALID_PARAMETER, "CIE-FULL-27 an Irql other than the one assigned is refused");
    full = Fresh(Device);
    full->InterruptMode = full->InterruptMode == Latched ? LevelSensitive : Latched;
    Refuse(STATUS_INVALID_PARAMETER,
           "CIE-FULL-27 an InterruptMode other than the one assigned is refused");
    if (!TestIsMessage(Device))
        return;
    full = Fresh(Device);
    full->Irql = full->SynchronizeIrql = PASSIVE_LEVEL;
    Refuse(STATUS_INVALID_PARAMETER,
           "TC-57, CIE-PASS-18, CIE-VER-12 a passive routine for a message is refused");
}

VOID RefuseProcessors(PTEST_DEVICE Device)
{
    PIO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS full;

    Fresh(Device)->ProcessorEnableMask = 0;
    Refuse(STATUS_INVALID_PARAMETER_10,
           "TC-10, CIE-FULL-20, CIE-STAT-4 an empty ProcessorEnableMask gives "
           "STATUS_INVALID_PARAMETER_10");
    Fresh(Device)->ProcessorEnableMask = (KAFFINITY)1 << 63;
    Refuse(STATUS_INVALID_PARAMETER_10,
           "CIE-FULL-21 a mask without an active processor gives STATUS_INVALID_PARAMETER_10");
    full = Fresh(Device);
    full->Group = 1;
    Connection.Parameters.Version = CONNECT_FULLY_SPECIFIED_GROUP;
    Refuse(STATUS_INVALID_PARAMETER, "CIE-FULL-23 Version 4 with a group that is not is refused");
    full = Fresh(Device);
    full->Group = ALL_PROCESSOR_GROUPS;
    Connection.Parameters.Version = CONNECT_FULLY_SPECIFIED_GROUP;
    Refuse(STATUS_INVALID_PARAMETER, "CIE-FULL-23 Version 4 with ALL_PROCESSOR_GROUPS is refused");
}

static BOOLEAN HasVector(PTEST_DEVICE Device, ULONG Vector)
{
    ULONG i;

    for (i = 0; i < Device->InterruptCount; i++)
        if (Device->Translated[i]->u.Interrupt.Vector == Vector)
            return TRUE;
    return FALSE;
}

VOID RefuseVectors(PTEST_DEVICE Device)
{
    PTEST_DEVICE other;

    Fresh(Device)->Vector = 0x20;
    Refuse(STATUS_NOT_FOUND,
           "TC-11, CIE-FULL-24, CIE-FULL-25 a vector of no device gives STATUS_NOT_FOUND");
    Fresh(Device)->Vector = 0x100;
    Refuse(STATUS_NOT_FOUND, "CIE-FULL-24 a vector above 255 gives STATUS_NOT_FOUND");
    for (other = TestDevices; other != NULL; other = other->Next) {
        if (other == Device || other->InterruptCount == 0 ||
            HasVector(Device, other->Translated[0]->u.Interrupt.Vector))
            continue;
        TestPrepareFull(&Connection, other, 0);
        FULL(&Connection).PhysicalDeviceObject = Device->Physical;
        Refuse(STATUS_NOT_FOUND, "CIE-FULL-26 a vector of another device gives STATUS_NOT_FOUND");
        return;
    }
}

VOID RefuseSharing(PTEST_DEVICE Device)
{
    TestPrepareFull(&Other, Device, 0);
    FULL(&Other).ShareVector = FALSE;
    if (!TestConnectOrFail(&Other, "CIE-FULL-29 a vector connects unshared"))
        return;
    Fresh(Device)->ShareVector = TRUE;
    Refuse(STATUS_INVALID_PARAMETER,
           "CIE-FULL-29, HW-54 a vector whose owner does not share it is refused");
    TestRaise(Device, 0);
    Expect(TestWaitCalls(&Other, 1), "HW-54 the owner is served as before");
    TestDisconnect(&Other);

    TestPrepareFull(&Other, Device, 0);
    FULL(&Other).ShareVector = TRUE;
    if (!TestConnectOrFail(&Other, "CIE-FULL-29 a vector connects shared"))
        return;
    Fresh(Device)->ShareVector = FALSE;
    Refuse(STATUS_INVALID_PARAMETER,
           "TC-16, CIE-FULL-29, HW-54 ShareVector FALSE on a vector in use is refused");
    TestRaise(Device, 0);
    Expect(TestWaitCalls(&Other, 1), "HW-54 the first connection is served as before");
    TestDisconnect(&Other);
}

VOID RefuseInOrder(PTEST_DEVICE Device)
{
    PIO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS full;

    full = Fresh(Device);
    full->ServiceRoutine = NULL;
    full->ProcessorEnableMask = 0;
    Refuse(STATUS_INVALID_PARAMETER, "CIE-STAT-3 the routine is judged before the processors");
    full = Fresh(Device);
    full->Irql = full->SynchronizeIrql = PASSIVE_LEVEL;
    full->SpinLock = &Lock;
    full->ProcessorEnableMask = 0;
    Refuse(STATUS_INVALID_PARAMETER, "CIE-STAT-3 the passive rule is judged before the processors");
    full = Fresh(Device);
    full->ProcessorEnableMask = 0;
    full->Vector = 0x20;
    Refuse(STATUS_INVALID_PARAMETER_10, "CIE-STAT-3 the processors are judged before the vector");
    full = Fresh(Device);
    full->SynchronizeIrql = full->Irql - 1;
    full->Vector = 0x20;
    Refuse(STATUS_INVALID_PARAMETER, "CIE-STAT-3 the levels are judged before the vector");
}

/* After all those, the interrupt works as if nothing had been asked. */
VOID RefuseWithoutTrace(PTEST_DEVICE Device)
{
    TestPrepareFull(&Other, Device, 0);
    if (!TestConnectOrFail(&Other, "CIE-STAT-6 after refused calls a good one connects"))
        return;
    TestRaise(Device, 0);
    Expect(TestWaitCalls(&Other, 1) && Other.Claims == 1,
           "CIE-STAT-6, CIE-STAT-1 refused calls have left nothing behind");
    TestDisconnect(&Other);
}
