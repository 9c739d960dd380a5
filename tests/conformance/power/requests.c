/*
 * requests.c - PoRequestPowerIrp: what is sent and what comes back, one request at a time for a
 * device, one inrush in the machine; the routines that are a matter of form since Windows Vista.
 */
#include "power.h"

VOID NTAPI RequestDone(PDEVICE_OBJECT Device, UCHAR Minor, POWER_STATE State, PVOID Context,
                       PIO_STATUS_BLOCK Block)
{
    PREQUEST request = Context;

    request->Device = Device;
    request->Minor = Minor;
    request->State = State;
    request->Status = Block->Status;
    request->Irql = KeGetCurrentIrql();
    InterlockedIncrement(&request->Completions);
}

NTSTATUS Ask(PREQUEST Request, PDEVICE_OBJECT Device, UCHAR Minor, DEVICE_POWER_STATE State)
{
    POWER_STATE state = {.DeviceState = State};

    RtlZeroMemory(Request, sizeof(*Request));
    return PoRequestPowerIrp(Device, Minor, state, RequestDone, Request, NULL);
}

BOOLEAN Ended(PREQUEST Request)
{
    return TestSpinUntil(&Request->Completions, 1, PATIENCE);
}

NTSTATUS Set(PDEVICE_OBJECT Device, DEVICE_POWER_STATE State)
{
    static REQUEST request; /* outlives a timeout */
    NTSTATUS status = Ask(&request, Device, IRP_MN_SET_POWER, State);

    if (status != STATUS_PENDING)
        return status;
    return Ended(&request) ? request.Status : STATUS_IO_TIMEOUT;
}

/* ---- One request -------------------------------------------------------------------------- */

static VOID CheckSet(PTEST_DEVICE Device)
{
    PIO_STACK_LOCATION location = &Seen[0].Location;
    REQUEST request;

    Watch(PassOn);
    ExpectStatus(Ask(&request, Device->Self, IRP_MN_SET_POWER, PowerDeviceD3), STATUS_PENDING,
                 "G-PO-2 a request that was sent is pending");
    Expect(Ended(&request) && SeenCount == 1 && Seen[0].Device == Device->Self,
           "G-PO-2 the request goes to the top of the device's stack");
    Expect(location->MajorFunction == IRP_MJ_POWER && location->MinorFunction == IRP_MN_SET_POWER &&
               location->Parameters.Power.Type == DevicePowerState &&
               location->Parameters.Power.State.DeviceState == PowerDeviceD3,
           "G-PO-2 it is a SET_POWER to the state of the device that was asked for");
    ExpectEqual(location->Parameters.Power.ShutdownType, PowerActionNone,
                "G-PO-2 it has nothing to do with an action of the system");
    ExpectStatus(Seen[0].StatusBefore, STATUS_NOT_SUPPORTED,
                 "G-PO-2 a power request starts out as not supported");
    ExpectEqual(Seen[0].Irql, PASSIVE_LEVEL, "G-PO-2 it comes at PASSIVE_LEVEL");
    Expect(request.Device == Device->Self && request.Minor == IRP_MN_SET_POWER &&
               request.State.DeviceState == PowerDeviceD3,
           "G-PO-2 the completion routine is told device, minor code and state");
    ExpectStatus(request.Status, STATUS_SUCCESS, "G-PO-2 and the status it was completed with");
    TestPause(SILENCE);
    ExpectEqual((ULONG64)request.Completions, 1, "G-PO-2 it is called once");
    ExpectStatus(Set(Device->Physical, PowerDeviceD0), STATUS_SUCCESS,
                 "G-PO-2 a request for the physical device object succeeds");
    Expect(SeenCount == 2 && Seen[1].Device == Device->Self,
           "G-PO-2 it, too, goes to the top of the stack");
}

