/*
 * verifier/objects.c - what is still in use in memory that a driver gives away, and what would
 * still call into a driver that is gone (DV-5, DV-14; BC-C7-1).
 *
 * Timers, DPCs and work items are looked for in the kernel's queues, lookaside lists and executive
 * resources in live.c, where they are from initialization to deletion.
 */
#include "verifier/internal.h"

#include <lib/bits.h>
#include <nt/bugcodes.h>

#include "ke/dispatcher.h"
#include "ke/dpc_list.h"
#include "ke/ke.h"
#include "ke/thread.h"
#include "mm/pool.h"

/* Parameter 1 of bug check 0xC7, BC-C7-1. */
enum { TIMER_IN_MEMORY = 0, DPC_IN_MEMORY = 1, DPC_ROUTINE_IN_MEMORY = 2 };

/* Parameter 1 of bug check 0xE4 (WDK "Bug Check 0xE4"). */
enum { WORK_ITEM_IN_MEMORY = 0, IO_WORK_ITEM_FREED = 2 };

/* Parameter 1 of bug check 0xC4, BC-C4-1. */
enum { LOCK_FREED = 0x100B };

struct memory_range {
    uint64_t base;
    uint64_t size;
    uint64_t where;  /* who gives it away */
    const char *how; /* "frees memory", to go before "with ..." */
};

static bool is_in(const struct memory_range *range, uint64_t address)
{
    return address - range->base < range->size;
}

/* ---- lookaside lists and resources ----------------------------------------------------------- */

static const struct verifier_live_kind lookaside_kind = {.name = "lookaside list",
                                                         .rule = "lookaside lists",
                                                         .again = 0xCA,
                                                         .unknown = 0xCB,
                                                         .freed = 0xCC},
                                       resource_kind = {.name = "resource",
                                                        .rule = "resources",
                                                        .again = 0xD0,
                                                        .unknown = 0xD1,
                                                        .freed = 0xD2};

static void check_init_lookaside(const char *routine, const uint64_t *frame)
{
    (void)routine;
    if (IS_ALIGNED(frame[1], sizeof(SLIST_HEADER))) /* else the routine raises an exception */
        verifier_live_add(&lookaside_kind, frame[1], frame[CALL_RETURN], 0);
}

static void check_delete_lookaside(const char *routine, const uint64_t *frame)
{
    (void)routine;
    verifier_live_remove(&lookaside_kind, frame[1], frame[CALL_RETURN]);
}

static void check_init_resource(const char *routine, const uint64_t *frame)
{
    (void)routine;
    verifier_live_add(&resource_kind, frame[1], frame[CALL_RETURN], 0);
}

static void check_delete_resource(const char *routine, const uint64_t *frame)
{
    (void)routine;
    verifier_live_remove(&resource_kind, frame[1], frame[CALL_RETURN]);
}

/* This one may fail. */
static NTSTATUS NTAPI initialize_lookaside_ex(PLOOKASIDE_LIST_EX Lookaside,
                                              PALLOCATE_FUNCTION_EX Allocate,
                                              PFREE_FUNCTION_EX Free, POOL_TYPE PoolType,
                                              ULONG Flags, SIZE_T Size, ULONG Tag, USHORT Depth)
{
    NTSTATUS status =
        ExInitializeLookasideListEx(Lookaside, Allocate, Free, PoolType, Flags, Size, Tag, Depth);

    if (NT_SUCCESS(status))
        verifier_live_add(&lookaside_kind, (uint64_t)Lookaside,
                          (uint64_t)__builtin_return_address(0), 0);
    return status;
}

static void find_live(const struct memory_range *range)
{
    struct verifier_finding finding = {0};
    struct verifier_live found;

    if (!verifier_live_in_memory(range->base, range->size, &found))
        return;
    finding.rule = found.kind->rule;
    finding.parameters[0] = found.kind->freed;
    finding.parameters[1] = found.object;
    finding.parameters[2] = range->base;
    finding.parameters[3] = range->size;
    verifier_stop(&finding, range->where, "%s with a %s not deleted, %p", range->how,
                  found.kind->name, (void *)found.object);
}

