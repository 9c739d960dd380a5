/*
 * description.c - what else a driver registers or asks for: the old hardware description, bug
 * check callbacks, the stack.
 */
#include "io.h"

#define SYSTEM_KEY L"\\Registry\\Machine\\Hardware\\Description\\System"
#define BUS_KEY SYSTEM_KEY L"\\MultifunctionAdapter\\0"
#define PORT_KEY BUS_KEY L"\\SerialController\\1"

typedef struct _FOUND {
    ULONG Calls;
    ULONG Bus;
    ULONG Controller;
    ULONG Length; /* of the controller's identifier */
} FOUND;

static NTSTATUS NTAPI Found(PVOID Context, PUNICODE_STRING Path, INTERFACE_TYPE BusType,
                            ULONG BusNumber, PKEY_VALUE_FULL_INFORMATION *Bus,
                            CONFIGURATION_TYPE ControllerType, ULONG ControllerNumber,
                            PKEY_VALUE_FULL_INFORMATION *Controller,
                            CONFIGURATION_TYPE PeripheralType, ULONG PeripheralNumber,
                            PKEY_VALUE_FULL_INFORMATION *Peripheral)
{
    FOUND *found = Context;

    UNREFERENCED_PARAMETER(Path);
    UNREFERENCED_PARAMETER(BusType);
    UNREFERENCED_PARAMETER(Bus);
    UNREFERENCED_PARAMETER(ControllerType);
    UNREFERENCED_PARAMETER(PeripheralType);
    UNREFERENCED_PARAMETER(PeripheralNumber);
    UNREFERENCED_PARAMETER(Peripheral);
    found->Calls++;
    found->Bus = BusNumber;
    found->Controller = ControllerNumber;
    found->Length = Controller != NULL && Controller[0] != NULL ? Controller[0]->DataLength : 0;
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI Refuse(PVOID Context, PUNICODE_STRING Path, INTERFACE_TYPE BusType,
                             ULONG BusNumber, PKEY_VALUE_FULL_INFORMATION *Bus,
                             CONFIGURATION_TYPE ControllerType, ULONG ControllerNumber,
                             PKEY_VALUE_FULL_INFORMATION *Controller,
                             CONFIGURATION_TYPE PeripheralType, ULONG PeripheralNumber,
                             PKEY_VALUE_FULL_INFORMATION *Peripheral)
{
    Found(Context, Path, BusType, BusNumber, Bus, ControllerType, ControllerNumber, Controller,
          PeripheralType, PeripheralNumber, Peripheral);
    return STATUS_DEVICE_BUSY;
}

static VOID Describe(VOID)
{
    CM_FULL_RESOURCE_DESCRIPTOR bus = {0};

    bus.InterfaceType = Isa;
    bus.BusNumber = 3;
    RtlCreateRegistryKey(RTL_REGISTRY_ABSOLUTE,
                         (PWSTR)L"\\Registry\\Machine\\Hardware\\Description");
    RtlCreateRegistryKey(RTL_REGISTRY_ABSOLUTE, (PWSTR)SYSTEM_KEY);
    RtlCreateRegistryKey(RTL_REGISTRY_ABSOLUTE, (PWSTR)SYSTEM_KEY L"\\MultifunctionAdapter");
    RtlCreateRegistryKey(RTL_REGISTRY_ABSOLUTE, (PWSTR)BUS_KEY);
    RtlCreateRegistryKey(RTL_REGISTRY_ABSOLUTE, (PWSTR)BUS_KEY L"\\SerialController");
    RtlCreateRegistryKey(RTL_REGISTRY_ABSOLUTE, (PWSTR)BUS_KEY L"\\SerialController\\0");
    RtlCreateRegistryKey(RTL_REGISTRY_ABSOLUTE, (PWSTR)PORT_KEY);
    RtlWriteRegistryValue(RTL_REGISTRY_ABSOLUTE, BUS_KEY, L"Configuration Data",
                          REG_FULL_RESOURCE_DESCRIPTOR, &bus, sizeof(bus));
    RtlWriteRegistryValue(RTL_REGISTRY_ABSOLUTE, PORT_KEY, L"Identifier", REG_SZ, (PVOID)L"COM2",
                          sizeof(L"COM2"));
}

static VOID CheckDescription(VOID)
{
    INTERFACE_TYPE isa = Isa, eisa = Eisa;
    CONFIGURATION_TYPE serial = SerialController, system = ArcSystem;
    ULONG one = 1;
    FOUND found = {0};

    ExpectStatus(IoQueryDeviceDescription(&isa, NULL, &serial, NULL, NULL, NULL, Found, &found),
                 STATUS_OBJECT_NAME_NOT_FOUND, "what is not described is not found");
    Describe();
    ExpectStatus(IoQueryDeviceDescription(&isa, NULL, NULL, NULL, NULL, NULL, Found, &found),
                 STATUS_SUCCESS, "a bus that is described is found");
    Expect(found.Calls == 1 && found.Bus == 3, "by the kind and number in its configuration data");
    found.Calls = 0;
    ExpectStatus(IoQueryDeviceDescription(&isa, NULL, &serial, NULL, NULL, NULL, Found, &found),
                 STATUS_SUCCESS, "controllers on it are found");
    ExpectEqual(found.Calls, 2, "each of them");
    found.Calls = 0;
    IoQueryDeviceDescription(&isa, NULL, &serial, &one, NULL, NULL, Found, &found);
    Expect(found.Calls == 1 && found.Controller == 1 && found.Length == sizeof(L"COM2"),
           "or the one of a number, with its identifier");
    ExpectStatus(IoQueryDeviceDescription(&eisa, NULL, &serial, NULL, NULL, NULL, Found, &found),
                 STATUS_OBJECT_NAME_NOT_FOUND, "a bus of another kind is not found");
    ExpectStatus(IoQueryDeviceDescription(&isa, NULL, &system, NULL, NULL, NULL, Found, &found),
                 STATUS_INVALID_PARAMETER, "a kind that is no controller is an error");
    found.Calls = 0;
    ExpectStatus(IoQueryDeviceDescription(&isa, NULL, &serial, NULL, NULL, NULL, Refuse, &found),
                 STATUS_DEVICE_BUSY, "the routine's failure is returned");
    ExpectEqual(found.Calls, 1, "and ends the query");
}

static VOID NTAPI AtBugCheck(PVOID Buffer, ULONG Length)
{
    UNREFERENCED_PARAMETER(Buffer);
    UNREFERENCED_PARAMETER(Length);
}

static VOID CheckBugCheckCallback(VOID)
{
    static KBUGCHECK_CALLBACK_RECORD record;
    static UCHAR buffer[8], component[] = "iotest";

    KeInitializeCallbackRecord((&record));
    Expect(KeRegisterBugCheckCallback(&record, AtBugCheck, buffer, sizeof(buffer), component),
           "a bug check callback is registered");
    Expect(!KeRegisterBugCheckCallback(&record, AtBugCheck, buffer, sizeof(buffer), component),
           "once");
    Expect(KeDeregisterBugCheckCallback(&record) && !KeDeregisterBugCheckCallback(&record),
           "and deregistered once");
}

static LOGICAL(NTAPI *Within)(ULONG_PTR, SIZE_T);

static VOID NTAPI LookInDpc(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
    *(PBOOLEAN)Context = Within((ULONG_PTR)&Dpc, sizeof(Dpc)) && !Within((ULONG_PTR)Context, 1);
}

static VOID CheckStackLimits(VOID)
{
    static BOOLEAN right;
    static KDPC dpc;
    ULONG_PTR low, high, lowAbove, highAbove;
    KIRQL irql;

    Within = TestRoutine(L"IoWithinStackLimits");
    IoGetStackLimits(&low, &high);
    KeRaiseIrql(HIGH_LEVEL, &irql);
    IoGetStackLimits(&lowAbove, &highAbove);
    KeLowerIrql(irql);
    Expect(lowAbove == low && highAbove == high, "IoGetStackLimits tells the same at any IRQL");
    Expect(low < (ULONG_PTR)&low && (ULONG_PTR)&low < high, "a variable lies within the stack");
    Expect(IoGetInitialStack() == (PVOID)high, "IoGetInitialStack is its upper end");
    Expect(Within((ULONG_PTR)&low, sizeof(low)) && Within(low, high - low),
           "IoWithinStackLimits is TRUE for what lies within, up to all of it");
    Expect(!Within(low - 1, 1) && !Within(high - 8, 9) && !Within((ULONG_PTR)&low, ~(SIZE_T)0),
           "IoWithinStackLimits is FALSE for what begins below or ends above");
    KeInitializeDpc(&dpc, LookInDpc, &right);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    KeFlushQueuedDpcs();
    Expect(right, "IoWithinStackLimits knows the stack that DPCs run on");
}

VOID CheckDescriptions(VOID)
{
    CheckDescription();
    CheckBugCheckCallback();
    CheckStackLimits();
}
