/*
 * io/wmilib.c - the WMI library (wmilib.sys): a driver's data blocks behind callbacks.
 *
 * WmiSystemControl takes an IRP_MJ_SYSTEM_CONTROL request apart and calls the driver's routine for
 * it; that routine, at once or later, calls WmiCompleteRequest, which puts the node together. What
 * lies between the two is in the request's buffer alone. The buffer's node comes from whoever sent
 * the request: its offsets and sizes are checked against the buffer before they are used.
 *
 * WNODE_ALL_DATA: the driver writes the lengths of its instances where the pairs of offset and
 * length will stand; WmiCompleteRequest spreads them out, last first.
 *
 * Owns: the library. Owns not: registration with WMI (io/wmi.c). A malformed node ends in
 * STATUS_INVALID_PARAMETER, about which the documents are silent.
 */
#include <lib/bits.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/ntddk.h>
#include <nt/wmilib.h>
#include <nt/wmistr.h>

#include "ke/ob.h"

enum { INSTANCE_ALIGNMENT = 8 };

/* Where the parts of a request's node are; SINGLE_INSTANCE and METHOD_ITEM share most of it. */
struct wmi_request {
    PWMILIB_CONTEXT library;
    PDEVICE_OBJECT device;
    PIRP irp;
    UCHAR minor;
    PUCHAR buffer;
    ULONG size; /* of the buffer */
    ULONG guid_index;
    ULONG instance;
    ULONG item;        /* or method */
    ULONG data_offset; /* of the data in the buffer, */
    ULONG data_size;   /* of what came with the request */
};

static NTSTATUS wmi_end(PIRP irp, NTSTATUS status, ULONG information)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    return status;
}

/* ---- Registration information --------------------------------------------------------------- */

static ULONG counted_size(PCUNICODE_STRING string)
{
    return string == NULL || string->Length == 0 ? 0 : sizeof(USHORT) + string->Length;
}

/* Appends a counted string; returns where it stands, 0 for none. */
static ULONG counted_put(PUCHAR buffer, ULONG *at, PCUNICODE_STRING string)
{
    ULONG offset = *at;

    if (counted_size(string) == 0)
        return 0;
    memcpy(buffer + offset, &string->Length, sizeof(USHORT));
    memcpy(buffer + offset + sizeof(USHORT), string->Buffer, string->Length);
    *at += counted_size(string);
    return offset;
}

static void reginfo_fill(const struct wmi_request *request, ULONG size, ULONG common,
                         PCUNICODE_STRING base, PCUNICODE_STRING path, PCUNICODE_STRING mof,
                         PDEVICE_OBJECT pdo)
{
    PWMIREGINFO info = (PWMIREGINFO)(PVOID)request->buffer;
    ULONG count = request->library->GuidCount;
    ULONG at = FIELD_OFFSET(WMIREGINFO, WmiRegGuid) + count * sizeof(WMIREGGUID);
    PWMIREGGUID blocks = &info->WmiRegGuid[0];
    ULONG base_at;

    memset(info, 0, size);
    info->BufferSize = size;
    info->GuidCount = count;
    info->MofResourceName = counted_put(request->buffer, &at, mof);
    info->RegistryPath = counted_put(request->buffer, &at, path);
    base_at = counted_put(request->buffer, &at, base);
    for (ULONG i = 0; i < count; i++) {
        const WMIGUIDREGINFO *block = &request->library->GuidList[i];

        blocks[i].Guid = *block->Guid;
        blocks[i].Flags = block->Flags | common;
        blocks[i].InstanceCount = block->InstanceCount;
        if ((blocks[i].Flags & WMIREG_FLAG_INSTANCE_PDO) != 0) {
            blocks[i].Pdo = (ULONG_PTR)pdo;
            if (request->minor == IRP_MN_REGINFO_EX && pdo != NULL)
                ob_reference(pdo); /* for who reads it */
        } else if ((blocks[i].Flags & WMIREG_FLAG_INSTANCE_BASENAME) != 0) {
            blocks[i].BaseNameOffset = base_at;
        }
    }
}

