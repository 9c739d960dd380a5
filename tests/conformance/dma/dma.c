/*
 * dma.c - conformance of DMA adapters: lists, bounce buffers, MDLs of lists.
 *
 * The adapter with 24 address bits cannot reach the pool of a machine with more than 16 MiB, so
 * every transfer of it goes through a buffer below; the one with 64 reaches every page.
 */
#include "dma.h"

#define OFFSET 100 /* of the buffer within its first page */

PUCHAR Buffer;
PMDL Mdl;
static PDMA_ADAPTER Adapter;
static PSCATTER_GATHER_LIST List; /* the last one delivered */
static KIRQL ListIrql;
static PVOID MapRegisters;

VOID Fill(PUCHAR Bytes, UCHAR Seed)
{
    ULONG i;

    for (i = 0; i < LENGTH; i++)
        Bytes[i] = (UCHAR)(i * 7 + Seed);
}

BOOLEAN IsFilled(const UCHAR *Bytes, UCHAR Seed)
{
    ULONG i;

    for (i = 0; i < LENGTH; i++)
        if (Bytes[i] != (UCHAR)(i * 7 + Seed))
            return FALSE;
    return TRUE;
}

static PDMA_ADAPTER Get(BOOLEAN Wide, BOOLEAN Master, PULONG Registers)
{
    DEVICE_DESCRIPTION description;

    RtlZeroMemory(&description, sizeof(description));
    description.Version = DEVICE_DESCRIPTION_VERSION;
    description.Master = Master;
    description.ScatterGather = TRUE;
    description.Dma32BitAddresses = Wide;
    description.Dma64BitAddresses = Wide;
    description.InterfaceType = PCIBus;
    description.MaximumLength = LENGTH;
    return IoGetDmaAdapter(TestDevices->Physical, &description, Registers);
}

static VOID NTAPI TakeList(PDEVICE_OBJECT Device, PIRP Irp, PSCATTER_GATHER_LIST Given,
                           PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    List = Given;
    ListIrql = KeGetCurrentIrql();
}

static NTSTATUS GetList(BOOLEAN Write)
{
    NTSTATUS status;
    KIRQL irql;

    List = NULL;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    status = Adapter->DmaOperations->GetScatterGatherList(Adapter, TestDevices->Self, Mdl,
                                                          MmGetMdlVirtualAddress(Mdl), LENGTH,
                                                          TakeList, NULL, Write);
    KeLowerIrql(irql);
    return status;
}

static VOID PutList(BOOLEAN Write)
{
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    Adapter->DmaOperations->PutScatterGatherList(Adapter, List, Write);
    KeLowerIrql(irql);
}

static ULONG ListLength(VOID)
{
    ULONG total = 0, i;

    for (i = 0; i < List->NumberOfElements; i++)
        total += List->Elements[i].Length;
    return total;
}

/* Does the list name the very bytes of the buffer? */
static BOOLEAN ListIsBuffer(VOID)
{
    PUCHAR at = Buffer;
    ULONG i, j;

    for (i = 0; i < List->NumberOfElements; i++)
        for (j = 0; j < List->Elements[i].Length; j++, at++)
            if (List->Elements[i].Address.QuadPart + j != MmGetPhysicalAddress(at).QuadPart)
                return FALSE;
    return TRUE;
}

/* ---- Lists that the device can reach ------------------------------------------------------ */

static VOID CheckMdl(VOID)
{
    PMDL target = NULL;
    NTSTATUS status =
        Adapter->DmaOperations->BuildMdlFromScatterGatherList(Adapter, List, Mdl, &target);

    ExpectStatus(status, STATUS_SUCCESS, "G-IO-63 an MDL is built from a list");
    if (!NT_SUCCESS(status))
        return;
    ExpectEqual(MmGetMdlByteCount(target), LENGTH, "G-IO-63 it is as long as the list");
    ExpectEqual(MmGetMdlByteOffset(target), MmGetMdlByteOffset(Mdl),
                "G-IO-63 it begins where the list's first element does");
    ExpectEqual(
        RtlCompareMemory(MmGetMdlPfnArray(target), MmGetMdlPfnArray(Mdl), 4 * sizeof(PFN_NUMBER)),
        4 * sizeof(PFN_NUMBER), "G-IO-63 it has the list's pages");
    if (target != Mdl)
        IoFreeMdl(target);
}

