/*
 * regions.c - memory of the process: reserved, committed, decommitted, released.
 */
#include "objects.h"

#define PAGES 4
#define SIZE ((SIZE_T)PAGES * PAGE_SIZE)

static NTSTATUS Allocate(PVOID *Base, PSIZE_T Size, ULONG Type, ULONG Protect)
{
    return ZwAllocateVirtualMemory(NtCurrentProcess(), Base, 0, Size, Type, Protect);
}

static NTSTATUS Free(PVOID *Base, PSIZE_T Size, ULONG Type)
{
    return ZwFreeVirtualMemory(NtCurrentProcess(), Base, Size, Type);
}

static BOOLEAN IsZero(const UCHAR *Bytes, SIZE_T Count)
{
    while (Count != 0 && Bytes[Count - 1] == 0)
        Count--;
    return Count == 0;
}

static VOID CheckRefused(VOID)
{
    HANDLE key = OpenKey();
    PVOID base = NULL;
    SIZE_T size = SIZE, none = 0;

    ExpectStatus(ZwAllocateVirtualMemory(NO_HANDLE, &base, 0, &size, MEM_COMMIT, PAGE_READWRITE),
                 STATUS_INVALID_HANDLE,
                 "ZwAllocateVirtualMemory refuses a handle that there is not");
    ExpectStatus(ZwAllocateVirtualMemory(key, &base, 0, &size, MEM_COMMIT, PAGE_READWRITE),
                 STATUS_OBJECT_TYPE_MISMATCH, "one of something else");
    ZwClose(key);
    ExpectStatus(Allocate(&base, &none, MEM_COMMIT, PAGE_READWRITE), STATUS_INVALID_PARAMETER_4,
                 "a region of no bytes");
    ExpectStatus(Allocate(&base, &size, 0, PAGE_READWRITE), STATUS_INVALID_PARAMETER_5,
                 "a type that neither reserves nor commits");
    ExpectStatus(Allocate(&base, &size, MEM_COMMIT, 0), STATUS_INVALID_PAGE_PROTECTION,
                 "an unknown protection");
    ExpectStatus(
        ZwAllocateVirtualMemory(NtCurrentProcess(), &base, 64, &size, MEM_COMMIT, PAGE_READWRITE),
        STATUS_INVALID_PARAMETER_3, "and more zero bits than an address has");
    base = &base;
    ExpectStatus(Free(&base, &size, MEM_RELEASE), STATUS_MEMORY_NOT_ALLOCATED,
                 "ZwFreeVirtualMemory refuses what is no region");
    ExpectStatus(Free(&base, &size, 0), STATUS_INVALID_PARAMETER_4,
                 "and to do neither of what it can");
    ExpectStatus(ZwFreeVirtualMemory(NO_HANDLE, &base, &size, MEM_RELEASE), STATUS_INVALID_HANDLE,
                 "for a handle that there is");
    ExpectStatus(ZwFreeVirtualMemory(NtCurrentThread(), &base, &size, MEM_RELEASE),
                 STATUS_OBJECT_TYPE_MISMATCH, "ZwFreeVirtualMemory refuses a process that is none");
}

static VOID CheckReset(PUCHAR Bytes)
{
    PVOID part = Bytes + 5, outside = &part;
    SIZE_T length = PAGE_SIZE;

    Bytes[0] = 9;
    ExpectStatus(Allocate(&part, &length, MEM_RESET, PAGE_READWRITE), STATUS_SUCCESS,
                 "MEM_RESET says that pages need not be kept");
    Expect(part == Bytes && length == 2 * PAGE_SIZE && Bytes[0] == 9,
           "which changes nothing of those in memory");
    ExpectStatus(Allocate(&part, &length, MEM_RESET | MEM_COMMIT, PAGE_READWRITE),
                 STATUS_INVALID_PARAMETER_5, "MEM_RESET goes with no other type");
    ExpectStatus(Allocate(&part, &length, MEM_RESET, 0), STATUS_INVALID_PAGE_PROTECTION,
                 "MEM_RESET needs a protection, too");
    part = Bytes;
    ExpectStatus(Allocate(&part, &length, MEM_RESET, PAGE_NOACCESS), STATUS_SUCCESS,
                 "MEM_RESET does not look at which");
    Expect(Bytes[0] == 9, "so that the pages can be accessed as before");
    ExpectStatus(Allocate(&outside, &length, MEM_RESET, PAGE_READWRITE),
                 STATUS_MEMORY_NOT_ALLOCATED, "MEM_RESET is for a region's pages");
}

