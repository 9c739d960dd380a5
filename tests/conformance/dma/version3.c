/*
 * version3.c - what an adapter of DEVICE_DESCRIPTION_VERSION3 can do besides.
 */
#include "dma.h"

static PDMA_ADAPTER Adapter;
static UCHAR Context[DMA_TRANSFER_CONTEXT_SIZE_V1];

static BOOLEAN Get(ULONG Bits)
{
    DEVICE_DESCRIPTION description;
    ULONG registers;

    RtlZeroMemory(&description, sizeof(description));
    description.Version = DEVICE_DESCRIPTION_VERSION3;
    description.Master = TRUE;
    description.ScatterGather = TRUE;
    description.InterfaceType = PCIBus;
    description.MaximumLength = LENGTH;
    description.DmaAddressWidth = Bits;
    Adapter = IoGetDmaAdapter(TestDevices->Physical, &description, &registers);
    return Adapter != NULL && Adapter->DmaOperations->Size >= sizeof(DMA_OPERATIONS);
}

static VOID CheckInformation(VOID)
{
    DMA_ADAPTER_INFO adapter = {.Version = DMA_ADAPTER_INFO_VERSION1};
    DMA_TRANSFER_INFO transfer = {.Version = DMA_TRANSFER_INFO_VERSION2};

    ExpectStatus(Adapter->DmaOperations->GetDmaAdapterInfo(Adapter, &adapter), STATUS_SUCCESS,
                 "G-IO-63 version 3 tells of the adapter");
    ExpectEqual(adapter.V1.DmaAddressWidth, 24, "G-IO-63 its address width");
    ExpectStatus(
        Adapter->DmaOperations->GetDmaTransferInfo(Adapter, Mdl, 0, LENGTH, TRUE, &transfer),
        STATUS_SUCCESS, "G-IO-63 and of a transfer");
    ExpectEqual(transfer.V2.MapRegisterCount, 4, "G-IO-63 the map registers it needs");
    ExpectEqual(transfer.V2.LogicalPageCount, 4, "G-IO-63 and the pages it covers");
    ExpectStatus(
        Adapter->DmaOperations->GetDmaTransferInfo(Adapter, Mdl, 1, LENGTH, TRUE, &transfer),
        STATUS_INVALID_PARAMETER, "G-IO-63 a transfer past the end is refused");
    adapter.Version = 99;
    ExpectStatus(Adapter->DmaOperations->GetDmaAdapterInfo(Adapter, &adapter), STATUS_NOT_SUPPORTED,
                 "G-IO-63 other versions of the answer are refused");
}

static NTSTATUS GetList(ULONG Flags, BOOLEAN Write, PSCATTER_GATHER_LIST *List)
{
    NTSTATUS status;
    KIRQL irql;

    Adapter->DmaOperations->InitializeDmaTransferContext(Adapter, Context);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    status = Adapter->DmaOperations->GetScatterGatherListEx(Adapter, TestDevices->Self, Context,
                                                            Mdl, 0, LENGTH, Flags, NULL, NULL,
                                                            Write, NULL, NULL, List);
    KeLowerIrql(irql);
    return status;
}

static VOID PutList(PSCATTER_GATHER_LIST List, BOOLEAN Write)
{
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    Adapter->DmaOperations->PutScatterGatherList(Adapter, List, Write);
    KeLowerIrql(irql);
}

static VOID CheckList(VOID)
{
    PSCATTER_GATHER_LIST list = NULL;

    ExpectStatus(GetList(0, TRUE, &list), STATUS_INVALID_PARAMETER,
                 "G-IO-63 without a routine a list comes only synchronously");
    ExpectStatus(GetList(DMA_SYNCHRONOUS_CALLBACK | DMA_FAIL_ON_BOUNCE, TRUE, &list),
                 STATUS_INSUFFICIENT_RESOURCES, "G-IO-63 a list that must not bounce fails");
    Fill(Buffer, 5);
    ExpectStatus(GetList(DMA_SYNCHRONOUS_CALLBACK, TRUE, &list), STATUS_SUCCESS,
                 "G-IO-63 a list comes back at once");
    if (list == NULL)
        return;
    Expect(list->NumberOfElements == 1 &&
               (ULONG64)list->Elements[0].Address.QuadPart + LENGTH <= LIMIT_24 &&
               IsFilled(MmGetVirtualForPhysical(list->Elements[0].Address), 5),
           "G-IO-63 bounced below the address width");
    PutList(list, TRUE);
    GetList(DMA_SYNCHRONOUS_CALLBACK, FALSE, &list);
    Fill(MmGetVirtualForPhysical(list->Elements[0].Address), 6);
    PutList(list, FALSE);
    Expect(IsFilled(Buffer, 6), "G-IO-63 and copied back when it is put back");
}

