/*
 * slots.h - direct reads under way in a device's numbered slots; the others wait for a free one.
 *
 * A read gets its scatter/gather list, then a slot, in the order it came. The driver gives it to
 * the device in Start, SlotsPiece of it at a time; its service routine calls SlotsAnswer when the
 * device is done with that, and the DPC here starts the next piece, or completes it. Reads that
 * wait cannot be cancelled: each slot comes free within the time a device takes for a read.
 *
 * A command of the driver's own, without an IRP, takes a slot of closed slots: SlotsWait.
 */
#pragma once

#include "function.h"

#define SLOTS_MAX 32u

typedef struct _SLOTS SLOTS, *PSLOTS;

/* The driver's: start the read in this slot. At DISPATCH_LEVEL, with the lock. */
typedef VOID SLOTS_START(PSLOTS Slots, ULONG Slot);

/* (l) Lock; the rest is constant */
struct _SLOTS {
    PFUNCTION Function;
    SLOTS_START *Start;
    KDPC Dpc;
    KEVENT Answer;                /* to a command without an IRP */
    NTSTATUS Statuses[SLOTS_MAX]; /* of answers */
    volatile LONG Answered;       /* bit map: set by service routines, taken by the DPC */
    KSPIN_LOCK Lock;
    ULONG PieceMax;         /* bytes that the device moves at once */
    ULONG Moved[SLOTS_MAX]; /* (l) bytes of the slot's read that earlier pieces were */
    BOOLEAN Open;           /* (l) takes reads */
    ULONG Free;             /* (l) bit map */
    LIST_ENTRY Waiting;     /* (l) IRPs with their scatter/gather list */
    PIRP Irps[SLOTS_MAX];   /* (l) NULL: free */
};

/* Take reads in this many slots from now on; until SlotsAbandon. */
static inline VOID SlotsOpen(PSLOTS Slots, ULONG Count, ULONG PieceMax)
{
    KIRQL irql;

    KeAcquireSpinLock(&Slots->Lock, &irql);
    Slots->PieceMax = PieceMax;
    Slots->Open = TRUE;
    Slots->Free = (ULONG)((1ULL << Count) - 1);
    KeReleaseSpinLock(&Slots->Lock, irql);
}

static inline ULONG SlotsLength(PIRP Irp)
{
    return IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length;
}

/* Length of the piece to start, which begins Moved bytes into the read. This and the next two: lock
 * held. */
static inline ULONG SlotsPiece(PSLOTS Slots, ULONG Slot)
{
    return Least(SlotsLength(Slots->Irps[Slot]) - Slots->Moved[Slot], Slots->PieceMax);
}

/* Where it is on the device, in bytes. */
static inline ULONGLONG SlotsOffset(PSLOTS Slots, ULONG Slot)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Slots->Irps[Slot]);

    return (ULONGLONG)stack->Parameters.Read.ByteOffset.QuadPart + Slots->Moved[Slot];
}

/* Where in memory: its pages. */
static inline ULONG SlotsPages(PSLOTS Slots, ULONG Slot, ULONGLONG *Pages)
{
    return FunctionListPages(FUNCTION_LIST(Slots->Irps[Slot]), Slots->Moved[Slot],
                             SlotsPiece(Slots, Slot), Pages);
}

/* Start what waits, as far as there are slots. Lock held. */
static inline VOID SlotsPump(PSLOTS Slots)
{
    while (Slots->Free != 0 && !IsListEmpty(&Slots->Waiting)) {
        PLIST_ENTRY entry = RemoveHeadList(&Slots->Waiting);
        ULONG slot = (ULONG)__builtin_ctz(Slots->Free);

        Slots->Free &= ~(1u << slot);
        Slots->Irps[slot] = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);
        Slots->Moved[slot] = 0;
        Slots->Start(Slots, slot);
    }
}

static VOID NTAPI SlotsListReady(PDEVICE_OBJECT DeviceObject, PIRP CurrentIrp,
                                 PSCATTER_GATHER_LIST List, PVOID Context)
{
    PIRP irp = Context;
    PSLOTS slots = irp->Tail.Overlay.DriverContext[1];
    BOOLEAN open;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(CurrentIrp);
    FUNCTION_LIST(irp) = List;
    KeAcquireSpinLockAtDpcLevel(&slots->Lock);
    open = slots->Open;
    if (open) {
        InsertTailList(&slots->Waiting, &irp->Tail.Overlay.ListEntry);
        SlotsPump(slots);
    }
    KeReleaseSpinLockFromDpcLevel(&slots->Lock);
    if (!open)
        FunctionEndRead(slots->Function, irp, STATUS_DEVICE_NOT_READY, 0);
}

