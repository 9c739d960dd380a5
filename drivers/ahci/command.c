/*
 * command.c - reads as commands in slots.
 *
 * A read gets its scatter/gather list, then waits for a slot. Queued commands run side by side; one
 * that is not queued runs alone (ACS-3 4.16), in its turn. A slot has finished when its bits in
 * PxSACT and PxCI are both clear (5.5.3). An error stops the port (6.2.2): what was issued fails, a
 * work item restarts the port, since that waits, and what is waiting goes on.
 */
#include "ahci.h"

static BOOLEAN IsQueued(PDEVICE Device, PIRP Irp)
{
    return Device->Queued && IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_READ;
}

/* The first sector and the length of a read; the ranges have been checked. */
static ULONGLONG SectorOf(PIRP Irp, PULONG Length)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);

    if (stack->MajorFunction == IRP_MJ_READ) {
        *Length = stack->Parameters.Read.Length;
        return (ULONGLONG)stack->Parameters.Read.ByteOffset.QuadPart >> SECTOR_SHIFT;
    }
    *Length = stack->Parameters.DeviceIoControl.OutputBufferLength;
    return *(PULONGLONG)Irp->AssociatedIrp.SystemBuffer;
}

/* ---- Issuing ------------------------------------------------------------------------------ */

static ATA_COMMAND *SlotPrepare(PDEVICE Device, ULONG Slot, ULONG Regions, AHCI_REGION **Region)
{
    AHCI_HEADER *header = (AHCI_HEADER *)(Device->Function.Memory + LIST_OFFSET) + Slot;
    PUCHAR table = Device->Function.Memory + TABLES_OFFSET + Slot * TABLE_SIZE;
    ATA_COMMAND *command = (ATA_COMMAND *)table;

    RtlZeroMemory(header, sizeof(*header));
    header->Flags = sizeof(*command) / sizeof(ULONG);
    header->RegionCount = (USHORT)Regions;
    header->Table =
        (ULONGLONG)Device->Function.MemoryAddress.QuadPart + TABLES_OFFSET + Slot * TABLE_SIZE;
    RtlZeroMemory(command, sizeof(*command));
    command->Type = ATA_FIS_TYPE;
    command->Flags = ATA_FIS_COMMAND;
    *Region = (AHCI_REGION *)(table + TABLE_REGIONS);
    return command;
}

static VOID SlotIssue(PDEVICE Device, ULONG Slot, PIRP Irp, BOOLEAN Queued)
{
    Device->Slots[Slot] = Irp;
    Device->Issued |= 1u << Slot;
    Device->Alone = !Queued;
    KeepOrder(); /* the tables before the registers */
    if (Queued)
        PortWrite(Device, PORT_ACTIVE, 1u << Slot);
    PortWrite(Device, PORT_ISSUE, 1u << Slot);
}

static VOID IssueRead(PDEVICE Device, ULONG Slot, PIRP Irp)
{
    PSCATTER_GATHER_LIST list = FUNCTION_LIST(Irp);
    BOOLEAN queued = IsQueued(Device, Irp);
    AHCI_REGION *region;
    ATA_COMMAND *command = SlotPrepare(Device, Slot, list->NumberOfElements, &region);
    ULONG length, sectors, i;
    ULONGLONG sector = SectorOf(Irp, &length);

    for (i = 0; i < list->NumberOfElements; i++) {
        region[i].Address = (ULONGLONG)list->Elements[i].Address.QuadPart;
        region[i].LengthLessOne = list->Elements[i].Length - 1;
    }
    sectors = length >> SECTOR_SHIFT;
    command->Device = ATA_DEVICE_LBA;
    command->Lba0 = (UCHAR)sector;
    command->Lba1 = (UCHAR)(sector >> 8);
    command->Lba2 = (UCHAR)(sector >> 16);
    command->Lba3 = (UCHAR)(sector >> 24);
    command->Lba4 = (UCHAR)(sector >> 32);
    command->Lba5 = (UCHAR)(sector >> 40);
    if (queued) { /* the number of sectors goes where features were, the tag where it was */
        command->Command = ATA_READ_QUEUED;
        command->FeatureLow = (UCHAR)sectors;
        command->FeatureHigh = (UCHAR)(sectors >> 8);
        command->CountLow = (UCHAR)(Slot << 3);
        Device->Information.ReadsQueued++;
    } else {
        command->Command = ATA_READ_DMA;
        command->CountLow = (UCHAR)sectors;
        command->CountHigh = (UCHAR)(sectors >> 8);
        Device->Information.ReadsAlone++;
    }
    SlotIssue(Device, Slot, Irp, queued);
}

