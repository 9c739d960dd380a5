/*
 * properties.c - properties of devices and of their interfaces by DEVPROPKEY; the alias and the
 * registry key of an interface.
 */
#include "io.h"

#include <initguid.h>
#include <devpkey.h>

#define ENGLISH ((LCID)0x0409)
#define GERMAN ((LCID)0x0407)

static const DEVPROPKEY Own = {{0x6f1e1d12, 0x1b2c, 0x4c3d, {0x9a, 0x01, 2, 3, 4, 5, 6, 7}}, 2};
static const DEVPROPKEY Other = {{0x6f1e1d12, 0x1b2c, 0x4c3d, {0x9a, 0x01, 2, 3, 4, 5, 6, 7}}, 3};
static const DEVPROPKEY Reserved = {{0x6f1e1d12, 0x1b2c, 0x4c3d, {0x9a, 0x01, 2, 3, 4, 5, 6, 7}},
                                    1};
static const GUID Class = {0x6f1e1d13, 0x1b2c, 0x4c3d, {0x9a, 0x01, 2, 3, 4, 5, 6, 7}};
static const GUID AliasClass = {0x6f1e1d14, 0x1b2c, 0x4c3d, {0x9a, 0x01, 2, 3, 4, 5, 6, 7}};

static union {
    WCHAR Text[200];
    UCHAR Bytes[400];
    ULONG Number;
    GUID Guid;
    DEVPROP_BOOLEAN Flag;
} Data;
static ULONG Size;
static DEVPROPTYPE Type;

/* Data, Size and Type of a device's property. */
static NTSTATUS Get(const DEVPROPKEY *Key, LCID Locale)
{
    RtlFillMemory(&Data, sizeof(Data), 0xEE);
    Size = ~0u;
    Type = ~0u;
    return IoGetDevicePropertyData(TestDevices->Physical, Key, Locale, 0, sizeof(Data), &Data,
                                   &Size, &Type);
}

static NTSTATUS Set(const DEVPROPKEY *Key, LCID Locale, ULONG Flags, ULONG Value)
{
    return IoSetDevicePropertyData(TestDevices->Physical, Key, Locale, Flags, DEVPROP_TYPE_UINT32,
                                   sizeof(Value), &Value);
}

static NTSTATUS Delete(const DEVPROPKEY *Key, LCID Locale)
{
    return IoSetDevicePropertyData(TestDevices->Physical, Key, Locale, 0, DEVPROP_TYPE_EMPTY, 0,
                                   NULL);
}

/* ---- what drivers set ----------------------------------------------------------------------- */

static VOID CheckOwn(VOID)
{
    UCHAR bytes[3] = {1, 2, 3};
    KIRQL irql;
    NTSTATUS status;

    ExpectStatus(Get(&Own, LOCALE_NEUTRAL), STATUS_OBJECT_NAME_NOT_FOUND,
                 "IoGetDevicePropertyData finds no property that nobody has set");
    Expect(Size == 0 && Type == DEVPROP_TYPE_EMPTY && Data.Bytes[0] == 0xEE,
           "then size and type are zero, and the buffer is as it was");
    ExpectStatus(Set(&Own, LOCALE_NEUTRAL, PLUGPLAY_PROPERTY_PERSISTENT, 0x12345678),
                 STATUS_SUCCESS, "IoSetDevicePropertyData sets a property of a driver's own key");
    ExpectStatus(Get(&Own, LOCALE_NEUTRAL), STATUS_SUCCESS,
                 "IoGetDevicePropertyData gives what was set");
    Expect(Size == sizeof(ULONG) && Type == DEVPROP_TYPE_UINT32 && Data.Number == 0x12345678,
           "with its size and its type");
    ExpectStatus(Get(&Other, LOCALE_NEUTRAL), STATUS_OBJECT_NAME_NOT_FOUND,
                 "another id of the same category is another property");
    status = IoSetDevicePropertyData(TestDevices->Physical, &Own, LOCALE_NEUTRAL, 0,
                                     DEVPROP_TYPE_BINARY, sizeof(bytes), bytes);
    bytes[0] = 9;
    ExpectStatus(status, STATUS_SUCCESS, "a property is replaced by another type and size");
    Expect(NT_SUCCESS(Get(&Own, LOCALE_NEUTRAL)) && Size == 3 && Type == DEVPROP_TYPE_BINARY &&
               Data.Bytes[0] == 1 && Data.Bytes[2] == 3 && Data.Bytes[3] == 0xEE,
           "it is a copy of the caller's data, and no byte more is written");
    Size = 0;
    ExpectStatus(IoGetDevicePropertyData(TestDevices->Physical, &Own, LOCALE_NEUTRAL, 0, 2, &Data,
                                         &Size, &Type),
                 STATUS_BUFFER_TOO_SMALL, "a property does not fit into less than its size");
    ExpectEqual(Size, 3, "which is what IoGetDevicePropertyData requires");
    Size = 0;
    ExpectStatus(IoGetDevicePropertyData(TestDevices->Physical, &Own, LOCALE_NEUTRAL, 0, 0, NULL,
                                         &Size, &Type),
                 STATUS_BUFFER_TOO_SMALL, "no buffer at all asks for the size");
    ExpectEqual(Size, 3, "and gets it");
    KeRaiseIrql(APC_LEVEL, &irql);
    status = Set(&Own, LOCALE_NEUTRAL, 0, 5);
    if (NT_SUCCESS(status))
        status = Get(&Own, LOCALE_NEUTRAL);
    KeLowerIrql(irql);
    Expect(NT_SUCCESS(status) && Data.Number == 5, "properties are set and got at APC_LEVEL");
}

