/*
 * remove-lock.c - remove locks: who may go on with a device that is being removed.
 */
#include "io.h"

static IO_REMOVE_LOCK Lock;
static volatile LONG Waited;

static VOID WaitForAll(PVOID Context)
{
    IoReleaseRemoveLockAndWait(&Lock, Context);
    InterlockedIncrement(&Waited);
}

VOID CheckRemoveLock(VOID)
{
    UCHAR request, removal;
    TEST_THREAD thread;
    ULONG i;

    IoInitializeRemoveLock(&Lock, TEST_TAG, 0, 0);
    ExpectStatus(IoAcquireRemoveLock(&Lock, &request), STATUS_SUCCESS,
                 "G-IO-65 IoAcquireRemoveLock acquires");
    ExpectStatus(IoAcquireRemoveLock(&Lock, NULL), STATUS_SUCCESS,
                 "G-IO-65 any number of times, with a tag or without");
    IoReleaseRemoveLock(&Lock, NULL);
    ExpectStatus(IoAcquireRemoveLock(&Lock, &removal), STATUS_SUCCESS,
                 "G-IO-65 as often as it is released");
    if (!TestThreadStart(&thread, TestCurrentProcessor(), WaitForAll, &removal)) {
        Expect(FALSE, "a thread can be had");
        return;
    }
    /* Until removal has begun. An acquire that comes before that is given back. */
    for (i = 0; i < 5000 && IoAcquireRemoveLock(&Lock, &request) == STATUS_SUCCESS; i++) {
        IoReleaseRemoveLock(&Lock, &request);
        TestPause(1);
    }
    ExpectStatus(IoAcquireRemoveLock(&Lock, &request), STATUS_DELETE_PENDING,
                 "G-IO-65 once IoReleaseRemoveLockAndWait is called nobody acquires any more");
    ExpectEqual((ULONG)Waited, 0, "G-IO-67 which waits for those that have acquired");
    IoReleaseRemoveLock(&Lock, &request);
    TestThreadJoin(&thread);
    ExpectEqual((ULONG)Waited, 1, "G-IO-67 and returns when the last has released");
    ExpectStatus(IoAcquireRemoveLock(&Lock, &request), STATUS_DELETE_PENDING,
                 "G-IO-65 after that nobody acquires, either");
}