/* ---- timers and DPCs ------------------------------------------------------------------------- */

static bool timer_is_in(PKTIMER timer, const void *context)
{
    return is_in(context, (uint64_t)timer) ||
           (timer->Dpc && is_in(context, verifier_dpc_routine(timer->Dpc)));
}

static void find_timer(const struct memory_range *range)
{
    PKTIMER timer = ke_timer_find(timer_is_in, range);
    struct verifier_finding finding = {
        .bugcheck = TIMER_OR_DPC_INVALID,
        .parameters = {TIMER_IN_MEMORY, (uint64_t)timer, range->base, range->base + range->size},
        .rule = "timers"};

    if (!timer)
        return;
    if (!is_in(range, (uint64_t)timer)) {
        finding.parameters[0] = DPC_ROUTINE_IN_MEMORY;
        finding.parameters[1] = (uint64_t)timer->Dpc;
    }
    verifier_stop(&finding, range->where, "%s with a timer set, %p", range->how, (void *)timer);
}

struct dpc_search {
    const struct memory_range *range;
    PKDPC found;
};

static void see_dpc(PKDPC dpc, void *context)
{
    struct dpc_search *search = context;

    if (is_in(search->range, (uint64_t)dpc) || is_in(search->range, verifier_dpc_routine(dpc)))
        search->found = dpc;
}

static void find_dpc(const struct memory_range *range)
{
    struct dpc_search search = {range, NULL};
    struct verifier_finding finding = {
        .bugcheck = TIMER_OR_DPC_INVALID,
        .parameters = {DPC_IN_MEMORY, 0, range->base, range->base + range->size},
        .rule = "DPCs"};

    for (uint32_t cpu = 0; cpu < hal_cpu_count(); cpu++) {
        ke_dpc_visit(cpu, see_dpc, &search);
        ke_threaded_dpc_visit(cpu, see_dpc, &search);
    }
    if (!search.found)
        return;
    finding.parameters[1] = (uint64_t)search.found;
    if (!is_in(range, (uint64_t)search.found))
        finding.parameters[0] = DPC_ROUTINE_IN_MEMORY;
    verifier_stop(&finding, range->where, "%s with a DPC queued, %p", range->how,
                  (void *)search.found);
}

/* ---- work items, threads, locks -------------------------------------------------------------- */

static bool item_is_in(PWORK_QUEUE_ITEM item, const void *context)
{
    return is_in(context, (uint64_t)item) || is_in(context, (uint64_t)item->WorkerRoutine);
}

static void find_work_item(const struct memory_range *range)
{
    PWORK_QUEUE_ITEM item = ke_work_find(item_is_in, range);
    const struct verifier_finding finding = {
        .bugcheck = WORKER_INVALID,
        .parameters = {WORK_ITEM_IN_MEMORY, (uint64_t)item, range->base, range->base + range->size},
        .rule = "work items"};

    if (item)
        verifier_stop(&finding, range->where, "%s with a work item queued, %p", range->how,
                      (void *)item);
}

static void check_free_work_item(const char *routine, const uint64_t *frame)
{
    const struct memory_range range = {frame[1], 1, 0, NULL};
    PWORK_QUEUE_ITEM item = ke_work_find(item_is_in, &range);
    const struct verifier_finding finding = {
        .bugcheck = WORKER_INVALID,
        .parameters = {IO_WORK_ITEM_FREED, frame[1], item ? (uint64_t)item->WorkerRoutine : 0},
        .rule = "work items"};

    if (item)
        verifier_stop(&finding, frame[CALL_RETURN], "frees by %s the work item %p, which is queued",
                      routine, (void *)item);
}

struct thread_search {
    const struct memory_range *range;
    uint64_t routine;
};