static VOID CheckLocales(VOID)
{
    Set(&Own, ENGLISH, 0, 1);
    Set(&Own, GERMAN, 0, 2);
    Expect(NT_SUCCESS(Get(&Own, ENGLISH)) && Data.Number == 1 && NT_SUCCESS(Get(&Own, GERMAN)) &&
               Data.Number == 2 && NT_SUCCESS(Get(&Own, LOCALE_NEUTRAL)) && Data.Number == 5,
           "each locale has a property of its own, and the neutral one is a locale like another");
    ExpectStatus(Delete(&Own, ENGLISH), STATUS_SUCCESS,
                 "IoSetDevicePropertyData without data deletes");
    Expect(Get(&Own, ENGLISH) == STATUS_OBJECT_NAME_NOT_FOUND && NT_SUCCESS(Get(&Own, GERMAN)),
           "in this locale only");
    ExpectStatus(Delete(&Own, ENGLISH), STATUS_OBJECT_NAME_NOT_FOUND,
                 "a property that is not there cannot be deleted");
    Delete(&Own, GERMAN);
    ExpectStatus(Delete(&Own, LOCALE_NEUTRAL), STATUS_SUCCESS, "the last one is deleted");
    ExpectStatus(Get(&Own, LOCALE_NEUTRAL), STATUS_OBJECT_NAME_NOT_FOUND, "and gone");
    ExpectStatus(Set(&Own, LOCALE_SYSTEM_DEFAULT, 0, 1), STATUS_UNSUCCESSFUL,
                 "the default locale of the system is no locale of a device property");
    ExpectStatus(Get(&Own, LOCALE_USER_DEFAULT), STATUS_UNSUCCESSFUL,
                 "nor is that of a user, for IoGetDevicePropertyData");
    ExpectStatus(Set(&Reserved, LOCALE_NEUTRAL, 0, 1), STATUS_NOT_IMPLEMENTED,
                 "property ids below the first usable one are not supported");
    ExpectStatus(IoSetDevicePropertyData(TestDevices->Physical, &Own, LOCALE_NEUTRAL, 0,
                                         MAX_DEVPROP_TYPE + 1, 1, &Data),
                 STATUS_INVALID_PARAMETER, "a property cannot be of a type that there is not");
    ExpectStatus(IoSetDevicePropertyData(TestDevices->Self, &Own, LOCALE_NEUTRAL, 0,
                                         DEVPROP_TYPE_BYTE, 1, &Data),
                 STATUS_INVALID_DEVICE_REQUEST, "a functional device object has no properties");
    ExpectStatus(IoGetDevicePropertyData(TestDevices->Self, &Own, LOCALE_NEUTRAL, 0, sizeof(Data),
                                         &Data, &Size, &Type),
                 STATUS_INVALID_DEVICE_REQUEST, "to get none, either");
}

/* ---- what the system tells ------------------------------------------------------------------ */

