/*
 * device_properties.c - IoGetDeviceProperty: what the system, the bus and the INF say of a device.
 */
#include "io.h"

static const GUID PciBus = {
    0xC8EBDFB0, 0xB510, 0x11D0, {0x80, 0xE5, 0x00, 0xA0, 0xC9, 0x25, 0x42, 0xE3}};

static union {
    WCHAR Text[300];
    ULONG Number;
    GUID Guid;
    CM_RESOURCE_LIST List;
} Data;
static ULONG Length; /* of what Get got */

static NTSTATUS Get(DEVICE_REGISTRY_PROPERTY Property)
{
    RtlFillMemory(&Data, sizeof(Data), 0xEE);
    Length = ~0u;
    return IoGetDeviceProperty(TestDevices->Physical, Property, sizeof(Data), &Data, &Length);
}

/* A string with its zero, which begins so. */
static BOOLEAN IsText(DEVICE_REGISTRY_PROPERTY Property, PCWSTR Begin)
{
    return NT_SUCCESS(Get(Property)) && Length >= sizeof(WCHAR) &&
           wcslen(Data.Text) * sizeof(WCHAR) + sizeof(WCHAR) == Length &&
           wcsncmp(Data.Text, Begin, wcslen(Begin)) == 0;
}

static BOOLEAN IsNumber(DEVICE_REGISTRY_PROPERTY Property, ULONG Number)
{
    return NT_SUCCESS(Get(Property)) && Length == sizeof(ULONG) && Data.Number == Number;
}

/* Strings one after the other, and a zero more. */
static BOOLEAN IsList(DEVICE_REGISTRY_PROPERTY Property)
{
    ULONG units;

    if (!NT_SUCCESS(Get(Property)))
        return FALSE;
    units = Length / sizeof(WCHAR);
    return units > 2 && Data.Text[units - 1] == 0 && Data.Text[units - 2] == 0 &&
           wcsncmp(Data.Text, L"PCI\\", 4) == 0;
}

static VOID CheckTexts(VOID)
{
    Expect(IsText(DevicePropertyDeviceDescription, L"") && Length > sizeof(WCHAR),
           "G-IO-50 a device has a description");
    Expect(IsText(DevicePropertyManufacturer, L"") && Length > sizeof(WCHAR),
           "G-IO-50 and a manufacturer");
    Expect(IsText(DevicePropertyClassName, L"") && Length > sizeof(WCHAR),
           "G-IO-50 its setup class has a name");
    Expect(IsText(DevicePropertyClassGuid, L"{") && Length == 39 * sizeof(WCHAR) &&
               Data.Text[37] == L'}',
           "G-IO-50 and a GUID, as a string");
    Expect(IsText(DevicePropertyDriverKeyName, L"{") && Data.Text[38] == L'\\',
           "G-IO-50 the driver key is below that");
    Expect(IsText(DevicePropertyEnumeratorName, L"PCI") && Length == 4 * sizeof(WCHAR),
           "G-IO-50 its enumerator is PCI");
    Expect(IsText(DevicePropertyPhysicalDeviceObjectName, L"\\Device\\"),
           "G-IO-50 its PDO has a name");
    Expect(IsText(DevicePropertyLocationInformation, L"") && Length > sizeof(WCHAR),
           "G-IO-50 the bus tells its location");
    Expect(IsList(DevicePropertyHardwareID) && IsList(DevicePropertyCompatibleIDs),
           "G-IO-50 its ids are lists of strings");
    ExpectStatus(Get(DevicePropertyFriendlyName), STATUS_OBJECT_NAME_NOT_FOUND,
                 "G-IO-50 a name that nobody gave it is not found");
}

static VOID CheckNumbers(VOID)
{
    Expect(IsNumber(DevicePropertyLegacyBusType, PCIBus), "G-IO-50 its bus is a PCI bus");
    Expect(IsNumber(DevicePropertyBusNumber, 0), "G-IO-50 of number 0");
    Expect(NT_SUCCESS(Get(DevicePropertyBusTypeGuid)) && Length == sizeof(GUID) &&
               IsEqualGUID(&Data.Guid, &PciBus),
           "G-IO-50 whose type is GUID_BUS_TYPE_PCI");
    Expect(NT_SUCCESS(Get(DevicePropertyAddress)) && Length == sizeof(ULONG) &&
               (Data.Number & 0xFFFF) < 8,
           "G-IO-50 its address is that of a function");
    Expect(IsNumber(DevicePropertyUINumber, 0xFFFFFFFF),
           "G-IO-50 a number that the bus does not tell is 0xFFFFFFFF");
    Expect(IsNumber(DevicePropertyInstallState, 0), "G-IO-50 it is installed");
    Expect(IsNumber(DevicePropertyRemovalPolicy, 1), "G-IO-50 its removal is not expected");
    Expect(NT_SUCCESS(Get(DevicePropertyBootConfiguration)) &&
               (Length == 0 ||
                (Data.List.Count == 1 &&
                 Length >= FIELD_OFFSET(CM_RESOURCE_LIST,
                                        List[0].PartialResourceList.PartialDescriptors))),
           "G-IO-50 what firmware gave it is a resource list, or nothing");
}

static VOID CheckFailures(VOID)
{
    ULONG needed, length = 0;
    UCHAR byte = 0x77;

    Get(DevicePropertyHardwareID);
    needed = Length;
    ExpectStatus(
        IoGetDeviceProperty(TestDevices->Physical, DevicePropertyHardwareID, 1, &byte, &length),
        STATUS_BUFFER_TOO_SMALL, "G-IO-50 a buffer too small for a property is refused");
    Expect(length == needed && byte == 0x77, "G-IO-50 and what is needed is told");
    length = 0;
    ExpectStatus(
        IoGetDeviceProperty(TestDevices->Physical, DevicePropertyClassGuid, 0, NULL, &length),
        STATUS_BUFFER_TOO_SMALL, "G-IO-50 no buffer is too small, too");
    ExpectEqual(length, 39 * sizeof(WCHAR), "G-IO-50 for a value of the registry as well");
    Expect(NT_SUCCESS(IoGetDeviceProperty(TestDevices->Physical, DevicePropertyHardwareID, needed,
                                          &Data, &length)) &&
               length == needed,
           "G-IO-50 a buffer of just that size is not");
    ExpectStatus(Get((DEVICE_REGISTRY_PROPERTY)0x77), STATUS_INVALID_PARAMETER_2,
                 "G-IO-50 a property that there is not is refused");
    ExpectStatus(IoGetDeviceProperty(TestDevices->Self, DevicePropertyHardwareID, sizeof(Data),
                                     &Data, &length),
                 STATUS_INVALID_DEVICE_REQUEST,
                 "G-IO-50 a device object that is no PDO has no properties");
    ExpectEqual(length, 0, "G-IO-50 of no length");
}

VOID CheckDeviceProperties(VOID)
{
    CheckTexts();
    CheckNumbers();
    CheckFailures();
}
