/*
 * connect.c - IoConnectInterruptEx and what it promises, seen from a driver.
 *
 * Takes three kinds of QEMU device, by its INF: edu with a message, pci-serial with a line, and
 * pci-testdev without any interrupt; the `test` command runs the cases that fit each. Rule ids are
 * those of the interrupt API reference. Nothing here is specific to one kernel.
 */
#include <ntddk.h>

#include "../../../drivers/edu/edu.h"

typedef struct _CONNECT_STATE {
    KDPC Dpc;
    IO_DISCONNECT_INTERRUPT_PARAMETERS Connection;
    volatile LONG Calls;
    volatile ULONG MessageId;
    volatile KIRQL ServiceIrql;
    volatile KIRQL DpcIrql;
    volatile LONG DpcRuns;
    volatile LONG FirstInsert; /* what KeInsertQueueDpc said the first and the second time */
    volatile LONG SecondInsert;
    PVOID DpcArgument;
    PKINTERRUPT ServiceInterrupt;
    KIRQL SynchronizeIrql; /* IRQL of the routine under KeSynchronizeExecution */
} CONNECT_STATE;

#define TEST_STATE CONNECT_STATE
#define TEST_DRIVER "connect-test"
#include "../../common/test_driver.h"

#include "../../common/ktap.h"

static NTSTATUS TestStart(PTEST_DEVICE Device)
{
    UNREFERENCED_PARAMETER(Device); /* each case connects by itself */
    return STATUS_SUCCESS;
}

static VOID TestStop(PTEST_DEVICE Device)
{
    UNREFERENCED_PARAMETER(Device);
}

static VOID NTAPI DpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PTEST_DEVICE device = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument2);
    device->State.DpcIrql = KeGetCurrentIrql();
    device->State.DpcArgument = Argument1;
    device->State.DpcRuns++;
}

static BOOLEAN NTAPI MessageRoutine(PKINTERRUPT Interrupt, PVOID Context, ULONG MessageId)
{
    PTEST_DEVICE device = Context;
    volatile ULONG *acknowledge = (ULONG *)(device->Registers + EDU_INTERRUPT_ACKNOWLEDGE);

    *acknowledge = ~0u;
    device->State.ServiceIrql = KeGetCurrentIrql();
    device->State.ServiceInterrupt = Interrupt;
    device->State.MessageId = MessageId;
    device->State.FirstInsert = KeInsertQueueDpc(&device->State.Dpc, (PVOID)1, NULL);
    device->State.SecondInsert = KeInsertQueueDpc(&device->State.Dpc, (PVOID)2, NULL);
    device->State.Calls++;
    return TRUE;
}

/* For lines that nothing raises here; a shared line may call it all the same. */
static BOOLEAN NTAPI QuietRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    UNREFERENCED_PARAMETER(Interrupt);
    UNREFERENCED_PARAMETER(Context);
    return FALSE;
}

static NTSTATUS ConnectMessages(PTEST_DEVICE Device, PDEVICE_OBJECT Physical, BOOLEAN Fallback,
                                PULONG Version, PVOID *Context)
{
    IO_CONNECT_INTERRUPT_PARAMETERS parameters;
    NTSTATUS status;

    RtlZeroMemory(&parameters, sizeof(parameters));
    *Context = NULL;
    parameters.Version = CONNECT_MESSAGE_BASED;
    parameters.MessageBased.PhysicalDeviceObject = Physical;
    parameters.MessageBased.ConnectionContext.Generic = Context;
    parameters.MessageBased.MessageServiceRoutine = MessageRoutine;
    parameters.MessageBased.ServiceContext = Device;
    parameters.MessageBased.FallBackServiceRoutine = Fallback ? QuietRoutine : NULL;
    status = IoConnectInterruptEx(&parameters);
    *Version = parameters.Version;
    return status;
}

static NTSTATUS ConnectLines(PTEST_DEVICE Device, PDEVICE_OBJECT Physical, PULONG Version,
                             PKINTERRUPT *Interrupt)
{
    IO_CONNECT_INTERRUPT_PARAMETERS parameters;
    NTSTATUS status;

    RtlZeroMemory(&parameters, sizeof(parameters));
    *Interrupt = NULL;
    parameters.Version = CONNECT_LINE_BASED;
    parameters.LineBased.PhysicalDeviceObject = Physical;
    parameters.LineBased.InterruptObject = Interrupt;
    parameters.LineBased.ServiceRoutine = QuietRoutine;
    parameters.LineBased.ServiceContext = Device;
    status = IoConnectInterruptEx(&parameters);
    *Version = parameters.Version;
    return status;
}

