/*
 * system.c - pool, threads, names, registry, mappings: each keeps its promise to all at once.
 */
#include "races.h"

#define ROUNDS 300
#define BLOCKS 24
#define THREADS 25
#define NAME_ROUNDS 100
#define KEY_ROUNDS 40
#define MAP_ROUNDS 60

typedef struct _SHARED {
    volatile LONG Wrong;
    volatile LONG Tried;
    volatile LONG Done;
    volatile LONG Holders[2]; /* of the device, of the link, whose names all want */
    SLIST_HEADER Passed;      /* blocks that one racer allocated and another will free */
} SHARED, *PSHARED;

/* ---- pool ------------------------------------------------------------------------------------ */

typedef struct _BLOCK {
    SLIST_ENTRY Link;
    ULONG Length;
    UCHAR Fill;
} BLOCK, *PBLOCK;

static VOID FreeBlock(PSHARED Shared, PBLOCK Block)
{
    PUCHAR bytes = (PUCHAR)(Block + 1);
    ULONG i;

    for (i = 0; i < Block->Length; i++) {
        if (bytes[i] != Block->Fill) {
            InterlockedIncrement(&Shared->Wrong);
            break;
        }
    }
    ExFreePoolWithTag(Block, TEST_TAG);
}

static VOID PoolRacer(PRACER Racer)
{
    PSHARED shared = Racer->Shared;
    ULONG i;

    for (i = 0; i < ROUNDS && RaceGoesOn(Racer); i++) {
        ULONG length = RaceRandom(Racer) >> 8 & (RaceRandom(Racer) & 0x700 ? 255 : 16383);
        PSLIST_ENTRY link;
        PBLOCK block = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(BLOCK) + length, TEST_TAG);

        InterlockedIncrement(&shared->Tried);
        if (block == NULL) {
            InterlockedIncrement(&shared->Wrong);
            continue;
        }
        block->Length = length;
        block->Fill = (UCHAR)RaceRandom(Racer);
        RtlFillMemory(block + 1, length, block->Fill);
        InterlockedPushEntrySList(&shared->Passed, &block->Link);
        InterlockedIncrement(&shared->Done);
        if (ExQueryDepthSList(&shared->Passed) < BLOCKS)
            continue;
        link = InterlockedPopEntrySList(&shared->Passed);
        if (link != NULL)
            FreeBlock(shared, CONTAINING_RECORD(link, BLOCK, Link));
    }
}

static VOID RacePool(PSHARED Shared)
{
    PSLIST_ENTRY link;

    Race(PoolRacer, Shared);
    while ((link = InterlockedPopEntrySList(&Shared->Passed)) != NULL)
        FreeBlock(Shared, CONTAINING_RECORD(link, BLOCK, Link));
    Expect(Shared->Wrong == 0 && Shared->Done == Shared->Tried && Shared->Done > 0,
           "a block of pool keeps what is in it until it is freed, on whichever processor");
}

/* ---- threads --------------------------------------------------------------------------------- */

static VOID NoteThread(PVOID Context)
{
    InterlockedIncrement(&((PSHARED)Context)->Done);
}

static VOID ThreadRacer(PRACER Racer)
{
    PSHARED shared = Racer->Shared;
    TEST_THREAD thread;
    ULONG i;

    for (i = 0; i < THREADS && RaceGoesOn(Racer); i++) {
        InterlockedIncrement(&shared->Tried);
        if (!TestThreadStart(&thread, RaceRandom(Racer) % TestProcessors(), NoteThread, shared))
            InterlockedIncrement(&shared->Wrong);
        RacePause(Racer);
        TestThreadJoin(&thread);
    }
}

/* ---- names ----------------------------------------------------------------------------------- */

/* Whoever made the one device or link of this name holds it alone until it is deleted. */
static VOID NameRacer(PRACER Racer)
{
    PSHARED shared = Racer->Shared;
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\races-one");
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\races-one");
    PDEVICE_OBJECT device;
    ULONG i;

    for (i = 0; i < NAME_ROUNDS && RaceGoesOn(Racer); i++) {
        BOOLEAN links = i % 2;
        NTSTATUS status =
            links ? IoCreateSymbolicLink(&link, &name)
                  : IoCreateDevice(TestDriver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);

        if (status == STATUS_OBJECT_NAME_COLLISION)
            continue;
        InterlockedIncrement(&shared->Tried);
        if (status != STATUS_SUCCESS || InterlockedIncrement(&shared->Holders[links]) != 1)
            InterlockedIncrement(&shared->Wrong);
        RacePause(Racer);
        InterlockedDecrement(&shared->Holders[links]);
        InterlockedIncrement(&shared->Done);
        if (!links)
            IoDeleteDevice(device);
        else if (IoDeleteSymbolicLink(&link) != STATUS_SUCCESS)
            InterlockedIncrement(&shared->Wrong);
    }
}

