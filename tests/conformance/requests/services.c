/*
 * services.c - what runs for a device later: its timer once a second, its work items; and what it
 * reports: error log entries, which the run looks for at the console.
 */
#include "requests.h"

#define SECOND 10000000LL

/* ---- timers ---------------------------------------------------------------------------------- */

static PDEVICE_OBJECT TimerDevice;
static UCHAR TimerMark;
static volatile LONG Ticks;
static volatile LONG WrongTicks; /* another device, context or IRQL */
static ULONG64 StartTime, SecondTick;

static VOID NTAPI Tick(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    LONG tick = InterlockedIncrement(&Ticks);

    if (DeviceObject != TimerDevice || Context != &TimerMark ||
        KeGetCurrentIrql() != DISPATCH_LEVEL)
        InterlockedIncrement(&WrongTicks);
    if (tick == 2)
        SecondTick = KeQueryInterruptTime();
}

VOID TimerBegin(VOID)
{
    LONG ticks;

    TimerDevice = DeviceCreate();
    if (TimerDevice == NULL)
        return;
    ExpectStatus(IoInitializeTimer(TimerDevice, Tick, &TimerMark), STATUS_SUCCESS,
                 "IoInitializeTimer succeeds");
    Expect(TimerDevice->Timer != NULL, "the device has a timer");
    StartTime = KeQueryInterruptTime();
    IoStartTimer(TimerDevice);
    ticks = Ticks;
    /* On a busy host a second may have passed already. */
    Expect(ticks == 0 || KeQueryInterruptTime() - StartTime >= SECOND,
           "IoStartTimer does not call its routine at once");
}

static BOOLEAN WaitForTicks(LONG Least)
{
    ULONG i;

    for (i = 0; Ticks < Least && i < 600; i++)
        TestPause(50);
    return Ticks >= Least;
}

static VOID CheckTimer(VOID)
{
    LONG ticks;

    if (TimerDevice == NULL) {
        Expect(FALSE, "there is memory for a device");
        return;
    }
    Expect(WaitForTicks(2), "a started IoTimer routine is called again and again");
    IoStopTimer(TimerDevice);
    KeFlushQueuedDpcs();
    ticks = Ticks;
    Expect(SecondTick - StartTime >= 2 * SECOND - SECOND / 100,
           "the second time not before two seconds have passed");
    ExpectEqual((ULONG)WrongTicks, 0, "at DISPATCH_LEVEL, with its device and context");
    TestPause(1200);
    ExpectEqual((ULONG)Ticks, (ULONG)ticks, "a stopped IoTimer routine is called no more");
    IoStopTimer(TimerDevice);
    IoStartTimer(TimerDevice);
    Expect(WaitForTicks(ticks + 1), "a timer that was stopped can be started again");
    IoDeleteDevice(TimerDevice); /* takes a running timer along */
    TimerDevice = NULL;
}

/* ---- work items ------------------------------------------------------------------------------ */

typedef struct _WORK {
    PIO_WORKITEM Item;
    KEVENT Done;
    PVOID Object;
    PVOID Argument; /* the third, of an Ex routine */
    KIRQL Irql;
    BOOLEAN System; /* in a system thread */
    ULONG Again;    /* how often it is to queue itself */
    BOOLEAN End;    /* it is to uninitialize its item */
} WORK, *PWORK;

static VOID NTAPI WorkEx(PVOID IoObject, PVOID Context, PIO_WORKITEM Item);

static VOID Note(PWORK Work, PVOID Object, PVOID Argument)
{
    Work->Object = Object;
    Work->Argument = Argument;
    Work->Irql = KeGetCurrentIrql();
    Work->System = PsIsSystemThread(PsGetCurrentThread());
    if (Work->Again > 0) {
        Work->Again--;
        IoQueueWorkItemEx(Work->Item, WorkEx, DelayedWorkQueue, Work);
        return;
    }
    if (Work->End) {
        IoUninitializeWorkItem(Work->Item);
        RtlFillMemory(Work->Item, IoSizeofWorkItem(), 0xCC); /* the driver's memory again */
    }
    KeSetEvent(&Work->Done, IO_NO_INCREMENT, FALSE);
}

static VOID NTAPI WorkEx(PVOID IoObject, PVOID Context, PIO_WORKITEM Item)
{
    Note(Context, IoObject, Item);
}

static VOID NTAPI Work(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    Note(Context, DeviceObject, NULL);
}

static BOOLEAN WaitForWork(PWORK Item)
{
    LARGE_INTEGER timeout = {.QuadPart = -60 * SECOND};

    return KeWaitForSingleObject(&Item->Done, Executive, KernelMode, FALSE, &timeout) ==
           STATUS_SUCCESS;
}