static VOID Disconnect(ULONG Version, PVOID Context)
{
    IO_DISCONNECT_INTERRUPT_PARAMETERS parameters;

    RtlZeroMemory(&parameters, sizeof(parameters));
    parameters.Version = Version;
    parameters.ConnectionContext.Generic = Context;
    IoDisconnectInterruptEx(&parameters);
}

/* The values a fully specified connect needs, from the first translated descriptor. */
static VOID FillFullySpecified(PTEST_DEVICE Device, PKINTERRUPT *Interrupt,
                               PIO_CONNECT_INTERRUPT_PARAMETERS Parameters)
{
    PCM_PARTIAL_RESOURCE_DESCRIPTOR descriptor = &Device->Translated[0];
    BOOLEAN message = (descriptor->Flags & CM_RESOURCE_INTERRUPT_MESSAGE) != 0;

    RtlZeroMemory(Parameters, sizeof(*Parameters));
    *Interrupt = NULL;
    Parameters->Version = CONNECT_FULLY_SPECIFIED;
    Parameters->FullySpecified.PhysicalDeviceObject = Device->Physical;
    Parameters->FullySpecified.InterruptObject = Interrupt;
    Parameters->FullySpecified.ServiceRoutine = QuietRoutine;
    Parameters->FullySpecified.ServiceContext = Device;
    Parameters->FullySpecified.ShareVector = descriptor->ShareDisposition == CmResourceShareShared;
    Parameters->FullySpecified.InterruptMode =
        descriptor->Flags & CM_RESOURCE_INTERRUPT_LATCHED ? Latched : LevelSensitive;
    if (message) {
        Parameters->FullySpecified.Vector = descriptor->u.MessageInterrupt.Translated.Vector;
        Parameters->FullySpecified.Irql = (KIRQL)descriptor->u.MessageInterrupt.Translated.Level;
        Parameters->FullySpecified.ProcessorEnableMask =
            descriptor->u.MessageInterrupt.Translated.Affinity;
    } else {
        Parameters->FullySpecified.Vector = descriptor->u.Interrupt.Vector;
        Parameters->FullySpecified.Irql = (KIRQL)descriptor->u.Interrupt.Level;
        Parameters->FullySpecified.ProcessorEnableMask = descriptor->u.Interrupt.Affinity;
    }
    Parameters->FullySpecified.SynchronizeIrql = Parameters->FullySpecified.Irql;
}

static VOID CheckVersions(PKTAP Report)
{
    static const ULONG bad[] = {0, 6, 0xFFFFFFFF};
    IO_CONNECT_INTERRUPT_PARAMETERS parameters, before;
    ULONG i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        RtlFillMemory(&parameters, sizeof(parameters), 0xA5);
        parameters.Version = bad[i];
        before = parameters;
        KtapStatus(Report, IoConnectInterruptEx(&parameters), STATUS_INVALID_PARAMETER_1,
                   "an unknown Version is refused (CIE-VER-7)");
        KtapCheck(Report, RtlCompareMemory(&parameters, &before, sizeof(before)) == sizeof(before),
                  "an unknown Version leaves the structure untouched (CIE-VER-9)");
    }
}

static VOID CheckNoDevice(PKTAP Report, PTEST_DEVICE Device)
{
    PKINTERRUPT interrupt;
    PVOID context;
    ULONG version;

    KtapStatus(Report, ConnectLines(Device, NULL, &version, &interrupt), STATUS_INVALID_PARAMETER,
               "line-based without a device object is refused (CIE-FULL-2)");
    KtapStatus(Report, ConnectMessages(Device, NULL, TRUE, &version, &context),
               STATUS_INVALID_PARAMETER,
               "message-based without a device object is refused (CIE-FULL-2)");
}

static VOID CheckWithoutInterrupt(PKTAP Report, PTEST_DEVICE Device)
{
    PKINTERRUPT interrupt;
    PVOID context;
    ULONG version;

    KtapStatus(Report, ConnectLines(Device, Device->Physical, &version, &interrupt),
               STATUS_NOT_FOUND, "a device without interrupts has no line (CIE-LINE-14)");
    KtapStatus(Report, ConnectMessages(Device, Device->Physical, TRUE, &version, &context),
               STATUS_NOT_FOUND, "a device without interrupts has no message (CIE-MSG-15)");
}