/* A checked read, to be returned by FunctionRequest. IRQL <= DISPATCH_LEVEL. */
static inline NTSTATUS SlotsRead(PSLOTS Slots, PIRP Irp)
{
    Irp->Tail.Overlay.DriverContext[1] = Slots;
    return FunctionBeginRead(Slots->Function, Irp, SlotsLength(Irp), SlotsListReady);
}

/* The answer to a piece: the next one, or another read, may have the slot. DISPATCH_LEVEL. */
static inline VOID SlotsFinish(PSLOTS Slots, ULONG Slot, PIRP Irp)
{
    NTSTATUS status = Slots->Statuses[Slot];
    ULONG length = SlotsLength(Irp);
    BOOLEAN more;

    KeAcquireSpinLockAtDpcLevel(&Slots->Lock);
    Slots->Moved[Slot] += SlotsPiece(Slots, Slot);
    more = NT_SUCCESS(status) && Slots->Moved[Slot] < length;
    if (more) {
        Slots->Start(Slots, Slot);
    } else {
        Slots->Irps[Slot] = NULL;
        Slots->Free |= 1u << Slot;
        SlotsPump(Slots);
    }
    KeReleaseSpinLockFromDpcLevel(&Slots->Lock);
    if (!more)
        FunctionEndRead(Slots->Function, Irp, status, NT_SUCCESS(status) ? length : 0);
}

static VOID NTAPI SlotsDpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PSLOTS slots = Context;
    ULONG answered = (ULONG)InterlockedExchange(&slots->Answered, 0), slot;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    for (slot = 0; slot < SLOTS_MAX; slot++) {
        if ((answered & 1u << slot) == 0)
            continue;
        if (slots->Irps[slot] != NULL)
            SlotsFinish(slots, slot, slots->Irps[slot]);
        else
            KeSetEvent(&slots->Answer, IO_NO_INCREMENT, FALSE);
    }
}

/* By a service routine: the device is done with what is in this slot. */
static inline VOID SlotsAnswer(PSLOTS Slots, ULONG Slot, NTSTATUS Status)
{
    Slots->Statuses[Slot] = Status;
    InterlockedOr(&Slots->Answered, (LONG)(1u << Slot));
    KeInsertQueueDpc(&Slots->Dpc, NULL, NULL);
}

/* The answer to the one command that the driver has put into this slot. PASSIVE_LEVEL. */
static inline NTSTATUS SlotsWait(PSLOTS Slots, ULONG Slot, ULONG Milliseconds)
{
    return FunctionWait(&Slots->Answer, Milliseconds) ? Slots->Statuses[Slot] : STATUS_IO_TIMEOUT;
}

/* Once, by FunctionInitialize. */
static inline VOID SlotsInitialize(PSLOTS Slots, PFUNCTION Function, SLOTS_START *Start)
{
    Slots->Function = Function;
    Slots->Start = Start;
    KeInitializeSpinLock(&Slots->Lock);
    InitializeListHead(&Slots->Waiting);
    KeInitializeEvent(&Slots->Answer, SynchronizationEvent, FALSE);
    KeInitializeDpc(&Slots->Dpc, SlotsDpcRoutine, Slots);
}

/* Fail all that is under way or waits or is to come. The device is silent, no DPC runs. */
static inline VOID SlotsAbandon(PSLOTS Slots, NTSTATUS Status)
{
    KIRQL irql;
    ULONG slot;

    KeAcquireSpinLock(&Slots->Lock, &irql);
    Slots->Open = FALSE; /* and nobody else touches them */
    KeReleaseSpinLock(&Slots->Lock, irql);
    KeClearEvent(&Slots->Answer); /* one that came too late */
    for (slot = 0; slot < SLOTS_MAX; slot++) {
        if (Slots->Irps[slot] != NULL)
            FunctionEndRead(Slots->Function, Slots->Irps[slot], Status, 0);
        Slots->Irps[slot] = NULL;
    }
    while (!IsListEmpty(&Slots->Waiting)) {
        PLIST_ENTRY entry = RemoveHeadList(&Slots->Waiting);

        FunctionEndRead(Slots->Function, CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry),
                        Status, 0);
    }
}