static VOID CheckReachable(VOID)
{
    ULONG registers = 0, size = 0;

    Adapter = Get(TRUE, TRUE, &registers);
    Expect(Adapter != NULL, "G-IO-63 a bus master of 64 bits gets an adapter");
    if (Adapter == NULL)
        return;
    ExpectEqual(registers, LENGTH / PAGE_SIZE + 1,
                "G-IO-63 map registers for the longest transfer");
    ExpectStatus(GetList(TRUE), STATUS_SUCCESS, "G-IO-63 a list is given");
    ExpectEqual(ListIrql, DISPATCH_LEVEL, "G-IO-63 at DISPATCH_LEVEL");
    Expect(ListIsBuffer() && ListLength() == LENGTH, "G-IO-63 it names each byte of the buffer");
    CheckMdl();
    PutList(TRUE);

    ExpectStatus(Adapter->DmaOperations->CalculateScatterGatherList(
                     Adapter, Mdl, MmGetMdlVirtualAddress(Mdl), LENGTH, &size, &registers),
                 STATUS_SUCCESS, "G-IO-63 the size of a list is told");
    Expect(size >= FIELD_OFFSET(SCATTER_GATHER_LIST, Elements) + 4 * sizeof(SCATTER_GATHER_ELEMENT),
           "G-IO-63 it has room for an element a page");
    Adapter->DmaOperations->PutDmaAdapter(Adapter);
}

static VOID CheckBuild(VOID)
{
    ULONG registers, size = 0;
    NTSTATUS status;
    PVOID memory;
    KIRQL irql;

    Adapter = Get(TRUE, TRUE, &registers);
    Adapter->DmaOperations->CalculateScatterGatherList(Adapter, Mdl, MmGetMdlVirtualAddress(Mdl),
                                                       LENGTH, &size, NULL);
    memory = ExAllocatePoolWithTag(NonPagedPool, size, TEST_TAG);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    status = Adapter->DmaOperations->BuildScatterGatherList(
        Adapter, TestDevices->Self, Mdl, MmGetMdlVirtualAddress(Mdl), LENGTH, TakeList, NULL, TRUE,
        memory, FIELD_OFFSET(SCATTER_GATHER_LIST, Elements));
    KeLowerIrql(irql);
    ExpectStatus(status, STATUS_BUFFER_TOO_SMALL, "G-IO-63 memory too small for a list is refused");
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    status = Adapter->DmaOperations->BuildScatterGatherList(Adapter, TestDevices->Self, Mdl,
                                                            MmGetMdlVirtualAddress(Mdl), LENGTH,
                                                            TakeList, NULL, TRUE, memory, size);
    KeLowerIrql(irql);
    ExpectStatus(status, STATUS_SUCCESS, "G-IO-63 a list is built in the driver's memory");
    if (NT_SUCCESS(status)) {
        Expect(List == memory && ListIsBuffer(), "G-IO-63 it is there, and names the buffer");
        PutList(TRUE);
    }
    ExFreePoolWithTag(memory, TEST_TAG);
    Adapter->DmaOperations->PutDmaAdapter(Adapter);
}

/* ---- Through a buffer below the limit ----------------------------------------------------- */

static VOID CheckBounce(VOID)
{
    PHYSICAL_ADDRESS logical;
    PUCHAR bounce;
    ULONG registers;

    Adapter = Get(FALSE, TRUE, &registers);
    Expect(Adapter != NULL, "G-IO-63 a bus master of 24 bits gets an adapter");
    if (Adapter == NULL)
        return;
    if ((ULONG64)MmGetPhysicalAddress(Buffer).QuadPart < LIMIT_24) {
        ExpectSkip("G-IO-63 transfers above the limit are bounced", "pool below 16 MiB");
    } else {
        Fill(Buffer, 1);
        ExpectStatus(GetList(TRUE), STATUS_SUCCESS, "G-IO-63 a list out of reach is bounced");
        ExpectEqual(List->NumberOfElements, 1, "G-IO-63 to one element");
        Expect((ULONG64)List->Elements[0].Address.QuadPart + LENGTH <= LIMIT_24,
               "G-IO-63 that the device reaches");
        bounce = MmGetVirtualForPhysical(List->Elements[0].Address);
        Expect(IsFilled(bounce, 1), "G-IO-63 with what the driver sends");
        PutList(TRUE);
        GetList(FALSE);
        Fill(MmGetVirtualForPhysical(List->Elements[0].Address), 2);
        Expect(IsFilled(Buffer, 1), "G-IO-63 what the device sends is not there yet");
        PutList(FALSE);
        Expect(IsFilled(Buffer, 2), "G-IO-63 but when the list is put back");
    }
    bounce = Adapter->DmaOperations->AllocateCommonBuffer(Adapter, LENGTH, &logical, TRUE);
    Expect(bounce != NULL && (ULONG64)logical.QuadPart + LENGTH <= LIMIT_24,
           "G-IO-63 a common buffer is within reach");
    if (bounce != NULL)
        Adapter->DmaOperations->FreeCommonBuffer(Adapter, LENGTH, logical, bounce, TRUE);
    Adapter->DmaOperations->PutDmaAdapter(Adapter);
}

