/*
 * events.c - events: enabled by whoever wants them, sent to WMI, and seen at the console.
 *
 * What the console is shown is judged outside: tests/qemu/test_wmi.py.
 */
#include "wmi.h"

/* An event's node with so many bytes of data; nonpaged, as WMI frees it. */
static PWNODE_SINGLE_INSTANCE MakeEvent(ULONG Instance, ULONG Size)
{
    const ULONG fixed = FIELD_OFFSET(WNODE_SINGLE_INSTANCE, VariableData);
    PWNODE_SINGLE_INSTANCE node = ExAllocatePoolWithTag(NonPagedPool, fixed + Size, TEST_TAG);

    if (node == NULL)
        return NULL;
    RtlZeroMemory(node, fixed);
    node->WnodeHeader.BufferSize = fixed + Size;
    node->WnodeHeader.ProviderId = IoWMIDeviceObjectToProviderId(TestDevices->Self);
    node->WnodeHeader.Version = 1;
    node->WnodeHeader.Guid = EventGuid;
    node->WnodeHeader.Flags =
        WNODE_FLAG_SINGLE_INSTANCE | WNODE_FLAG_EVENT_ITEM | WNODE_FLAG_STATIC_INSTANCE_NAMES;
    node->InstanceIndex = Instance;
    node->DataBlockOffset = fixed;
    node->SizeDataBlock = Size;
    RtlFillMemory(node->VariableData, Size, 0x5A);
    return node;
}

static NTSTATUS Write(ULONG Instance, ULONG Size)
{
    PWNODE_SINGLE_INSTANCE node = MakeEvent(Instance, Size);
    NTSTATUS status = node == NULL ? STATUS_INSUFFICIENT_RESOURCES : IoWMIWriteEvent(node);

    if (node != NULL && !NT_SUCCESS(status))
        ExFreePoolWithTag(node, TEST_TAG);
    return status;
}

static NTSTATUS Fire(ULONG Instance, ULONG Size)
{
    PVOID data = Size == 0 ? NULL : ExAllocatePoolWithTag(NonPagedPool, Size, TEST_TAG);

    if (data != NULL)
        RtlFillMemory(data, Size, 0xA5);
    return WmiFireEvent(TestDevices->Self, (LPGUID)&EventGuid, Instance, data == NULL ? 0 : Size,
                        data);
}

VOID CheckEvents(VOID)
{
    WNODE_HEADER traced = {.BufferSize = sizeof(traced), .Flags = WNODE_FLAG_TRACED_GUID};
    WNODE_HEADER part = {.BufferSize = sizeof(part) - 1};
    NTSTATUS status;
    KIRQL irql;

    ExpectEqual(IoWMIDeviceObjectToProviderId(TestDevices->Self), 0,
                "a device that is not registered has no provider id");
    ProviderReset();
    IoWMIRegistrationControl(TestDevices->Self, WMIREG_ACTION_REGISTER);
    Expect(IoWMIDeviceObjectToProviderId(TestDevices->Self) != 0,
           "IoWMIDeviceObjectToProviderId of a provider is its id");
    ExpectStatus(Write(0, 4), STATUS_SUCCESS, "IoWMIWriteEvent takes an event, and frees it");
    ExpectStatus(Write(0, 64 * 1024), STATUS_BUFFER_OVERFLOW,
                 "IoWMIWriteEvent refuses an event that is too large");
    ExpectStatus(IoWMIWriteEvent(&part), STATUS_INVALID_PARAMETER, "and one without a header");
    ExpectStatus(IoWMIWriteEvent(&traced), STATUS_UNSUCCESSFUL,
                 "IoWMIWriteEvent: an event for a trace session that there is not is refused");
    ExpectStatus(Fire(1, 16), STATUS_SUCCESS, "WmiFireEvent sends an event with data,");
    ExpectStatus(Fire(0, 0), STATUS_SUCCESS, "and one without");
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    status = Fire(2, 8);
    KeLowerIrql(irql);
    ExpectStatus(status, STATUS_SUCCESS, "WmiFireEvent can be called at DISPATCH_LEVEL");
    ExpectStatus(Fire(0, 65 * 1024), STATUS_BUFFER_OVERFLOW,
                 "WmiFireEvent gives the status of IoWMIWriteEvent");
    IoWMIRegistrationControl(TestDevices->Self, WMIREG_ACTION_DEREGISTER);
}

/* ---- with the console as the consumer -------------------------------------------------------- */

static BOOLEAN WasTold(BOOLEAN Enable)
{
    ULONG i;

    for (i = 0; (Provider.Calls == 0 || Provider.Enable != Enable) && i < 4000; i++)
        TestPause(5);
    return Provider.Calls == 1 && Provider.Enable == Enable &&
           Provider.Function == WmiEventControl && Provider.GuidIndex == 1;
}

/* The console has enabled the event since. */
static VOID CheckEnabled(VOID)
{
    PWNODE_EVENT_REFERENCE reference;
    WNODE_HEADER *header;
    ULONG i;

    Expect(WasTold(TRUE), "IRP_MN_ENABLE_EVENTS comes when somebody wants a provider's events");
    Fire(1, 3);
    reference = ExAllocatePoolWithTag(NonPagedPool, sizeof(*reference), TEST_TAG);
    if (reference == NULL)
        return;
    RtlZeroMemory(reference, sizeof(*reference));
    header = &reference->WnodeHeader;
    header->BufferSize = sizeof(*reference);
    header->ProviderId = IoWMIDeviceObjectToProviderId(TestDevices->Self);
    header->Guid = EventGuid;
    header->Flags =
        WNODE_FLAG_EVENT_REFERENCE | WNODE_FLAG_EVENT_ITEM | WNODE_FLAG_STATIC_INSTANCE_NAMES;
    reference->TargetGuid = BlockGuid;
    reference->TargetDataBlockSize = Provider.Size[1];
    reference->TargetInstanceIndex = 1;
    ExpectStatus(IoWMIWriteEvent(reference), STATUS_SUCCESS,
                 "IoWMIWriteEvent takes a reference to a data block");
    for (i = 0; Provider.Calls < 2 && i < 4000; i++)
        TestPause(5);
    Expect(Provider.Instance == 1 && Provider.GuidIndex == 0,
           "which WMI asks the provider for, by IRP_MN_QUERY_SINGLE_INSTANCE");
    Provider.Calls = 0;
}

VOID StepEvents(ULONG Number)
{
    switch (Number) {
    case 0:
        ProviderDispatch();
        ProviderReset();
        IoWMIRegistrationControl(TestDevices->Self, WMIREG_ACTION_REGISTER);
        break;
    case 1:
        CheckEnabled();
        break;
    case 2:
        Expect(WasTold(FALSE), "and IRP_MN_DISABLE_EVENTS when nobody does any more");
        IoWMIRegistrationControl(TestDevices->Self, WMIREG_ACTION_DEREGISTER);
        break;
    default: /* one of the allocations fails */
        if (Fire(0, 4) == STATUS_INSUFFICIENT_RESOURCES)
            Expect(TRUE, "WmiFireEvent without memory: STATUS_INSUFFICIENT_RESOURCES");
        if (Write(0, 4) == STATUS_INSUFFICIENT_RESOURCES)
            Expect(TRUE, "IoWMIWriteEvent without memory: STATUS_INSUFFICIENT_RESOURCES");
        break;
    }
}
