/*
 * function.h - what the function drivers beside this folder have in common: one device each.
 *
 * A driver's DEVICE, its device extension, begins with a FUNCTION. The driver's main file defines
 *
 *   FUNCTION_NAME     "ahci": devices are \Device\ahci0, \DosDevices\ahci0, ...
 *   FUNCTION_TYPE     FILE_DEVICE_...
 *   FUNCTION_FLAGS    DO_DIRECT_IO or DO_BUFFERED_IO
 *
 * includes dispatch.h, once, and writes the routines declared at the end of this header. dispatch.h
 * calls them in this order:
 *
 *   FunctionInitialize     AddDevice: locks, events, DPCs
 *   FunctionStart          START_DEVICE, and on the way from D3 to D0
 *   FunctionRequest        read, write, device control
 *   FunctionStop           STOP, SURPRISE_REMOVAL, REMOVE, and on the way from D0 to D3
 *
 * A driver that would rather keep what FunctionStart got through D3 defines FUNCTION_SLEEP as
 * FunctionSleep and FUNCTION_WAKE as FunctionWake, which are then called in their place.
 *
 * The lower half are services to those routines: registers, configuration space, interrupts.
 */
#pragma once

#include <ntddk.h>

#define FUNCTION_TAG 0x636E7546 /* "Func" */

#define MESSAGES_KEPT 8u

/* All constant while the device is started. */
typedef struct _FUNCTION {
    PDEVICE_OBJECT Self;     /* our own device object */
    PDEVICE_OBJECT Physical; /* the bus driver's object: names the device in system calls */
    PDEVICE_OBJECT Lower;    /* where IRPs are passed on to */
    IO_REMOVE_LOCK Lock;     /* held by each request under way */
    ULONG Index;             /* the digit at the end of the name */
    BOOLEAN Started;         /* between START_DEVICE and STOP_DEVICE, or removal */
    BOOLEAN Running;         /* FunctionStart succeeded, and the device has not left D0 since */
    BOOLEAN Asleep;          /* FUNCTION_SLEEP was the last call */
    PCM_RESOURCE_LIST Raw;   /* from START_DEVICE to STOP_DEVICE; NULL without */
    PCM_RESOURCE_LIST Translated;
    PUCHAR Registers; /* FunctionMapRegisters' */
    ULONG RegistersLength;
    PDMA_ADAPTER Adapter; /* FunctionAllocate's */
    PUCHAR Memory;        /* the common buffer: what driver and device both read and write */
    ULONG MemorySize;
    PHYSICAL_ADDRESS MemoryAddress;           /* as the device sees it */
    EX_RUNDOWN_REF Reads;                     /* FunctionBeginRead's that have not ended */
    ULONG MessageCount;                       /* connected messages; 0: a line */
    KAFFINITY Processors[MESSAGES_KEPT];      /* that take each message, of the first ones */
    PKMESSAGE_SERVICE_ROUTINE MessageRoutine; /* FunctionConnectMessages' */
    /* What IoConnectInterruptEx gave. Version 0 while not connected. */
    IO_DISCONNECT_INTERRUPT_PARAMETERS Connection;
} FUNCTION, *PFUNCTION;

/* For run.h: in a driver's DEVICE, by the name Run. */
typedef struct _RUN {
    KMUTEX Busy; /* held by the run under way, and while the device is stopped */
    KDPC Dpc;
    KEVENT Done;
    volatile LONG Wanted;
    volatile LONG Taken;   /* interrupts of the run, those past the wanted number too */
    volatile LONG DpcRuns; /* at least 1 */
} RUN;

#define IOCTL_RUN CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* ---- By the driver ---------------------------------------------------------------------- */

typedef struct _DEVICE *PDEVICE; /* begins with a FUNCTION */

VOID FunctionInitialize(PDEVICE Device);

/* PASSIVE_LEVEL. The device is powered and has its resources. FunctionStop follows a failure. */
NTSTATUS FunctionStart(PDEVICE Device);

/*
 * PASSIVE_LEVEL. Undo FunctionStart, or as much of it as was done, and finish every pending
 * request. Harmless when repeated. The device may be gone: registers then read as all ones.
 */
VOID FunctionStop(PDEVICE Device);

/* PASSIVE_LEVEL, before D3, and back in D0. FunctionStop may follow each, and follows a failure. */
VOID FunctionSleep(PDEVICE Device);
NTSTATUS FunctionWake(PDEVICE Device);