/* IRP_MN_REGINFO, IRP_MN_REGINFO_EX. A buffer that is too small tells the size in a ULONG. */
static NTSTATUS wmi_reginfo(const struct wmi_request *request)
{
    BOOLEAN update =
        IoGetCurrentIrpStackLocation(request->irp)->Parameters.WMI.DataPath != WMIREGISTER;
    UNICODE_STRING base = {0};
    UNICODE_STRING mof = {0};
    PUNICODE_STRING path = NULL;
    PDEVICE_OBJECT pdo = NULL;
    ULONG flags = 0;
    NTSTATUS status;
    ULONG size;

    status = request->library->QueryWmiRegInfo(request->device, &flags, &base, &path, &mof, &pdo);
    if (!NT_SUCCESS(status))
        return wmi_end(request->irp, status, 0);
    if (update)
        path = NULL; /* WDK: WMIREGINFO: both only when the driver registers */
    size = FIELD_OFFSET(WMIREGINFO, WmiRegGuid) + request->library->GuidCount * sizeof(WMIREGGUID) +
           counted_size(update ? NULL : &mof) + counted_size(path) + counted_size(&base);
    if (size <= request->size) {
        reginfo_fill(request, size, flags, &base, path, update ? NULL : &mof, pdo);
        status = wmi_end(request->irp, STATUS_SUCCESS, size);
    } else if (request->size >= sizeof(ULONG)) {
        memcpy(request->buffer, &size, sizeof(size));
        status = wmi_end(request->irp, STATUS_BUFFER_TOO_SMALL, sizeof(ULONG));
    } else {
        status = wmi_end(request->irp, STATUS_BUFFER_TOO_SMALL, 0);
    }
    if ((flags & WMIREG_FLAG_INSTANCE_BASENAME) != 0 && base.Buffer != NULL)
        ExFreePool(base.Buffer);
    return status;
}

/* ---- Requests for a block ------------------------------------------------------------------- */

static bool block_find(struct wmi_request *request, const GUID *guid)
{
    PWMIGUIDREGINFO list = request->library->GuidList;

    for (ULONG i = 0; guid != NULL && i < request->library->GuidCount; i++) {
        if (IsEqualGUID(list[i].Guid, guid)) {
            request->guid_index = i;
            return true;
        }
    }
    return false;
}

/* The fixed part of the request's node; 0: it has none, or none that comes with the request. */
static ULONG node_fixed_size(UCHAR minor)
{
    switch (minor) {
    case IRP_MN_QUERY_SINGLE_INSTANCE:
    case IRP_MN_CHANGE_SINGLE_INSTANCE:
        return FIELD_OFFSET(WNODE_SINGLE_INSTANCE, VariableData);
    case IRP_MN_CHANGE_SINGLE_ITEM:
        return FIELD_OFFSET(WNODE_SINGLE_ITEM, VariableData);
    case IRP_MN_EXECUTE_METHOD:
        return FIELD_OFFSET(WNODE_METHOD_ITEM, VariableData);
    default:
        return 0;
    }
}

