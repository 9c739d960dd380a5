/*
 * registration.c - how a driver becomes a data provider, and what it answers when WMI asks for its
 * blocks.
 *
 * The documents do not say what comes of an action for a device that is not registered, or of no
 * device at all: STATUS_INVALID_PARAMETER here.
 */
#include "wmi.h"

static BOOLEAN WaitForRequests(LONG Least)
{
    ULONG i;

    for (i = 0; Provider.Requests < Least && i < 6000; i++)
        TestPause(5);
    return Provider.Requests >= Least;
}

static NTSTATUS Control(ULONG Action)
{
    return IoWMIRegistrationControl(TestDevices->Self, Action);
}

static VOID CheckActions(VOID)
{
    ProviderReset();
    ExpectStatus(Control(0), STATUS_INVALID_PARAMETER, "G-IO-73 an action 0 is refused");
    ExpectStatus(Control(6), STATUS_INVALID_PARAMETER, "G-IO-73 and one beyond the last");
    ExpectStatus(IoWMIRegistrationControl(NULL, WMIREG_ACTION_REGISTER), STATUS_INVALID_PARAMETER,
                 "no device is registered");
    ExpectStatus(Control(WMIREG_ACTION_DEREGISTER), STATUS_INVALID_PARAMETER,
                 "a device that is not registered is not deregistered");
    ExpectStatus(Control(WMIREG_ACTION_UPDATE_GUIDS), STATUS_INVALID_PARAMETER, "nor updated");
    ExpectStatus(Control(WMIREG_ACTION_REREGISTER), STATUS_INVALID_PARAMETER,
                 "nor registered again");

    ExpectStatus(Control(WMIREG_ACTION_REGISTER), STATUS_SUCCESS, "G-IO-73 a provider registers");
    Expect(WaitForRequests(1) && Provider.RegInfos == 1,
           "IRP_MN_REGINFO_EX is sent, and WmiSystemControl calls DpWmiQueryReginfo");
    Expect(Provider.InSystemThread, "in a system thread at PASSIVE_LEVEL");
    ExpectStatus(Provider.RequestStatus, STATUS_SUCCESS, "and fills in the answer");
    ExpectEqual(Provider.DataPath, WMIREGISTER, "its DataPath is WMIREGISTER");
    ExpectEqual(Provider.Disposition, IrpNotCompleted, "which the driver completes");
    ExpectStatus(Control(WMIREG_ACTION_UPDATE_GUIDS), STATUS_SUCCESS, "blocks are updated");
    Expect(WaitForRequests(2) && Provider.DataPath == WMIUPDATE,
           "by an IRP_MN_REGINFO_EX with WMIUPDATE");
    ExpectStatus(Control(WMIREG_ACTION_REREGISTER), STATUS_SUCCESS, "a provider registers anew");
    Expect(WaitForRequests(3) && Provider.DataPath == WMIREGISTER,
           "by an IRP_MN_REGINFO_EX with WMIREGISTER");
    Provider.RegFlags = WMIREG_FLAG_INSTANCE_BASENAME;
    Provider.BaseUnits = 5000;
    Control(WMIREG_ACTION_UPDATE_GUIDS);
    Expect(WaitForRequests(5) && Provider.RegInfos == 5 && NT_SUCCESS(Provider.RequestStatus),
           "an answer that the buffer is too small for is asked for again, with a larger one");
    ExpectStatus(Control(WMIREG_ACTION_DEREGISTER), STATUS_SUCCESS, "G-IO-73 it deregisters");
    ExpectStatus(Control(WMIREG_ACTION_DEREGISTER), STATUS_INVALID_PARAMETER, "once");
}

static volatile LONG Deregistered;

static VOID Deregister(PVOID Context)
{
    *(NTSTATUS *)Context = Control(WMIREG_ACTION_DEREGISTER);
    InterlockedExchange(&Deregistered, 1);
}

static VOID CheckWaiting(VOID)
{
    NTSTATUS status = STATUS_PENDING;
    TEST_THREAD thread;
    BOOLEAN inside;
    ULONG i;

    ProviderReset();
    Provider.Hold = 1;
    Control(WMIREG_ACTION_REGISTER);
    for (i = 0; !Provider.Inside && i < 6000; i++)
        TestPause(5);
    inside = Provider.Inside != 0;
    if (TestThreadStart(&thread, TestOtherProcessor(TestCurrentProcessor()), Deregister, &status)) {
        TestPause(100);
        Expect(inside && !Deregistered,
               "G-IO-73 deregistering waits for a request that is under way");
        InterlockedExchange(&Provider.Hold, 0);
        TestThreadJoin(&thread);
        Expect(NT_SUCCESS(status) && Provider.Requests == 1, "and ends after it");
    } else {
        Expect(FALSE, "a thread can be had");
        InterlockedExchange(&Provider.Hold, 0);
        Control(WMIREG_ACTION_DEREGISTER);
    }
}

