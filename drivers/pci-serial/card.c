/*
 * card.c - a card: its ports, and the one line they share.
 *
 * The line is shared with the other ports of the card and, where the board wires it so, with other
 * cards and their drivers. The service routine asks each port; if none interrupted it returns
 * FALSE, and the system asks the next driver on the line.
 *
 * The ports are made when the card is first started, since only then it is known how many there
 * are, and stay until it is removed.
 */
#include "serial.h"

#define DEVICE_NAME L"\\Device\\pci-serial0"
#define LINK_NAME L"\\DosDevices\\pci-serial0"
#define NAME_DIGIT(Name) ((Name)[sizeof(Name) / sizeof((Name)[0]) - 2])
#define DEVICES_MAX 10 /* the last character of the names is a digit */

static BOOLEAN NTAPI ServiceRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    PCARD card = Context;
    BOOLEAN claimed = FALSE;
    ULONG i;

    UNREFERENCED_PARAMETER(Interrupt);
    card->ServiceCalls++;
    for (i = 0; i < card->PortCount; i++)
        claimed |= PortService(card->Ports[i]->DeviceExtension);
    if (claimed)
        card->Claimed++;
    return claimed;
}

static NTSTATUS CreatePort(PDRIVER_OBJECT DriverObject, PCARD Card, PDEVICE_OBJECT *Object)
{
    WCHAR deviceText[] = DEVICE_NAME, linkText[] = LINK_NAME;
    UNICODE_STRING deviceName, linkName;
    NTSTATUS status;
    ULONG index = 0;

    RtlInitUnicodeString(&deviceName, deviceText);
    RtlInitUnicodeString(&linkName, linkText);
    while ((status = IoCreateDevice(DriverObject, sizeof(PORT), &deviceName,
                                    FILE_DEVICE_SERIAL_PORT, FILE_DEVICE_SECURE_OPEN, FALSE,
                                    Object)) == STATUS_OBJECT_NAME_COLLISION &&
           ++index < DEVICES_MAX)
        NAME_DIGIT(deviceText)++; /* taken: the next number */
    if (!NT_SUCCESS(status))
        return status;
    NAME_DIGIT(linkText) += (WCHAR)index;
    status = IoCreateSymbolicLink(&linkName, &deviceName);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(*Object);
        return status;
    }
    PortInitialize((*Object)->DeviceExtension, Card, index);
    (*Object)->Flags |= DO_BUFFERED_IO;
    (*Object)->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

VOID CardDeletePorts(PCARD Card)
{
    while (Card->PortCount > 0) {
        PDEVICE_OBJECT object = Card->Ports[--Card->PortCount];
        PPORT port = object->DeviceExtension;
        WCHAR name[] = LINK_NAME;
        UNICODE_STRING link;

        NAME_DIGIT(name) += (WCHAR)port->Index;
        RtlInitUnicodeString(&link, name);
        IoDeleteSymbolicLink(&link);
        IoDeleteDevice(object);
    }
}

/* Ports first, then the line: no call comes after the return. Harmless when repeated. */
VOID CardStop(PCARD Card)
{
    IO_DISCONNECT_INTERRUPT_PARAMETERS parameters;
    ULONG i;

    if (Card->Interrupt == NULL)
        return;
    for (i = 0; i < Card->PortCount; i++)
        PortClose(Card->Ports[i]->DeviceExtension);
    RtlZeroMemory(&parameters, sizeof(parameters));
    parameters.Version = CONNECT_LINE_BASED;
    parameters.ConnectionContext.InterruptObject = Card->Interrupt;
    IoDisconnectInterruptEx(&parameters);
    Card->Interrupt = NULL;
    KeFlushQueuedDpcs();
}

static NTSTATUS Connect(PCARD Card)
{
    IO_CONNECT_INTERRUPT_PARAMETERS parameters;

    RtlZeroMemory(&parameters, sizeof(parameters));
    parameters.Version = CONNECT_LINE_BASED;
    parameters.LineBased.PhysicalDeviceObject = Card->Physical;
    parameters.LineBased.InterruptObject = &Card->Interrupt;
    parameters.LineBased.ServiceRoutine = ServiceRoutine;
    parameters.LineBased.ServiceContext = Card;
    return IoConnectInterruptEx(&parameters);
}

NTSTATUS CardStart(PDEVICE_OBJECT DeviceObject, PCARD Card, PCM_RESOURCE_LIST Translated)
{
    PCM_PARTIAL_RESOURCE_DESCRIPTOR io = NULL, line = NULL;
    PCM_PARTIAL_RESOURCE_LIST list;
    NTSTATUS status;
    ULONG i, ports;

    if (Translated == NULL || Translated->Count == 0)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    list = &Translated->List[0].PartialResourceList;
    for (i = 0; i < list->Count; i++) {
        if (list->PartialDescriptors[i].Type == CmResourceTypePort && io == NULL)
            io = &list->PartialDescriptors[i];
        if (list->PartialDescriptors[i].Type == CmResourceTypeInterrupt)
            line = &list->PartialDescriptors[i];
    }
    if (io == NULL || line == NULL || io->u.Port.Length < UART_REGISTERS)
        return STATUS_DEVICE_CONFIGURATION_ERROR;

    ports = io->u.Port.Length / UART_REGISTERS;
    for (i = Card->PortCount; i < ports && i < PORTS_MAX; i++) {
        status = CreatePort(DeviceObject->DriverObject, Card, &Card->Ports[i]);
        if (!NT_SUCCESS(status))
            return status;
        Card->PortCount = i + 1;
    }
    for (i = 0; i < Card->PortCount; i++) {
        PPORT port = Card->Ports[i]->DeviceExtension;

        port->Base = (PUCHAR)(ULONG_PTR)io->u.Port.Start.QuadPart + i * UART_REGISTERS;
    }
    status = Connect(Card);
    if (!NT_SUCCESS(status))
        return status;
    for (i = 0; i < Card->PortCount; i++) {
        PPORT port = Card->Ports[i]->DeviceExtension;

        PortOpen(port);
        DbgPrint("pci-serial%u: connected by CONNECT_LINE_BASED: line, vector 0x%02X, DIRQL %u, "
                 "I/O port 0x%04X\n",
                 port->Index, line->u.Interrupt.Vector, line->u.Interrupt.Level,
                 (ULONG)(ULONG_PTR)port->Base);
    }
    return STATUS_SUCCESS;
}