static VOID CheckWorkItems(VOID)
{
    PDEVICE_OBJECT device = TestDevices->Self;
    ULONG size = IoSizeofWorkItem();
    PUCHAR memory = ExAllocatePoolWithTag(NonPagedPool, size + 16, TEST_TAG);
    WORK work = {.Item = (PIO_WORKITEM)memory};
    KIRQL irql;
    ULONG i;

    if (memory == NULL) {
        Expect(FALSE, "there is memory for a work item");
        return;
    }
    RtlFillMemory(memory, size + 16, 0xCC);
    KeInitializeEvent(&work.Done, SynchronizationEvent, FALSE);
    KeRaiseIrql(HIGH_LEVEL, &irql);
    size = IoSizeofWorkItem();
    IoInitializeWorkItem(device, work.Item);
    KeLowerIrql(irql);
    for (i = 0; i < 16 && memory[size + i] == 0xCC; i++)
        ;
    ExpectEqual(i, 16, "IoInitializeWorkItem writes no more than IoSizeofWorkItem says");
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    IoQueueWorkItem(work.Item, Work, DelayedWorkQueue, &work);
    KeLowerIrql(irql);
    Expect(WaitForWork(&work) && work.Object == device && work.Irql == PASSIVE_LEVEL && work.System,
           "a work item in the driver's memory runs in a system thread at PASSIVE_LEVEL");
    IoQueueWorkItemEx(work.Item, WorkEx, CriticalWorkQueue, &work);
    Expect(WaitForWork(&work) && work.Object == device && work.Argument == work.Item,
           "an Ex routine gets its work item, too");
    work.Again = 3;
    IoQueueWorkItemEx(work.Item, WorkEx, DelayedWorkQueue, &work);
    Expect(WaitForWork(&work) && work.Again == 0, "a routine may queue its own item again");
    IoUninitializeWorkItem(work.Item);
    IoInitializeWorkItem(TestDriver, work.Item);
    IoQueueWorkItemEx(work.Item, WorkEx, DelayedWorkQueue, &work);
    Expect(WaitForWork(&work) && work.Object == TestDriver,
           "a work item can be a driver's instead of a device's");
    work.End = TRUE;
    work.Object = NULL;
    IoQueueWorkItemEx(work.Item, WorkEx, DelayedWorkQueue, &work);
    Expect(WaitForWork(&work) && work.Object == TestDriver,
           "a routine may uninitialize its own item");
    ExFreePoolWithTag(memory, TEST_TAG);
}

/* ---- error log entries ----------------------------------------------------------------------- */

static VOID CheckErrorLog(VOID)
{
    static const WCHAR strings[] = L"left\0right"; /* two, each ended by a zero */
    const USHORT data = 2 * sizeof(ULONG);
    const USHORT offset = FIELD_OFFSET(IO_ERROR_LOG_PACKET, DumpData) + data;
    PDEVICE_OBJECT device = TestDevices->Self;
    PIO_ERROR_LOG_PACKET packet;
    KIRQL irql;

    Expect(IoAllocateErrorLogEntry(device, sizeof(IO_ERROR_LOG_PACKET) - 1) == NULL,
           "an error log entry smaller than its packet is not allocated");
    Expect(IoAllocateErrorLogEntry(device, ERROR_LOG_MAXIMUM_SIZE + 1) == NULL,
           "nor one larger than ERROR_LOG_MAXIMUM_SIZE");
    packet = IoAllocateErrorLogEntry(TestDriver, ERROR_LOG_MAXIMUM_SIZE);
    Expect(packet != NULL, "one of that size is, for a driver object, too");
    if (packet != NULL)
        IoFreeErrorLogEntry(packet);
    packet = IoAllocateErrorLogEntry(device, (UCHAR)(offset + sizeof(strings)));
    if (packet == NULL) {
        Expect(FALSE, "an error log entry with room for data and strings is allocated");
        return;
    }
    packet->ErrorCode = (NTSTATUS)0xC0040001;
    packet->UniqueErrorValue = 0x77;
    packet->FinalStatus = STATUS_IO_DEVICE_ERROR;
    packet->DumpDataSize = data;
    packet->DumpData[0] = 0x11111111;
    (&packet->DumpData[0])[1] = 0x22222222;
    packet->NumberOfStrings = 2;
    packet->StringOffset = offset;
    RtlCopyMemory((PUCHAR)packet + offset, strings, sizeof(strings));
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    IoWriteErrorLogEntry(packet);
    KeLowerIrql(irql);
    /* A packet that says more than it has room for: what it has is shown, no more. */
    packet = IoAllocateErrorLogEntry(device, sizeof(IO_ERROR_LOG_PACKET));
    if (packet == NULL)
        return;
    packet->ErrorCode = 3;
    packet->NumberOfStrings = 9;
    packet->StringOffset = 0xFFF0;
    IoWriteErrorLogEntry(packet);
}

VOID CheckServices(VOID)
{
    CheckWorkItems();
    CheckErrorLog();
    CheckTimer();
}