/*
 * IRP_MJ_READ, _WRITE or _DEVICE_CONTROL; IRQL <= DISPATCH_LEVEL. STATUS_PENDING: the IRP has been
 * marked pending and FunctionFinish is, or has been, called for it. Else *Information counts the
 * bytes moved.
 */
NTSTATUS FunctionRequest(PDEVICE Device, PIRP Irp, PULONG Information);

/* ---- Services, to the driver ------------------------------------------------------------ */

/* Complete a pending request. IRQL <= DISPATCH_LEVEL. */
static inline VOID FunctionFinish(PFUNCTION Function, PIRP Irp, NTSTATUS Status, ULONG Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    IoReleaseRemoveLock(&Function->Lock, Irp);
}

/*
 * Map the memory range that begins at this bus address, the first one if 0. NULL: there is none,
 * or no room. PASSIVE_LEVEL. Unmapped by MmUnmapIoSpace with the length that was returned.
 */
static inline PUCHAR FunctionMap(PFUNCTION Function, ULONGLONG BusAddress, PULONG Length)
{
    PCM_PARTIAL_RESOURCE_DESCRIPTOR raw, translated;
    ULONG i;

    if (Function->Raw == NULL || Function->Translated == NULL)
        return NULL;
    /* The two lists run side by side: what the bus sees, and what the processor sees. */
    raw = Function->Raw->List[0].PartialResourceList.PartialDescriptors;
    translated = Function->Translated->List[0].PartialResourceList.PartialDescriptors;
    for (i = 0; i < Function->Translated->List[0].PartialResourceList.Count; i++) {
        if (translated[i].Type != CmResourceTypeMemory ||
            (BusAddress != 0 && (ULONGLONG)raw[i].u.Memory.Start.QuadPart != BusAddress))
            continue;
        *Length = translated[i].u.Memory.Length;
        return MmMapIoSpace(translated[i].u.Memory.Start, *Length, MmNonCached);
    }
    return NULL;
}

/* Where all registers lie in the first memory range. PASSIVE_LEVEL. */
static inline NTSTATUS FunctionMapRegisters(PFUNCTION Function, ULONG Least)
{
    Function->Registers = FunctionMap(Function, 0, &Function->RegistersLength);
    if (Function->Registers == NULL || Function->RegistersLength < Least)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    return STATUS_SUCCESS;
}

static inline VOID FunctionUnmapRegisters(PFUNCTION Function)
{
    if (Function->Registers != NULL)
        MmUnmapIoSpace(Function->Registers, Function->RegistersLength);
    Function->Registers = NULL;
}

/*
 * The translated descriptor of this CmResourceType number Index, from 0. NULL: there are fewer.
 */
static inline PCM_PARTIAL_RESOURCE_DESCRIPTOR FunctionResource(PFUNCTION Function, UCHAR Type,
                                                               ULONG Index)
{
    PCM_PARTIAL_RESOURCE_DESCRIPTOR descriptor;
    ULONG i;

    if (Function->Translated == NULL)
        return NULL;
    descriptor = Function->Translated->List[0].PartialResourceList.PartialDescriptors;
    for (i = 0; i < Function->Translated->List[0].PartialResourceList.Count; i++)
        if (descriptor[i].Type == Type && Index-- == 0)
            return &descriptor[i];
    return NULL;
}

/*
 * The I/O ports of range number Index, for READ_PORT_UCHAR and its like. NULL: there is no such
 * range, or it has fewer than Least ports. Any IRQL while started.
 */
static inline PUCHAR FunctionPorts(PFUNCTION Function, ULONG Index, ULONG Least)
{
    PCM_PARTIAL_RESOURCE_DESCRIPTOR ports = FunctionResource(Function, CmResourceTypePort, Index);

    if (ports == NULL || ports->u.Port.Length < Least)
        return NULL;
    return (PUCHAR)(ULONG_PTR)ports->u.Port.Start.QuadPart;
}

/*
 * By messages where they were granted, by the device's line where not. Function->MessageCount tells
 * which. PASSIVE_LEVEL.
 */
