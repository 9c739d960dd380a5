/*
 * ke/notify.c - PsSetCreateThreadNotifyRoutine and its kin.
 *
 * Three tables of routines. A slot counts the calls under way, and removal waits for them, so a
 * routine's code may go once its removal has returned; a routine does not remove itself.
 *
 * There is one process from boot on, and none is ever created: process routines are registered and
 * removed, and never called.
 */
#include "ke/notify.h"

#include <lib/assert.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/ntddk.h>

enum {
    NOTIFY_MAX = 64, /* a kind; Windows' number since Vista */
    NOTIFY_NAME_MAX = 128,
    IMAGE_ADDRESSING_MODE_32BIT = 3, /* WDK: IMAGE_INFO; the only mode there is */
    NOTIFY_POLL = 10000,             /* 1 ms, in 100 ns units */
};

struct notify_slot {
    void *volatile routine;  /* (a) NULL: free */
    volatile uint32_t calls; /* (a) under way */
};

struct notify_table {
    struct notify_slot slots[NOTIFY_MAX];
    volatile uint32_t used; /* (a) slots ever used: the rest need no look */
};

static struct notify_table process_table, thread_table, image_table;

static NTSTATUS notify_add(struct notify_table *table, void *routine)
{
    for (uint32_t i = 0; i < NOTIFY_MAX; i++) {
        void *expected = NULL;

        if (!__atomic_compare_exchange_n(&table->slots[i].routine, &expected, routine, false,
                                         __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            continue;
        uint32_t used = table->used;
        while (used <= i && !__atomic_compare_exchange_n(&table->used, &used, i + 1, false,
                                                         __ATOMIC_RELEASE, __ATOMIC_RELAXED))
            continue;
        return STATUS_SUCCESS;
    }
    return STATUS_INSUFFICIENT_RESOURCES;
}

static bool notify_has(const struct notify_table *table, const void *routine)
{
    for (uint32_t i = 0; i < table->used; i++) {
        if (table->slots[i].routine == routine)
            return true;
    }
    return false;
}

static NTSTATUS notify_remove(struct notify_table *table, void *routine)
{
    LARGE_INTEGER moment = {.QuadPart = -NOTIFY_POLL};

    for (uint32_t i = 0; i < table->used; i++) {
        struct notify_slot *slot = &table->slots[i];
        void *expected = routine;

        if (!__atomic_compare_exchange_n(&slot->routine, &expected, NULL, false, __ATOMIC_SEQ_CST,
                                         __ATOMIC_RELAXED))
            continue;
        while (__atomic_load_n(&slot->calls, __ATOMIC_SEQ_CST))
            KeDelayExecutionThread(KernelMode, FALSE, &moment);
        return STATUS_SUCCESS;
    }
    return STATUS_PROCEDURE_NOT_FOUND;
}

/* The slot's routine, or NULL; pairs with notify_leave() in either case. */
static void *notify_enter(struct notify_slot *slot)
{
    __atomic_add_fetch(&slot->calls, 1, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&slot->routine, __ATOMIC_SEQ_CST);
}

static void notify_leave(struct notify_slot *slot)
{
    __atomic_sub_fetch(&slot->calls, 1, __ATOMIC_SEQ_CST);
}

void ke_notify_thread(uint64_t thread_id, bool created)
{
    for (uint32_t i = 0; i < thread_table.used; i++) {
        PCREATE_THREAD_NOTIFY_ROUTINE routine = notify_enter(&thread_table.slots[i]);

        if (routine)
            routine(PsGetCurrentProcessId(), (HANDLE)thread_id, created);
        notify_leave(&thread_table.slots[i]);
    }
}

void ke_notify_image(const char *name, uint64_t base, uint64_t size)
{
    WCHAR text[NOTIFY_NAME_MAX];
    UNICODE_STRING path = {.Buffer = text, .MaximumLength = sizeof text};
    IMAGE_INFO info = {.ImageAddressingMode = IMAGE_ADDRESSING_MODE_32BIT,
                       .SystemModeImage = 1,
                       .ImageBase = (PVOID)base,
                       .ImageSize = size};
    size_t length = lib_wide_from_utf8(text, NOTIFY_NAME_MAX, name, strlen(name));

    path.Length = (USHORT)((length < NOTIFY_NAME_MAX ? length : NOTIFY_NAME_MAX) * sizeof(WCHAR));
    for (uint32_t i = 0; i < image_table.used; i++) {
        PLOAD_IMAGE_NOTIFY_ROUTINE routine = notify_enter(&image_table.slots[i]);

        if (routine)
            routine(&path, NULL, &info); /* process 0: a driver */
        notify_leave(&image_table.slots[i]);
    }
}

/* WDK surface */

NTSTATUS NTAPI PsSetCreateProcessNotifyRoutine(PCREATE_PROCESS_NOTIFY_ROUTINE NotifyRoutine,
                                               BOOLEAN Remove)
{
    ASSERT_IRQL(PASSIVE_LEVEL);
    if (Remove)
        return notify_remove(&process_table, NotifyRoutine);
    if (notify_has(&process_table, NotifyRoutine) ||
        !NT_SUCCESS(notify_add(&process_table, NotifyRoutine)))
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}
LDR_EXPORT(PsSetCreateProcessNotifyRoutine);

NTSTATUS NTAPI PsSetCreateThreadNotifyRoutine(PCREATE_THREAD_NOTIFY_ROUTINE NotifyRoutine)
{
    ASSERT_IRQL(PASSIVE_LEVEL);
    return notify_add(&thread_table, NotifyRoutine);
}
LDR_EXPORT(PsSetCreateThreadNotifyRoutine);

NTSTATUS NTAPI PsRemoveCreateThreadNotifyRoutine(PCREATE_THREAD_NOTIFY_ROUTINE NotifyRoutine)
{
    ASSERT_IRQL(APC_LEVEL);
    return notify_remove(&thread_table, NotifyRoutine);
}
LDR_EXPORT(PsRemoveCreateThreadNotifyRoutine);

NTSTATUS NTAPI PsSetLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE NotifyRoutine)
{
    ASSERT_IRQL(PASSIVE_LEVEL);
    return notify_add(&image_table, NotifyRoutine);
}
LDR_EXPORT(PsSetLoadImageNotifyRoutine);

NTSTATUS NTAPI PsRemoveLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE NotifyRoutine)
{
    ASSERT_IRQL(APC_LEVEL);
    return notify_remove(&image_table, NotifyRoutine);
}
LDR_EXPORT(PsRemoveLoadImageNotifyRoutine);
