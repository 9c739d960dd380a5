/*
 * remove_lock.c - remove locks: acquired as often as is wanted, until removal waits for all who
 * hold them. Races are the races driver's.
 */
#include "requests.h"

#define HOLDERS 3
#define QUIET_MS 50

/* A lock is initialized once in its life. */
static IO_REMOVE_LOCK Alone, Lock;
static volatile LONG Removed; /* the wait is over */

static VOID Remove(PVOID Context)
{
    if (NT_SUCCESS(IoAcquireRemoveLock(&Lock, Context)))
        IoReleaseRemoveLockAndWait(&Lock, Context);
    InterlockedExchange(&Removed, 1);
}

/* Until removal has begun, which a new acquisition notices. */
static BOOLEAN WaitForRemoval(VOID)
{
    ULONG i;

    for (i = 0; i < 6000; i++) {
        if (IoAcquireRemoveLock(&Lock, &Lock) == STATUS_DELETE_PENDING)
            return TRUE;
        IoReleaseRemoveLock(&Lock, &Lock);
        TestPause(5);
    }
    return FALSE;
}

static VOID CheckAlone(VOID)
{
    RtlFillMemory(&Alone, sizeof(Alone), 0xCC);
    IoInitializeRemoveLock(&Alone, TEST_TAG, 0, 0x7FFFFFFF);
    ExpectStatus(IoAcquireRemoveLock(&Alone, NULL), STATUS_SUCCESS,
                 "G-IO-64 an initialized remove lock can be acquired, without a tag, too");
    IoReleaseRemoveLock(&Alone, NULL);
    ExpectStatus(IoAcquireRemoveLock(&Alone, &Alone), STATUS_SUCCESS,
                 "G-IO-66 one that was released can be acquired again");
    IoReleaseRemoveLockAndWait(&Alone, &Alone);
    ExpectStatus(IoAcquireRemoveLock(&Alone, &Alone), STATUS_DELETE_PENDING,
                 "G-IO-67 with no other holder the wait is over at once; then it is refused");
    ExpectStatus(IoAcquireRemoveLock(&Alone, NULL), STATUS_DELETE_PENDING, "G-IO-67 for ever");
}

static VOID CheckHeld(VOID)
{
    ULONG held = 0, i;
    TEST_THREAD thread;
    BOOLEAN begun;
    KIRQL irql;

    IoInitializeRemoveLock(&Lock, TEST_TAG, 1, 1);
    for (i = 0; i < HOLDERS; i++)
        held += NT_SUCCESS(IoAcquireRemoveLock(&Lock, (PVOID)(ULONG_PTR)i));
    ExpectEqual(held, HOLDERS,
                "G-IO-64 the limits of a remove lock are the verifier's: it is acquired beyond");
    Removed = 0;
    if (!TestThreadStart(&thread, TestOtherProcessor(TestCurrentProcessor()), Remove, &Lock)) {
        Expect(FALSE, "a thread can be had");
        return;
    }
    begun = WaitForRemoval();
    for (i = 1; i < HOLDERS; i++)
        IoReleaseRemoveLock(&Lock, (PVOID)(ULONG_PTR)i);
    TestPause(QUIET_MS);
    Expect(begun && !Removed, "G-IO-67 IoReleaseRemoveLockAndWait waits for the last holder");
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    IoReleaseRemoveLock(&Lock, NULL);
    KeLowerIrql(irql);
    TestThreadJoin(&thread);
    Expect(Removed == 1, "G-IO-66 who may release it at DISPATCH_LEVEL");
}

VOID CheckRemoveLock(VOID)
{
    CheckAlone();
    CheckHeld();
}