static inline NTSTATUS FunctionConnect(PFUNCTION Function, PKMESSAGE_SERVICE_ROUTINE Message,
                                       PKSERVICE_ROUTINE Line, PVOID Context)
{
    IO_CONNECT_INTERRUPT_PARAMETERS parameters;
    PVOID connection = NULL;
    NTSTATUS status;

    RtlZeroMemory(&parameters, sizeof(parameters));
    parameters.Version = CONNECT_MESSAGE_BASED;
    parameters.MessageBased.PhysicalDeviceObject = Function->Physical;
    parameters.MessageBased.ConnectionContext.Generic = &connection;
    parameters.MessageBased.MessageServiceRoutine = Message;
    parameters.MessageBased.ServiceContext = Context;
    parameters.MessageBased.FallBackServiceRoutine = Line;
    status = IoConnectInterruptEx(&parameters);
    if (!NT_SUCCESS(status))
        return status;
    Function->Connection.Version = parameters.Version;
    Function->Connection.ConnectionContext.Generic = connection;
    Function->MessageCount = 0;
    if (parameters.Version == CONNECT_MESSAGE_BASED) {
        PIO_INTERRUPT_MESSAGE_INFO table = connection;
        ULONG i;

        Function->MessageCount = table->MessageCount;
        for (i = 0; i < table->MessageCount && i < MESSAGES_KEPT; i++)
            Function->Processors[i] = table->MessageInfo[i].TargetProcessorSet;
    }
    return STATUS_SUCCESS;
}

static BOOLEAN NTAPI FunctionLineRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    return ((PFUNCTION)Context)->MessageRoutine(Interrupt, Context, 0);
}

/*
 * The same, by a routine that serves a line as it serves message 0. Its context is the device. It
 * returns FALSE if there was nothing to do, as a line may be shared.
 */
static inline NTSTATUS FunctionConnectMessages(PFUNCTION Function,
                                               PKMESSAGE_SERVICE_ROUTINE Message)
{
    Function->MessageRoutine = Message;
    return FunctionConnect(Function, Message, FunctionLineRoutine, Function);
}

/* The message that this processor takes, of the first and the last of a row; else the first. */
static inline ULONG FunctionMessageHere(PFUNCTION Function, ULONG First, ULONG Last)
{
    ULONG processor = KeGetCurrentProcessorNumberEx(NULL), i;

    for (i = First; i <= Last && i < Function->MessageCount && i < MESSAGES_KEPT; i++)
        if (processor < MAXIMUM_PROC_PER_GROUP && (Function->Processors[i] >> processor & 1))
            return i;
    return First;
}

/*
 * By the device's line, for a device that has no messages. The interrupt object, which
 * KeSynchronizeExecution wants, is Connection's. PASSIVE_LEVEL.
 */
static inline NTSTATUS FunctionConnectLine(PFUNCTION Function, PKSERVICE_ROUTINE Line,
                                           PVOID Context)
{
    IO_CONNECT_INTERRUPT_PARAMETERS parameters;
    PKINTERRUPT interrupt;
    NTSTATUS status;

    RtlZeroMemory(&parameters, sizeof(parameters));
    parameters.Version = CONNECT_LINE_BASED;
    parameters.LineBased.PhysicalDeviceObject = Function->Physical;
    parameters.LineBased.InterruptObject = &interrupt;
    parameters.LineBased.ServiceRoutine = Line;
    parameters.LineBased.ServiceContext = Context;
    status = IoConnectInterruptEx(&parameters);
    if (!NT_SUCCESS(status))
        return status;
    Function->Connection.Version = CONNECT_LINE_BASED;
    Function->Connection.ConnectionContext.InterruptObject = interrupt;
    Function->MessageCount = 0;
    return STATUS_SUCCESS;
}

/* The device has been told to be silent. No service routine, no DPC runs after the return. */
static inline VOID FunctionDisconnect(PFUNCTION Function)
{
    if (Function->Connection.Version == 0)
        return;
    IoDisconnectInterruptEx(&Function->Connection);
    RtlZeroMemory(&Function->Connection, sizeof(Function->Connection));
    KeFlushQueuedDpcs();
}

/*
 * A bus master's DMA adapter, for transfers of up to Maximum bytes, and Size bytes of zeroed memory
 * that the device reaches. PASSIVE_LEVEL. FunctionFree undoes it, or what a failure left.
 */
