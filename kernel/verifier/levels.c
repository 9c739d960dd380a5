/*
 * verifier/levels.c - calls whose IRQL limit depends on their arguments: waits, KeSetEvent, states
 * of power, raising and lowering; and critical regions that are left but were not entered.
 *
 * Drivers built today raise and lower IRQL by writing CR8 themselves: only the imported forms can
 * be looked at.
 */
#include "verifier/internal.h"

#include "ke/thread.h"

/* Parameter 1 of bug check 0xC4 (BC-C4-1). */
enum {
    WAIT_ABOVE_DISPATCH = 0x120,
    WAIT_FOR_EVER = 0x121,
    WAIT_FOR_A_TIME = 0x122,
    RULE_SET_EVENT = 0x20016,
    RAISED_DOWNWARD = 0x30,
    LOWERED_UPWARD = 0x31,
    UNSAFE_ACQUIRE = 0x39,
    UNSAFE_RELEASE = 0x3A,
    LEFT_WITHOUT_ENTERING = 0x3E,
    WRONG_IRQL = 0xE5,
};

/* At DISPATCH_LEVEL a wait may only look, which a timeout of zero does. */
static void check_wait(const char *routine, const uint64_t *frame, uint64_t object,
                       const LARGE_INTEGER *timeout)
{
    static uint64_t irql; /* parameter 2 points to it */
    struct verifier_finding finding = {.rule = "IrqlKeWaitForMultipleObjects"};
    uint32_t code;

    irql = ke_wait_irql();
    if (irql < DISPATCH_LEVEL)
        return;
    if (irql > DISPATCH_LEVEL)
        code = WAIT_ABOVE_DISPATCH;
    else if (!timeout)
        code = WAIT_FOR_EVER;
    else if (timeout->QuadPart != 0)
        code = WAIT_FOR_A_TIME;
    else
        return;
    finding.parameters[0] = code;
    finding.parameters[1] = (uint64_t)&irql;
    finding.parameters[2] = object;
    finding.parameters[3] = (uint64_t)timeout;
    verifier_stop(&finding, frame[CALL_RETURN], "calls %s at IRQL %llu and would wait", routine,
                  (unsigned long long)irql);
}

static void check_wait_single(const char *routine, const uint64_t *frame)
{
    check_wait(routine, frame, frame[1], (const LARGE_INTEGER *)frame[5]);
}

static void check_wait_multiple(const char *routine, const uint64_t *frame)
{
    check_wait(routine, frame, frame[2], (const LARGE_INTEGER *)frame[7]);
}

/* With Wait TRUE a wait is to follow, at the same IRQL. */
static void check_set_event(const char *routine, const uint64_t *frame)
{
    struct verifier_finding finding = {.rule = "IrqlKeSetEvent"};
    irql_t irql = hal_irql_read();

    if (!(uint8_t)frame[3] || irql <= APC_LEVEL)
        return;
    finding.parameters[0] = RULE_SET_EVENT;
    finding.parameters[1] = (uint64_t) "KeSetEvent with Wait TRUE must be called at <= APC_LEVEL";
    verifier_stop(&finding, frame[CALL_RETURN], "calls %s with Wait TRUE at IRQL %u", routine,
                  irql);
}

static void check_release_semaphore(const char *routine, const uint64_t *frame)
{
    irql_t irql = hal_irql_read();
    const struct verifier_finding finding = {.parameters = {WRONG_IRQL, irql}, .rule = "IRQL"};

    if ((uint8_t)frame[4] && irql != PASSIVE_LEVEL)
        verifier_stop(&finding, frame[CALL_RETURN], "calls %s with Wait TRUE at IRQL %u", routine,
                      irql);
}

/* Above APC_LEVEL a device may only have come to D0 (WDK: PoSetPowerState). */
static void check_power_state(const char *routine, const uint64_t *frame)
{
    irql_t irql = hal_irql_read();
    const struct verifier_finding finding = {.parameters = {WRONG_IRQL, irql}, .rule = "IRQL"};

    if (irql > DISPATCH_LEVEL ||
        (irql > APC_LEVEL && (DEVICE_POWER_STATE)frame[3] != PowerDeviceD0))
        verifier_stop(&finding, frame[CALL_RETURN], "calls %s at IRQL %u", routine, irql);
}

static void check_change(const char *routine, const uint64_t *frame, uint32_t code, bool wrong)
{
    irql_t wanted = (irql_t)frame[1];
    const struct verifier_finding finding = {.parameters = {code, hal_irql_read(), wanted},
                                             .rule = "IrqlKeRaiseLower"};

    if (wrong || wanted > HIGH_LEVEL)
        verifier_stop(&finding, frame[CALL_RETURN], "calls %s at IRQL %u for IRQL %u", routine,
                      hal_irql_read(), wanted);
}

static void check_raise(const char *routine, const uint64_t *frame)
{
    check_change(routine, frame, RAISED_DOWNWARD, (irql_t)frame[1] < hal_irql_read());
}

static void check_lower(const char *routine, const uint64_t *frame)
{
    check_change(routine, frame, LOWERED_UPWARD, (irql_t)frame[1] > hal_irql_read());
}

static void check_leave(const char *routine, const uint64_t *frame)
{
    const struct verifier_finding finding = {.parameters = {LEFT_WITHOUT_ENTERING},
                                             .rule = "CriticalRegions"};

    if (ke_thread_current()->kernel_apc_disable >= 0)
        verifier_stop(&finding, frame[CALL_RETURN], "calls %s outside of a critical region",
                      routine);
}

/* At APC_LEVEL, or below it in a critical region (WDK: ExAcquireFastMutexUnsafe). */
static void check_unsafe(const char *routine, const uint64_t *frame, uint32_t code)
{
    PKTHREAD self = ke_thread_current();
    irql_t irql = hal_irql_read();
    const struct verifier_finding finding = {
        .parameters = {code, irql, (uint64_t)(int64_t)self->kernel_apc_disable, frame[1]},
        .rule = "IRQL"};

    if (irql > APC_LEVEL ||
        (irql < APC_LEVEL && !self->kernel_apc_disable && !self->special_apc_disable))
        verifier_stop(&finding, frame[CALL_RETURN], "calls %s at IRQL %u in no critical region",
                      routine, irql);
}

static void check_unsafe_acquire(const char *routine, const uint64_t *frame)
{
    check_unsafe(routine, frame, UNSAFE_ACQUIRE);
}

static void check_unsafe_release(const char *routine, const uint64_t *frame)
{
    check_unsafe(routine, frame, UNSAFE_RELEASE);
}

const struct verifier_special verifier_level_specials[] = {
    {"ExAcquireFastMutexUnsafe", check_unsafe_acquire, NULL},
    {"ExReleaseFastMutexUnsafe", check_unsafe_release, NULL},
    {"KfRaiseIrql", check_raise, NULL},
    {"KeRaiseIrql", check_raise, NULL},
    {"KfLowerIrql", check_lower, NULL},
    {"KeLowerIrql", check_lower, NULL},
    {"KeLeaveCriticalRegion", check_leave, NULL},
    {"KeWaitForSingleObject", check_wait_single, NULL},
    {"KeWaitForMultipleObjects", check_wait_multiple, NULL},
    {"KeWaitForMutexObject", check_wait_single, NULL},
    {"KeSetEvent", check_set_event, NULL},
    {"KeReleaseSemaphore", check_release_semaphore, NULL},
    {"PoSetPowerState", check_power_state, NULL},
    {0},
};