static VOID CheckSetWithout(PTEST_DEVICE Device)
{
    POWER_STATE state = {.DeviceState = PowerDeviceD0};
    REQUEST request;
    NTSTATUS status;
    KIRQL irql;

    Watch(PassOn);
    ExpectStatus(PoRequestPowerIrp(Device->Self, IRP_MN_SET_POWER, state, NULL, NULL, NULL),
                 STATUS_PENDING, "G-PO-2 a completion routine is optional");
    Expect(TestSpinUntil(&SeenCount, 1, PATIENCE), "G-PO-2 without one the request comes as well");
    Watch(PassOn);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    status = Ask(&request, Device->Self, IRP_MN_SET_POWER, PowerDeviceD0);
    KeLowerIrql(irql);
    ExpectStatus(status, STATUS_PENDING, "G-PO-2 a request may be made at DISPATCH_LEVEL");
    Expect(Ended(&request) && Seen[0].Irql == PASSIVE_LEVEL,
           "G-PO-2 and comes at PASSIVE_LEVEL all the same");
}

static VOID CheckErrors(PTEST_DEVICE Device)
{
    REQUEST request;

    Watch(PassOn);
    ExpectStatus(Ask(&request, Device->Self, IRP_MN_POWER_SEQUENCE, PowerDeviceD0),
                 STATUS_INVALID_PARAMETER_2, "G-PO-2 POWER_SEQUENCE cannot be asked for");
    ExpectStatus(Ask(&request, Device->Self, 0x44, PowerDeviceD0), STATUS_INVALID_PARAMETER_2,
                 "G-PO-2 nor a minor code that there is not");
    TestPause(SILENCE);
    Expect(SeenCount == 0 && request.Completions == 0, "G-PO-2 of which nothing is sent");
    Watch(Refuse);
    ExpectStatus(Ask(&request, Device->Self, IRP_MN_QUERY_POWER, PowerDeviceD3), STATUS_PENDING,
                 "G-PO-2 a query is sent");
    Expect(Ended(&request) && request.Status == REFUSAL && request.Minor == IRP_MN_QUERY_POWER,
           "G-PO-2 a driver's refusal is told to the completion routine");
    Watch(PassOn);
    Expect(Ask(&request, Device->Self, IRP_MN_QUERY_POWER, PowerDeviceD3) == STATUS_PENDING &&
               Ended(&request) && request.Status == STATUS_SUCCESS,
           "G-PO-2 the bus driver agrees to a query");
}

static VOID CheckWake(PTEST_DEVICE Device)
{
    POWER_STATE state = {.SystemState = PowerSystemSleeping3};
    REQUEST request = {0};
    PIRP irp = NULL;

    Watch(PassOn);
    Expect(PoRequestPowerIrp(Device->Physical, IRP_MN_WAIT_WAKE, state, RequestDone, &request,
                             &irp) == STATUS_PENDING &&
               Ended(&request) && request.Status == STATUS_NOT_SUPPORTED,
           "G-PO-2 WAIT_WAKE to a device that cannot wake ends as not supported");
    Expect(Seen[0].Location.MinorFunction == IRP_MN_WAIT_WAKE &&
               Seen[0].Location.Parameters.WaitWake.PowerState == PowerSystemSleeping3 &&
               Seen[0].Irp == irp,
           "G-PO-2 WAIT_WAKE carries the state of the system; the requester is given the IRP");
    RtlZeroMemory(&request, sizeof(request));
    Watch(Hold);
    if (PoRequestPowerIrp(Device->Physical, IRP_MN_WAIT_WAKE, state, RequestDone, &request, &irp) ==
        STATUS_PENDING)
        TestSpinUntil(&SeenCount, 1, PATIENCE);
    Answer = PassOn;
    ExpectStatus(Set(Device->Self, PowerDeviceD0), STATUS_SUCCESS,
                 "G-PO-2 a WAIT_WAKE that is pending holds no other request up");
    Expect(request.Completions == 0 && IoCancelIrp(irp), "G-PO-2 a WAIT_WAKE can be canceled");
    Expect(Ended(&request) && request.Status == STATUS_CANCELLED && Cancels == 1,
           "G-PO-2 the completion routine is told so");
}

/* ---- Order -------------------------------------------------------------------------------- */

