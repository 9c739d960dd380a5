/*
 * pnp/shutdown.c - the end: what devices are told before the machine goes off.
 *
 *   IRP_MJ_SHUTDOWN to those registered -> SET_POWER PowerSystemShutdown to every stack, from which
 *   drivers make D3 -> QUERY_REMOVE_DEVICE, REMOVE_DEVICE
 *
 * Windows ends with the power requests. Here each device is removed as well, so that a driver's
 * leftovers are seen; one that refuses, or keeps a power request, stays, and so do the devices it
 * hangs from. Each step is given a time: no driver keeps the machine from going off.
 *
 * Owns: this order. Owns not: the requests (io/shutdown.c, pnp/power.c, pnp/remove.c).
 */
#include <lib/assert.h>
#include <lib/log.h>

#include "io/alloc.h"
#include "pnp/pnp.h"
#include "pnp/power.h"

enum { STEP_TIMEOUT_S = 15 };

/* Shared by two threads, freed by the later: the one that shuts down, and the one that acts. */
struct step {
    WORK_QUEUE_ITEM item;
    void (*action)(struct step *step);
    KEVENT done;
    volatile LONG references;
    const char *volatile now; /* whom it waits for */
};

static void step_release(struct step *step)
{
    if (InterlockedDecrement(&step->references) == 0)
        io_free(step);
}

static VOID NTAPI step_act(PVOID context)
{
    struct step *step = context;

    step->action(step);
    KeSetEvent(&step->done, IO_NO_INCREMENT, FALSE);
    step_release(step);
}

/* The action lock stays held: the worker acts for this thread. */
static void step_run(void (*action)(struct step *step), const char *what)
{
    LARGE_INTEGER timeout = {.QuadPart = -10000000ll * STEP_TIMEOUT_S};
    struct step *step = io_allocate(sizeof(*step), IO_TAG_PNP);

    if (step == NULL)
        return;
    step->action = action;
    step->references = 2;
    step->now = "a worker";
    KeInitializeEvent(&step->done, NotificationEvent, FALSE);
    ExInitializeWorkItem(&step->item, step_act, step);
    ExQueueWorkItem(&step->item, CriticalWorkQueue);
    if (KeWaitForSingleObject(&step->done, Executive, KernelMode, FALSE, &timeout) ==
        STATUS_TIMEOUT)
        log_error("pnp: %s: not done with %s after %u s: the machine goes off without", step->now,
                  what, (unsigned)STEP_TIMEOUT_S);
    step_release(step);
}

static void notify(struct step *step)
{
    io_shutdown_notify(&step->now);
}

/* Deepest first. False: it stays, or something that hangs from it does. */
static bool tree_remove(struct step *step, struct pnp_devnode *node)
{
    bool all = true;

    for (struct pnp_devnode *child = node->first_child; child != NULL; child = child->next)
        all &= tree_remove(step, child);
    if (!all || node->pdo == NULL || pnp_power_is_busy(node->pdo))
        return false;
    step->now = node->instance;
    return NT_SUCCESS(pnp_remove(node, false));
}

static void remove_all(struct step *step)
{
    tree_remove(step, &pnp_root);
}

void pnp_shutdown(POWER_ACTION action)
{
    ASSERT_IRQL(PASSIVE_LEVEL);
    pnp_lock();
    step_run(notify, "IRP_MJ_SHUTDOWN");
    pnp_power_shutdown(action);
    step_run(remove_all, "its removal");
    pnp_unlock();
}
