/*
 * startio.c - one IRP at a time through DriverStartIo: in the order of arrival, by key, canceled,
 * and with the attributes that IoSetStartIoAttributes sets.
 */
#include "requests.h"

#define REQUESTS 4

typedef struct _STARTS {
    PIRP Order[2 * REQUESTS]; /* as StartIo was called */
    ULONG Count;
    ULONG Depth, Deepest; /* calls inside one another */
    ULONG Irql;
    BOOLEAN Current;    /* each was the device's CurrentIrp */
    BOOLEAN Cancelable; /* the last one's cancel routine was still set */
    ULONG Next;         /* calls that ask for the next packet themselves */
} STARTS;

static STARTS Starts;
static REQUEST Requests[REQUESTS];
static volatile LONG Cancels;
static PIRP CanceledIrp;

static VOID NTAPI StartIo(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Starts.Depth++;
    if (Starts.Depth > Starts.Deepest)
        Starts.Deepest = Starts.Depth;
    if (Starts.Count < 2 * REQUESTS)
        Starts.Order[Starts.Count] = Irp;
    Starts.Count++;
    Starts.Irql = KeGetCurrentIrql();
    Starts.Current = Starts.Current && DeviceObject->CurrentIrp == Irp;
    Starts.Cancelable = IoSetCancelRoutine(Irp, NULL) != NULL;
    if (Starts.Next > 0) {
        Starts.Next--;
        Complete(Irp, STATUS_SUCCESS);
        IoStartNextPacket(DeviceObject, TRUE);
    }
    Starts.Depth--;
}

/* As the WDK says a cancel routine for queued packets is written. */
static VOID NTAPI Cancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    InterlockedIncrement(&Cancels);
    CanceledIrp = Irp;
    if (Irp != DeviceObject->CurrentIrp)
        KeRemoveEntryDeviceQueue(&DeviceObject->DeviceQueue, &Irp->Tail.Overlay.DeviceQueueEntry);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    Complete(Irp, STATUS_CANCELLED);
}

static BOOLEAN Begin(PDEVICE_OBJECT Device)
{
    BOOLEAN complete = TRUE;
    ULONG i;

    RtlZeroMemory(&Starts, sizeof(Starts));
    Starts.Current = TRUE;
    Cancels = 0;
    for (i = 0; i < REQUESTS; i++)
        complete = RequestBegin(&Requests[i], Device) && complete;
    return complete;
}

static VOID Next(PDEVICE_OBJECT Device, BOOLEAN Cancelable)
{
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    IoStartNextPacket(Device, Cancelable);
    KeLowerIrql(irql);
}

/* Was StartIo called for these requests, given as digits, and no others? */
static BOOLEAN Started(PCSTR Order)
{
    ULONG i;

    for (i = 0; Order[i] != 0; i++)
        if (i >= Starts.Count || Starts.Order[i] != Requests[Order[i] - '0'].Irp)
            return FALSE;
    return Starts.Count == i;
}

static VOID CheckOrder(PDEVICE_OBJECT Device)
{
    ULONG i;

    Begin(Device);
    IoStartPacket(Device, Requests[0].Irp, NULL, NULL);
    Expect(Started("0"), "IoStartPacket calls StartIo at once when the device is idle");
    ExpectEqual(Starts.Irql, DISPATCH_LEVEL, "StartIo runs at DISPATCH_LEVEL");
    ExpectEqual(KeGetCurrentIrql(), PASSIVE_LEVEL, "IoStartPacket gives back the caller's IRQL");
    for (i = 1; i < REQUESTS; i++)
        IoStartPacket(Device, Requests[i].Irp, NULL, NULL);
    Expect(Started("0"), "packets of a busy device wait");
    for (i = 1; i < REQUESTS; i++)
        Next(Device, FALSE);
    Expect(Started("0123"), "IoStartNextPacket starts them in the order of their arrival");
    Expect(Starts.Current, "StartIo's packet is the device's CurrentIrp");
    Next(Device, FALSE);
    Expect(Starts.Count == REQUESTS && Device->CurrentIrp == NULL,
           "with an empty queue IoStartNextPacket calls nothing and leaves no CurrentIrp");
    Begin(Device);
    IoStartPacket(Device, Requests[1].Irp, NULL, NULL);
    Expect(Started("1"), "and the device is idle again");
    Next(Device, FALSE);
}

static VOID CheckKeys(PDEVICE_OBJECT Device)
{
    static ULONG keys[REQUESTS] = {50, 30, 10, 20};
    ULONG i;

    Begin(Device);
    for (i = 0; i < REQUESTS; i++)
        IoStartPacket(Device, Requests[i].Irp, &keys[i], NULL);
    Expect(Started("0"), "a key does not keep an idle device waiting");
    IoStartNextPacketByKey(Device, FALSE, 15);
    Expect(Started("03"), "IoStartNextPacketByKey takes the lowest key that is not below its own");
    ExpectEqual(KeGetCurrentIrql(), PASSIVE_LEVEL, "and may be called below DISPATCH_LEVEL");
    IoStartNextPacketByKey(Device, FALSE, 40);
    Expect(Started("032"), "or else the first of the queue");
    Next(Device, FALSE);
    Expect(Started("0321"), "IoStartNextPacket takes packets with keys as well");
    Next(Device, FALSE);
    Begin(Device);
    for (i = 0; i < REQUESTS; i++)
        IoStartPacket(Device, Requests[i].Irp, i == 3 ? &keys[2] : &keys[1], NULL);
    for (i = 0; i < REQUESTS; i++)
        IoStartNextPacketByKey(Device, FALSE, 30);
    Expect(Started("0123"), "packets of one key keep their order, those below come last");
}