static VOID CheckOneAtATime(PTEST_DEVICE One, PTEST_DEVICE Other)
{
    REQUEST first, second, query;

    Watch(Hold);
    Ask(&first, One->Self, IRP_MN_SET_POWER, PowerDeviceD3);
    TestSpinUntil(&SeenCount, 1, PATIENCE);
    Answer = PassOn;
    ExpectStatus(Ask(&second, One->Physical, IRP_MN_SET_POWER, PowerDeviceD0), STATUS_PENDING,
                 "G-PO-2 a SET_POWER while one is active is accepted");
    TestPause(SILENCE);
    Expect(SeenCount == 1 && second.Completions == 0,
           "G-PO-2 it waits: one SET_POWER of a device is active at a time");
    PoStartNextPowerIrp(Seen[0].Irp);
    TestPause(SILENCE);
    ExpectEqual((ULONG64)SeenCount, 1, "G-PO-4 PoStartNextPowerIrp starts nothing");
    ExpectStatus(Set(Other->Self, PowerDeviceD0), STATUS_SUCCESS,
                 "G-PO-2 another device's SET_POWER is not held up");
    Expect(Ask(&query, One->Self, IRP_MN_QUERY_POWER, PowerDeviceD0) == STATUS_PENDING &&
               Ended(&query),
           "G-PO-2 nor is a query");
    Expect(first.Completions == 0 && second.Completions == 0, "G-PO-2 meanwhile both are pending");
    Release(0);
    Expect(Ended(&first) && Ended(&second) && first.State.DeviceState == PowerDeviceD3 &&
               second.State.DeviceState == PowerDeviceD0,
           "G-PO-2 when the first is completed the second is sent");
}

static VOID CheckInrush(PTEST_DEVICE One, PTEST_DEVICE Other)
{
    ULONG flags = One->Self->Flags, otherFlags = Other->Self->Flags;
    REQUEST up, wait;

    One->Self->Flags = (flags | DO_POWER_INRUSH) & ~DO_POWER_PAGABLE;
    Other->Self->Flags = (otherFlags | DO_POWER_INRUSH) & ~DO_POWER_PAGABLE;
    ExpectStatus(Set(One->Self, PowerDeviceD3), STATUS_SUCCESS, "G-PO-2 an inrush device sleeps");
    ExpectStatus(Set(Other->Self, PowerDeviceD3), STATUS_SUCCESS, "G-PO-2 and another");
    Watch(Hold);
    Ask(&up, One->Self, IRP_MN_SET_POWER, PowerDeviceD0);
    TestSpinUntil(&SeenCount, 1, PATIENCE);
    Answer = PassOn;
    Ask(&wait, Other->Self, IRP_MN_SET_POWER, PowerDeviceD0);
    TestPause(SILENCE);
    Expect(SeenCount == 1 && wait.Completions == 0,
           "G-PO-2 while a device with inrush powers up another one waits");
    Release(0);
    Expect(Ended(&up) && Ended(&wait) && Seen[1].Device == Other->Self,
           "G-PO-2 and powers up after it");
    One->Self->Flags = flags;
    Other->Self->Flags = otherFlags;
}

/* ---- A matter of form --------------------------------------------------------------------- */

static VOID CheckStates(PTEST_DEVICE Device)
{
    POWER_STATE on = {.DeviceState = PowerDeviceD0}, off = {.DeviceState = PowerDeviceD3};
    KIRQL irql;

    PoSetPowerState(Device->Self, DevicePowerState, on);
    ExpectEqual(PoSetPowerState(Device->Self, DevicePowerState, off).DeviceState, PowerDeviceD0,
                "G-PO-1 PoSetPowerState returns the state before");
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    off = PoSetPowerState(Device->Self, DevicePowerState, on);
    KeLowerIrql(irql);
    ExpectEqual(off.DeviceState, PowerDeviceD3, "G-PO-1 D0 can be reported at DISPATCH_LEVEL");
}

VOID CheckRequests(PTEST_DEVICE One, PTEST_DEVICE Other)
{
    CheckSet(One);
    CheckSetWithout(One);
    CheckErrors(One);
    CheckWake(One);
    CheckOneAtATime(One, Other);
    CheckInrush(One, Other);
    CheckStates(One);
}