VOID CommandIdentify(PDEVICE Device)
{
    AHCI_REGION *region;
    ATA_COMMAND *command;
    KIRQL irql;

    KeClearEvent(&Device->IdentifyDone);
    KeAcquireSpinLock(&Device->Lock, &irql);
    command = SlotPrepare(Device, 0, 1, &region);
    command->Command = ATA_IDENTIFY;
    region->Address = (ULONGLONG)Device->Function.MemoryAddress.QuadPart + IDENTIFY_OFFSET;
    region->LengthLessOne = (1u << SECTOR_SHIFT) - 1;
    SlotIssue(Device, 0, NULL, FALSE);
    KeReleaseSpinLock(&Device->Lock, irql);
}

/* Issue what may run now, in the order it came. Lock held. */
static VOID Pump(PDEVICE Device)
{
    while (Device->Open && !Device->Recovering && !IsListEmpty(&Device->Waiting)) {
        PIRP irp = CONTAINING_RECORD(Device->Waiting.Flink, IRP, Tail.Overlay.ListEntry);
        ULONG slot = 0;

        if (Device->Issued != 0 && (Device->Alone || !IsQueued(Device, irp)))
            return;
        while (slot < Device->Depth && (Device->Issued & 1u << slot))
            slot++;
        if (slot == Device->Depth)
            return;
        RemoveEntryList(&irp->Tail.Overlay.ListEntry);
        IssueRead(Device, slot, irp);
    }
}

static VOID ReadComplete(PDEVICE Device, PIRP Irp, NTSTATUS Status)
{
    ULONG length;

    SectorOf(Irp, &length);
    FunctionEndRead(&Device->Function, Irp, Status, NT_SUCCESS(Status) ? length : 0);
}

/* The list is there: at DISPATCH_LEVEL. */
static VOID NTAPI ListReady(PDEVICE_OBJECT DeviceObject, PIRP CurrentIrp, PSCATTER_GATHER_LIST List,
                            PVOID Context)
{
    PDEVICE device = DeviceObject->DeviceExtension;
    PIRP irp = Context;
    BOOLEAN open;

    UNREFERENCED_PARAMETER(CurrentIrp); /* StartIo's, which we do not use */
    FUNCTION_LIST(irp) = List;
    KeAcquireSpinLockAtDpcLevel(&device->Lock);
    open = device->Open;
    if (open) {
        InsertTailList(&device->Waiting, &irp->Tail.Overlay.ListEntry);
        Pump(device);
    }
    KeReleaseSpinLockFromDpcLevel(&device->Lock);
    if (!open)
        ReadComplete(device, irp, STATUS_DEVICE_NOT_READY);
}

/* A checked read. IRQL <= DISPATCH_LEVEL. */
NTSTATUS CommandRead(PDEVICE Device, PIRP Irp, ULONG Length)
{
    return FunctionBeginRead(&Device->Function, Irp, Length, ListReady);
}

/* ---- Completion --------------------------------------------------------------------------- */

/* Take these slots' IRPs out, as a list. Lock held. */
static VOID TakeSlots(PDEVICE Device, ULONG Slots, PLIST_ENTRY Taken)
{
    ULONG slot;

    InitializeListHead(Taken);
    Device->Issued &= ~Slots;
    for (slot = 0; slot < SLOTS; slot++) {
        if (!(Slots & 1u << slot))
            continue;
        if (Device->Slots[slot] == NULL)
            KeSetEvent(&Device->IdentifyDone, IO_NO_INCREMENT, FALSE);
        else
            InsertTailList(Taken, &Device->Slots[slot]->Tail.Overlay.ListEntry);
        Device->Slots[slot] = NULL;
    }
}

static VOID CompleteTaken(PDEVICE Device, PLIST_ENTRY Taken, NTSTATUS Status)
{
    while (!IsListEmpty(Taken)) {
        PLIST_ENTRY entry = RemoveHeadList(Taken);

        ReadComplete(Device, CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry), Status);
    }
}