/* ---- registry -------------------------------------------------------------------------------- */

static VOID KeyRacer(PRACER Racer)
{
    PSHARED shared = Racer->Shared;
    UNICODE_STRING path = RTL_CONSTANT_STRING(L"\\Registry\\Machine\\System\\races");
    UNICODE_STRING value = RTL_CONSTANT_STRING(L"0");
    WCHAR text[2] = {(WCHAR)('0' + Racer->Index), 0};
    UCHAR buffer[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + sizeof(ULONG)];
    PKEY_VALUE_PARTIAL_INFORMATION information = (PVOID)buffer;
    OBJECT_ATTRIBUTES attributes;
    HANDLE key;
    ULONG i, length;

    value.Buffer = text;
    InitializeObjectAttributes(&attributes, &path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    for (i = 0; i < KEY_ROUNDS && RaceGoesOn(Racer); i++) {
        InterlockedIncrement(&shared->Tried);
        if (!NT_SUCCESS(ZwCreateKey(&key, KEY_ALL_ACCESS, &attributes, 0, NULL, REG_OPTION_VOLATILE,
                                    NULL))) {
            InterlockedIncrement(&shared->Wrong);
            continue;
        }
        if (!NT_SUCCESS(ZwSetValueKey(key, &value, 0, REG_DWORD, &i, sizeof(i))) ||
            !NT_SUCCESS(ZwQueryValueKey(key, &value, KeyValuePartialInformation, information,
                                        sizeof(buffer), &length)) ||
            *(PULONG)information->Data != i)
            InterlockedIncrement(&shared->Wrong);
        InterlockedIncrement(&shared->Done);
        ZwClose(key);
    }
}

/* ---- mappings -------------------------------------------------------------------------------- */

/* A page is seen through a second mapping; after that is gone its address may be another's. */
static VOID MapRacer(PRACER Racer)
{
    PSHARED shared = Racer->Shared;
    ULONG i;

    for (i = 0; i < MAP_ROUNDS && RaceGoesOn(Racer); i++) {
        PULONG page = ExAllocatePoolWithTag(NonPagedPoolNx, PAGE_SIZE, TEST_TAG);
        volatile ULONG *second;
        PMDL mdl;

        InterlockedIncrement(&shared->Tried);
        if (page == NULL) {
            InterlockedIncrement(&shared->Wrong);
            continue;
        }
        mdl = IoAllocateMdl(page, PAGE_SIZE, FALSE, FALSE, NULL);
        MmBuildMdlForNonPagedPool(mdl);
        *page = Racer->Index << 16 | i;
        second = MmMapIoSpace(MmGetPhysicalAddress(page), PAGE_SIZE, MmCached);
        if (second == NULL || *second != (Racer->Index << 16 | i))
            InterlockedIncrement(&shared->Wrong);
        RacePause(Racer);
        if (second != NULL) {
            *second = i;
            if (*page != i)
                InterlockedIncrement(&shared->Wrong);
            MmUnmapIoSpace((PVOID)second, PAGE_SIZE);
        }
        IoFreeMdl(mdl);
        ExFreePoolWithTag(page, TEST_TAG);
        InterlockedIncrement(&shared->Done);
    }
}

static VOID RaceFor(RACE_ROUTINE Routine, PCSTR Name)
{
    static SHARED shared;

    RtlZeroMemory(&shared, sizeof(shared));
    InitializeSListHead(&shared.Passed);
    Race(Routine, &shared);
    Expect(shared.Wrong == 0 && shared.Done == shared.Tried && shared.Done > 0, Name);
}

VOID RaceSystem(VOID)
{
    static SHARED shared;

    InitializeSListHead(&shared.Passed);
    shared.Wrong = shared.Tried = shared.Done = 0;
    RacePool(&shared);
    RaceFor(ThreadRacer, "threads made and ended by all run once each");
    RaceFor(NameRacer, "a name of a device or a link has one holder at a time");
    RaceFor(KeyRacer, "a registry value reads as its writer wrote it");
    RaceFor(MapRacer, "a page is the same through each of its mappings");
}