/* The property by DEVPROPKEY is what IoGetDeviceProperty tells. */
static VOID ExpectSame(const DEVPROPKEY *Key, DEVPROPTYPE Wanted, DEVICE_REGISTRY_PROPERTY Old,
                       PCSTR Name)
{
    UCHAR old[400];
    ULONG size = 0;
    NTSTATUS status = IoGetDeviceProperty(TestDevices->Physical, Old, sizeof(old), old, &size);

    Expect(NT_SUCCESS(status) && NT_SUCCESS(Get(Key, LOCALE_NEUTRAL)) && Type == Wanted &&
               Size == size && size != 0 && RtlCompareMemory(old, &Data, size) == size,
           Name);
}

static BOOLEAN Begins(PCWSTR Start)
{
    return RtlCompareMemory(Data.Text, Start, wcslen(Start) * sizeof(WCHAR)) ==
           wcslen(Start) * sizeof(WCHAR);
}

static VOID CheckSystem(VOID)
{
    UNICODE_STRING text;
    GUID guid = {0};
    NTSTATUS status;

    ExpectSame(&DEVPKEY_Device_DeviceDesc, DEVPROP_TYPE_STRING, DevicePropertyDeviceDescription,
               "DEVPKEY_Device_DeviceDesc is the description");
    ExpectSame(&DEVPKEY_Device_HardwareIds, DEVPROP_TYPE_STRING_LIST, DevicePropertyHardwareID,
               "DEVPKEY_Device_HardwareIds is the list of hardware ids");
    ExpectSame(&DEVPKEY_Device_CompatibleIds, DEVPROP_TYPE_STRING_LIST, DevicePropertyCompatibleIDs,
               "DEVPKEY_Device_CompatibleIds is the list of compatible ids");
    ExpectSame(&DEVPKEY_Device_Class, DEVPROP_TYPE_STRING, DevicePropertyClassName,
               "DEVPKEY_Device_Class is the name of the class");
    ExpectSame(&DEVPKEY_Device_Driver, DEVPROP_TYPE_STRING, DevicePropertyDriverKeyName,
               "DEVPKEY_Device_Driver is the name of the driver's key");
    ExpectSame(&DEVPKEY_Device_Manufacturer, DEVPROP_TYPE_STRING, DevicePropertyManufacturer,
               "DEVPKEY_Device_Manufacturer is the INF's manufacturer");
    ExpectSame(&DEVPKEY_Device_LocationInfo, DEVPROP_TYPE_STRING, DevicePropertyLocationInformation,
               "DEVPKEY_Device_LocationInfo is the location");
    ExpectSame(&DEVPKEY_Device_PDOName, DEVPROP_TYPE_STRING, DevicePropertyPhysicalDeviceObjectName,
               "DEVPKEY_Device_PDOName is the name of the physical device object");
    ExpectSame(&DEVPKEY_Device_BusTypeGuid, DEVPROP_TYPE_GUID, DevicePropertyBusTypeGuid,
               "DEVPKEY_Device_BusTypeGuid is the kind of bus");
    ExpectSame(&DEVPKEY_Device_LegacyBusType, DEVPROP_TYPE_UINT32, DevicePropertyLegacyBusType,
               "DEVPKEY_Device_LegacyBusType is its interface type");
    ExpectSame(&DEVPKEY_Device_BusNumber, DEVPROP_TYPE_UINT32, DevicePropertyBusNumber,
               "DEVPKEY_Device_BusNumber is the number of the bus");
    ExpectSame(&DEVPKEY_Device_EnumeratorName, DEVPROP_TYPE_STRING, DevicePropertyEnumeratorName,
               "DEVPKEY_Device_EnumeratorName is the name of the enumerator");
    ExpectSame(&DEVPKEY_Device_Address, DEVPROP_TYPE_UINT32, DevicePropertyAddress,
               "DEVPKEY_Device_Address is the address on the bus");
    status = Get(&DEVPKEY_Device_Service, LOCALE_NEUTRAL);
    Expect(NT_SUCCESS(status) && Type == DEVPROP_TYPE_STRING && Size == sizeof(L"io") &&
               Begins(L"io"),
           "DEVPKEY_Device_Service is the name of the service");
    status = Get(&DEVPKEY_Device_InstanceId, LOCALE_NEUTRAL);
    Expect(NT_SUCCESS(status) && Type == DEVPROP_TYPE_STRING && Begins(L"PCI\\VEN_1234&DEV_11E8"),
           "DEVPKEY_Device_InstanceId is the instance path");
    status = Get(&DEVPKEY_Device_Parent, LOCALE_NEUTRAL);
    Expect(NT_SUCCESS(status) && Type == DEVPROP_TYPE_STRING && Begins(L"ACPI\\PNP0A"),
           "DEVPKEY_Device_Parent is that of the device above: the root bus");
    IoGetDeviceProperty(TestDevices->Physical, DevicePropertyClassGuid, sizeof(Data), &Data, &Size);
    RtlInitUnicodeString(&text, Data.Text);
    RtlGUIDFromString(&text, &guid);
    status = Get(&DEVPKEY_Device_ClassGuid, LOCALE_NEUTRAL);
    Expect(NT_SUCCESS(status) && Type == DEVPROP_TYPE_GUID && Size == sizeof(GUID) &&
               IsEqualGUID(&Data.Guid, &guid) && guid.Data1 != 0,
           "DEVPKEY_Device_ClassGuid is the class's GUID, not its text");
    ExpectStatus(Get(&DEVPKEY_Device_Class, ENGLISH), STATUS_OBJECT_NAME_NOT_FOUND,
                 "the system's properties belong to no language");
    ExpectStatus(Set(&DEVPKEY_Device_BusNumber, LOCALE_NEUTRAL, 0, 7), STATUS_ACCESS_DENIED,
                 "and a driver cannot set them,");
    ExpectStatus(Delete(&DEVPKEY_Device_InstanceId, LOCALE_NEUTRAL), STATUS_ACCESS_DENIED,
                 "nor delete them,");
}

