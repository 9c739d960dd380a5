/*
 * io/timer.c - the once-a-second timer of a device object.
 *
 * Each device that asked for one has a periodic KTIMER with a DPC, so the routine runs at
 * DISPATCH_LEVEL (WDK: IoInitializeTimer).
 */
#include "io/timer.h"

#include <lib/export.h>

#include "io/alloc.h"
#include "io/device.h"

enum { TIMER_PERIOD_MS = 1000 };

struct io_timer {
    KTIMER timer;
    KDPC dpc;
    PDEVICE_OBJECT device;
    PIO_TIMER_ROUTINE routine;
    PVOID context;
    volatile LONG enabled;
};

static VOID NTAPI timer_tick(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    struct io_timer *timer = context;

    UNREFERENCED_PARAMETER(dpc);
    UNREFERENCED_PARAMETER(argument1);
    UNREFERENCED_PARAMETER(argument2);
    if (timer->enabled)
        timer->routine(timer->device, timer->context);
}

void io_timer_delete(PDEVICE_OBJECT device)
{
    struct io_timer *timer = io_device_of(device)->timer;

    if (timer == NULL)
        return;
    IoStopTimer(device);
    KeFlushQueuedDpcs();
    io_device_of(device)->timer = NULL;
    device->Timer = NULL;
    io_free(timer);
}

/* WDK surface */

NTSTATUS NTAPI IoInitializeTimer(PDEVICE_OBJECT DeviceObject, PIO_TIMER_ROUTINE TimerRoutine,
                                 PVOID Context)
{
    struct io_timer *timer = io_device_of(DeviceObject)->timer;

    if (timer == NULL) {
        timer = io_allocate(sizeof(*timer), IO_TAG_IO);
        if (timer == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        timer->device = DeviceObject;
        KeInitializeTimer(&timer->timer);
        KeInitializeDpc(&timer->dpc, timer_tick, timer);
        io_device_of(DeviceObject)->timer = timer;
        DeviceObject->Timer = (struct _IO_TIMER *)(void *)timer;
    }
    timer->routine = TimerRoutine;
    timer->context = Context;
    return STATUS_SUCCESS;
}
LDR_EXPORT(IoInitializeTimer);

VOID NTAPI IoStartTimer(PDEVICE_OBJECT DeviceObject)
{
    struct io_timer *timer = io_device_of(DeviceObject)->timer;
    LARGE_INTEGER due = {.QuadPart = -10000ll * TIMER_PERIOD_MS};

    if (timer == NULL || InterlockedExchange(&timer->enabled, TRUE))
        return;
    KeSetTimerEx(&timer->timer, due, TIMER_PERIOD_MS, &timer->dpc);
}
LDR_EXPORT(IoStartTimer);

VOID NTAPI IoStopTimer(PDEVICE_OBJECT DeviceObject)
{
    struct io_timer *timer = io_device_of(DeviceObject)->timer;

    if (timer == NULL || !InterlockedExchange(&timer->enabled, FALSE))
        return;
    KeCancelTimer(&timer->timer);
    KeRemoveQueueDpc(&timer->dpc);
}
LDR_EXPORT(IoStopTimer);