static IO_ALLOCATION_ACTION NTAPI TakeChannel(PDEVICE_OBJECT Device, PIRP Irp, PVOID Base,
                                              PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);
    MapRegisters = Base;
    return DeallocateObjectKeepRegisters;
}

/* MapTransfer, piece by piece, in one direction and back. */
static ULONG MapAll(BOOLEAN Write, UCHAR Seed, PBOOLEAN Good)
{
    PUCHAR va = MmGetMdlVirtualAddress(Mdl);
    ULONG done = 0;

    while (done < LENGTH) {
        ULONG length = LENGTH - done, i;
        PHYSICAL_ADDRESS at = Adapter->DmaOperations->MapTransfer(Adapter, Mdl, MapRegisters,
                                                                  va + done, &length, Write);
        PUCHAR bytes = MmGetVirtualForPhysical(at);

        if (length == 0)
            break;
        *Good &= (ULONG64)at.QuadPart + length <= LIMIT_24;
        for (i = 0; i < length; i++) {
            if (Write)
                *Good &= bytes[i] == (UCHAR)((done + i) * 7 + Seed);
            else
                bytes[i] = (UCHAR)((done + i) * 7 + Seed);
        }
        Adapter->DmaOperations->FlushAdapterBuffers(Adapter, Mdl, MapRegisters, va + done, length,
                                                    Write);
        done += length;
    }
    return done;
}

static VOID CheckChannel(VOID)
{
    BOOLEAN good = TRUE;
    ULONG registers;
    NTSTATUS status;
    KIRQL irql;

    if ((ULONG64)MmGetPhysicalAddress(Buffer).QuadPart < LIMIT_24)
        return;
    Adapter = Get(FALSE, TRUE, &registers);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    status = Adapter->DmaOperations->AllocateAdapterChannel(Adapter, TestDevices->Self, registers,
                                                            TakeChannel, NULL);
    KeLowerIrql(irql);
    ExpectStatus(status, STATUS_SUCCESS, "G-IO-63 a channel with map registers is given");
    Fill(Buffer, 3);
    ExpectEqual(MapAll(TRUE, 3, &good), LENGTH, "G-IO-63 a transfer is mapped to its end");
    Expect(good, "G-IO-63 each piece is within reach and holds what is sent");
    ExpectEqual(MapAll(FALSE, 4, &good), LENGTH, "G-IO-63 and one from the device");
    Expect(good && IsFilled(Buffer, 4), "G-IO-63 flushing brings it to the buffer");
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    Adapter->DmaOperations->FreeMapRegisters(Adapter, MapRegisters, registers);
    KeLowerIrql(irql);
    Adapter->DmaOperations->PutDmaAdapter(Adapter);
}

static VOID Run(VOID)
{
    PUCHAR pages = ExAllocatePoolWithTag(NonPagedPool, LENGTH + PAGE_SIZE, TEST_TAG);
    ULONG registers = 0;

    Expect(pages != NULL && TestDevices != NULL, "the driver has memory and a device");
    if (pages == NULL || TestDevices == NULL)
        return;
    Buffer = pages + OFFSET;
    Mdl = IoAllocateMdl(Buffer, LENGTH, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(Mdl);
    CheckReachable();
    CheckBuild();
    CheckBounce();
    CheckChannel();
    CheckVersion3();
    Expect(Get(TRUE, FALSE, &registers) == NULL, "G-IO-63 a slave of system DMA gets no adapter");
    IoFreeMdl(Mdl);
    ExFreePoolWithTag(pages, TEST_TAG);
}

const TEST_GROUP TestGroup = {.Run = Run};
