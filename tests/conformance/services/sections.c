/*
 * sections.c - views of physical memory: an edu device's registers, read through one.
 */
#include "services.h"

#define EDU_IDENTIFICATION 0x010000ED
#define GRANULARITY 0x10000

static HANDLE Section;

static NTSTATUS Map(ULONG64 Physical, SIZE_T Size, ULONG Protect, PVOID *Base,
                    PLARGE_INTEGER Offset, PSIZE_T ViewSize)
{
    *Base = NULL;
    Offset->QuadPart = (LONGLONG)Physical;
    *ViewSize = Size;
    return ZwMapViewOfSection(Section, ZwCurrentProcess(), Base, 0, Size, Offset, ViewSize,
                              ViewShare, 0, Protect);
}

static VOID CheckView(ULONG64 Physical)
{
    LARGE_INTEGER offset;
    SIZE_T size;
    PVOID base;
    ULONG distance;

    ExpectStatus(Map(Physical, 4, PAGE_READWRITE | PAGE_NOCACHE, &base, &offset, &size),
                 STATUS_SUCCESS, "ZwMapViewOfSection maps registers");
    distance = (ULONG)(Physical - (ULONG64)offset.QuadPart);
    Expect(offset.QuadPart % GRANULARITY == 0 && distance < GRANULARITY,
           "ZwMapViewOfSection: the offset is rounded down to 64 KiB, and told");
    Expect(size >= distance + 4 && size % PAGE_SIZE == 0,
           "ZwMapViewOfSection: the view ends behind what was asked for, and tells its size");
    ExpectEqual(*(volatile ULONG *)((PUCHAR)base + distance) & 0xFF0000FF,
                EDU_IDENTIFICATION & 0xFF0000FF, "ZwMapViewOfSection: the registers are there");
    ExpectStatus(ZwUnmapViewOfSection(ZwCurrentProcess(), (PUCHAR)base + distance), STATUS_SUCCESS,
                 "ZwUnmapViewOfSection takes any address of the view");
    ExpectStatus(ZwUnmapViewOfSection(ZwCurrentProcess(), base), STATUS_NOT_MAPPED_VIEW,
                 "ZwUnmapViewOfSection refuses what is unmapped");
}

static VOID CheckMemory(VOID)
{
    ULONG *word = ExAllocatePoolWithTag(NonPagedPool, sizeof(ULONG), TEST_TAG);
    ULONG64 physical;
    LARGE_INTEGER offset;
    SIZE_T size;
    PVOID base;

    if (word == NULL)
        return;
    *word = 0x5EC71045;
    physical = (ULONG64)MmGetPhysicalAddress(word).QuadPart;
    ExpectStatus(Map(physical, sizeof(ULONG), PAGE_READONLY, &base, &offset, &size), STATUS_SUCCESS,
                 "ZwMapViewOfSection maps memory, to read");
    ExpectEqual(*(ULONG *)((PUCHAR)base + (physical - (ULONG64)offset.QuadPart)), 0x5EC71045,
                "ZwMapViewOfSection: what was written elsewhere is read");
    ZwUnmapViewOfSection(ZwCurrentProcess(), base);
    ExFreePoolWithTag(word, TEST_TAG);
}

static VOID CheckRefusals(ULONG64 Physical)
{
    LARGE_INTEGER offset;
    SIZE_T size = PAGE_SIZE;
    PVOID base = (PVOID)0x10000;

    offset.QuadPart = (LONGLONG)Physical;
    ExpectStatus(ZwMapViewOfSection(Section, ZwCurrentProcess(), &base, 0, 0, &offset, &size,
                                    ViewShare, 0, PAGE_READWRITE),
                 STATUS_CONFLICTING_ADDRESSES, "ZwMapViewOfSection chooses the address itself");
    ExpectStatus(Map(Physical, 0, PAGE_READWRITE, &base, &offset, &size), STATUS_INVALID_VIEW_SIZE,
                 "ZwMapViewOfSection refuses a view of nothing");
    ExpectStatus(Map(Physical, 4, 0, &base, &offset, &size), STATUS_INVALID_PAGE_PROTECTION,
                 "ZwMapViewOfSection refuses a protection that is none");
    base = NULL;
    ExpectStatus(ZwMapViewOfSection(Section, ZwCurrentProcess(), &base, 0, 0, &offset, &size,
                                    (SECTION_INHERIT)0, 0, PAGE_READWRITE),
                 STATUS_INVALID_PARAMETER, "ZwMapViewOfSection refuses an inheritance of 0");
    ExpectStatus(ZwMapViewOfSection((HANDLE)0x7FFFFFFC, ZwCurrentProcess(), &base, 0, 0, &offset,
                                    &size, ViewShare, 0, PAGE_READWRITE),
                 STATUS_INVALID_HANDLE, "ZwMapViewOfSection refuses a handle that is none");
}

VOID CheckSections(VOID)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\device\\physicalmemory");
    UNICODE_STRING other = RTL_CONSTANT_STRING(L"\\Device\\PhysicalMemories");
    PTEST_DEVICE device = TestFind(TestKindEdu, 0);
    OBJECT_ATTRIBUTES attributes;
    ULONG64 physical;

    InitializeObjectAttributes(&attributes, &other, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    ExpectStatus(ZwOpenSection(&Section, SECTION_ALL_ACCESS, &attributes),
                 STATUS_OBJECT_NAME_NOT_FOUND, "ZwOpenSection refuses a name that is none");
    attributes.ObjectName = &name;
    ExpectStatus(ZwOpenSection(&Section, SECTION_ALL_ACCESS, &attributes), STATUS_SUCCESS,
                 "ZwOpenSection opens \\Device\\PhysicalMemory");
    physical = (ULONG64)MmGetPhysicalAddress(device->Registers).QuadPart;
    CheckView(physical);
    CheckMemory();
    CheckRefusals(physical);
    ZwClose(Section);
    ExpectStatus(ZwOpenSection(&Section, SECTION_ALL_ACCESS, &attributes), STATUS_SUCCESS,
                 "ZwOpenSection opens it again after the last handle is closed");
    ZwClose(Section);
}