static VOID CheckFriendlyName(VOID)
{
    static WCHAR name[] = L"a friendly one";

    ExpectStatus(IoSetDevicePropertyData(TestDevices->Physical, &DEVPKEY_Device_FriendlyName,
                                         LOCALE_NEUTRAL, 0, DEVPROP_TYPE_STRING, sizeof(name),
                                         name),
                 STATUS_SUCCESS, "but for the friendly name");
    ExpectSame(&DEVPKEY_Device_FriendlyName, DEVPROP_TYPE_STRING, DevicePropertyFriendlyName,
               "which IoGetDeviceProperty tells as well");
    ExpectStatus(Set(&DEVPKEY_Device_FriendlyName, LOCALE_NEUTRAL, 0, 7), STATUS_INVALID_PARAMETER,
                 "a friendly name is no number");
    Delete(&DEVPKEY_Device_FriendlyName, LOCALE_NEUTRAL);
    ExpectStatus(Get(&DEVPKEY_Device_FriendlyName, LOCALE_NEUTRAL), STATUS_OBJECT_NAME_NOT_FOUND,
                 "a friendly name can be deleted");
}

/* ---- interfaces ----------------------------------------------------------------------------- */

static NTSTATUS GetOf(PUNICODE_STRING Link, const DEVPROPKEY *Key, LCID Locale, ULONG Room)
{
    RtlFillMemory(&Data, sizeof(Data), 0xEE);
    Size = ~0u;
    return IoGetDeviceInterfacePropertyData(Link, Key, Locale, 0, Room, &Data, &Size, &Type);
}

static NTSTATUS SetOf(PUNICODE_STRING Link, const DEVPROPKEY *Key, LCID Locale, PCWSTR Text)
{
    return IoSetDeviceInterfacePropertyData(
        Link, Key, Locale, PLUGPLAY_PROPERTY_PERSISTENT, DEVPROP_TYPE_STRING,
        Text == NULL ? 0 : (ULONG)((wcslen(Text) + 1) * sizeof(WCHAR)), (PVOID)Text);
}

