/*
 * verifier/pool.c - pool calls that are wrong at once, and what a driver leaves behind at unload
 * (DV-4, DV-13; 0xC4/0x00 to 0x02, 0x11, 0x12, 0x62).
 *
 * IRPs, MDLs and work items count as blocks of who allocated them, whoever frees them.
 */
#include "verifier/internal.h"

#include <lib/bugcheck.h>
#include <lib/log.h>

#include "mm/pool.h"

enum {
    SIZE_ZERO = 0x00,
    PAGED_ABOVE_APC = 0x01,
    ALLOCATED_ABOVE_DISPATCH = 0x02,
    PAGED_FREED_ABOVE_APC = 0x11,
    FREED_ABOVE_DISPATCH = 0x12,
    UNLOADED_WITH_POOL = 0x62,
    LEAKS_SHOWN = 8,
    NAME_MAX = 96,
};

/* ---- calls ---------------------------------------------------------------------------------- */

static void check_request(const char *routine, const uint64_t *frame, bool paged, uint64_t type,
                          uint64_t size)
{
    irql_t irql = hal_irql_read();
    struct verifier_finding finding = {.parameters = {0, irql, type, size}, .rule = "pool"};
    const char *what;

    if (size == 0) {
        finding.parameters[0] = SIZE_ZERO;
        what = "asks for no bytes";
    } else if (paged && irql > APC_LEVEL) {
        finding.parameters[0] = PAGED_ABOVE_APC;
        what = "asks for paged pool above APC_LEVEL";
    } else if (irql > DISPATCH_LEVEL) {
        finding.parameters[0] = ALLOCATED_ABOVE_DISPATCH;
        what = "asks for pool above DISPATCH_LEVEL";
    } else {
        return;
    }
    verifier_stop(&finding, frame[CALL_RETURN], "%s by %s", what, routine);
}

static void check_allocate(const char *routine, const uint64_t *frame)
{
    uint32_t type = (uint32_t)frame[1];

    check_request(routine, frame, type & 1, type, frame[2]);
}

static void check_allocate2(const char *routine, const uint64_t *frame)
{
    check_request(routine, frame, frame[1] & POOL_FLAG_PAGED, frame[1], frame[2]);
}

static void check_free(const char *routine, const uint64_t *frame)
{
    irql_t irql = hal_irql_read();
    struct mm_pool_tracked record;
    struct verifier_finding finding = {
        .parameters = {FREED_ABOVE_DISPATCH, irql, NonPagedPool, frame[1]}, .rule = "pool"};

    if (irql > DISPATCH_LEVEL)
        verifier_stop(&finding, frame[CALL_RETURN], "frees pool above DISPATCH_LEVEL by %s",
                      routine);
    if (!mm_pool_tracked_find((const void *)frame[1], &record))
        return;
    if (record.is_paged && irql > APC_LEVEL) {
        finding.parameters[0] = PAGED_FREED_ABOVE_APC;
        finding.parameters[2] = PagedPool;
        verifier_stop(&finding, frame[CALL_RETURN], "frees paged pool above APC_LEVEL by %s",
                      routine);
    }
    verifier_irp_freed_as_pool(record.block, frame[CALL_RETURN]);
    verifier_memory_freed(frame[1], record.size, frame[CALL_RETURN]);
}

static PIRP NTAPI allocate_irp(CCHAR StackSize, BOOLEAN ChargeQuota)
{
    PIRP irp = IoAllocateIrp(StackSize, ChargeQuota);

    mm_pool_track_block(irp, IoSizeOfIrp(StackSize), MM_TAG("Irp "), false,
                        __builtin_return_address(0));
    return irp;
}

static PMDL NTAPI allocate_mdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer,
                               BOOLEAN ChargeQuota, PIRP Irp)
{
    PMDL mdl = IoAllocateMdl(VirtualAddress, Length, SecondaryBuffer, ChargeQuota, Irp);

    mm_pool_track_block(mdl, sizeof(*mdl), MM_TAG("Mdl "), false, __builtin_return_address(0));
    return mdl;
}

static PIO_WORKITEM NTAPI allocate_work_item(PDEVICE_OBJECT DeviceObject)
{
    PIO_WORKITEM item = IoAllocateWorkItem(DeviceObject);

    mm_pool_track_block(item, 0, MM_TAG("Work"), false, __builtin_return_address(0));
    return item;
}

const struct verifier_special verifier_pool_specials[] = {
    {"ExAllocatePool", check_allocate, NULL},
    {"ExAllocatePoolWithTag", check_allocate, NULL},
    {"ExAllocatePoolWithTagPriority", check_allocate, NULL},
    {"ExAllocatePoolWithQuota", check_allocate, NULL},
    {"ExAllocatePoolWithQuotaTag", check_allocate, NULL},
    {"ExAllocatePool2", check_allocate2, NULL},
    {"ExAllocatePool3", check_allocate2, NULL},
    {"ExFreePool", check_free, NULL},
    {"ExFreePoolWithTag", check_free, NULL},
    {"ExFreePool2", check_free, NULL},
    {"IoAllocateIrp", NULL, allocate_irp},
    {"IoAllocateMdl", NULL, allocate_mdl},
    {"IoAllocateWorkItem", NULL, allocate_work_item},
    {0},
};

/* ---- unload --------------------------------------------------------------------------------- */

static void show_leak(const struct mm_pool_tracked *leak)
{
    char tag[5] = {0}, name[NAME_MAX];

    for (uint32_t i = 0; i < 4; i++)
        tag[i] = (char)(leak->tag >> 8 * i);
    lib_symbol_describe((uint64_t)leak->caller, name, sizeof(name));
    log_error("verifier:   %p, %llu bytes, tag %s, allocated by %s", leak->block,
              (unsigned long long)leak->size, tag, name);
}

void verifier_pool_unloaded(const char *driver, uint64_t base, uint64_t size)
{
    static struct mm_pool_tracked leaks[LEAKS_SHOWN]; /* unloads come one at a time */
    size_t count = mm_pool_tracked_read(base, size, leaks, LEAKS_SHOWN);
    const struct verifier_finding finding = {
        .parameters = {UNLOADED_WITH_POOL, (uint64_t)driver, 0, count}, .rule = "pool tracking"};

    if (count == 0)
        return;
    for (size_t i = 0; i < count && i < LEAKS_SHOWN; i++)
        show_leak(&leaks[i]);
    verifier_stop(&finding, base, "was unloaded with %llu blocks of memory not freed",
                  (unsigned long long)count);
}
