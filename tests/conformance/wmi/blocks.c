/*
 * blocks.c - queries, changes and methods: what WmiSystemControl makes of a request, and what
 * WmiCompleteRequest of the driver's answer.
 *
 * The documents do not say what comes of a node whose offsets lie outside of its buffer:
 * STATUS_INVALID_PARAMETER here.
 */
#include "wmi.h"

#define SIZE 512

static PUCHAR Buffer;
static ULONG_PTR Information;

/* The node of a request for one instance, with so much data in it. */
static VOID Prepare(ULONG Instance, ULONG Item, BOOLEAN HasItem, ULONG DataSize)
{
    PWNODE_SINGLE_INSTANCE instance = (PVOID)Buffer;
    PWNODE_SINGLE_ITEM item = (PVOID)Buffer; /* a WNODE_METHOD_ITEM looks the same */

    RtlZeroMemory(Buffer, SIZE);
    instance->WnodeHeader.BufferSize = SIZE;
    instance->WnodeHeader.Flags = WNODE_FLAG_STATIC_INSTANCE_NAMES;
    instance->InstanceIndex = Instance;
    if (HasItem) {
        item->ItemId = Item;
        item->DataBlockOffset = 128;
        item->SizeDataItem = DataSize;
    } else {
        instance->DataBlockOffset = 128;
        instance->SizeDataBlock = DataSize;
    }
    RtlFillMemory(Buffer + 128, DataSize, 0x77);
}

static VOID CheckDispositions(VOID)
{
    ProviderReset();
    ExpectStatus(Ask(0x42, &BlockGuid, Buffer, SIZE, &Information), STATUS_NOT_SUPPORTED,
                 "a minor code that WMI has not goes down the stack");
    ExpectEqual(Provider.Disposition, IrpNotWmi, "its disposition is IrpNotWmi");
    ExpectStatus(Send(IRP_MN_QUERY_ALL_DATA, (ULONG_PTR)TestDevices->Physical, (PVOID)&BlockGuid,
                      Buffer, SIZE, &Information),
                 STATUS_NOT_SUPPORTED, "so does a request for another device");
    ExpectEqual(Provider.Disposition, IrpForward, "whose disposition is IrpForward");
    ExpectStatus(Ask(IRP_MN_QUERY_ALL_DATA, &OtherGuid, Buffer, SIZE, &Information),
                 STATUS_WMI_GUID_NOT_FOUND, "a block that is not the provider's is not found");
    ExpectEqual(Provider.Disposition, IrpNotCompleted, "the driver completes that");
    ExpectEqual(Provider.Calls, 0, "and none of its callbacks is called");
}

