/*
 * pnp/shutdown.c - the end: what devices are told before the machine goes off.
 *
 *   IRP_MJ_SHUTDOWN to those registered -> SET_POWER PowerSystemShutdown to every stack, from which
 *   drivers make D3 -> QUERY_REMOVE_DEVICE, REMOVE_DEVICE
 *
 * Windows ends with the power requests. Here each device is removed as well, so that a driver's
 * leftovers are seen; one that refuses, or keeps a power request, stays, and so do the devices it
 * hangs from. Removal is given a time: it must not keep a machine from going off.
 *
 * Owns: this order. Owns not: the requests (io/shutdown.c, pnp/power.c, pnp/remove.c).
 */
#include <lib/assert.h>
#include <lib/log.h>

#include "io/alloc.h"
#include "pnp/pnp.h"
#include "pnp/power.h"

enum { REMOVAL_TIMEOUT_S = 20 };

/* Shared by two threads; freed by the later. */
struct removal {
    WORK_QUEUE_ITEM item;
    KEVENT done;
    volatile LONG references;
    const char *volatile now; /* the device being removed */
};

static void removal_release(struct removal *removal)
{
    if (InterlockedDecrement(&removal->references) == 0)
        io_free(removal);
}

/* Deepest first. False: it stays, or something that hangs from it does. */
static bool tree_remove(struct removal *removal, struct pnp_devnode *node)
{
    bool all = true;

    for (struct pnp_devnode *child = node->first_child; child != NULL; child = child->next)
        all &= tree_remove(removal, child);
    if (!all || node->pdo == NULL || pnp_power_is_busy(node->pdo))
        return false;
    removal->now = node->instance;
    return NT_SUCCESS(pnp_remove(node, false));
}

static VOID NTAPI removal_run(PVOID context)
{
    struct removal *removal = context;

    tree_remove(removal, &pnp_root);
    KeSetEvent(&removal->done, IO_NO_INCREMENT, FALSE);
    removal_release(removal);
}

/* The action lock stays held: the worker acts for this thread. */
static void remove_all(void)
{
    LARGE_INTEGER timeout = {.QuadPart = -10000000ll * REMOVAL_TIMEOUT_S};
    struct removal *removal = io_allocate(sizeof(*removal), IO_TAG_PNP);

    if (removal == NULL)
        return;
    removal->references = 2;
    removal->now = "first device";
    KeInitializeEvent(&removal->done, NotificationEvent, FALSE);
    ExInitializeWorkItem(&removal->item, removal_run, removal);
    ExQueueWorkItem(&removal->item, CriticalWorkQueue);
    if (KeWaitForSingleObject(&removal->done, Executive, KernelMode, FALSE, &timeout) ==
        STATUS_TIMEOUT)
        log_error("pnp: %s: not removed after %u s: the machine goes off without it", removal->now,
                  (unsigned)REMOVAL_TIMEOUT_S);
    removal_release(removal);
}

void pnp_shutdown(POWER_ACTION action)
{
    ASSERT_IRQL(PASSIVE_LEVEL);
    pnp_lock();
    io_shutdown_notify();
    pnp_power_shutdown(action);
    remove_all();
    pnp_unlock();
}
