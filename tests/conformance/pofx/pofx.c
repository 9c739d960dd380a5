/*
 * pofx.c - the power management framework: what it calls a driver for, and in what order.
 */
#include "pofx.h"

CALL Calls[CALLS_MAX];
volatile LONG CallCount, Requests;
BOOLEAN LaterIdle, LaterState, LaterPower, ByRequests;
POHANDLE Handle;

static VOID Note(CHAR What, ULONG Component, ULONG State, ULONG Length)
{
    LONG number = CallCount;

    if (number < CALLS_MAX) {
        Calls[number].Text[0] = What;
        Calls[number].Text[1] = Length > 1 ? (CHAR)('0' + Component) : 0;
        Calls[number].Text[2] = Length > 2 ? (CHAR)('0' + State) : 0;
        Calls[number].Irql = KeGetCurrentIrql();
        Calls[number].Thread = KeGetCurrentThread();
    }
    InterlockedIncrement(&CallCount);
}

static VOID NTAPI Active(PVOID Context, ULONG Component)
{
    Note(Context == TestDevices ? 'A' : '?', Component, 0, 2);
}

static VOID NTAPI Idle(PVOID Context, ULONG Component)
{
    Note(Context == TestDevices ? 'I' : '?', Component, 0, 2);
    if (!LaterIdle)
        PoFxCompleteIdleCondition(Handle, Component);
}

static VOID NTAPI IdleState(PVOID Context, ULONG Component, ULONG State)
{
    Note(Context == TestDevices ? 'S' : '?', Component, State, 3);
    if (!LaterState)
        PoFxCompleteIdleState(Handle, Component);
}

static VOID NTAPI RequestDone(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction,
                              POWER_STATE PowerState, PVOID Context, PIO_STATUS_BLOCK IoStatus)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(MinorFunction);
    UNREFERENCED_PARAMETER(Context);
    if (NT_SUCCESS(IoStatus->Status))
        InterlockedIncrement(&Requests);
    if (PowerState.DeviceState == PowerDeviceD0)
        PoFxReportDevicePoweredOn(Handle);
}

static VOID Request(DEVICE_POWER_STATE State)
{
    POWER_STATE state;

    state.DeviceState = State;
    PoRequestPowerIrp(TestDevices->Self, IRP_MN_SET_POWER, state, RequestDone, NULL, NULL);
}

static VOID NTAPI Required(PVOID Context)
{
    Note(Context == TestDevices ? 'R' : '?', 0, 0, 1);
    if (ByRequests)
        Request(PowerDeviceD0);
    else if (!LaterPower)
        PoFxReportDevicePoweredOn(Handle);
}

static VOID NTAPI NotRequired(PVOID Context)
{
    Note(Context == TestDevices ? 'N' : '?', 0, 0, 1);
    if (ByRequests)
        Request(PowerDeviceD3);
    if (!LaterPower)
        PoFxCompleteDevicePowerNotRequired(Handle);
}

PPO_FX_DEVICE_V2 Describe(VOID)
{
    static PO_FX_COMPONENT_IDLE_STATE states[] = {{0, 0, 100}, {1000, 2000, 50}, {50000, 90000, 1}};
    static struct {
        PO_FX_DEVICE_V2 Device;
        PO_FX_COMPONENT_V2 More[3];
    } description;
    PPO_FX_DEVICE_V2 device = &description.Device;
    PPO_FX_COMPONENT_V2 component = device->Components;

    RtlZeroMemory(&description, sizeof(description));
    device->Version = PO_FX_VERSION_V2;
    device->ComponentActiveConditionCallback = Active;
    device->ComponentIdleConditionCallback = Idle;
    device->ComponentIdleStateCallback = IdleState;
    device->DevicePowerRequiredCallback = Required;
    device->DevicePowerNotRequiredCallback = NotRequired;
    device->DeviceContext = TestDevices;
    device->ComponentCount = 2;
    component[0].IdleStateCount = 3;
    component[0].DeepestWakeableIdleState = 1;
    component[0].IdleStates = states;
    component[1].IdleStateCount = 1;
    component[1].IdleStates = states;
    return device;
}

VOID Forget(VOID)
{
    CallCount = 0;
}

BOOLEAN Register(PPO_FX_DEVICE_V2 Device)
{
    Forget();
    LaterIdle = LaterState = LaterPower = ByRequests = FALSE;
    return NT_SUCCESS(PoFxRegisterDevice(TestDevices->Physical, (PPO_FX_DEVICE)Device, &Handle));
}

VOID Start(VOID)
{
    PoFxStartDevicePowerManagement(Handle);
}

VOID Unregister(VOID)
{
    PoFxUnregisterDevice(Handle);
    Handle = NULL;
}

BOOLEAN Were(PCSTR Trail)
{
    LONG number;
    ULONG i;

    for (number = 0; number < CallCount && number < CALLS_MAX; number++) {
        for (i = 0; Calls[number].Text[i] != 0 && Calls[number].Text[i] == *Trail; i++)
            Trail++;
        if (Calls[number].Text[i] != 0)
            break;
        if (*Trail == ' ')
            Trail++;
    }
    if (number == CallCount && *Trail == 0)
        return TRUE;
    for (number = 0; number < CallCount && number < CALLS_MAX; number++)
        DbgPrint("# call %d: %s\n", (int)number, Calls[number].Text);
    return FALSE;
}

BOOLEAN Came(LONG Count)
{
    return TestSpinUntil(&CallCount, Count, 10000);
}

static VOID Run(VOID)
{
    PTEST_DEVICE device = TestFind(TestKindEdu, 0);

    if (device == NULL) {
        ExpectSkip("the power framework", "there is no edu device");
        return;
    }
    CheckRegistration(device);
    CheckComponents();
    CheckPower(device);
}

const TEST_GROUP TestGroup = {
    .Run = Run, .Stop = StopCase, .Step = StepShortage, .Filter = FilterRegistration};
