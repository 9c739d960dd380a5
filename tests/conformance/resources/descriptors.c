/*
 * descriptors.c - CM_RESOURCE_LIST as devices get them in START_DEVICE.
 */
#include "resources.h"

#define ANY_AFFINITY ((KAFFINITY)-1)

C_ASSERT(CmResourceTypeInterrupt == 2 && CmResourceTypePort == 1 && CmResourceTypeMemory == 3);
C_ASSERT(CmResourceTypeNull == 0 && CmResourceTypeDma == 4 && CmResourceTypeDeviceSpecific == 5);
C_ASSERT(CmResourceTypeBusNumber == 6 && CmResourceTypeMemoryLarge == 7);
C_ASSERT(CmResourceTypeNonArbitrated == 128 && CmResourceTypeDevicePrivate == 129);
C_ASSERT(CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE == 0 && CM_RESOURCE_INTERRUPT_LATCHED == 1);
C_ASSERT(CM_RESOURCE_INTERRUPT_MESSAGE == 2 && CM_RESOURCE_INTERRUPT_POLICY_INCLUDED == 4);
C_ASSERT(CM_RESOURCE_INTERRUPT_MESSAGE_TOKEN == 0xFFFFFFFE);
C_ASSERT(CmResourceShareUndetermined == 0 && CmResourceShareDeviceExclusive == 1);
C_ASSERT(CmResourceShareDriverExclusive == 2 && CmResourceShareShared == 3);
C_ASSERT(IO_RESOURCE_PREFERRED == 1 && IO_RESOURCE_DEFAULT == 2 && IO_RESOURCE_ALTERNATIVE == 8);

/* Compiled with the headers the driver is built against; what the system fills in is read so. */
VOID CheckLayouts(VOID)
{
    ExpectEqual(sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR), 0x14,
                "RES-CM-1 a descriptor has 14h bytes");
    ExpectEqual(FIELD_OFFSET(CM_PARTIAL_RESOURCE_DESCRIPTOR, u), 4, "RES-CM-2 its union is at 4");
    ExpectEqual(sizeof(CM_PARTIAL_RESOURCE_LIST), 0x1C, "RES-CM-22 a list of one has 1Ch bytes");
    ExpectEqual(FIELD_OFFSET(CM_RESOURCE_LIST, List[0].PartialResourceList.PartialDescriptors),
                0x14, "RES-CM-22 the first descriptor is at 14h of the whole");
    ExpectEqual(sizeof(IO_RESOURCE_DESCRIPTOR), 0x20, "RES-IO-1 a requirement has 20h bytes");
    ExpectEqual(FIELD_OFFSET(IO_RESOURCE_DESCRIPTOR, u.Interrupt.MinimumVector), 8,
                "RES-IO-2 its MinimumVector is at 8");
    ExpectEqual(FIELD_OFFSET(LAG_INTERRUPT_REQUIREMENT, TargetedProcessors), 0x18,
                "RES-IO-3 TargetedProcessors is at 18h");
    ExpectEqual(sizeof(IO_RESOURCE_REQUIREMENTS_LIST), 0x48,
                "RES-IO-15 a list of one has 48h bytes");
    ExpectEqual(FIELD_OFFSET(IO_RESOURCE_REQUIREMENTS_LIST, List), 0x20,
                "RES-IO-15 the first alternative is at 20h");
}

static ULONG Word(PVOID Descriptor, ULONG Offset)
{
    return *(USHORT UNALIGNED *)((PUCHAR)Descriptor + Offset);
}

static ULONG Long(PVOID Descriptor, ULONG Offset)
{
    return *(ULONG UNALIGNED *)((PUCHAR)Descriptor + Offset);
}

