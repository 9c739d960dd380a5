/*
 * files.c - a device by handle, its name, and memory by address.
 */
#include "services.h"

#define SHARED_USER_DATA ((PUCHAR)(ULONG_PTR)0xFFFFF78000000000)

volatile ULONG NotedStep;

static VOID CheckFile(VOID)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\??\\services-test");
    ULONG number = 4711;
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK status;
    HANDLE handle;

    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    ExpectStatus(IoCreateFile(&handle, GENERIC_READ, &attributes, &status, NULL, 0, 0, FILE_OPEN, 0,
                              NULL, 0, CreateFileTypeMailslot, NULL, 0),
                 STATUS_INVALID_PARAMETER, "IoCreateFile makes no mailslot");
    ExpectStatus(IoCreateFile(&handle, GENERIC_READ, &attributes, &status, NULL, 0, 0, FILE_OPEN, 0,
                              NULL, 0, CreateFileTypeNone, NULL, 0),
                 STATUS_SUCCESS, "IoCreateFile opens a device");
    ExpectStatus(ZwDeviceIoControlFile(handle, NULL, NULL, NULL, &status, IOCTL_TEST_STEP, &number,
                                       sizeof(number), NULL, 0),
                 STATUS_SUCCESS, "ZwDeviceIoControlFile sends a request");
    ExpectEqual(NotedStep, number, "ZwDeviceIoControlFile: with its input");
    ExpectStatus(
        ZwDeviceIoControlFile(handle, NULL, NULL, NULL, &status, IOCTL_TEST_STEP, NULL, 0, NULL, 0),
        STATUS_INVALID_PARAMETER, "ZwDeviceIoControlFile tells the driver's status");
    ExpectStatus(status.Status, STATUS_INVALID_PARAMETER,
                 "ZwDeviceIoControlFile: in the status block, too");
    ZwClose(handle);
    ExpectStatus(ZwDeviceIoControlFile(handle, NULL, NULL, NULL, &status, IOCTL_TEST_STEP, &number,
                                       sizeof(number), NULL, 0),
                 STATUS_INVALID_HANDLE, "ZwDeviceIoControlFile refuses a closed handle");
}

static VOID CheckName(VOID)
{
    UNICODE_STRING expected = RTL_CONSTANT_STRING(L"\\Device\\ServicesName");
    ULONG64 buffer[16];
    LAG_OBJECT_NAME *name = (LAG_OBJECT_NAME *)buffer;
    PDEVICE_OBJECT device;
    ULONG needed = 0;

    if (!NT_SUCCESS(
            IoCreateDevice(TestDriver, 0, &expected, FILE_DEVICE_UNKNOWN, 0, FALSE, &device)))
        return;
    ExpectStatus(ObQueryNameString(device, NULL, 0, &needed), STATUS_INFO_LENGTH_MISMATCH,
                 "ObQueryNameString refuses no buffer");
    ExpectEqual(needed, sizeof(UNICODE_STRING) + expected.Length + sizeof(WCHAR),
                "ObQueryNameString: and tells what it needs");
    name->Name.Length = 0x5A5A;
    ExpectStatus(ObQueryNameString(device, name, needed - 1, &needed), STATUS_INFO_LENGTH_MISMATCH,
                 "ObQueryNameString refuses a buffer that is a byte short");
    ExpectEqual(name->Name.Length, 0x5A5A, "ObQueryNameString: and writes nothing there");
    ExpectStatus(ObQueryNameString(device, name, needed, &needed), STATUS_SUCCESS,
                 "ObQueryNameString tells a device's name");
    Expect(RtlEqualUnicodeString(&name->Name, &expected, TRUE), "ObQueryNameString: it is the one");
    IoDeleteDevice(device);
    ExpectStatus(ObQueryNameString(TestDriver, name, sizeof(buffer), &needed), STATUS_SUCCESS,
                 "ObQueryNameString tells a driver's name");
    Expect(name->Name.Length > 8 * sizeof(WCHAR) && name->Name.Buffer[1] == 'D' &&
               name->Name.Buffer[2] == 'r',
           "ObQueryNameString: it begins with \\Driver");
    ExpectStatus(ObQueryNameString(PsGetCurrentThread(), name, sizeof(buffer), &needed),
                 STATUS_SUCCESS, "ObQueryNameString of a thread succeeds");
    Expect(name->Name.Length == 0 && needed == sizeof(UNICODE_STRING),
           "ObQueryNameString: it has no name");
}