static VOID CheckInterfaceOwn(PUNICODE_STRING Link, PUNICODE_STRING Other)
{
    UNICODE_STRING none = RTL_CONSTANT_STRING(L"\\??\\no interface");

    ExpectStatus(SetOf(Link, &Own, LOCALE_NEUTRAL, L"text"), STATUS_SUCCESS,
                 "IoSetDeviceInterfacePropertyData sets a property of an interface");
    ExpectStatus(GetOf(Link, &Own, LOCALE_NEUTRAL, sizeof(Data)), STATUS_SUCCESS,
                 "IoGetDeviceInterfacePropertyData gives it");
    Expect(Size == 5 * sizeof(WCHAR) && Type == DEVPROP_TYPE_STRING && Begins(L"text"),
           "with its size, its type and its text");
    ExpectStatus(GetOf(Other, &Own, LOCALE_NEUTRAL, sizeof(Data)), STATUS_OBJECT_NAME_NOT_FOUND,
                 "another interface of the device does not have it");
    ExpectStatus(Get(&Own, LOCALE_NEUTRAL), STATUS_OBJECT_NAME_NOT_FOUND,
                 "nor does the device itself");
    ExpectStatus(GetOf(Link, &Own, LOCALE_NEUTRAL, 9), STATUS_BUFFER_TOO_SMALL,
                 "an interface's property does not fit into less than its size");
    ExpectEqual(Size, 5 * sizeof(WCHAR), "which is required");
    ExpectStatus(SetOf(Link, &Own, LOCALE_USER_DEFAULT, L"x"), STATUS_UNSUCCESSFUL,
                 "IoSetDeviceInterfacePropertyData refuses a locale that is none");
    ExpectStatus(GetOf(Link, &Own, 0xFFF00409, sizeof(Data)), STATUS_UNSUCCESSFUL,
                 "so does IoGetDeviceInterfacePropertyData");
    ExpectStatus(SetOf(Link, &Reserved, LOCALE_NEUTRAL, L"x"), STATUS_NOT_IMPLEMENTED,
                 "an id below the first usable one is not supported to be set of an interface");
    ExpectStatus(GetOf(Link, &Reserved, LOCALE_NEUTRAL, sizeof(Data)), STATUS_NOT_IMPLEMENTED,
                 "nor to be got");
    ExpectStatus(SetOf(Link, &Own, LOCALE_NEUTRAL, NULL), STATUS_SUCCESS,
                 "without data it deletes the interface's property");
    ExpectStatus(GetOf(Link, &Own, LOCALE_NEUTRAL, sizeof(Data)), STATUS_OBJECT_NAME_NOT_FOUND,
                 "which then is gone");
    ExpectStatus(GetOf(&none, &Own, LOCALE_NEUTRAL, sizeof(Data)), STATUS_OBJECT_NAME_NOT_FOUND,
                 "what is no interface has no properties");
}

static VOID CheckInterfaceSystem(PUNICODE_STRING Link)
{
    NTSTATUS status = GetOf(Link, &DEVPKEY_DeviceInterface_Enabled, LOCALE_NEUTRAL, sizeof(Data));

    Expect(NT_SUCCESS(status) && Type == DEVPROP_TYPE_BOOLEAN && Size == sizeof(DEVPROP_BOOLEAN) &&
               Data.Flag == DEVPROP_FALSE,
           "DEVPKEY_DeviceInterface_Enabled is false before the interface is enabled");
    IoSetDeviceInterfaceState(Link, TRUE);
    status = GetOf(Link, &DEVPKEY_DeviceInterface_Enabled, LOCALE_NEUTRAL, sizeof(Data));
    Expect(NT_SUCCESS(status) && Data.Flag == DEVPROP_TRUE, "and true while it is");
    IoSetDeviceInterfaceState(Link, FALSE);
    status = GetOf(Link, &DEVPKEY_DeviceInterface_ClassGuid, LOCALE_NEUTRAL, sizeof(Data));
    Expect(NT_SUCCESS(status) && Type == DEVPROP_TYPE_GUID && IsEqualGUID(&Data.Guid, &Class),
           "DEVPKEY_DeviceInterface_ClassGuid is its class");
    status = GetOf(Link, &DEVPKEY_DeviceInterface_ReferenceString, LOCALE_NEUTRAL, sizeof(Data));
    Expect(NT_SUCCESS(status) && Type == DEVPROP_TYPE_STRING && Size == sizeof(L"port") &&
               Begins(L"port"),
           "DEVPKEY_DeviceInterface_ReferenceString is its reference string");
    ExpectStatus(SetOf(Link, &DEVPKEY_DeviceInterface_ReferenceString, LOCALE_NEUTRAL, L"x"),
                 STATUS_ACCESS_DENIED, "a driver sets none of these,");
    ExpectStatus(SetOf(Link, &DEVPKEY_DeviceInterface_FriendlyName, LOCALE_NEUTRAL, L"x"),
                 STATUS_SUCCESS, "but the friendly name of an interface it does");
    SetOf(Link, &DEVPKEY_DeviceInterface_FriendlyName, LOCALE_NEUTRAL, NULL);
}