/* Reads the node of a request for one instance. */
static NTSTATUS node_read(struct wmi_request *request)
{
    union {
        WNODE_SINGLE_INSTANCE instance;
        WNODE_SINGLE_ITEM item; /* WNODE_METHOD_ITEM looks the same */
    } node;
    ULONG fixed = node_fixed_size(request->minor);

    if (request->size < fixed)
        return STATUS_INVALID_PARAMETER;
    memcpy(&node, request->buffer, fixed);
    if ((node.instance.WnodeHeader.Flags & WNODE_FLAG_STATIC_INSTANCE_NAMES) == 0)
        return STATUS_WMI_INSTANCE_NOT_FOUND; /* the library knows no other names */
    request->instance = node.instance.InstanceIndex;
    if (request->instance >= request->library->GuidList[request->guid_index].InstanceCount)
        return STATUS_WMI_INSTANCE_NOT_FOUND;
    if (fixed == FIELD_OFFSET(WNODE_SINGLE_INSTANCE, VariableData)) {
        request->data_offset = node.instance.DataBlockOffset;
        request->data_size = node.instance.SizeDataBlock;
    } else {
        request->item = node.item.ItemId;
        request->data_offset = node.item.DataBlockOffset;
        request->data_size = node.item.SizeDataItem;
    }
    if (request->data_offset < fixed || request->data_offset > request->size)
        return STATUS_INVALID_PARAMETER;
    if (request->minor != IRP_MN_QUERY_SINGLE_INSTANCE &&
        request->data_size > request->size - request->data_offset)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

static ULONG all_data_offset(ULONG instances)
{
    return (ULONG)ALIGN_UP(FIELD_OFFSET(WNODE_ALL_DATA, OffsetInstanceDataAndLength) +
                               instances * sizeof(OFFSETINSTANCEDATAANDLENGTH),
                           INSTANCE_ALIGNMENT);
}

/* A buffer without room for the array of lengths: the driver says what it needs for its data. */
static NTSTATUS call_query_all(const struct wmi_request *request)
{
    const WMIGUIDREGINFO *block = &request->library->GuidList[request->guid_index];
    PWNODE_ALL_DATA node = (PWNODE_ALL_DATA)(PVOID)request->buffer;
    ULONG offset = all_data_offset(block->InstanceCount);

    memset(&node->WnodeHeader, 0, sizeof(node->WnodeHeader));
    node->WnodeHeader.Guid = *block->Guid;
    node->WnodeHeader.Flags = WNODE_FLAG_ALL_DATA | WNODE_FLAG_STATIC_INSTANCE_NAMES;
    node->WnodeHeader.BufferSize = offset; /* until it is completed: where the data begins */
    if (request->size < offset)
        return request->library->QueryWmiDataBlock(request->device, request->irp,
                                                   request->guid_index, 0, block->InstanceCount,
                                                   NULL, 0, NULL);
    node->DataBlockOffset = offset;
    node->InstanceCount = block->InstanceCount;
    node->OffsetInstanceNameOffsets = 0;
    memset(&node->OffsetInstanceDataAndLength[0], 0,
           offset - FIELD_OFFSET(WNODE_ALL_DATA, OffsetInstanceDataAndLength));
    return request->library->QueryWmiDataBlock(
        request->device, request->irp, request->guid_index, 0, block->InstanceCount,
        &node->OffsetInstanceDataAndLength[0].OffsetInstanceData, request->size - offset,
        request->buffer + offset);
}

static NTSTATUS call_query_single(const struct wmi_request *request)
{
    PWNODE_SINGLE_INSTANCE node = (PWNODE_SINGLE_INSTANCE)(PVOID)request->buffer;

    return request->library->QueryWmiDataBlock(request->device, request->irp, request->guid_index,
                                               request->instance, 1, &node->SizeDataBlock,
                                               request->size - request->data_offset,
                                               request->buffer + request->data_offset);
}

/* ENABLE and DISABLE are neighbours, EVENTS come before COLLECTION. */
static NTSTATUS call_control(const struct wmi_request *request)
{
    bool events = request->minor == IRP_MN_ENABLE_EVENTS || request->minor == IRP_MN_DISABLE_EVENTS;
    bool enable =
        request->minor == IRP_MN_ENABLE_EVENTS || request->minor == IRP_MN_ENABLE_COLLECTION;

    return request->library->WmiFunctionControl(request->device, request->irp, request->guid_index,
                                                events ? WmiEventControl : WmiDataBlockControl,
                                                enable);
}

/* Is there a routine for this? If not, what the request ends with. */
static bool routine_is_missing(const struct wmi_request *request, NTSTATUS *status)
{
    const WMILIB_CONTEXT *library = request->library;

    switch (request->minor) {
    case IRP_MN_QUERY_ALL_DATA:
    case IRP_MN_QUERY_SINGLE_INSTANCE:
        *status = STATUS_INVALID_DEVICE_REQUEST;
        return library->QueryWmiDataBlock == NULL;
    case IRP_MN_CHANGE_SINGLE_INSTANCE:
        *status = STATUS_WMI_READ_ONLY;
        return library->SetWmiDataBlock == NULL;
    case IRP_MN_CHANGE_SINGLE_ITEM:
        *status = STATUS_WMI_READ_ONLY;
        return library->SetWmiDataItem == NULL;
    case IRP_MN_EXECUTE_METHOD:
        *status = STATUS_INVALID_DEVICE_REQUEST;
        return library->ExecuteWmiMethod == NULL;
    default: /* enabling what needs no enabling */
        *status = STATUS_SUCCESS;
        return library->WmiFunctionControl == NULL;
    }
}

/* The IRP is the driver's from here on. */
static NTSTATUS call_routine(const struct wmi_request *request)
{
    PUCHAR data = request->buffer + request->data_offset;

    switch (request->minor) {
    case IRP_MN_QUERY_ALL_DATA:
        return call_query_all(request);
    case IRP_MN_QUERY_SINGLE_INSTANCE:
        return call_query_single(request);
    case IRP_MN_CHANGE_SINGLE_INSTANCE:
        return request->library->SetWmiDataBlock(request->device, request->irp, request->guid_index,
                                                 request->instance, request->data_size, data);
    case IRP_MN_CHANGE_SINGLE_ITEM:
        return request->library->SetWmiDataItem(request->device, request->irp, request->guid_index,
                                                request->instance, request->item,
                                                request->data_size, data);
    case IRP_MN_EXECUTE_METHOD:
        return request->library->ExecuteWmiMethod(
            request->device, request->irp, request->guid_index, request->instance, request->item,
            request->data_size, request->size - request->data_offset, data);
    default:
        return call_control(request);
    }
}

/* ---- Completion ----------------------------------------------------------------------------- */

/* The lengths at the array's beginning become pairs. False: they are more than was used. */
static bool all_data_spread(PWNODE_ALL_DATA node, ULONG used)
{
    POFFSETINSTANCEDATAANDLENGTH pairs = &node->OffsetInstanceDataAndLength[0];
    const ULONG *lengths = &pairs[0].OffsetInstanceData;
    uint64_t start = 0;
    uint64_t end = 0;

    for (ULONG i = 0; i < node->InstanceCount; i++) {
        end = start + lengths[i];
        start = ALIGN_UP(end, INSTANCE_ALIGNMENT);
    }
    if (end > used)
        return false;
    for (ULONG i = node->InstanceCount; i-- != 0;) {
        ULONG length = lengths[i];

        start -= ALIGN_UP((uint64_t)length, INSTANCE_ALIGNMENT);
        pairs[i].OffsetInstanceData = node->DataBlockOffset + (ULONG)start;
        pairs[i].LengthInstanceData = length;
    }
    return true;
}

/* Where the data begins in the node of a request that brings some back. */
static ULONG node_data_offset(PIO_STACK_LOCATION location)
{
    PVOID node = location->Parameters.WMI.Buffer;

    if (location->MinorFunction == IRP_MN_QUERY_ALL_DATA)
        return ((PWNODE_HEADER)node)->BufferSize; /* call_query_all */
    if (location->MinorFunction == IRP_MN_EXECUTE_METHOD)
        return ((PWNODE_METHOD_ITEM)node)->DataBlockOffset;
    return ((PWNODE_SINGLE_INSTANCE)node)->DataBlockOffset;
}

/* That node, with so much data. */
static NTSTATUS node_complete(PIO_STACK_LOCATION location, ULONG offset, ULONG used)
{
    PVOID node = location->Parameters.WMI.Buffer;
    PWNODE_HEADER header = node;
    LARGE_INTEGER now;

    if (location->MinorFunction == IRP_MN_QUERY_ALL_DATA) {
        if (!all_data_spread(node, used))
            return STATUS_INVALID_PARAMETER;
    } else if (location->MinorFunction == IRP_MN_EXECUTE_METHOD) {
        ((PWNODE_METHOD_ITEM)node)->SizeDataBlock = used;
    } else {
        ((PWNODE_SINGLE_INSTANCE)node)->SizeDataBlock = used;
    }
    header->BufferSize = offset + used;
    KeQuerySystemTime(&now);
    header->TimeStamp = now;
    return STATUS_SUCCESS;
}

static NTSTATUS node_too_small(PIO_STACK_LOCATION location, ULONG needed, ULONG *size)
{
    PWNODE_TOO_SMALL node = location->Parameters.WMI.Buffer;

    *size = 0;
    if (location->Parameters.WMI.BufferSize < sizeof(*node))
        return STATUS_BUFFER_TOO_SMALL;
    node->WnodeHeader.Flags |= WNODE_FLAG_TOO_SMALL;
    node->WnodeHeader.BufferSize = sizeof(*node);
    node->SizeNeeded = needed;
    *size = sizeof(*node);
    return STATUS_SUCCESS;
}

/* WDK surface */

NTSTATUS NTAPI WmiSystemControl(PWMILIB_CONTEXT WmiLibInfo, PDEVICE_OBJECT DeviceObject, PIRP Irp,
                                PSYSCTL_IRP_DISPOSITION IrpDisposition)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    struct wmi_request request = {
        .library = WmiLibInfo,
        .device = DeviceObject,
        .irp = Irp,
        .minor = location->MinorFunction,
        .buffer = location->Parameters.WMI.Buffer,
        .size = location->Parameters.WMI.BufferSize,
    };
    NTSTATUS status = STATUS_SUCCESS;

    if (request.minor > IRP_MN_EXECUTE_METHOD && request.minor != IRP_MN_REGINFO_EX) {
        *IrpDisposition = IrpNotWmi;
        return STATUS_SUCCESS;
    }
    if (location->Parameters.WMI.ProviderId != (ULONG_PTR)DeviceObject) {
        *IrpDisposition = IrpForward;
        return STATUS_SUCCESS;
    }
    *IrpDisposition = IrpNotCompleted;
    if (request.minor == IRP_MN_REGINFO || request.minor == IRP_MN_REGINFO_EX)
        return wmi_reginfo(&request);
    if (!block_find(&request, location->Parameters.WMI.DataPath))
        return wmi_end(Irp, STATUS_WMI_GUID_NOT_FOUND, 0);
    if (node_fixed_size(request.minor) != 0)
        status = node_read(&request);
    if (!NT_SUCCESS(status) || routine_is_missing(&request, &status))
        return wmi_end(Irp, status, 0);
    if (request.minor == IRP_MN_QUERY_ALL_DATA && request.size < sizeof(WNODE_TOO_SMALL))
        return wmi_end(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    *IrpDisposition = IrpProcessed;
    return call_routine(&request);
}
LDR_EXPORT(WmiSystemControl);

NTSTATUS NTAPI WmiCompleteRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp, NTSTATUS Status,
                                  ULONG BufferUsed, CCHAR PriorityBoost)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = Status;
    ULONG size = 0;

    UNREFERENCED_PARAMETER(DeviceObject);
    if ((NT_SUCCESS(status) || status == STATUS_BUFFER_TOO_SMALL) &&
        (location->MinorFunction == IRP_MN_QUERY_ALL_DATA ||
         location->MinorFunction == IRP_MN_QUERY_SINGLE_INSTANCE ||
         location->MinorFunction == IRP_MN_EXECUTE_METHOD)) {
        ULONG offset = node_data_offset(location);
        ULONG room = location->Parameters.WMI.BufferSize;

        if (NT_SUCCESS(status) && (offset > room || BufferUsed > room - offset))
            status = STATUS_BUFFER_TOO_SMALL;
        if (NT_SUCCESS(status))
            status = node_complete(location, offset, BufferUsed);
        if (status == STATUS_BUFFER_TOO_SMALL)
            status = node_too_small(location, offset + BufferUsed, &size);
        else if (NT_SUCCESS(status))
            size = offset + BufferUsed;
    }
    wmi_end(Irp, status, size);
    IofCompleteRequest(Irp, PriorityBoost);
    return status;
}
LDR_EXPORT(WmiCompleteRequest);