static VOID CheckLine(PKTAP Report, PTEST_DEVICE Device)
{
    PKINTERRUPT interrupt;
    PVOID context;
    ULONG version;

    KtapStatus(Report, ConnectLines(Device, Device->Physical, &version, &interrupt), STATUS_SUCCESS,
               "a line connects (CIE-LINE-1)");
    KtapEqual(Report, version, CONNECT_LINE_BASED,
              "Version stays line-based when a line connects (CIE-OUT-5)");
    KtapCheck(Report, interrupt != NULL, "the interrupt object of a line is stored (CIE-LINE-2)");
    if (interrupt != NULL)
        Disconnect(version, interrupt);
    KtapStatus(Report, ConnectMessages(Device, Device->Physical, TRUE, &version, &context),
               STATUS_SUCCESS, "messages fall back to the line (CIE-MSG-12)");
    KtapEqual(Report, version, CONNECT_LINE_BASED,
              "falling back to the line rewrites Version (CIE-OUT-2)");
    if (context != NULL)
        Disconnect(version, context);
    KtapStatus(Report, ConnectMessages(Device, Device->Physical, FALSE, &version, &context),
               STATUS_NOT_FOUND, "messages without a fallback routine find no line (CIE-MSG-14)");
    KtapEqual(Report, version, CONNECT_MESSAGE_BASED,
              "a refused connect leaves Version alone (CIE-MSG-14)");
}

static VOID CheckFullySpecified(PKTAP Report, PTEST_DEVICE Device, BOOLEAN Message)
{
    IO_CONNECT_INTERRUPT_PARAMETERS parameters;
    PKINTERRUPT interrupt;
    KSPIN_LOCK lock;

    FillFullySpecified(Device, &interrupt, &parameters);
    KtapStatus(Report, IoConnectInterruptEx(&parameters), STATUS_SUCCESS,
               "the translated descriptor connects (CIE-FULL-16 to -19)");
    if (interrupt != NULL)
        Disconnect(CONNECT_FULLY_SPECIFIED, interrupt);
    FillFullySpecified(Device, &interrupt, &parameters);
    parameters.FullySpecified.Group = 7;
    KtapStatus(Report, IoConnectInterruptEx(&parameters), STATUS_SUCCESS,
               "Version 1 does not look at Group (CIE-VER-5)");
    if (interrupt != NULL)
        Disconnect(CONNECT_FULLY_SPECIFIED, interrupt);
    FillFullySpecified(Device, &interrupt, &parameters);
    parameters.FullySpecified.ProcessorEnableMask = 0;
    KtapStatus(Report, IoConnectInterruptEx(&parameters), STATUS_INVALID_PARAMETER_10,
               "an empty set of processors is refused (CIE-FULL-20)");
    FillFullySpecified(Device, &interrupt, &parameters);
    parameters.FullySpecified.Vector ^= 0x0F;
    KtapStatus(Report, IoConnectInterruptEx(&parameters), STATUS_NOT_FOUND,
               "a vector that is not the device's is not found (CIE-FULL-24)");
    FillFullySpecified(Device, &interrupt, &parameters);
    parameters.FullySpecified.Irql = parameters.FullySpecified.SynchronizeIrql = PASSIVE_LEVEL;
    KeInitializeSpinLock(&lock);
    parameters.FullySpecified.SpinLock = &lock;
    KtapStatus(Report, IoConnectInterruptEx(&parameters), STATUS_INVALID_PARAMETER,
               "a passive routine takes no spin lock (CIE-FULL-31)");
    if (!Message)
        return;
    parameters.FullySpecified.SpinLock = NULL;
    KtapStatus(Report, IoConnectInterruptEx(&parameters), STATUS_INVALID_PARAMETER,
               "a message takes no passive routine (CIE-PASS-18)");
}

static BOOLEAN NTAPI SynchronizedRoutine(PVOID Context)
{
    PTEST_DEVICE device = Context;

    device->State.SynchronizeIrql = KeGetCurrentIrql();
    return TRUE;
}

static VOID CheckTable(PKTAP Report, PTEST_DEVICE Device, PIO_INTERRUPT_MESSAGE_INFO Table)
{
    PIO_INTERRUPT_MESSAGE_INFO_ENTRY entry = &Table->MessageInfo[0];

    KtapEqual(Report, Table->MessageCount, 1, "edu has one message (CIE-MTAB-2)");
    KtapEqual(Report, entry->Irql, entry->Vector >> 4,
              "the IRQL of a message is its vector / 16 (CIE-MTAB-14)");
    KtapEqual(Report, Table->UnifiedIrql, entry->Irql,
              "UnifiedIrql is the IRQL of the only message (CIE-MTAB-1)");
    KtapEqual(Report, entry->Mode, Latched, "a message is latched (CIE-MTAB-8)");
    KtapEqual(Report, entry->MessageData & 0xFF, entry->Vector,
              "message data names the vector (CIE-MTAB-13)");
    KtapEqual(Report, (ULONG64)entry->MessageAddress.QuadPart >> 20, 0xFEE,
              "the message address is the local APICs' (CIE-MTAB-13)");
    KtapEqual(Report, entry->Vector, Device->Translated[0].u.MessageInterrupt.Translated.Vector,
              "table and translated descriptor agree (CIE-MTAB-7)");
    KtapCheck(Report, entry->TargetProcessorSet != 0,
              "some processor takes the message (CIE-MTAB-5)");
    KtapCheck(Report,
              KeSynchronizeExecution(entry->InterruptObject, SynchronizedRoutine, Device) == TRUE,
              "KeSynchronizeExecution returns what the routine does (KSE-2)");
    KtapEqual(Report, Device->State.SynchronizeIrql, Table->UnifiedIrql,
              "KeSynchronizeExecution runs it at the interrupt's IRQL (KSE-2)");
    KtapEqual(Report, KeGetCurrentIrql(), PASSIVE_LEVEL,
              "KeSynchronizeExecution restores the IRQL (KSE-4)");
}