static VOID CheckAllData(VOID)
{
    PWNODE_ALL_DATA node = (PVOID)Buffer;
    POFFSETINSTANCEDATAANDLENGTH pairs = &node->OffsetInstanceDataAndLength[0];
    PWNODE_TOO_SMALL small = (PVOID)Buffer;
    const ULONG head = (FIELD_OFFSET(WNODE_ALL_DATA, OffsetInstanceDataAndLength) +
                        INSTANCES * sizeof(OFFSETINSTANCEDATAANDLENGTH) + 7) &
                       ~7u;
    BOOLEAN right = TRUE;
    ULONG i, needed;

    ProviderReset();
    ExpectStatus(Ask(IRP_MN_QUERY_ALL_DATA, &BlockGuid, Buffer, SIZE, &Information), STATUS_SUCCESS,
                 "IRP_MN_QUERY_ALL_DATA brings all instances");
    ExpectStatus(Provider.Completion, STATUS_SUCCESS,
                 "WmiCompleteRequest returns the status that it was given");
    Expect(Provider.Calls == 1 && Provider.GuidIndex == 0 && Provider.Instance == 0 &&
               Provider.Count == INSTANCES && Provider.Lengths,
           "in one call of DpWmiQueryDataBlock");
    ExpectEqual(Provider.Disposition, IrpProcessed, "its disposition is IrpProcessed");
    Expect((node->WnodeHeader.Flags & WNODE_FLAG_ALL_DATA) != 0 &&
               (node->WnodeHeader.Flags & WNODE_FLAG_FIXED_INSTANCE_SIZE) == 0 &&
               node->WnodeHeader.BufferSize == Information && node->InstanceCount == INSTANCES &&
               node->WnodeHeader.TimeStamp.QuadPart != 0,
           "the WNODE_ALL_DATA says how many, its size and when");
    for (i = 0; i < INSTANCES; i++)
        right = right && pairs[i].LengthInstanceData == Provider.Size[i] &&
                pairs[i].OffsetInstanceData % 8 == 0 &&
                pairs[i].OffsetInstanceData + pairs[i].LengthInstanceData <= Information &&
                RtlCompareMemory(Buffer + pairs[i].OffsetInstanceData, Provider.Data[i],
                                 Provider.Size[i]) == Provider.Size[i];
    Expect(right, "and where each instance is, of whatever length, on eight bytes");
    needed = (ULONG)Information;
    ExpectStatus(Ask(IRP_MN_QUERY_ALL_DATA, &BlockGuid, Buffer, needed - 1, &Information),
                 STATUS_SUCCESS, "a buffer that is too small is a success, too");
    ExpectStatus(Provider.Completion, STATUS_SUCCESS,
                 "WmiCompleteRequest makes a success of STATUS_BUFFER_TOO_SMALL");
    Expect(Information == sizeof(*small) && small->WnodeHeader.BufferSize == sizeof(*small) &&
               (small->WnodeHeader.Flags & WNODE_FLAG_TOO_SMALL) != 0,
           "that brings a WNODE_TOO_SMALL");
    ExpectEqual(small->SizeNeeded, needed, "with the size that is needed");
    ExpectStatus(Ask(IRP_MN_QUERY_ALL_DATA, &BlockGuid, Buffer, needed, &Information),
                 STATUS_SUCCESS, "that size is enough");
    Expect((node->WnodeHeader.Flags & WNODE_FLAG_TOO_SMALL) == 0, "and no more is needed");
    Ask(IRP_MN_QUERY_ALL_DATA, &BlockGuid, Buffer, sizeof(*small), &Information);
    Expect(!Provider.Lengths && Provider.OutSize == 0 && small->SizeNeeded == needed,
           "without room for their lengths DpWmiQueryDataBlock gets no array and no buffer");
    Ask(IRP_MN_QUERY_ALL_DATA, &BlockGuid, Buffer, head, &Information);
    Expect(Provider.Lengths && Provider.OutSize == 0 && small->SizeNeeded == needed,
           "with room for the array alone it gets that");
    RtlFillMemory(Buffer, SIZE, 0xFF);
    RtlZeroMemory(Provider.Size, sizeof(Provider.Size));
    ExpectStatus(Ask(IRP_MN_QUERY_ALL_DATA, &BlockGuid, Buffer, head, &Information), STATUS_SUCCESS,
                 "which is enough for instances of no length");
    Expect(Information == head && node->InstanceCount == INSTANCES &&
               pairs[INSTANCES - 1].LengthInstanceData == 0 && Buffer[head] == 0xFF,
           "and nothing behind it is written");
    ExpectStatus(Ask(IRP_MN_QUERY_ALL_DATA, &BlockGuid, Buffer, sizeof(*small) - 1, &Information),
                 STATUS_BUFFER_TOO_SMALL, "less than a WNODE_TOO_SMALL is an error");
    Provider.Status = STATUS_DEVICE_NOT_READY;
    ExpectStatus(Ask(IRP_MN_QUERY_ALL_DATA, &BlockGuid, Buffer, SIZE, &Information),
                 STATUS_DEVICE_NOT_READY,
                 "what the driver fails a query with is what it ends with");
    ExpectStatus(Provider.Completion, STATUS_DEVICE_NOT_READY,
                 "WmiCompleteRequest returns a failure as it was given");
    ExpectEqual(Information, 0, "without data");
}

