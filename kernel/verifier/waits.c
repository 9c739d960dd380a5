/*
 * verifier/waits.c - calls whose IRQL limit depends on their arguments: waits and KeSetEvent.
 */
#include "verifier/internal.h"

/* Parameter 1 of bug check 0xC4 (BC-C4-1). */
enum {
    WAIT_ABOVE_DISPATCH = 0x120,
    WAIT_FOR_EVER = 0x121,
    WAIT_FOR_A_TIME = 0x122,
    RULE_SET_EVENT = 0x20016,
};

/* At DISPATCH_LEVEL a wait may only look, which a timeout of zero does. */
static void check_wait(const char *routine, const uint64_t *frame, uint64_t object,
                       const LARGE_INTEGER *timeout)
{
    static uint64_t irql; /* parameter 2 points to it */
    struct verifier_finding finding = {.rule = "IrqlKeWaitForMultipleObjects"};
    uint32_t code;

    irql = hal_irql_read();
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

const struct verifier_special verifier_wait_specials[] = {
    {"KeWaitForSingleObject", check_wait_single, NULL},
    {"KeWaitForMultipleObjects", check_wait_multiple, NULL},
    {"KeWaitForMutexObject", check_wait_single, NULL},
    {"KeSetEvent", check_set_event, NULL},
    {0},
};
