/*
 * device_keys.c - what a device has in the registry and in the namespace: its hardware and software
 * keys, and names of its interfaces.
 */
#include "io.h"

/* ---- keys ------------------------------------------------------------------------------------ */

static NTSTATUS OpenKey(ULONG Type, PHANDLE Key)
{
    *Key = TestDriver; /* which is no handle */
    return IoOpenDeviceRegistryKey(TestDevices->Physical, Type, KEY_ALL_ACCESS, Key);
}

static VOID SetMark(HANDLE Key, ULONG Mark)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"DeviceKeysMark");

    ZwSetValueKey(Key, &name, 0, REG_DWORD, &Mark, sizeof(Mark));
}

/* The mark of a key that is opened anew, 0 if there is none. */
static ULONG ReadMark(ULONG Type)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"DeviceKeysMark");
    UCHAR buffer[32];
    PKEY_VALUE_PARTIAL_INFORMATION value = (PVOID)buffer;
    ULONG length, mark = 0;
    HANDLE key;

    if (!NT_SUCCESS(OpenKey(Type, &key)))
        return 0;
    if (NT_SUCCESS(ZwQueryValueKey(key, &name, KeyValuePartialInformation, buffer, sizeof(buffer),
                                   &length)))
        mark = *(PULONG)value->Data;
    ZwDeleteValueKey(key, &name);
    ZwClose(key);
    return mark;
}

static VOID CheckKinds(VOID)
{
    static const struct {
        ULONG Type;
        PCSTR Name;
    } kinds[] = {
        {PLUGPLAY_REGKEY_DEVICE, "G-IO-51 a device's hardware key is opened"},
        {PLUGPLAY_REGKEY_DRIVER, "G-IO-51 its driver's software key is opened"},
        {PLUGPLAY_REGKEY_DEVICE | PLUGPLAY_REGKEY_CURRENT_HWPROFILE,
         "G-IO-51 the hardware key in the current hardware profile is opened"},
        {PLUGPLAY_REGKEY_DRIVER | PLUGPLAY_REGKEY_CURRENT_HWPROFILE,
         "G-IO-51 the software key in the current hardware profile is opened"},
    };
    BOOLEAN kept = TRUE;
    HANDLE key;
    ULONG i;

    for (i = 0; i < 4; i++) {
        NTSTATUS status = OpenKey(kinds[i].Type, &key);

        ExpectStatus(status, STATUS_SUCCESS, kinds[i].Name);
        if (!NT_SUCCESS(status))
            continue;
        SetMark(key, 100 + i);
        ExpectStatus(ZwClose(key), STATUS_SUCCESS, "G-IO-51 by a handle that ZwClose closes");
    }
    for (i = 0; i < 4; i++)
        kept = ReadMark(kinds[i].Type) == 100 + i && kept;
    Expect(kept, "G-IO-51 these are four keys, and each keeps what is written to it");
}

static VOID CheckKeyErrors(VOID)
{
    HANDLE key;

    ExpectStatus(OpenKey(0, &key), STATUS_INVALID_PARAMETER,
                 "G-IO-51 neither the hardware nor the software key is no key");
    ExpectStatus(OpenKey(PLUGPLAY_REGKEY_DEVICE | PLUGPLAY_REGKEY_DRIVER, &key),
                 STATUS_INVALID_PARAMETER, "G-IO-51 nor are both");
    ExpectStatus(OpenKey(PLUGPLAY_REGKEY_CURRENT_HWPROFILE, &key), STATUS_INVALID_PARAMETER,
                 "G-IO-51 nor is the current hardware profile alone");
    ExpectStatus(OpenKey(PLUGPLAY_REGKEY_DEVICE | 0x8000, &key), STATUS_INVALID_PARAMETER,
                 "G-IO-51 a flag that there is not is refused");
    Expect(key == (HANDLE)TestDriver, "G-IO-51 without a handle");
    key = TestDriver;
    ExpectStatus(IoOpenDeviceRegistryKey(TestDevices->Self, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &key),
                 STATUS_INVALID_DEVICE_REQUEST, "G-IO-51 a device that is no PDO has no keys");
    Expect(key == (HANDLE)TestDriver, "G-IO-51 and gets no handle");
}

/* ---- interfaces ------------------------------------------------------------------------------ */

#define LONG_UNITS 5000

