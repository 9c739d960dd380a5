/*
 * io/idle.c - see idle.h. The list is guarded by the database lock, the counters by nothing: a
 * driver writes them at any time, and a second more or less does no harm.
 */
#include "io/idle.h"

#include "ke/ob.h"

static struct io_device *idle_list;

/* Database lock held. */
static void unlink_device(struct io_device *io)
{
    struct io_device **link = &idle_list;

    while (*link != NULL && *link != io)
        link = &(*link)->idle.next;
    if (*link != NULL)
        *link = io->idle.next;
}

PULONG io_idle_register(PDEVICE_OBJECT device, uint32_t performance, uint32_t conservation,
                        DEVICE_POWER_STATE state)
{
    struct io_device *io = io_device_of(device);
    KIRQL irql = io_database_acquire();

    unlink_device(io);
    io->idle.next = idle_list;
    idle_list = io;
    io->idle.performance = performance;
    io->idle.conservation = conservation;
    io->idle.state = state;
    io->idle.counter = 0;
    io->idle.was_due = io->idle.is_due = false;
    io_database_release(irql);
    return (PULONG)&io->idle.counter;
}

void io_idle_unregister(PDEVICE_OBJECT device)
{
    KIRQL irql = io_database_acquire();

    unlink_device(io_device_of(device));
    io_database_release(irql);
}

/* The state that power requests have brought the stack's bottom to. Database lock held. */
static bool is_on(const struct io_device *io)
{
    while (io->lower != NULL)
        io = io_device_of(io->lower);
    return io->device_power == PowerDeviceD0;
}

/* A second in D0. A device that was due is so again only when it has been used in between. */
static void count(struct io_idle *idle, uint32_t limit)
{
    if (idle->counter++ == 0)
        idle->was_due = false;
    idle->is_due = limit != 0 && idle->counter >= limit && !idle->was_due;
    idle->was_due |= idle->is_due;
}

bool io_idle_scan(bool conserve)
{
    KIRQL irql = io_database_acquire();
    bool any = idle_list != NULL;

    for (struct io_device *io = idle_list; io != NULL; io = io->idle.next) {
        if (is_on(io))
            count(&io->idle, conserve ? io->idle.conservation : io->idle.performance);
        else
            io->idle.counter = 0;
    }
    io_database_release(irql);
    return any;
}

PDEVICE_OBJECT io_idle_take_due(DEVICE_POWER_STATE *state)
{
    KIRQL irql = io_database_acquire();
    struct io_device *io = idle_list;
    PDEVICE_OBJECT device = NULL;

    while (io != NULL && !io->idle.is_due)
        io = io->idle.next;
    if (io != NULL) {
        io->idle.is_due = false;
        *state = io->idle.state;
        device = io->device;
        ob_reference(device);
    }
    io_database_release(irql);
    return device;
}