static VOID CheckTransfer(VOID)
{
    ULONG64 memory[(sizeof(SCATTER_GATHER_LIST) + 2 * sizeof(SCATTER_GATHER_ELEMENT)) / 8];
    PSCATTER_GATHER_LIST list = (PSCATTER_GATHER_LIST)memory;
    ULONG length = LENGTH;
    PVOID base = NULL;
    NTSTATUS status;
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    status = Adapter->DmaOperations->AllocateAdapterChannelEx(
        Adapter, TestDevices->Self, Context, 4, DMA_SYNCHRONOUS_CALLBACK, NULL, NULL, &base);
    KeLowerIrql(irql);
    ExpectStatus(status, STATUS_SUCCESS, "G-IO-63 a channel comes back at once");
    if (!NT_SUCCESS(status))
        return;
    status = Adapter->DmaOperations->MapTransferEx(Adapter, Mdl, base, 0, 0, &length, FALSE, list,
                                                   sizeof(memory), NULL, NULL);
    ExpectStatus(status, STATUS_SUCCESS, "G-IO-63 a transfer is mapped to a list");
    ExpectEqual(length, LENGTH, "G-IO-63 to its end");
    Fill(MmGetVirtualForPhysical(list->Elements[0].Address), 7);
    Adapter->DmaOperations->FlushAdapterBuffersEx(Adapter, Mdl, base, 0, LENGTH, FALSE);
    Expect(IsFilled(Buffer, 7), "G-IO-63 flushing brings it to the buffer");
    Expect(!Adapter->DmaOperations->CancelAdapterChannel(Adapter, TestDevices->Self, Context),
           "G-IO-63 what was granted cannot be cancelled");
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    Adapter->DmaOperations->FreeMapRegisters(Adapter, base, 4);
    KeLowerIrql(irql);
}

static VOID CheckCommonBuffer(VOID)
{
    PHYSICAL_ADDRESS highest, logical;
    PVOID buffer;

    highest.QuadPart = LIMIT_24 / 2 - 1;
    buffer = Adapter->DmaOperations->AllocateCommonBufferEx(Adapter, &highest, LENGTH, &logical,
                                                            TRUE, 0);
    Expect(buffer != NULL && (ULONG64)logical.QuadPart + LENGTH <= LIMIT_24 / 2,
           "G-IO-63 a common buffer lies below the address asked for");
    if (buffer != NULL)
        Adapter->DmaOperations->FreeCommonBuffer(Adapter, LENGTH, logical, buffer, TRUE);
}

static VOID CheckVersions(VOID)
{
    DEVICE_DESCRIPTION description;
    PDMA_ADAPTER adapter;
    ULONG registers = 0;

    RtlZeroMemory(&description, sizeof(description));
    description.Version = DEVICE_DESCRIPTION_VERSION2;
    description.Master = TRUE;
    description.InterfaceType = PCIBus;
    description.MaximumLength = LENGTH;
    adapter = IoGetDmaAdapter(TestDevices->Physical, &description, &registers);
    Expect(adapter != NULL && adapter->Version == 1 &&
               adapter->DmaOperations->BuildMdlFromScatterGatherList != NULL,
           "G-IO-63 a device of version 2 gets an adapter of version 2");
    if (adapter != NULL)
        adapter->DmaOperations->PutDmaAdapter(adapter);
    adapter = IoGetDmaAdapter(NULL, &description, &registers);
    Expect(adapter != NULL, "G-IO-63 without a PDO there is an adapter, too");
    if (adapter != NULL)
        adapter->DmaOperations->PutDmaAdapter(adapter);
    description.Version = DEVICE_DESCRIPTION_VERSION3 + 1;
    Expect(IoGetDmaAdapter(TestDevices->Physical, &description, &registers) == NULL,
           "G-IO-63 a device of a version that there is not gets none");
}

VOID CheckVersion3(VOID)
{
    BOOLEAN there = Get(24);

    Expect(there, "G-IO-63 a device of version 3 gets an adapter of version 3");
    if (!there)
        return;
    ExpectEqual(Adapter->Version, 1, "G-IO-63 its own Version is 1, as that of any adapter");
    CheckInformation();
    if ((ULONG64)MmGetPhysicalAddress(Buffer).QuadPart >= LIMIT_24) {
        CheckList();
        CheckTransfer();
    } else {
        ExpectSkip("G-IO-63 version 3 bounces above the address width", "pool below 16 MiB");
    }
    CheckCommonBuffer();
    Adapter->DmaOperations->PutDmaAdapter(Adapter);
    CheckVersions();
}