static const GUID Class = {0xD1D1D1D1, 1, 2, {3, 4, 5, 6, 7, 8, 9, 10}};

static VOID CheckRegistered(VOID)
{
    UNICODE_STRING first, again = {0};

    ExpectStatus(IoRegisterDeviceInterface(TestDevices->Physical, &Class, NULL, &first),
                 STATUS_SUCCESS, "G-IO-48 IoRegisterDeviceInterface registers");
    ExpectStatus(IoRegisterDeviceInterface(TestDevices->Physical, &Class, NULL, &again),
                 STATUS_OBJECT_NAME_EXISTS,
                 "G-IO-48 what is registered already is a success of its own");
    Expect(RtlEqualUnicodeString(&first, &again, FALSE) && first.Buffer != again.Buffer,
           "G-IO-48 with the same name, for this caller to free");
    RtlFreeUnicodeString(&again);
    ExpectStatus(IoSetDeviceInterfaceState(&first, FALSE), STATUS_OBJECT_NAME_NOT_FOUND,
                 "G-IO-49 an interface that is not enabled yet cannot be disabled");
    ExpectStatus(IoSetDeviceInterfaceState(&first, TRUE), STATUS_SUCCESS,
                 "G-IO-49 a registered interface is enabled");
    ExpectStatus(IoSetDeviceInterfaceState(&first, TRUE), STATUS_OBJECT_NAME_EXISTS,
                 "G-IO-49 one that is enabled stays so");
    ExpectStatus(IoSetDeviceInterfaceState(&first, FALSE), STATUS_SUCCESS,
                 "G-IO-49 and is disabled");
    ExpectStatus(IoSetDeviceInterfaceState(&first, FALSE), STATUS_OBJECT_NAME_NOT_FOUND,
                 "G-IO-49 one that is disabled is not found");
    RtlFreeUnicodeString(&first);
}

static VOID CheckReferences(VOID)
{
    UNICODE_STRING slash = RTL_CONSTANT_STRING(L"a/b"), back = RTL_CONSTANT_STRING(L"a\\b");
    UNICODE_STRING text = {.Length = LONG_UNITS * sizeof(WCHAR),
                           .MaximumLength = LONG_UNITS * sizeof(WCHAR)};
    UNICODE_STRING link = {0};
    ULONG i;

    ExpectStatus(IoRegisterDeviceInterface(TestDevices->Self, &Class, NULL, &link),
                 STATUS_INVALID_DEVICE_REQUEST, "G-IO-48 an interface is registered of a PDO only");
    ExpectStatus(IoRegisterDeviceInterface(TestDevices->Physical, &Class, &slash, &link),
                 STATUS_INVALID_DEVICE_REQUEST, "G-IO-48 no slash may be in a reference string");
    ExpectStatus(IoRegisterDeviceInterface(TestDevices->Physical, &Class, &back, &link),
                 STATUS_INVALID_DEVICE_REQUEST, "G-IO-48 nor a backslash");
    Expect(link.Buffer == NULL, "G-IO-48 no name comes of these");
    text.Buffer = ExAllocatePoolWithTag(NonPagedPool, text.Length, TEST_TAG);
    if (text.Buffer == NULL) {
        Expect(FALSE, "there is memory for a long string");
        return;
    }
    for (i = 0; i < LONG_UNITS; i++)
        text.Buffer[i] = L'r';
    ExpectStatus(IoRegisterDeviceInterface(TestDevices->Physical, &Class, &text, &link),
                 STATUS_SUCCESS, "G-IO-48 a reference string has any length");
    Expect(link.Length > text.Length &&
               RtlCompareMemory((PUCHAR)link.Buffer + link.Length - text.Length, text.Buffer,
                                text.Length) == text.Length,
           "G-IO-48 and is the end of the name");
    Expect(NT_SUCCESS(IoSetDeviceInterfaceState(&link, TRUE)) &&
               NT_SUCCESS(IoSetDeviceInterfaceState(&link, FALSE)),
           "G-IO-49 by which it is enabled and disabled");
    RtlFreeUnicodeString(&link);
    ExFreePoolWithTag(text.Buffer, TEST_TAG);
}

VOID CheckDeviceKeys(VOID)
{
    CheckKinds();
    CheckKeyErrors();
    CheckReferences();
    CheckRegistered();
}