static VOID CheckCommitted(VOID)
{
    PVOID base = NULL, part;
    SIZE_T size = SIZE - 5, length;
    PUCHAR bytes;

    ExpectStatus(Allocate(&base, &size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE), STATUS_SUCCESS,
                 "ZwAllocateVirtualMemory gives memory");
    Expect(base != NULL && BYTE_OFFSET(base) == 0 && size == SIZE, "in whole pages");
    bytes = base;
    Expect(IsZero(bytes, SIZE), "of zeros");
    bytes[0] = bytes[SIZE - 1] = 1;
    part = bytes + PAGE_SIZE + 7;
    length = 1;
    ExpectStatus(Free(&part, &length, MEM_DECOMMIT), STATUS_SUCCESS, "a page is decommitted");
    Expect(part == bytes + PAGE_SIZE && length == PAGE_SIZE && !MmIsAddressValid(part),
           "as a whole");
    ExpectStatus(Allocate(&part, &length, MEM_COMMIT, PAGE_READWRITE), STATUS_SUCCESS,
                 "and committed again");
    Expect(bytes[0] == 1 && bytes[SIZE - 1] == 1 && IsZero(bytes + PAGE_SIZE, PAGE_SIZE),
           "with zeros; the others are as they were");
    part = bytes + PAGE_SIZE;
    length = 0;
    ExpectStatus(Free(&part, &length, MEM_RELEASE), STATUS_FREE_VM_NOT_AT_BASE,
                 "a region is released by its base");
    part = bytes + PAGE_SIZE;
    length = 0;
    ExpectStatus(Free(&part, &length, MEM_DECOMMIT), STATUS_FREE_VM_NOT_AT_BASE,
                 "as it is decommitted, if no size is given");
    part = bytes + PAGE_SIZE;
    length = SIZE;
    ExpectStatus(Free(&part, &length, MEM_DECOMMIT), STATUS_UNABLE_TO_FREE_VM,
                 "and not beyond its end");
    part = bytes;
    length = SIZE;
    ExpectStatus(Allocate(&part, &length, MEM_RESERVE, PAGE_READWRITE),
                 STATUS_CONFLICTING_ADDRESSES, "what is reserved is not reserved again");
    part = bytes;
    length = SIZE + PAGE_SIZE;
    ExpectStatus(Allocate(&part, &length, MEM_COMMIT, PAGE_READWRITE), STATUS_CONFLICTING_ADDRESSES,
                 "what is not reserved is not committed");
    CheckReset(bytes);
    part = bytes;
    length = PAGE_SIZE;
    ExpectStatus(Free(&part, &length, MEM_RELEASE), STATUS_UNABLE_TO_FREE_VM,
                 "ZwFreeVirtualMemory does not release a part of a region");
    length = 0;
    ExpectStatus(Free(&part, &length, MEM_RELEASE), STATUS_SUCCESS,
                 "ZwFreeVirtualMemory releases a region");
    Expect(part == bytes && length == SIZE, "and tells how much");
    ExpectStatus(Free(&part, &length, MEM_RELEASE), STATUS_MEMORY_NOT_ALLOCATED, "once");
    Expect(!MmIsAddressValid(bytes), "then it is no memory");
}

/* Which pages of a region are committed, one bit each. */
static ULONG Committed(PUCHAR Region)
{
    ULONG i, pages = 0;

    for (i = 0; i < PAGES; i++)
        pages |= (ULONG)(MmIsAddressValid(Region + i * PAGE_SIZE) != 0) << i;
    return pages;
}

static VOID CheckReserved(VOID)
{
    PVOID base = NULL, part;
    SIZE_T size = SIZE, length = PAGE_SIZE;
    PUCHAR bytes;

    ExpectStatus(Allocate(&base, &size, MEM_RESERVE, PAGE_NOACCESS), STATUS_SUCCESS,
                 "a region may be reserved alone");
    bytes = base;
    ExpectEqual(Committed(bytes), 0, "there is no memory then");
    part = bytes + PAGE_SIZE;
    ExpectStatus(Allocate(&part, &length, MEM_COMMIT, PAGE_READWRITE), STATUS_SUCCESS,
                 "and a part of it committed");
    ExpectEqual(Committed(bytes), 2, "which is memory, and no other is");
    Expect(bytes[PAGE_SIZE] == 0, "with the access that it is committed for");
    bytes[PAGE_SIZE] = 7;
    part = base;
    length = SIZE;
    ExpectStatus(Allocate(&part, &length, MEM_COMMIT, PAGE_READWRITE), STATUS_SUCCESS,
                 "what is committed may be committed again, with what is not");
    Expect(Committed(bytes) == (1u << PAGES) - 1 && bytes[PAGE_SIZE] == 7 && bytes[0] == 0,
           "it keeps what is in it");
    part = bytes + PAGE_SIZE - 1;
    length = 2;
    ExpectStatus(Free(&part, &length, MEM_DECOMMIT), STATUS_SUCCESS,
                 "two bytes on two pages are decommitted with both");
    Expect(length == 2 * PAGE_SIZE && Committed(bytes) == (1u << PAGES) - 4, "as is told");
    part = base;
    length = SIZE;
    ExpectStatus(Free(&part, &length, MEM_DECOMMIT), STATUS_SUCCESS,
                 "what is not committed may be decommitted, with what is");
    ExpectEqual(Committed(bytes), 0, "then nothing is");
    size = 0;
    ExpectStatus(Free(&base, &size, MEM_RELEASE), STATUS_SUCCESS, "and the region is released");
}

VOID CheckVirtualMemory(VOID)
{
    CheckRefused();
    CheckCommitted();
    CheckReserved();
}