/* PASSIVE_LEVEL: the port has stopped by an error, and what was issued has failed. */
static VOID NTAPI RecoveryRoutine(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    PDEVICE device = DeviceObject->DeviceExtension;
    KIRQL irql;

    UNREFERENCED_PARAMETER(Context);
    PortHalt(device);
    PortReset(device);
    PortRun(device);
    KeAcquireSpinLock(&device->Lock, &irql);
    device->Recovering = FALSE;
    Pump(device);
    KeReleaseSpinLock(&device->Lock, irql);
    KeSetEvent(&device->RecoveryDone, IO_NO_INCREMENT, FALSE);
}

static VOID NTAPI DpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PDEVICE device = Context;
    ULONG raised = (ULONG)InterlockedExchange(&device->Raised, 0);
    BOOLEAN recover = FALSE;
    LIST_ENTRY done, failed;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    KeAcquireSpinLockAtDpcLevel(&device->Lock);
    TakeSlots(device,
              device->Issued & ~(PortRead(device, PORT_ACTIVE) | PortRead(device, PORT_ISSUE)),
              &done);
    InitializeListHead(&failed);
    if ((raised & PORT_INTERRUPT_ERROR) && device->Open && !device->Recovering) {
        TakeSlots(device, device->Issued, &failed);
        device->Recovering = recover = TRUE;
        KeClearEvent(&device->RecoveryDone);
    }
    Pump(device);
    KeReleaseSpinLockFromDpcLevel(&device->Lock);
    CompleteTaken(device, &done, STATUS_SUCCESS);
    CompleteTaken(device, &failed, STATUS_IO_DEVICE_ERROR);
    if (recover)
        IoQueueWorkItem(device->Recovery, RecoveryRoutine, DelayedWorkQueue, NULL);
}

/* The port's bits first, then the controller's: that lowers a line (10.7.2). */
static BOOLEAN NTAPI LineRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    PDEVICE device = Context;
    ULONG ports = RegisterRead(device, AHCI_INTERRUPTS), raised;

    UNREFERENCED_PARAMETER(Interrupt);
    if (ports == 0 || ports == ~0u)
        return FALSE;
    raised = PortRead(device, PORT_INTERRUPTS);
    PortWrite(device, PORT_INTERRUPTS, raised);
    RegisterWrite(device, AHCI_INTERRUPTS, ports);
    InterlockedOr(&device->Raised, (LONG)raised);
    InterlockedIncrement(&device->Information.Interrupts);
    KeInsertQueueDpc(&device->Dpc, NULL, NULL);
    return TRUE;
}

static BOOLEAN NTAPI MessageRoutine(PKINTERRUPT Interrupt, PVOID Context, ULONG MessageId)
{
    UNREFERENCED_PARAMETER(MessageId); /* one message for all ports */
    return LineRoutine(Interrupt, Context);
}

NTSTATUS CommandsConnect(PDEVICE Device)
{
    Device->Recovery = IoAllocateWorkItem(Device->Function.Self);
    if (Device->Recovery == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    return FunctionConnect(&Device->Function, MessageRoutine, LineRoutine, Device);
}

VOID CommandsOpen(PDEVICE Device, BOOLEAN Open)
{
    KIRQL irql;

    KeAcquireSpinLock(&Device->Lock, &irql);
    Device->Open = Open;
    KeReleaseSpinLock(&Device->Lock, irql);
    if (!Open) /* none starts from now on; wait for one that has */
        KeWaitForSingleObject(&Device->RecoveryDone, Executive, KernelMode, FALSE, NULL);
}

/* The port is halted and closed: fail what was issued and what waits. */
VOID CommandsAbandon(PDEVICE Device, NTSTATUS Status)
{
    LIST_ENTRY taken;
    KIRQL irql;

    KeAcquireSpinLock(&Device->Lock, &irql);
    TakeSlots(Device, Device->Issued, &taken);
    while (!IsListEmpty(&Device->Waiting))
        InsertTailList(&taken, RemoveHeadList(&Device->Waiting));
    KeReleaseSpinLock(&Device->Lock, irql);
    CompleteTaken(Device, &taken, Status);
    if (Device->Recovery != NULL)
        IoFreeWorkItem(Device->Recovery);
    Device->Recovery = NULL;
}

VOID FunctionInitialize(PDEVICE Device)
{
    KeInitializeSpinLock(&Device->Lock);
    InitializeListHead(&Device->Waiting);
    KeInitializeEvent(&Device->IdentifyDone, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Device->RecoveryDone, NotificationEvent, TRUE);
    KeInitializeDpc(&Device->Dpc, DpcRoutine, Device);
}