static VOID CheckAlias(PUNICODE_STRING Link, PUNICODE_STRING Plain)
{
    UNICODE_STRING reference = RTL_CONSTANT_STRING(L"port"), alias = {0}, found = {0};
    UNICODE_STRING none = RTL_CONSTANT_STRING(L"\\??\\no interface");

    ExpectStatus(IoGetDeviceInterfaceAlias(Link, &AliasClass, &found), STATUS_OBJECT_NAME_NOT_FOUND,
                 "an interface has no alias of a class that the device has none of");
    Expect(found.Buffer == NULL, "and no name is given");
    IoRegisterDeviceInterface(TestDevices->Physical, &AliasClass, &reference, &alias);
    ExpectStatus(IoGetDeviceInterfaceAlias(Link, &AliasClass, &found), STATUS_SUCCESS,
                 "IoGetDeviceInterfaceAlias finds the interface of the other class");
    Expect(RtlEqualUnicodeString(&found, &alias, TRUE), "by the name that was registered");
    RtlFreeUnicodeString(&found);
    ExpectStatus(IoGetDeviceInterfaceAlias(Plain, &AliasClass, &found),
                 STATUS_OBJECT_NAME_NOT_FOUND, "only with the same reference string");
    ExpectStatus(IoGetDeviceInterfaceAlias(&none, &AliasClass, &found), STATUS_INVALID_HANDLE,
                 "what is no interface has no alias");
    RtlFreeUnicodeString(&alias);
}

static VOID CheckInterfaceKey(PUNICODE_STRING Link, PUNICODE_STRING Plain)
{
    UNICODE_STRING none = RTL_CONSTANT_STRING(L"\\??\\no interface");
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"Kept");
    UCHAR buffer[64];
    ULONG value = 77, length;
    HANDLE key;

    ExpectStatus(IoOpenDeviceInterfaceRegistryKey(Link, KEY_ALL_ACCESS, &key), STATUS_SUCCESS,
                 "IoOpenDeviceInterfaceRegistryKey opens a key of the interface");
    ZwSetValueKey(key, &name, 0, REG_DWORD, &value, sizeof(value));
    ZwClose(key);
    IoOpenDeviceInterfaceRegistryKey(Link, KEY_ALL_ACCESS, &key);
    Expect(NT_SUCCESS(ZwQueryValueKey(key, &name, KeyValuePartialInformation, buffer,
                                      sizeof(buffer), &length)),
           "what is written there stays");
    ZwDeleteValueKey(key, &name);
    ZwClose(key);
    IoOpenDeviceInterfaceRegistryKey(Plain, KEY_ALL_ACCESS, &key);
    ExpectStatus(
        ZwQueryValueKey(key, &name, KeyValuePartialInformation, buffer, sizeof(buffer), &length),
        STATUS_OBJECT_NAME_NOT_FOUND, "each interface has a key of its own");
    ZwClose(key);
    ExpectStatus(IoOpenDeviceInterfaceRegistryKey(&none, KEY_ALL_ACCESS, &key),
                 STATUS_OBJECT_NAME_NOT_FOUND, "what is no interface has no registry key");
}

VOID CheckProperties(VOID)
{
    UNICODE_STRING reference = RTL_CONSTANT_STRING(L"port"), link, plain;

    CheckOwn();
    CheckLocales();
    CheckSystem();
    CheckFriendlyName();
    IoRegisterDeviceInterface(TestDevices->Physical, &Class, &reference, &link);
    IoRegisterDeviceInterface(TestDevices->Physical, &Class, NULL, &plain);
    CheckInterfaceOwn(&link, &plain);
    CheckInterfaceSystem(&link);
    CheckAlias(&link, &plain);
    CheckInterfaceKey(&link, &plain);
    RtlFreeUnicodeString(&link);
    RtlFreeUnicodeString(&plain);
}