static VOID CheckMessage(PCM_PARTIAL_RESOURCE_DESCRIPTOR Translated,
                         PCM_PARTIAL_RESOURCE_DESCRIPTOR Raw)
{
    KAFFINITY active = ActiveProcessors(), set;

    Expect(Translated->Flags == 3 && Raw->Flags == 3,
           "RES-CM-19, RES-CM-17 a message's flags are LATCHED and MESSAGE");
    Expect(Translated->Type == 2 && Raw->Type == 2, "RES-CM-3, RES-CM-4 its type is Interrupt");
    ExpectEqual(Word(Raw, 4), 0, "RES-CM-5, RES-CM-6, RES-CM-9 raw, the group, 0, is at 4");
    Expect(Word(Raw, 6) >= 1 && Word(Raw, 6) == Raw->u.MessageInterrupt.Raw.MessageCount,
           "RES-CM-6, RES-CM-10 raw, the number of messages is at 6");
    Expect(Long(Translated, 4) == Translated->u.MessageInterrupt.Translated.Level,
           "RES-CM-5, RES-CM-6 translated, the level is at 4, also as a ULONG");
    ExpectEqual(Translated->u.MessageInterrupt.Translated.Vector >> 4,
                Translated->u.MessageInterrupt.Translated.Level,
                "RES-CM-12 translated, vector and level belong together");
    ExpectEqual(Raw->u.MessageInterrupt.Raw.Vector,
                Translated->u.MessageInterrupt.Translated.Vector,
                "RES-CM-11 raw, the vector is what the device sends");
    set = Translated->u.MessageInterrupt.Translated.Affinity;
    Expect(set != 0 && (set & ~active) == 0 && Raw->u.MessageInterrupt.Raw.Affinity == set,
           "RES-CM-8, RES-CM-11, RES-CM-12 its processors are active ones, in both");
}

static VOID CheckLine(PCM_PARTIAL_RESOURCE_DESCRIPTOR Translated,
                      PCM_PARTIAL_RESOURCE_DESCRIPTOR Raw)
{
    KAFFINITY active = ActiveProcessors();

    ExpectEqual(Raw->u.Interrupt.Level, Raw->u.Interrupt.Vector,
                "RES-CM-7 raw, a line's level and vector are its number on the bus");
    Expect(Raw->u.Interrupt.Vector < 256, "RES-CM-7 which is a pin");
    ExpectEqual(Translated->u.Interrupt.Vector >> 4, Translated->u.Interrupt.Level,
                "RES-CM-7 translated, they are the DIRQL and a vector of that level");
    ExpectEqual(Word(Translated, 6), 0, "RES-CM-5, RES-CM-9 a line's group, 0, is at 6");
    Expect(Translated->u.Interrupt.Affinity != 0 &&
               (Translated->u.Interrupt.Affinity == ANY_AFFINITY ||
                (Translated->u.Interrupt.Affinity & ~active) == 0),
           "RES-CM-8 a line's processors are active ones, or any");
    Expect((Translated->Flags & ~1u) == 0, "RES-CM-17, RES-CM-18 its flags tell its mode alone");
}

/* What firmware gave the device, which comes with its length. */
static VOID CheckLength(PTEST_DEVICE Device)
{
    static UCHAR buffer[512];
    PCM_RESOURCE_LIST list = (PCM_RESOURCE_LIST)buffer;
    ULONG length = 0;

    if (!NT_SUCCESS(IoGetDeviceProperty(Device->Physical, DevicePropertyBootConfiguration,
                                        sizeof(buffer), buffer, &length)) ||
        length == 0)
        return;
    ExpectEqual(length,
                FIELD_OFFSET(CM_RESOURCE_LIST, List[0].PartialResourceList) +
                    sizeof(CM_PARTIAL_RESOURCE_LIST) +
                    (list->List[0].PartialResourceList.Count - 1) *
                        sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR),
                "RES-CM-25 a list is as long as its Count says");
}

