/*
 * callback.c - callback objects: several routines, names, and leaving while a call is under way.
 */
#include "ex.h"

#define WAIT_MS 10000
#define LONG_MS 20
#define SEVERAL L"\\Callback\\ExTestSeveral"

typedef struct _HEARD {
    ULONG Order; /* which call it was, from 1; 0: none */
    KIRQL Irql;
    PVOID First, Second;
} HEARD, *PHEARD;

static volatile LONG Calls, Entered, Left;

static VOID NTAPI Hear(PVOID Context, PVOID First, PVOID Second)
{
    PHEARD heard = Context;

    heard->Order = (ULONG)InterlockedIncrement(&Calls);
    heard->Irql = KeGetCurrentIrql();
    heard->First = First;
    heard->Second = Second;
}

static VOID NTAPI TakeLong(PVOID Context, PVOID First, PVOID Second)
{
    ULONG i;

    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(First);
    UNREFERENCED_PARAMETER(Second);
    InterlockedIncrement(&Entered);
    for (i = 0; i < LONG_MS; i++)
        KeStallExecutionProcessor(1000);
    InterlockedIncrement(&Left);
}

static NTSTATUS OpenAs(PCWSTR Text, ULONG Attributes, BOOLEAN Create, BOOLEAN Multiple,
                       PCALLBACK_OBJECT *Object)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, Text);
    InitializeObjectAttributes(&attributes, Text == NULL ? NULL : &name,
                               OBJ_CASE_INSENSITIVE | Attributes, NULL, NULL);
    *Object = NULL;
    return ExCreateCallback(Object, &attributes, Create, Multiple);
}

static NTSTATUS Open(PCWSTR Text, BOOLEAN Create, BOOLEAN Multiple, PCALLBACK_OBJECT *Object)
{
    return OpenAs(Text, 0, Create, Multiple, Object);
}

static BOOLEAN Heard(const HEARD *Heard, ULONG Order, KIRQL Irql)
{
    return Heard->Order == Order && Heard->Irql == Irql && Heard->First == (PVOID)5 &&
           Heard->Second == (PVOID)6;
}

static VOID CheckSeveral(VOID)
{
    PVOID first, second;
    PCALLBACK_OBJECT object;
    HEARD one = {0}, two = {0};
    KIRQL irql;

    ExpectStatus(Open(NULL, FALSE, TRUE, &object), STATUS_UNSUCCESSFUL,
                 "ExCreateCallback cannot open an object without a name");
    ExpectStatus(Open(NULL, TRUE, TRUE, &object), STATUS_UNSUCCESSFUL, "nor create one");
    Expect(object == NULL, "and gives none");
    if (Open(SEVERAL, TRUE, TRUE, &object) != STATUS_SUCCESS)
        return;
    Calls = 0;
    ExNotifyCallback(object, (PVOID)5, (PVOID)6);
    first = ExRegisterCallback(object, Hear, &one);
    second = ExRegisterCallback(object, Hear, &two);
    Expect(first != NULL && second != NULL && Calls == 0,
           "ExRegisterCallback takes several routines where the object allows it");
    ExNotifyCallback(object, (PVOID)5, (PVOID)6);
    Expect(Heard(&one, 1, PASSIVE_LEVEL) && Heard(&two, 2, PASSIVE_LEVEL),
           "ExNotifyCallback calls them in the order of registration, with both arguments");
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    ExNotifyCallback(object, (PVOID)5, (PVOID)6);
    KeLowerIrql(irql);
    Expect(Heard(&one, 3, DISPATCH_LEVEL) && Heard(&two, 4, DISPATCH_LEVEL),
           "at the caller's IRQL");
    ExUnregisterCallback(first);
    ExNotifyCallback(object, (PVOID)5, (PVOID)6);
    Expect(Calls == 5 && two.Order == 5, "until ExUnregisterCallback, which leaves the others");
    ExUnregisterCallback(second);
    ObDereferenceObject(object);
}

static VOID CheckNames(VOID)
{
    static const PCWSTR system[] = {L"\\Callback\\SetSystemTime", L"\\Callback\\PowerState",
                                    L"\\Callback\\ProcessorAdd"};
    PCALLBACK_OBJECT object, same;
    HEARD heard;
    PVOID first, second;
    ULONG i, wrong = 0;

    for (i = 0; i < 3; i++) {
        if (Open(system[i], FALSE, FALSE, &object) != STATUS_SUCCESS) {
            wrong++;
            continue;
        }
        first = ExRegisterCallback(object, Hear, &heard);
        second = ExRegisterCallback(object, Hear, &heard);
        wrong += first == NULL || second == NULL;
        ExUnregisterCallback(first);
        ExUnregisterCallback(second);
        ObDereferenceObject(object);
    }
    ExpectEqual(wrong, 0, "the system's callback objects are there, for any number of routines");
    Open(L"\\Callback\\ExTestNames", TRUE, FALSE, &object);
    ExpectStatus(Open(L"\\callback\\EXTESTNAMES", TRUE, TRUE, &same), STATUS_SUCCESS,
                 "Create opens an object that there is, by any letter case");
    Expect(same == object && same != NULL, "the same one");
    first = ExRegisterCallback(object, Hear, &heard);
    Expect(first != NULL && ExRegisterCallback(same, Hear, &heard) == NULL,
           "which stays for one routine if it was made so");
    ExUnregisterCallback(first);
    ObDereferenceObject(same);
    ObDereferenceObject(object);
    ExpectStatus(Open(L"\\Callback\\ExTestNames", FALSE, FALSE, &object),
                 STATUS_OBJECT_NAME_NOT_FOUND, "the name goes with the last reference");
    OpenAs(L"\\Callback\\ExTestPermanent", OBJ_PERMANENT, TRUE, TRUE, &object);
    ObDereferenceObject(object);
    ExpectStatus(Open(L"\\Callback\\ExTestPermanent", FALSE, FALSE, &same), STATUS_SUCCESS,
                 "a permanent callback object stays when the last reference goes");
    Expect(same == object, "and is the same still");
    ObDereferenceObject(same);
}

static VOID Notify(PVOID Context)
{
    ExNotifyCallback(Context, NULL, NULL);
}

static VOID CheckLeaving(VOID)
{
    PCALLBACK_OBJECT object;
    TEST_THREAD thread;
    PVOID registration;
    LONG left;

    if (TestProcessors() == 1) {
        ExpectSkip("ExUnregisterCallback waits for a call under way", "one processor");
        return;
    }
    if (Open(SEVERAL, TRUE, TRUE, &object) != STATUS_SUCCESS)
        return;
    Entered = Left = 0;
    registration = ExRegisterCallback(object, TakeLong, NULL);
    TestGoTo(0);
    if (TestThreadStart(&thread, 1, Notify, object)) {
        TestSpinUntil(&Entered, 1, WAIT_MS);
        ExUnregisterCallback(registration);
        left = Left;
        ExNotifyCallback(object, NULL, NULL);
        TestThreadJoin(&thread);
        Expect(left == 1 && Entered == 1,
               "ExUnregisterCallback waits for a call under way, and no other comes");
    }
    TestAnywhere();
    ObDereferenceObject(object);
}

VOID CheckCallbackObjects(VOID)
{
    CheckSeveral();
    CheckNames();
    CheckLeaving();
}