static VOID CheckSingleInstance(VOID)
{
    PWNODE_SINGLE_INSTANCE node = (PVOID)Buffer;

    ProviderReset();
    Prepare(2, 0, FALSE, 0);
    ExpectStatus(Ask(IRP_MN_QUERY_SINGLE_INSTANCE, &BlockGuid, Buffer, SIZE, &Information),
                 STATUS_SUCCESS, "IRP_MN_QUERY_SINGLE_INSTANCE brings one instance");
    Expect(Provider.Instance == 2 && Provider.Count == 1 && Provider.OutSize == SIZE - 128,
           "which is named by its index");
    Expect(node->SizeDataBlock == Provider.Size[2] && Buffer[128] == Provider.Data[2][0] &&
               node->WnodeHeader.BufferSize == 128 + Provider.Size[2] &&
               Information == 128 + Provider.Size[2],
           "its data stand where the node said");
    Prepare(2, 0, FALSE, 0);
    ExpectStatus(Ask(IRP_MN_QUERY_SINGLE_INSTANCE, &BlockGuid, Buffer, 130, &Information),
                 STATUS_SUCCESS, "with too little room it succeeds");
    Expect((node->WnodeHeader.Flags & WNODE_FLAG_TOO_SMALL) != 0 &&
               ((PWNODE_TOO_SMALL)Buffer)->SizeNeeded == 128 + Provider.Size[2],
           "and says how much is needed");
    Prepare(INSTANCES, 0, FALSE, 0);
    ExpectStatus(Ask(IRP_MN_QUERY_SINGLE_INSTANCE, &BlockGuid, Buffer, SIZE, &Information),
                 STATUS_WMI_INSTANCE_NOT_FOUND, "an instance that there is not is not found");
    Prepare(0, 0, FALSE, 0);
    node->WnodeHeader.Flags = 0;
    ExpectStatus(Ask(IRP_MN_QUERY_SINGLE_INSTANCE, &BlockGuid, Buffer, SIZE, &Information),
                 STATUS_WMI_INSTANCE_NOT_FOUND, "nor one that is named dynamically");
    Prepare(0, 0, FALSE, 0);
    node->DataBlockOffset = SIZE + 1;
    ExpectStatus(Ask(IRP_MN_QUERY_SINGLE_INSTANCE, &BlockGuid, Buffer, SIZE, &Information),
                 STATUS_INVALID_PARAMETER, "an offset outside of the buffer is refused");
    Prepare(0, 0, FALSE, 0);
    node->DataBlockOffset = 8;
    ExpectStatus(Ask(IRP_MN_QUERY_SINGLE_INSTANCE, &BlockGuid, Buffer, SIZE, &Information),
                 STATUS_INVALID_PARAMETER, "or one inside of the node's own members");
    ExpectStatus(Ask(IRP_MN_QUERY_SINGLE_INSTANCE, &BlockGuid, Buffer, 16, &Information),
                 STATUS_INVALID_PARAMETER, "or a buffer smaller than the node");
    Prepare(0, 0, FALSE, 0);
    Provider.Later = TRUE;
    ExpectStatus(Ask(IRP_MN_QUERY_SINGLE_INSTANCE, &BlockGuid, Buffer, SIZE, &Information),
                 STATUS_SUCCESS,
                 "a driver may complete a query later, by WmiCompleteRequest at DISPATCH_LEVEL");
    Expect(node->SizeDataBlock == Provider.Size[0] && Buffer[128] == Provider.Data[0][0],
           "with the same result");
}

static VOID CheckChanges(VOID)
{
    PWNODE_SINGLE_INSTANCE node = (PVOID)Buffer;

    ProviderReset();
    Prepare(1, 0, FALSE, 12);
    ExpectStatus(Ask(IRP_MN_CHANGE_SINGLE_INSTANCE, &BlockGuid, Buffer, SIZE, &Information),
                 STATUS_SUCCESS, "IRP_MN_CHANGE_SINGLE_INSTANCE changes an instance");
    Expect(Provider.Calls == 1 && Provider.Instance == 1 && Provider.InSize == 12 &&
               Provider.Data[1][11] == 0x77 && Provider.Data[1][12] != 0x77,
           "DpWmiSetDataBlock gets its index and data");
    Prepare(1, 0, FALSE, 12);
    node->SizeDataBlock = SIZE - 127;
    ExpectStatus(Ask(IRP_MN_CHANGE_SINGLE_INSTANCE, &BlockGuid, Buffer, SIZE, &Information),
                 STATUS_INVALID_PARAMETER, "more data than the buffer holds is refused");
    Prepare(2, 5, TRUE, 4);
    ExpectStatus(Ask(IRP_MN_CHANGE_SINGLE_ITEM, &BlockGuid, Buffer, SIZE, &Information),
                 STATUS_SUCCESS, "IRP_MN_CHANGE_SINGLE_ITEM changes an item");
    Expect(Provider.Calls == 2 && Provider.Instance == 2 && Provider.Item == 5 &&
               Provider.InSize == 4,
           "DpWmiSetDataItem gets its number, too");
    Provider.Status = STATUS_WMI_ITEMID_NOT_FOUND;
    Prepare(2, 9, TRUE, 4);
    ExpectStatus(Ask(IRP_MN_CHANGE_SINGLE_ITEM, &BlockGuid, Buffer, SIZE, &Information),
                 STATUS_WMI_ITEMID_NOT_FOUND, "which may be one that there is not");
    Provider.Library.SetWmiDataBlock = NULL;
    Provider.Library.SetWmiDataItem = NULL;
    Prepare(1, 0, FALSE, 12);
    ExpectStatus(Ask(IRP_MN_CHANGE_SINGLE_INSTANCE, &BlockGuid, Buffer, SIZE, &Information),
                 STATUS_WMI_READ_ONLY, "without DpWmiSetDataBlock blocks are read only");
    Prepare(1, 0, TRUE, 4);
    ExpectStatus(Ask(IRP_MN_CHANGE_SINGLE_ITEM, &BlockGuid, Buffer, SIZE, &Information),
                 STATUS_WMI_READ_ONLY, "without DpWmiSetDataItem items are");
}

