/*
 * pnp/idle.c - devices that nobody has used for a while are sent to a lower power state.
 *
 * While a driver has registered, a timer counts seconds for each of its devices in D0. A device
 * whose counter reaches its limit gets a SET_POWER; to come back is the driver's business (WDK:
 * "Detecting an Idle Device"). Energy is conserved while the power setting for the source says that
 * it is not the mains. The times of the power policy, which -1 asks for, are here.
 *
 * Owns: the timer. Owns not: the list (io/idle.c).
 */
#include <lib/export.h>

#include "io/idle.h"
#include "ke/ob.h"
#include "pnp/power_setting.h"

enum { SCAN_PERIOD_MS = 1000 };

/* Of disks, as Windows sets them up: 20 minutes on mains, 10 on battery. */
enum { POLICY_PERFORMANCE_S = 20 * 60, POLICY_CONSERVATION_S = 10 * 60 };

static KSPIN_LOCK timer_lock;
static KTIMER timer;
static KDPC timer_dpc;
static bool is_running; /* under the lock */

static VOID NTAPI scan(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    DEVICE_POWER_STATE state;
    PDEVICE_OBJECT device;

    UNREFERENCED_PARAMETER(dpc);
    UNREFERENCED_PARAMETER(context);
    UNREFERENCED_PARAMETER(argument1);
    UNREFERENCED_PARAMETER(argument2);
    KeAcquireSpinLockAtDpcLevel(&timer_lock);
    is_running = io_idle_scan(pnp_power_setting_conserves());
    if (!is_running)
        KeCancelTimer(&timer);
    KeReleaseSpinLockFromDpcLevel(&timer_lock);
    while ((device = io_idle_take_due(&state)) != NULL) {
        PoRequestPowerIrp(device, IRP_MN_SET_POWER, (POWER_STATE){.DeviceState = state}, NULL, NULL,
                          NULL);
        ob_dereference(device);
    }
}

static void timer_start(void)
{
    LARGE_INTEGER due = {.QuadPart = -10000ll * SCAN_PERIOD_MS};
    KIRQL irql;

    KeAcquireSpinLock(&timer_lock, &irql);
    if (!is_running) {
        is_running = true;
        KeInitializeDpc(&timer_dpc, scan, NULL);
        KeInitializeTimer(&timer);
        KeSetTimerEx(&timer, due, SCAN_PERIOD_MS, &timer_dpc);
    }
    KeReleaseSpinLock(&timer_lock, irql);
}

/* The times of the power policy are for disks alone (WDK: PoRegisterDeviceForIdleDetection). */
static bool has_policy_times(PDEVICE_OBJECT device)
{
    return device->DeviceType == FILE_DEVICE_DISK || device->DeviceType == FILE_DEVICE_MASS_STORAGE;
}

/* WDK surface */

/* <= APC_LEVEL. NULL: the detection has ended, or a time of -1 is not for devices of this type. */
PULONG NTAPI PoRegisterDeviceForIdleDetection(PDEVICE_OBJECT DeviceObject,
                                              ULONG ConservationIdleTime, ULONG PerformanceIdleTime,
                                              DEVICE_POWER_STATE State)
{
    PULONG counter;

    if (ConservationIdleTime == 0 && PerformanceIdleTime == 0) {
        io_idle_unregister(DeviceObject);
        return NULL;
    }
    if ((ConservationIdleTime == MAXULONG || PerformanceIdleTime == MAXULONG) &&
        !has_policy_times(DeviceObject))
        return NULL;
    counter = io_idle_register(
        DeviceObject, PerformanceIdleTime == MAXULONG ? POLICY_PERFORMANCE_S : PerformanceIdleTime,
        ConservationIdleTime == MAXULONG ? POLICY_CONSERVATION_S : ConservationIdleTime, State);
    timer_start();
    return counter;
}
LDR_EXPORT(PoRegisterDeviceForIdleDetection);