static void see_thread(PKTHREAD thread, void *context)
{
    struct thread_search *search = context;

    if (thread->header.SignalState == 0 && is_in(search->range, (uint64_t)thread->start_routine))
        search->routine = (uint64_t)thread->start_routine;
}

/* Where it would go on there is nothing any more: the fault that Windows reports then. */
static void find_thread(const struct memory_range *range)
{
    struct thread_search search = {range, 0};
    struct verifier_finding finding = {
        .bugcheck = DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS, .rule = "threads"};

    ke_thread_for_each(see_thread, &search);
    if (!search.routine)
        return;
    finding.parameters[0] = finding.parameters[2] = search.routine;
    verifier_stop(&finding, search.routine, "(a thread) runs on when its driver is unloaded");
}

static bool apc_is_in(PKAPC apc, const void *context)
{
    return is_in(context, (uint64_t)apc) || is_in(context, (uint64_t)apc->KernelRoutine) ||
           is_in(context, (uint64_t)apc->NormalRoutine);
}

static void find_apc(const struct memory_range *range)
{
    PKAPC apc = ke_apc_find(apc_is_in, range);
    struct verifier_finding finding = {
        .bugcheck = DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS, .rule = "APCs"};

    if (!apc)
        return;
    finding.parameters[0] = finding.parameters[2] = (uint64_t)apc->KernelRoutine;
    verifier_stop(&finding, range->where, "%s with an APC queued, %p", range->how, (void *)apc);
}

static void find_lock(const struct memory_range *range)
{
    const struct verifier_lock *held = verifier_lock_held_in(range->base, range->size);
    struct verifier_finding finding = {.parameters = {LOCK_FREED}, .rule = "lock order"};
    PKTHREAD owner = ke_thread_current();
    const void *lock = held ? held->lock : verifier_mutex_held_in(range->base, range->size, &owner);

    if (!lock)
        return;
    finding.parameters[1] = (uint64_t)lock;
    finding.parameters[2] = (uint64_t)owner;
    verifier_stop(&finding, range->where, "%s with a lock held, %p", range->how, lock);
}

/* ---- internal.h ------------------------------------------------------------------------------ */

static void find_all(const struct memory_range *range)
{
    find_lock(range);
    find_live(range);
    find_timer(range);
    find_dpc(range);
    find_work_item(range);
}

void verifier_memory_freed(uint64_t base, uint64_t size, uint64_t where)
{
    const struct memory_range range = {base, size, where, "frees memory"};

    find_all(&range);
}

void verifier_objects_unloading(uint64_t base, uint64_t size)
{
    const struct memory_range range = {base, size, base, "was unloaded"};

    find_all(&range);
    find_apc(&range);
    verifier_registrations_unloading(base, size);
    find_thread(&range);
    verifier_memory_forget((const void *)base, size);
}

/* The device object and its extension: both go with the last reference. */
static void check_delete_device(const char *routine, const uint64_t *frame)
{
    PDEVICE_OBJECT device = (PDEVICE_OBJECT)frame[1];
    const struct memory_range range = {(uint64_t)device, device->Size, frame[CALL_RETURN],
                                       "deletes a device"};

    (void)routine;
    find_all(&range);
    verifier_wmi_device_deleted(device, frame[CALL_RETURN]);
}

const struct verifier_special verifier_object_specials[] = {
    {"ExInitializeNPagedLookasideList", check_init_lookaside, NULL},
    {"ExInitializePagedLookasideList", check_init_lookaside, NULL},
    {"ExInitializeLookasideListEx", NULL, initialize_lookaside_ex},
    {"ExDeleteNPagedLookasideList", check_delete_lookaside, NULL},
    {"ExDeletePagedLookasideList", check_delete_lookaside, NULL},
    {"ExDeleteLookasideListEx", check_delete_lookaside, NULL},
    {"ExInitializeResourceLite", check_init_resource, NULL},
    {"ExDeleteResourceLite", check_delete_resource, NULL},
    {"IoFreeWorkItem", check_free_work_item, NULL},
    {"IoDeleteDevice", check_delete_device, NULL},
    {0},
};