static VOID CheckMethods(VOID)
{
    PWNODE_METHOD_ITEM node = (PVOID)Buffer;

    ProviderReset();
    Prepare(0, 7, TRUE, 8);
    ExpectStatus(Ask(IRP_MN_EXECUTE_METHOD, &BlockGuid, Buffer, SIZE, &Information), STATUS_SUCCESS,
                 "IRP_MN_EXECUTE_METHOD runs a method");
    Expect(Provider.Item == 7 && Provider.InSize == 8 && Provider.OutSize == SIZE - 128,
           "DpWmiExecuteMethod gets its number, its input and the room for output");
    Expect(node->SizeDataBlock == 16 && Information == 128 + 16 && Buffer[128 + 15] == 0x77,
           "and its output comes back");
    Prepare(0, 7, TRUE, 8);
    ExpectStatus(Ask(IRP_MN_EXECUTE_METHOD, &BlockGuid, Buffer, 128 + 15, &Information),
                 STATUS_SUCCESS, "with too little room for output it succeeds");
    Expect((node->WnodeHeader.Flags & WNODE_FLAG_TOO_SMALL) != 0 &&
               ((PWNODE_TOO_SMALL)Buffer)->SizeNeeded == 128 + 16,
           "and says how much is needed");
    Provider.Library.ExecuteWmiMethod = NULL;
    Prepare(0, 7, TRUE, 8);
    ExpectStatus(Ask(IRP_MN_EXECUTE_METHOD, &BlockGuid, Buffer, SIZE, &Information),
                 STATUS_INVALID_DEVICE_REQUEST, "without DpWmiExecuteMethod there are no methods");
}

static VOID CheckControls(VOID)
{
    static const struct {
        UCHAR Minor;
        WMIENABLEDISABLECONTROL Function;
        BOOLEAN Enable;
    } controls[] = {
        {IRP_MN_ENABLE_EVENTS, WmiEventControl, TRUE},
        {IRP_MN_DISABLE_EVENTS, WmiEventControl, FALSE},
        {IRP_MN_ENABLE_COLLECTION, WmiDataBlockControl, TRUE},
        {IRP_MN_DISABLE_COLLECTION, WmiDataBlockControl, FALSE},
    };
    BOOLEAN right = TRUE;
    ULONG i;

    ProviderReset();
    for (i = 0; i < sizeof(controls) / sizeof(controls[0]); i++)
        right = NT_SUCCESS(Ask(controls[i].Minor, &EventGuid, NULL, 0, &Information)) &&
                Provider.Calls == i + 1 && Provider.GuidIndex == 1 &&
                Provider.Function == controls[i].Function &&
                Provider.Enable == controls[i].Enable && right;
    Expect(right, "DpWmiFunctionControl enables and disables events and collections");
    Provider.Library.WmiFunctionControl = NULL;
    ExpectStatus(Ask(IRP_MN_ENABLE_EVENTS, &EventGuid, NULL, 0, &Information), STATUS_SUCCESS,
                 "without DpWmiFunctionControl that succeeds");
    ExpectEqual(Provider.Disposition, IrpNotCompleted, "and the driver completes it");
}

VOID CheckBlocks(VOID)
{
    Buffer = ExAllocatePoolWithTag(NonPagedPool, SIZE, TEST_TAG);
    if (Buffer == NULL) {
        Expect(FALSE, "there is memory for a buffer");
        return;
    }
    CheckDispositions();
    CheckAllData();
    CheckSingleInstance();
    CheckChanges();
    CheckMethods();
    CheckControls();
    ExFreePoolWithTag(Buffer, TEST_TAG);
}
