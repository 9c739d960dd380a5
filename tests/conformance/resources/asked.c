/*
 * asked.c - IO_RESOURCE_REQUIREMENTS_LIST as the bus makes it and the PnP manager hands it on.
 */
#include "resources.h"

#define TOKEN 0xFFFFFFFEu

static ULONG SizeOf(PIO_RESOURCE_REQUIREMENTS_LIST List)
{
    PIO_RESOURCE_LIST list = List->List;
    ULONG i;

    for (i = 0; i < List->AlternativeLists; i++)
        list = NextList(list);
    return (ULONG)((PUCHAR)list - (PUCHAR)List);
}

static ULONG Messages(PIO_RESOURCE_LIST List)
{
    ULONG i, count = 0;

    for (i = 0; i < InterruptsOf(List); i++)
        if (InterruptOf(List, i)->Flags & CM_RESOURCE_INTERRUPT_MESSAGE)
            count += InterruptOf(List, i)->MaximumVector - InterruptOf(List, i)->MinimumVector + 1;
    return count;
}

/* All messages, one, the line: so much of that as the device has. */
static VOID CheckAlternatives(TEST_KIND Kind, ULONG All, BOOLEAN Line, PCSTR Name)
{
    PIO_RESOURCE_REQUIREMENTS_LIST asked = Asked[Kind];
    PIO_RESOURCE_LIST list;
    ULONG wanted = (All > 0) + (All > 1) + Line, good = 0, i;

    if (asked == NULL) {
        Expect(FALSE, Name);
        return;
    }
    list = asked->List;
    for (i = 0; i < asked->AlternativeLists; i++, list = NextList(list)) {
        ULONG messages = i == 0 ? All : i == 1 && All > 1 ? 1 : 0;

        good += list->Version == 1 && list->Revision == 1 && Messages(list) == messages &&
                (messages != 0 || InterruptsOf(list) == Line);
    }
    Expect(asked->AlternativeLists == wanted && good == wanted, Name);
    ExpectEqual(asked->ListSize, SizeOf(asked),
                "RES-IO-16, RES-IO-15 ListSize is that of the block, alternatives follow directly");
}

static VOID CheckLineAsked(PTEST_DEVICE Serial)
{
    PLAG_INTERRUPT_REQUIREMENT line = InterruptOf(Asked[TestKindSerial]->List, 0);

    Expect(line != NULL && line->MinimumVector == line->MaximumVector &&
               line->MinimumVector == Serial->Raw[0]->u.Interrupt.Vector,
           "RES-IO-6 a line's range of vectors is its number on the bus");
    Expect(line->Option == 0 && line->Flags == CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE &&
               line->ShareDisposition == CmResourceShareShared,
           "RES-IO-4, RES-IO-5 it is required, level-sensitive and shared");
}

VOID CheckAsked(VOID)
{
    PLAG_INTERRUPT_REQUIREMENT message;

    CheckAlternatives(TestKindEdu, 1, TRUE, "RES-MSI-10 edu asks for its message, then its line");
    CheckAlternatives(TestKindXhci, 16, TRUE, "RES-MSI-10 16 messages, then one, then the line");
    CheckAlternatives(TestKindRocker, 4, FALSE, "RES-MSI-10 4 messages, then one; it has no line");
    CheckAlternatives(TestKindNvme, 65, TRUE, "RES-MSI-10, HW-65 65 messages, one, the line");
    CheckAlternatives(TestKindSerial, 0, TRUE, "RES-MSI-10 without messages the line alone");
    CheckLineAsked(TestFind(TestKindSerial, 0));
    message = InterruptOf(Asked[TestKindXhci]->List, 0);
    Expect(InterruptsOf(Asked[TestKindXhci]->List) == 1 && message->MaximumVector == TOKEN &&
               message->MinimumVector == TOKEN - 16 + 1,
           "RES-IO-7 MSI is asked for by one descriptor, whose minimum tells the number");
    message = InterruptOf(Asked[TestKindRocker]->List, 3);
    Expect(message != NULL && message->MinimumVector == TOKEN && message->MaximumVector == TOKEN &&
               message->Flags == 3,
           "RES-IO-8, RES-CM-19 MSI-X by one a message, minimum and maximum the token");
    Expect((message->Flags & CM_RESOURCE_INTERRUPT_POLICY_INCLUDED) == 0,
           "RES-IO-11, RES-REG-9 without policy values no policy is included");
}

/* The requests that the PnP manager sends, sent by the driver. */
VOID CheckRequests(PTEST_DEVICE Device)
{
    IO_STACK_LOCATION location = {.MinorFunction = IRP_MN_QUERY_RESOURCE_REQUIREMENTS};
    PIO_RESOURCE_REQUIREMENTS_LIST list;
    ULONG_PTR information = 0;

    C_ASSERT(IRP_MJ_PNP == 0x1B && IRP_MN_QUERY_RESOURCE_REQUIREMENTS == 0x0B);
    C_ASSERT(IRP_MN_FILTER_RESOURCE_REQUIREMENTS == 0x0D && IRP_MN_START_DEVICE == 0);
    ExpectStatus(TestSendPnp(Device, &location, &information), STATUS_SUCCESS,
                 "RES-QRR-1, RES-QRR-2 the bus answers QUERY_RESOURCE_REQUIREMENTS");
    list = (PIO_RESOURCE_REQUIREMENTS_LIST)information;
    if (list == NULL) {
        Expect(FALSE, "RES-QRR-3 with a list in IoStatus.Information");
        return;
    }
    ExpectEqual(list->ListSize, Asked[Device->Kind]->ListSize,
                "RES-QRR-3 with a list in IoStatus.Information");
    location.MinorFunction = IRP_MN_FILTER_RESOURCE_REQUIREMENTS;
    location.Parameters.FilterResourceRequirements.IoResourceRequirementList = list;
    TestSendPnp(Device, &location, &information);
    ExpectEqual(information, (ULONG_PTR)list,
                "RES-FLT-2 the bus completes FILTER_RESOURCE_REQUIREMENTS as it is");
    ExFreePool(list); /* RES-QRR-3 */
}