VOID CheckLists(PTEST_DEVICE Device)
{
    PCM_PARTIAL_RESOURCE_DESCRIPTOR translated, raw;
    PCM_PARTIAL_RESOURCE_LIST list, rawList;
    ULONG i, same = 0, exclusive = 0;

    if (Device->TranslatedList == NULL)
        return;
    CheckLength(Device);
    list = &Device->TranslatedList->List[0].PartialResourceList;
    rawList = &Device->RawList->List[0].PartialResourceList;
    Expect(Device->RawList->Count == 1 && Device->TranslatedList->Count == 1,
           "RES-CM-24 both lists have one full descriptor");
    Expect(list->Version == 1 && list->Revision == 1 && rawList->Version == 1 &&
               rawList->Revision == 1,
           "RES-CM-23 Version and Revision are 1");
    ExpectEqual(list->Count, rawList->Count,
                "RES-CM-16, PNP-4, RES-START-2 raw and translated are as long");
    translated = list->PartialDescriptors;
    raw = rawList->PartialDescriptors;
    for (i = 0; i < list->Count && i < rawList->Count; i++) {
        same += translated[i].Type == raw[i].Type && translated[i].Flags == raw[i].Flags;
        exclusive += raw[i].ShareDisposition == CmResourceShareDriverExclusive;
    }
    ExpectEqual(same, list->Count, "RES-CM-16, PNP-4 they have the same descriptors in one order");
    ExpectEqual(exclusive, 0, "RES-CM-20, RES-CM-21 none is DriverExclusive");
    for (i = 0; i < Device->InterruptCount; i++) {
        if (Device->Translated[i]->Flags & CM_RESOURCE_INTERRUPT_MESSAGE)
            CheckMessage(Device->Translated[i], Device->Raw[i]);
        else
            CheckLine(Device->Translated[i], Device->Raw[i]);
    }
}

/* ---- kinds ---------------------------------------------------------------------------------- */

static VOID CheckMsi(PTEST_DEVICE Device)
{
    static TEST_CONNECTION connection;
    ULONG base, i, wrong = 0, count = Device->Raw[0]->u.MessageInterrupt.Raw.MessageCount;

    ExpectEqual(Device->InterruptCount, 1, "RES-CM-13, RES-MSI-3 MSI: one descriptor for all");
    ExpectEqual(count, 16, "RES-CM-10, RES-MSI-3, RES-MSI-9 which tells of all sixteen messages");
    base = Device->Translated[0]->u.MessageInterrupt.Translated.Vector;
    ExpectEqual(base % count, 0, "RES-MSI-11, HW-60 their vectors are aligned to their number");
    TestPrepareMessage(&connection, Device, FALSE);
    if (!TestConnectOrFail(&connection, "RES-CM-14 sixteen messages connect"))
        return;
    ExpectEqual(connection.Table->MessageCount, count, "RES-MSI-9 the table has as many");
    for (i = 0; i < count && i < connection.Table->MessageCount; i++)
        wrong += connection.Table->MessageInfo[i].Vector != base + i ||
                 connection.Table->MessageInfo[i].Irql != base >> 4 ||
                 connection.Table->MessageInfo[i].MessageAddress.QuadPart !=
                     connection.Table->MessageInfo[0].MessageAddress.QuadPart;
    ExpectEqual(wrong, 0,
                "RES-CM-14, RES-MSI-3, RES-MSI-11, HW-60 message i has the vector base + i, and "
                "one level and address with all");
    TestDisconnect(&connection);
}

static VOID CheckMsix(PTEST_DEVICE Device, ULONG Count, PCSTR Name)
{
    ULONG i, single = 0;

    ExpectEqual(Device->InterruptCount, Count, Name);
    for (i = 0; i < Device->InterruptCount; i++)
        single += Device->Raw[i]->u.MessageInterrupt.Raw.MessageCount == 1;
    ExpectEqual(single, Device->InterruptCount, "RES-CM-15 MSI-X: each descriptor is one message");
}

/* No two messages in the machine arrive at one vector of one processor. */
static VOID CheckVectors(VOID)
{
    static UCHAR taken[64][256];
    PTEST_DEVICE device;
    ULONG twice = 0, i, j;

    RtlZeroMemory(taken, sizeof(taken));
    for (device = TestDevices; device != NULL; device = device->Next)
        for (i = 0; TestIsMessage(device) && i < device->InterruptCount; i++)
            for (j = 0; j < device->Raw[i]->u.MessageInterrupt.Raw.MessageCount; j++)
                twice += taken[TestLowestProcessor(
                    device->Translated[i]->u.MessageInterrupt.Translated.Affinity)]
                              [device->Translated[i]->u.MessageInterrupt.Translated.Vector + j]++;
    ExpectEqual(twice, 0, "RES-MSI-15 no message vector is shared");
}

