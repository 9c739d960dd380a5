/*
 * needs.c - who needs the system to go on working: power requests, busy states, activity.
 */
#include "power.h"

static const UNICODE_STRING Reason = RTL_CONSTANT_STRING(L"a measurement is under way");

static VOID CheckPowerRequests(PTEST_DEVICE Device)
{
    COUNTED_REASON_CONTEXT context = {.Version = POWER_REQUEST_CONTEXT_VERSION,
                                      .Flags = POWER_REQUEST_CONTEXT_SIMPLE_STRING};
    PVOID request = NULL, other = &context;
    NTSTATUS status;
    KIRQL irql;

    context.SimpleString = Reason;
    ExpectStatus(PoCreatePowerRequest(&other, NULL, &context), STATUS_INVALID_PARAMETER,
                 "PoCreatePowerRequest without a device object makes none");
    Expect(other == NULL, "and its result is NULL then");
    ExpectStatus(PoCreatePowerRequest(&request, Device->Self, &context), STATUS_SUCCESS,
                 "PoCreatePowerRequest makes a request for a reason");
    ExpectStatus(PoCreatePowerRequest(&other, Device->Self, NULL), STATUS_SUCCESS,
                 "and one for none");
    Expect(request != NULL && other != NULL && request != other, "which are two");
    ExpectStatus(PoClearPowerRequest(request, PowerRequestSystemRequired), STATUS_INVALID_PARAMETER,
                 "PoClearPowerRequest takes back nothing that is not set");
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    status = PoSetPowerRequest(request, PowerRequestSystemRequired);
    KeLowerIrql(irql);
    ExpectStatus(status, STATUS_SUCCESS, "PoSetPowerRequest sets one, at DISPATCH_LEVEL, too");
    ExpectStatus(PoSetPowerRequest(request, PowerRequestSystemRequired), STATUS_SUCCESS,
                 "and sets it again");
    ExpectStatus(PoSetPowerRequest(request, PowerRequestDisplayRequired), STATUS_NOT_SUPPORTED,
                 "PoSetPowerRequest: a driver cannot require the display,");
    ExpectStatus(PoSetPowerRequest(request, PowerRequestAwayModeRequired), STATUS_NOT_SUPPORTED,
                 "nor away mode,");
    ExpectStatus(PoSetPowerRequest(request, PowerRequestExecutionRequired), STATUS_NOT_SUPPORTED,
                 "nor the execution of a process");
    ExpectStatus(PoClearPowerRequest(request, PowerRequestDisplayRequired), STATUS_NOT_SUPPORTED,
                 "PoClearPowerRequest does not know of these either");
    ExpectStatus(PoClearPowerRequest(request, PowerRequestSystemRequired), STATUS_SUCCESS,
                 "PoClearPowerRequest takes one back");
    ExpectStatus(PoClearPowerRequest(request, PowerRequestSystemRequired), STATUS_SUCCESS,
                 "as often as it was set");
    ExpectStatus(PoClearPowerRequest(request, PowerRequestSystemRequired), STATUS_INVALID_PARAMETER,
                 "and no more: each counts");
    PoSetPowerRequest(other, PowerRequestSystemRequired);
    PoDeletePowerRequest(other);
    PoDeletePowerRequest(request);
}

static VOID CheckBusyStates(VOID)
{
    PVOID state = PoRegisterSystemState(NULL, ES_SYSTEM_REQUIRED | ES_CONTINUOUS);
    KIRQL irql;

    Expect(state != NULL, "PoRegisterSystemState registers a busy state");
    Expect(PoRegisterSystemState(state, ES_USER_PRESENT | ES_CONTINUOUS) == state,
           "and changes it under the same handle");
    PoUnregisterSystemState(state);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    PoSetSystemState(ES_SYSTEM_REQUIRED | ES_DISPLAY_REQUIRED);
    KeLowerIrql(irql);
}

VOID CheckNeeds(PTEST_DEVICE Device)
{
    CheckPowerRequests(Device);
    CheckBusyStates();
}

/* What the console is to show. */
static PVOID Shown, ShownState;

VOID ShowNeeds(BOOLEAN Show)
{
    COUNTED_REASON_CONTEXT context = {.Version = POWER_REQUEST_CONTEXT_VERSION,
                                      .Flags = POWER_REQUEST_CONTEXT_SIMPLE_STRING};

    context.SimpleString = Reason;
    if (!Show) {
        PoDeletePowerRequest(Shown);
        PoUnregisterSystemState(ShownState);
        return;
    }
    PoCreatePowerRequest(&Shown, TestDevices->Self, &context);
    PoSetPowerRequest(Shown, PowerRequestSystemRequired);
    PoSetPowerRequest(Shown, PowerRequestSystemRequired);
    PoSetSystemState(ES_USER_PRESENT);
    ShownState = PoRegisterSystemState(NULL, ES_USER_PRESENT | ES_CONTINUOUS);
}

VOID ShortageOfNeeds(VOID)
{
    PVOID request = &request, state;
    NTSTATUS status = PoCreatePowerRequest(&request, TestDevices->Self, NULL);

    if (NT_SUCCESS(status))
        PoDeletePowerRequest(request);
    else
        Expect(status == STATUS_INSUFFICIENT_RESOURCES && request == NULL,
               "PoCreatePowerRequest without memory: STATUS_INSUFFICIENT_RESOURCES");
    state = PoRegisterSystemState(NULL, ES_CONTINUOUS);
    if (state != NULL)
        PoUnregisterSystemState(state);
    else
        Expect(TRUE, "PoRegisterSystemState without memory: NULL");
}