static VOID CheckCancel(PDEVICE_OBJECT Device)
{
    Begin(Device);
    IoStartPacket(Device, Requests[0].Irp, NULL, Cancel);
    Expect(Starts.Cancelable, "a packet is cancelable until StartIo ends that");
    IoStartPacket(Device, Requests[1].Irp, NULL, Cancel);
    IoStartPacket(Device, Requests[2].Irp, NULL, Cancel);
    Expect(Requests[1].Irp->CancelRoutine == Cancel, "a packet that waits is cancelable");
    Expect(!IoCancelIrp(Requests[0].Irp) && Cancels == 0,
           "canceling the packet in StartIo finds no routine");
    Expect(IoCancelIrp(Requests[1].Irp), "canceling one that waits finds its routine");
    Expect(Cancels == 1 && CanceledIrp == Requests[1].Irp && Requests[1].Completions == 1 &&
               Requests[1].Status == STATUS_CANCELLED,
           "which is called with it");
    ExpectEqual(KeGetCurrentIrql(), PASSIVE_LEVEL,
                "a cancel routine gives back the IRQL of IoCancelIrp");
    Next(Device, TRUE);
    Expect(Started("02"), "a canceled packet is not started");
    IoCancelIrp(Requests[3].Irp);
    IoStartPacket(Device, Requests[3].Irp, NULL, Cancel);
    Expect(Started("02") && Cancels == 2 && Requests[3].Completions == 1,
           "a packet that was canceled before is canceled when it should wait");
    ExpectEqual(KeGetCurrentIrql(), PASSIVE_LEVEL, "inside IoStartPacket, which keeps the IRQL");
    Next(Device, TRUE);
    Expect(Started("02") && Device->CurrentIrp == NULL, "and is not in the queue");
}

static VOID CheckAttributes(PDEVICE_OBJECT Device)
{
    static ULONG keys[REQUESTS] = {0, 1, 2, 3};
    ULONG i;

    Begin(Device);
    for (i = 0; i < REQUESTS; i++)
        IoStartPacket(Device, Requests[i].Irp, NULL, NULL);
    Starts.Next = REQUESTS - 1;
    Next(Device, TRUE);
    Expect(Started("0123"), "StartIo may ask for the next packet");
    ExpectEqual(Starts.Deepest, REQUESTS - 1, "and is called for it before it has returned");

    IoSetStartIoAttributes(Device, TRUE, FALSE);
    Begin(Device);
    Starts.Next = 1; /* of packet 0, at once: there is no other yet */
    IoStartPacket(Device, Requests[0].Irp, NULL, NULL);
    Expect(Started("0") && Device->CurrentIrp == NULL,
           "with DeferredStartIo the device is idle when nothing more waits");
    for (i = 1; i < REQUESTS; i++)
        IoStartPacket(Device, Requests[i].Irp, NULL, NULL);
    Starts.Next = REQUESTS - 2;
    Next(Device, TRUE);
    Expect(Started("0123"), "with DeferredStartIo all packets are started");
    ExpectEqual(Starts.Deepest, 1, "but none before StartIo has returned");
    Next(Device, TRUE);
    Begin(Device);
    for (i = 0; i < REQUESTS; i++)
        IoStartPacket(Device, Requests[i].Irp, &keys[i], NULL);
    Starts.Next = 2;
    IoStartNextPacketByKey(Device, FALSE, 3);
    Expect(Started("0312"), "and each as it was asked for: one by key, two without");
    Next(Device, TRUE);

    IoSetStartIoAttributes(Device, FALSE, TRUE);
    Begin(Device);
    IoStartPacket(Device, Requests[0].Irp, NULL, Cancel);
    Expect(!Starts.Cancelable, "with NonCancelable a packet that is started is not cancelable");
    IoStartPacket(Device, Requests[1].Irp, NULL, Cancel);
    IoStartPacket(Device, Requests[2].Irp, NULL, Cancel);
    Expect(IoCancelIrp(Requests[1].Irp), "one that waits is");
    Next(Device, TRUE);
    Expect(Started("02") && !Starts.Cancelable, "until IoStartNextPacket takes it");
    Next(Device, TRUE);
    IoSetStartIoAttributes(Device, FALSE, FALSE);
}

VOID CheckStartIo(VOID)
{
    PDEVICE_OBJECT device = DeviceCreate();
    ULONG i;

    TestDriver->DriverStartIo = StartIo;
    if (device != NULL && Begin(device)) {
        CheckOrder(device);
        CheckKeys(device);
        CheckCancel(device);
        CheckAttributes(device);
    } else {
        Expect(FALSE, "there is memory for requests");
    }
    for (i = 0; i < REQUESTS; i++)
        RequestFree(&Requests[i]);
    if (device != NULL)
        IoDeleteDevice(device);
}