static VOID CheckDelivery(PKTAP Report, PTEST_DEVICE Device, PIO_INTERRUPT_MESSAGE_INFO Table)
{
    volatile ULONG *raise = (ULONG *)(Device->Registers + EDU_INTERRUPT_RAISE);
    CONNECT_STATE *state = &Device->State;
    ULONG i;
    KIRQL irql;

    *raise = EDU_RAISED_BY_HAND;
    for (i = 0; i < 1000000 && state->Calls == 0; i++)
        KeStallExecutionProcessor(1);
    KeFlushQueuedDpcs();
    KtapEqual(Report, (ULONG)state->Calls, 1, "one message makes one call (MISR-1)");
    KtapEqual(Report, state->MessageId, 0, "the call names message 0 (MISR-2)");
    KtapEqual(Report, (ULONG64)state->ServiceInterrupt,
              (ULONG64)Table->MessageInfo[0].InterruptObject,
              "the call names the message's object (MISR-1)");
    KtapEqual(Report, state->ServiceIrql, Table->UnifiedIrql,
              "the routine runs at UnifiedIrql (ISR-3)");
    KtapCheck(Report, state->FirstInsert == TRUE && state->SecondInsert == FALSE,
              "a queued DPC is not queued again (DPC-4)");
    KtapEqual(Report, (ULONG)state->DpcRuns, 1, "a DPC queued twice runs once (DPC-4)");
    KtapEqual(Report, (ULONG64)state->DpcArgument, 1,
              "a DPC gets the arguments it was first queued with (DPC-5)");
    KtapEqual(Report, state->DpcIrql, DISPATCH_LEVEL, "a DPC runs at DISPATCH_LEVEL (DPG-1)");

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeInsertQueueDpc(&state->Dpc, NULL, NULL);
    KtapEqual(Report, (ULONG)state->DpcRuns, 1,
              "a DPC waits while the IRQL is DISPATCH_LEVEL (CR8-2)");
    KeLowerIrql(irql);
    KtapEqual(Report, (ULONG)state->DpcRuns, 2, "a DPC has run when the IRQL has dropped (CR8-2)");
}

static VOID CheckMessage(PKTAP Report, PTEST_DEVICE Device)
{
    PKINTERRUPT interrupt;
    PVOID context;
    ULONG version;

    KtapStatus(Report, ConnectLines(Device, Device->Physical, &version, &interrupt),
               STATUS_INVALID_DEVICE_REQUEST,
               "a device with messages has no line to connect (CIE-LINE-12)");
    KtapStatus(Report, ConnectMessages(Device, Device->Physical, TRUE, &version, &context),
               STATUS_SUCCESS, "messages connect (CIE-MSG-1)");
    KtapEqual(Report, version, CONNECT_MESSAGE_BASED,
              "Version stays message-based when messages connect (CIE-OUT-1)");
    if (context == NULL || version != CONNECT_MESSAGE_BASED)
        return;
    CheckTable(Report, Device, context);
    CheckDelivery(Report, Device, context);
    Disconnect(version, context);
}

static NTSTATUS TestControl(PTEST_DEVICE Device, ULONG Code, PVOID Buffer, PULONG Length)
{
    BOOLEAN message;
    KTAP report;

    if (Code != (ULONG)IOCTL_TEST_RUN)
        return STATUS_INVALID_DEVICE_REQUEST;
    RtlZeroMemory(&Device->State, sizeof(Device->State));
    KeInitializeDpc(&Device->State.Dpc, DpcRoutine, Device);
    message = Device->InterruptCount > 0 &&
              (Device->Translated[0].Flags & CM_RESOURCE_INTERRUPT_MESSAGE) != 0;
    KtapBegin(&report);
    CheckVersions(&report);
    CheckNoDevice(&report, Device);
    if (Device->InterruptCount == 0) {
        CheckWithoutInterrupt(&report, Device);
    } else {
        if (message)
            CheckMessage(&report, Device);
        else
            CheckLine(&report, Device);
        CheckFullySpecified(&report, Device, message);
    }
    *(PULONG)Buffer = KtapEnd(&report);
    *Length = sizeof(ULONG);
    return STATUS_SUCCESS;
}
