/*
 * bugcheck.c - routines that a driver wants called when the system stops.
 *
 * What they do then is in the text of the stop: tests/qemu/test_faults.py reads it.
 */
#include "ke.h"

#define DATA_LENGTH 40

static KBUGCHECK_REASON_CALLBACK_RECORD First, Second, Removed;
static UCHAR FirstName[] = "ke first", SecondName[] = "ke second", RemovedName[] = "ke removed";
static KBUGCHECK_CALLBACK_RECORD Plain;
static ULONG PlainBuffer;
static volatile LONG FirstByte = 0xA0;

/* mingw-w64's macro takes a name only. */
static VOID Initialize(PKBUGCHECK_REASON_CALLBACK_RECORD Record)
{
    KeInitializeCallbackRecord(Record);
}

/* Without OutBuffer it is asked how much it has; with it, for the data. */
static VOID NTAPI AtStop(KBUGCHECK_CALLBACK_REASON Reason, PKBUGCHECK_REASON_CALLBACK_RECORD Record,
                         PVOID Data, ULONG Length)
{
    PKBUGCHECK_SECONDARY_DUMP_DATA dump = Data;
    PUCHAR bytes = dump->InBuffer;
    BOOLEAN sound = Reason == KbCallbackSecondaryDumpData && Length == sizeof(*dump) &&
                    bytes != NULL && dump->InBufferLength >= DATA_LENGTH &&
                    dump->MaximumAllowed >= DATA_LENGTH;
    ULONG i;

    DbgPrint("# %s is asked for its %s at IRQL %u%s\n", Record->Component,
             dump->OutBuffer == NULL ? "size" : "data", KeGetCurrentIrql(),
             sound ? "" : ", and wrongly");
    if (dump->OutBuffer == bytes) {
        for (i = 0; i < DATA_LENGTH; i++)
            bytes[i] = (UCHAR)(FirstByte + i);
        FirstByte += 0x10;
    }
    dump->OutBuffer = bytes;
    dump->OutBufferLength = DATA_LENGTH;
}

/* A plain callback: what was registered for it. */
static VOID NTAPI AtStopPlain(PVOID Buffer, ULONG Length)
{
    DbgPrint("# ke plain is called at IRQL %u%s\n", KeGetCurrentIrql(),
             Buffer == &PlainBuffer && Length == sizeof(PlainBuffer) ? "" : ", and wrongly");
}

static VOID NTAPI NeverCalled(KBUGCHECK_CALLBACK_REASON Reason,
                              PKBUGCHECK_REASON_CALLBACK_RECORD Record, PVOID Data, ULONG Length)
{
    UNREFERENCED_PARAMETER(Reason);
    UNREFERENCED_PARAMETER(Record);
    UNREFERENCED_PARAMETER(Data);
    UNREFERENCED_PARAMETER(Length);
}

static VOID CheckPlain(VOID)
{
    PKBUGCHECK_CALLBACK_RECORD plain = &Plain;
    BOOLEAN never, in, twice, out, again;
    KIRQL irql;

    KeInitializeCallbackRecord(plain);
    KeRaiseIrql(HIGH_LEVEL, &irql);
    never = KeDeregisterBugCheckCallback(plain);
    in = KeRegisterBugCheckCallback(plain, AtStopPlain, &PlainBuffer, sizeof(PlainBuffer),
                                    FirstName);
    twice = KeRegisterBugCheckCallback(plain, AtStopPlain, NULL, 0, FirstName);
    out = KeDeregisterBugCheckCallback(plain);
    again = KeDeregisterBugCheckCallback(plain);
    KeLowerIrql(irql);
    Expect(
        in && !twice && plain->Buffer == &PlainBuffer,
        "KeRegisterBugCheckCallback, at any IRQL, returns FALSE for a record that is registered");
    Expect(in && out, "KeDeregisterBugCheckCallback, at any IRQL, takes out what is registered");
    Expect(!never && !again, "KeDeregisterBugCheckCallback returns FALSE for what is not");
    Initialize(&First);
    Expect(!KeDeregisterBugCheckReasonCallback(&First),
           "KeDeregisterBugCheckReasonCallback returns FALSE for what is not registered");
}

VOID CheckBugCheckCallbacks(VOID)
{
    static const ULONG reasons[] = {KbCallbackSecondaryDumpData, KbCallbackDumpIo,
                                    KbCallbackAddPages, KbCallbackRemovePages};
    static const ULONG none[] = {KbCallbackInvalid, KbCallbackReserved1, 100};
    ULONG i, wrong = 0;
    BOOLEAN in, out;
    KIRQL irql;

    for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        Initialize(&First);
        wrong += !KeRegisterBugCheckReasonCallback(&First, NeverCalled, reasons[i], FirstName);
        wrong += KeRegisterBugCheckReasonCallback(&First, NeverCalled, reasons[i], FirstName);
        wrong += First.Reason != reasons[i] || First.Component != FirstName;
        wrong += !KeDeregisterBugCheckReasonCallback(&First);
        wrong += KeDeregisterBugCheckReasonCallback(&First);
    }
    ExpectEqual(wrong, 0,
                "a record is registered once, for each reason, and deregistered as often");
    for (i = 0, wrong = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        Initialize(&First);
        wrong += KeRegisterBugCheckReasonCallback(&First, NeverCalled, none[i], FirstName);
        wrong += KeDeregisterBugCheckReasonCallback(&First);
    }
    ExpectEqual(wrong, 0, "and not for what is no reason");
    Initialize(&First);
    KeRaiseIrql(HIGH_LEVEL, &irql);
    in = KeRegisterBugCheckReasonCallback(&First, NeverCalled, KbCallbackDumpIo, FirstName);
    out = KeDeregisterBugCheckReasonCallback(&First);
    KeLowerIrql(irql);
    Expect(in && out, "at any IRQL");
    CheckPlain();
}

VOID StopBugCheck(VOID)
{
    PKBUGCHECK_CALLBACK_RECORD plain = &Plain;

    Initialize(&First);
    Initialize(&Second);
    Initialize(&Removed);
    KeRegisterBugCheckReasonCallback(&First, AtStop, KbCallbackSecondaryDumpData, FirstName);
    KeRegisterBugCheckReasonCallback(&Removed, AtStop, KbCallbackSecondaryDumpData, RemovedName);
    KeRegisterBugCheckReasonCallback(&Second, AtStop, KbCallbackSecondaryDumpData, SecondName);
    KeDeregisterBugCheckReasonCallback(&Removed);
    KeInitializeCallbackRecord(plain);
    KeRegisterBugCheckCallback(plain, AtStopPlain, &PlainBuffer, sizeof(PlainBuffer), FirstName);
    ExpectStop(0xE2, 1, 2, 3, 4, "a driver that stops the system with callbacks registered");
    KeBugCheckEx(0xE2, 1, 2, 3, 4);
}