/* Is there a counted string of this text at the offset? */
static BOOLEAN IsString(PUCHAR Buffer, ULONG Offset, ULONG Size, PCWSTR Text)
{
    USHORT length = (USHORT)(wcslen(Text) * sizeof(WCHAR));

    return Offset % sizeof(USHORT) == 0 && Offset + sizeof(USHORT) + length <= Size &&
           *(PUSHORT)(Buffer + Offset) == length &&
           RtlCompareMemory(Buffer + Offset + sizeof(USHORT), Text, length) == length;
}

static NTSTATUS AskReginfo(UCHAR Minor, ULONG_PTR DataPath, PVOID Buffer, ULONG Size,
                           PULONG_PTR Information)
{
    return Send(Minor, (ULONG_PTR)TestDevices->Self, (PVOID)DataPath, Buffer, Size, Information);
}

static VOID CheckAnswer(PUCHAR Buffer, ULONG Size)
{
    PWMIREGINFO info = (PVOID)Buffer;
    PWMIREGGUID blocks = &info->WmiRegGuid[0];
    ULONG_PTR information;
    ULONG needed;

    ProviderReset();
    ExpectStatus(AskReginfo(IRP_MN_REGINFO, WMIREGISTER, Buffer, Size, &information),
                 STATUS_SUCCESS, "IRP_MN_REGINFO is answered, too");
    Expect(information == info->BufferSize && info->GuidCount == BLOCKS &&
               info->NextWmiRegInfo == 0,
           "with the size and the number of blocks");
    Expect(IsEqualGUID(&blocks[0].Guid, &BlockGuid) && IsEqualGUID(&blocks[1].Guid, &EventGuid) &&
               blocks[0].InstanceCount == INSTANCES && blocks[1].InstanceCount == 1,
           "each block with its GUID and instances");
    Expect(blocks[0].Flags == (WMIREG_FLAG_INSTANCE_PDO | WMIREG_FLAG_EXPENSIVE) &&
               blocks[1].Flags == (WMIREG_FLAG_INSTANCE_PDO | WMIREG_FLAG_EVENT_ONLY_GUID),
           "its flags are the block's and those common to all");
    Expect(blocks[0].Pdo == (ULONG_PTR)TestDevices->Physical, "instances are named by the PDO");
    Expect(IsString(Buffer, info->RegistryPath, info->BufferSize, L"\\Registry\\Machine\\Wmi") &&
               IsString(Buffer, info->MofResourceName, info->BufferSize, L"Mof"),
           "registry path and MOF resource are counted strings");
    needed = info->BufferSize;
    ExpectStatus(AskReginfo(IRP_MN_REGINFO, WMIREGISTER, Buffer, needed - 1, &information),
                 STATUS_BUFFER_TOO_SMALL, "a byte less is too small");
    Expect(information == sizeof(ULONG) && *(PULONG)Buffer == needed,
           "and a ULONG says what is needed");
    ExpectStatus(AskReginfo(IRP_MN_REGINFO, WMIREGISTER, Buffer, needed, &information),
                 STATUS_SUCCESS, "which is enough");
    ExpectStatus(AskReginfo(IRP_MN_REGINFO, WMIREGISTER, Buffer, 3, &information),
                 STATUS_BUFFER_TOO_SMALL, "no ULONG fits into three bytes");
    ExpectEqual(information, 0, "so that nothing is said");
    AskReginfo(IRP_MN_REGINFO, WMIUPDATE, Buffer, Size, &information);
    Expect(info->RegistryPath == 0 && info->MofResourceName == 0,
           "an update has neither registry path nor MOF resource");
    Provider.RegFlags = WMIREG_FLAG_INSTANCE_BASENAME;
    Provider.BaseUnits = 3;
    ExpectStatus(AskReginfo(IRP_MN_REGINFO, WMIREGISTER, Buffer, Size, &information),
                 STATUS_SUCCESS, "a provider may name its instances by a base name");
    Expect(IsString(Buffer, blocks[0].BaseNameOffset, info->BufferSize, L"BBB") &&
               IsString(Buffer, blocks[1].BaseNameOffset, info->BufferSize, L"BBB"),
           "which each block refers to");
    Provider.BaseUnits = 0;
    Provider.Status = STATUS_DEVICE_NOT_READY;
    ExpectStatus(AskReginfo(IRP_MN_REGINFO, WMIREGISTER, Buffer, Size, &information),
                 STATUS_DEVICE_NOT_READY, "DpWmiQueryReginfo may fail");
}

VOID CheckRegistration(VOID)
{
    PUCHAR buffer = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, TEST_TAG);

    CheckActions();
    CheckWaiting();
    if (buffer != NULL) {
        CheckAnswer(buffer, PAGE_SIZE);
        ExFreePoolWithTag(buffer, TEST_TAG);
    } else {
        Expect(FALSE, "there is memory for a buffer");
    }
}