static inline NTSTATUS FunctionAllocate(PFUNCTION Function, ULONG Size, ULONG Maximum, BOOLEAN Wide)
{
    DEVICE_DESCRIPTION description;
    ULONG mapRegisters;

    RtlZeroMemory(&description, sizeof(description));
    description.Version = DEVICE_DESCRIPTION_VERSION;
    description.Master = TRUE;
    description.ScatterGather = TRUE;
    description.Dma32BitAddresses = TRUE;
    description.Dma64BitAddresses = Wide;
    description.InterfaceType = PCIBus;
    description.MaximumLength = Maximum;
    Function->Adapter = IoGetDmaAdapter(Function->Physical, &description, &mapRegisters);
    if (Function->Adapter == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Function->MemorySize = Size;
    Function->Memory = Function->Adapter->DmaOperations->AllocateCommonBuffer(
        Function->Adapter, Size, &Function->MemoryAddress, TRUE);
    if (Function->Memory == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlZeroMemory(Function->Memory, Size);
    ExInitializeRundownProtection(&Function->Reads);
    return STATUS_SUCCESS;
}

/* Waits for reads that have begun and not ended: new ones are turned away already. */
static inline VOID FunctionFree(PFUNCTION Function)
{
    if (Function->Memory != NULL)
        ExWaitForRundownProtectionRelease(&Function->Reads);
    if (Function->Memory != NULL)
        Function->Adapter->DmaOperations->FreeCommonBuffer(Function->Adapter, Function->MemorySize,
                                                           Function->MemoryAddress,
                                                           Function->Memory, TRUE);
    if (Function->Adapter != NULL)
        Function->Adapter->DmaOperations->PutDmaAdapter(Function->Adapter);
    Function->Memory = NULL;
    Function->Adapter = NULL;
}

/* Of a read that has begun: its scatter/gather list, which the driver puts here. */
#define FUNCTION_LIST(Irp) ((Irp)->Tail.Overlay.DriverContext[0])

/*
 * Get the scatter/gather list of a direct read's buffer, Length bytes. STATUS_PENDING: Ready is, or
 * has been, called at DISPATCH_LEVEL, with the IRP as its context, or else the IRP has been
 * finished. STATUS_DEVICE_NOT_READY: the device has been stopped. IRQL <= DISPATCH_LEVEL.
 */
static inline NTSTATUS FunctionBeginRead(PFUNCTION Function, PIRP Irp, ULONG Length,
                                         PDRIVER_LIST_CONTROL Ready)
{
    PMDL mdl = Irp->MdlAddress;
    NTSTATUS status;
    KIRQL irql;

    if (!ExAcquireRundownProtection(&Function->Reads))
        return STATUS_DEVICE_NOT_READY;
    IoMarkIrpPending(Irp);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    status = Function->Adapter->DmaOperations->GetScatterGatherList(
        Function->Adapter, Function->Self, mdl, MmGetMdlVirtualAddress(mdl), Length, Ready, Irp,
        FALSE);
    KeLowerIrql(irql);
    if (!NT_SUCCESS(status)) {
        ExReleaseRundownProtection(&Function->Reads);
        FunctionFinish(Function, Irp, status, 0);
    }
    return STATUS_PENDING;
}

/* Ready has been called, and the device is done with the memory. IRQL <= DISPATCH_LEVEL. */
static inline VOID FunctionEndRead(PFUNCTION Function, PIRP Irp, NTSTATUS Status, ULONG Information)
{
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    Function->Adapter->DmaOperations->PutScatterGatherList(Function->Adapter, FUNCTION_LIST(Irp),
                                                           FALSE);
    KeLowerIrql(irql);
    ExReleaseRundownProtection(&Function->Reads);
    FunctionFinish(Function, Irp, Status, Information);
}

static inline ULONG Least(ULONG One, ULONG Other)
{
    return One < Other ? One : Other;
}

/*
 * The addresses of the pages of a piece of a list, for devices that want those rather than regions;
 * returns how many. The first begins where the piece does, the others at the beginning of a page.
 */
static inline ULONG FunctionListPages(PSCATTER_GATHER_LIST List, ULONG Offset, ULONG Length,
                                      ULONGLONG *Pages)
{
    ULONG count = 0, i;

    for (i = 0; i < List->NumberOfElements; i++) {
        ULONG skipped = Least(Offset, List->Elements[i].Length);
        ULONG taken = Least(Length, List->Elements[i].Length - skipped);
        ULONGLONG address = (ULONGLONG)List->Elements[i].Address.QuadPart + skipped;
        ULONGLONG end = address + taken;

        Offset -= skipped;
        Length -= taken;

        for (; address < end; address = (address & ~(PAGE_SIZE - 1ULL)) + PAGE_SIZE)
            Pages[count++] = address;
    }
    return count;
}

static inline PCSTR FunctionConnectionText(PFUNCTION Function)
{
    return Function->MessageCount != 0 ? "CONNECT_MESSAGE_BASED" : "CONNECT_LINE_BASED (fallback)";
}

/*
 * The bus driver's interface to configuration space. On success the caller ends with
 * Interface->InterfaceDereference(Interface->Context). PASSIVE_LEVEL.
 */
static inline NTSTATUS FunctionBusInterface(PFUNCTION Function, PBUS_INTERFACE_STANDARD Interface)
{
    static const GUID type = {
        0x496B8280, 0x6F25, 0x11D0, {0xBE, 0xAF, 0x08, 0x00, 0x2B, 0xE2, 0x09, 0x2F}};
    IO_STATUS_BLOCK block;
    PIO_STACK_LOCATION next;
    NTSTATUS status;
    KEVENT done;
    PIRP irp;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, Function->Lower, NULL, 0, NULL, &done, &block);
    if (irp == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED; /* as every PnP request starts out */
    next = IoGetNextIrpStackLocation(irp);
    next->MinorFunction = IRP_MN_QUERY_INTERFACE;
    next->Parameters.QueryInterface.InterfaceType = &type;
    next->Parameters.QueryInterface.Size = sizeof(*Interface);
    next->Parameters.QueryInterface.Version = 1;
    next->Parameters.QueryInterface.Interface = (PINTERFACE)Interface;
    next->Parameters.QueryInterface.InterfaceSpecificData = NULL;
    status = IoCallDriver(Function->Lower, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
        status = block.Status;
    }
    return status;
}

/* PASSIVE_LEVEL. */
static inline VOID FunctionPause(ULONG Milliseconds)
{
    LARGE_INTEGER pause;

    pause.QuadPart = -10000LL * Milliseconds; /* relative, in 100 ns */
    KeDelayExecutionThread(KernelMode, FALSE, &pause);
}

/* FALSE: the event was not set in time. PASSIVE_LEVEL. */
static inline BOOLEAN FunctionWait(PKEVENT Event, ULONG Milliseconds)
{
    LARGE_INTEGER timeout;

    timeout.QuadPart = -10000LL * Milliseconds; /* relative, in 100 ns */
    return KeWaitForSingleObject(Event, Executive, KernelMode, FALSE, &timeout) != STATUS_TIMEOUT;
}

/* ---- Registers, after FunctionMapRegisters ---------------------------------------------- */

static inline ULONG RegisterRead(PDEVICE Device, ULONG Register)
{
    return READ_REGISTER_ULONG((PULONG)(((PFUNCTION)Device)->Registers + Register));
}

static inline VOID RegisterWrite(PDEVICE Device, ULONG Register, ULONG Value)
{
    WRITE_REGISTER_ULONG((PULONG)(((PFUNCTION)Device)->Registers + Register), Value);
}

/* A register of 64 bits, low half first. */
static inline VOID RegisterWrite64(PDEVICE Device, ULONG Register, ULONGLONG Value)
{
    RegisterWrite(Device, Register, (ULONG)Value);
    RegisterWrite(Device, Register + sizeof(ULONG), (ULONG)(Value >> 32));
}

/*
 * Wait until these bits of a register have this value, asking once a millisecond.
 * STATUS_NO_SUCH_DEVICE: all ones, so the device is gone. PASSIVE_LEVEL.
 */
static inline NTSTATUS RegisterWait(PDEVICE Device, ULONG Register, ULONG Mask, ULONG Value,
                                    ULONG Milliseconds)
{
    ULONG waited, now;

    for (waited = 0; (now = RegisterRead(Device, Register)) != ~0u; waited++) {
        if ((now & Mask) == Value)
            return STATUS_SUCCESS;
        if (waited == Milliseconds)
            return STATUS_IO_TIMEOUT;
        FunctionPause(1);
    }
    return STATUS_NO_SUCH_DEVICE;
}

/* Keeps the compiler from moving memory accesses; the processor keeps stores in order by itself. */
static inline VOID KeepOrder(VOID)
{
    __asm__ volatile("" : : : "memory");
}