typedef NTSTATUS(NTAPI *COPY_MEMORY)(PVOID TargetAddress, LAG_COPY_ADDRESS SourceAddress,
                                     SIZE_T NumberOfBytes, ULONG Flags, PSIZE_T Transferred);

static VOID CheckCopy(VOID)
{
    COPY_MEMORY copyMemory = TestRoutine(L"MmCopyMemory");
    PHYSICAL_MEMORY_RANGE *ranges = MmGetPhysicalMemoryRanges();
    ULONG word = 0xC0FFEE11, copy = 0;
    LAG_COPY_ADDRESS address;
    BOOLEAN inside = FALSE, sane = TRUE;
    LONGLONG physical = MmGetPhysicalAddress(TestDriver).QuadPart;
    SIZE_T done = 1;

    Expect(ranges != NULL, "MmGetPhysicalMemoryRanges tells ranges");
    for (ULONG i = 0; ranges != NULL && ranges[i].NumberOfBytes.QuadPart != 0; i++) {
        LONGLONG distance = physical - ranges[i].BaseAddress.QuadPart;

        inside |= distance >= 0 && distance < ranges[i].NumberOfBytes.QuadPart;
        sane &=
            (ranges[i].BaseAddress.QuadPart | ranges[i].NumberOfBytes.QuadPart) % PAGE_SIZE == 0;
    }
    Expect(inside, "MmGetPhysicalMemoryRanges: a pool block lies in one");
    Expect(sane, "MmGetPhysicalMemoryRanges: they are of whole pages");
    if (ranges != NULL)
        ExFreePool(ranges);
    address.VirtualAddress = &word;
    ExpectStatus(copyMemory(&copy, address, sizeof(copy), 2, &done), STATUS_SUCCESS,
                 "MmCopyMemory copies from an address");
    Expect(copy == word && done == sizeof(copy), "MmCopyMemory: all of it");
    copy = 0;
    address.PhysicalAddress.QuadPart = MmGetPhysicalAddress(&word).QuadPart;
    ExpectStatus(copyMemory(&copy, address, sizeof(copy), 1, &done), STATUS_SUCCESS,
                 "MmCopyMemory copies from a physical address");
    ExpectEqual(copy, word, "MmCopyMemory: the same bytes");
    address.VirtualAddress = (PVOID)(LONG_PTR)-0x10000;
    ExpectStatus(copyMemory(&copy, address, sizeof(copy), 2, &done), STATUS_ACCESS_VIOLATION,
                 "MmCopyMemory fails where nothing is mapped");
    ExpectEqual(done, 0, "MmCopyMemory: and says that nothing was copied");
    ExpectStatus(copyMemory(&copy, address, sizeof(copy), 3, &done), STATUS_INVALID_PARAMETER,
                 "MmCopyMemory refuses both kinds at once");
    address.VirtualAddress = SHARED_USER_DATA + PAGE_SIZE - 2; /* nothing is behind that page */
    ExpectStatus(copyMemory(&copy, address, sizeof(copy), 2, &done), STATUS_ACCESS_VIOLATION,
                 "MmCopyMemory stops at the first page that is not there");
    ExpectEqual(done, 2, "MmCopyMemory: and says how much came before");
    ExpectStatus(copyMemory(&copy, address, sizeof(copy), 0, &done), STATUS_INVALID_PARAMETER,
                 "MmCopyMemory refuses neither kind");
    address.VirtualAddress = TestFind(TestKindEdu, 0)->Registers;
    ExpectStatus(copyMemory(&copy, address, sizeof(copy), 2, &done), STATUS_ACCESS_VIOLATION,
                 "MmCopyMemory does not read registers");
    address.PhysicalAddress = MmGetPhysicalAddress(TestFind(TestKindEdu, 0)->Registers);
    ExpectStatus(copyMemory(&copy, address, sizeof(copy), 1, &done), STATUS_ACCESS_VIOLATION,
                 "MmCopyMemory does not read them by their physical address either");
    ExpectEqual(done, 0, "MmCopyMemory: nothing was copied of them");
}

VOID CheckFiles(VOID)
{
    CheckFile();
    CheckName();
    CheckCopy();
}