static VOID CheckLarge(PTEST_DEVICE Device)
{
    PCM_PARTIAL_RESOURCE_LIST list = &Device->TranslatedList->List[0].PartialResourceList;
    PCM_PARTIAL_RESOURCE_DESCRIPTOR descriptor = list->PartialDescriptors;
    ULONG i;

    for (i = 0; i < list->Count; i++, descriptor++)
        if (descriptor->Type == CmResourceTypeMemoryLarge)
            break;
    if (i == list->Count) {
        Expect(FALSE, "RES-CM-27, HW-65 a memory range of 8 GiB is MemoryLarge");
        return;
    }
    Expect((descriptor->Flags & CM_RESOURCE_MEMORY_LARGE_40) != 0 &&
               descriptor->u.Memory40.Length40 == 0x200000000 >> 8,
           "RES-CM-27 a memory range of 8 GiB is MemoryLarge, its length in units of 256 bytes");
    Expect(descriptor->u.Memory40.Start.QuadPart >= 0x100000000,
           "RES-CM-26, HW-65 a 64-bit BAR above 4 GiB has its whole address");
}

static VOID CheckPorts(PTEST_DEVICE Device)
{
    PCM_PARTIAL_RESOURCE_LIST list = &Device->RawList->List[0].PartialResourceList;
    PCM_PARTIAL_RESOURCE_DESCRIPTOR port = list->PartialDescriptors;

    Expect(port->Type == CmResourceTypePort && port->u.Port.Length == 8 &&
               Long(port, 12) == port->u.Port.Length && (Word(port, 4) & 7) == 0,
           "RES-CM-26 a port range has its start at 4 and its length at 12");
}

VOID CheckKinds(VOID)
{
    PTEST_DEVICE e1000e = TestFind(TestKindE1000e, 0), nvme = TestFind(TestKindNvme, 0);
    PTEST_DEVICE serial = TestFind(TestKindSerial, 0);

    CheckMsi(TestFind(TestKindXhci, 0));
    CheckMsix(TestFind(TestKindRocker, 0), 4, "RES-CM-13, RES-MSI-4 MSI-X: one for each message");
    CheckMsix(e1000e, 5, "RES-MSI-1, HW-70 of a device with MSI and MSI-X, MSI-X is used");
    if (TestProcessors() == 1)
        CheckMsix(nvme, 1,
                  "RES-MSI-6, HW-61 of 65 messages that one processor has no vectors for, one");
    else
        CheckMsix(nvme, 65, "RES-MSI-4, HW-65 a table of 65 entries gives 65 messages");
    CheckVectors();
    Expect(TestIsLine(serial), "RES-REG-11 MSISupported on a device without messages is ignored");
    CheckPorts(serial);
    CheckLarge(TestFind(TestKindNone, 0));
}

VOID CheckWithout(PTEST_DEVICE Device)
{
    IO_STACK_LOCATION location = {.MinorFunction = IRP_MN_QUERY_RESOURCE_REQUIREMENTS};
    ULONG_PTR information = 0;

    if (Device == NULL) {
        Expect(FALSE, "RES-START-3 a device without resources is started");
        return;
    }
    Expect(Device->RawList == NULL && Device->TranslatedList == NULL,
           "RES-START-3 a device without resources gets NULL for both lists");
    ExpectStatus(TestSendPnp(Device, &location, &information), STATUS_NOT_SUPPORTED,
                 "RES-QRR-4 asked for requirements its bus leaves the status");
    ExpectEqual(information, 0, "RES-QRR-4 and the information");
    Expect(AskedNothing, "RES-FLT-3 without resources the list to filter is NULL");
}
