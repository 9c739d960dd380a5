/*
 * timers.c - timers by handle.
 */
#include "objects.h"

#define NAME L"\\BaseNamedObjects\\ObjectsTestTimer"
#define MILLISECONDS(Count) (-(LONGLONG)(Count)*10000)

static LARGE_INTEGER Due(LONGLONG Time)
{
    LARGE_INTEGER due;

    due.QuadPart = Time;
    return due;
}

static NTSTATUS Create(PHANDLE Timer, PCWSTR Name, ULONG More, TIMER_TYPE Type)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;

    NameAttributes(&attributes, &name, Name);
    attributes.Attributes |= More;
    *Timer = NULL;
    return ZwCreateTimer(Timer, STANDARD_RIGHTS_ALL, Name == NULL ? NULL : &attributes, Type);
}

static NTSTATUS Open(PHANDLE Timer, PCWSTR Name)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;

    NameAttributes(&attributes, &name, Name);
    return ZwOpenTimer(Timer, STANDARD_RIGHTS_ALL, &attributes);
}

static NTSTATUS Set(HANDLE Timer, LONGLONG Time, LONG Period, PBOOLEAN Previous)
{
    LARGE_INTEGER due = Due(Time);

    return ZwSetTimer(Timer, &due, NULL, NULL, FALSE, Period, Previous);
}

static NTSTATUS Wait(HANDLE Timer, ULONG Milliseconds)
{
    LARGE_INTEGER timeout = Due(MILLISECONDS(Milliseconds));

    return ZwWaitForSingleObject(Timer, FALSE, &timeout);
}

/* There is nothing that a handle of a directory could be had from. */
static VOID CheckTimerRoots(HANDLE Other)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;
    HANDLE timer;

    NameAttributes(&attributes, &name, L"ObjectsTestTimer");
    attributes.RootDirectory = NO_HANDLE;
    ExpectStatus(ZwCreateTimer(&timer, STANDARD_RIGHTS_ALL, &attributes, NotificationTimer),
                 STATUS_INVALID_HANDLE, "ZwCreateTimer: RootDirectory must be open");
    ExpectStatus(ZwOpenTimer(&timer, STANDARD_RIGHTS_ALL, &attributes), STATUS_INVALID_HANDLE,
                 "ZwOpenTimer: RootDirectory must be open");
    attributes.RootDirectory = Other;
    ExpectStatus(ZwCreateTimer(&timer, STANDARD_RIGHTS_ALL, &attributes, NotificationTimer),
                 STATUS_OBJECT_TYPE_MISMATCH, "ZwCreateTimer: RootDirectory must be a directory");
    ExpectStatus(ZwOpenTimer(&timer, STANDARD_RIGHTS_ALL, &attributes), STATUS_OBJECT_TYPE_MISMATCH,
                 "ZwOpenTimer: RootDirectory must be a directory");
}

static VOID CheckTimerNames(VOID)
{
    HANDLE first, second, third = NULL, key;

    ExpectStatus(Open(&second, NAME), STATUS_OBJECT_NAME_NOT_FOUND,
                 "ZwOpenTimer does not find a timer that there is not");
    ExpectStatus(Create(&first, NAME, 0, NotificationTimer), STATUS_SUCCESS,
                 "ZwCreateTimer makes one with a name");
    ExpectStatus(Create(&second, NAME, 0, NotificationTimer), STATUS_OBJECT_NAME_COLLISION, "once");
    ExpectStatus(Create(&second, NAME, OBJ_OPENIF, NotificationTimer), STATUS_OBJECT_NAME_EXISTS,
                 "with OBJ_OPENIF it opens the one that there is");
    ExpectStatus(Open(&third, NAME), STATUS_SUCCESS, "and so does ZwOpenTimer");
    Set(third, MILLISECONDS(1), 0, NULL);
    Expect(Wait(first, 10000) == STATUS_SUCCESS && Wait(second, 0) == STATUS_SUCCESS,
           "it is the same one");
    ZwClose(first);
    ZwClose(second);
    ExpectStatus(Open(&second, NAME), STATUS_SUCCESS, "the name lasts as long as a handle");
    ZwClose(second);
    ZwClose(third);
    ExpectStatus(Open(&second, NAME), STATUS_OBJECT_NAME_NOT_FOUND, "and no longer");
    ExpectStatus(Create(&first, L"ObjectsTestTimer", 0, NotificationTimer),
                 STATUS_OBJECT_PATH_SYNTAX_BAD, "a name begins at the root");
    ExpectStatus(Create(&first, NULL, 0, (TIMER_TYPE)2), STATUS_INVALID_PARAMETER_4,
                 "a type that there is not is refused");
    key = OpenKey();
    ExpectStatus(Set(key, MILLISECONDS(1), 0, NULL), STATUS_OBJECT_TYPE_MISMATCH,
                 "ZwSetTimer sets nothing but timers");
    ExpectStatus(ZwCancelTimer(key, NULL), STATUS_OBJECT_TYPE_MISMATCH,
                 "and ZwCancelTimer cancels nothing else");
    CheckTimerRoots(key);
    ZwClose(key);
    ExpectStatus(Set(NO_HANDLE, MILLISECONDS(1), 0, NULL), STATUS_INVALID_HANDLE,
                 "ZwSetTimer refuses a handle that there is not");
    ExpectStatus(ZwCancelTimer(NO_HANDLE, NULL), STATUS_INVALID_HANDLE,
                 "and so does ZwCancelTimer");
}

static VOID CheckNotification(HANDLE Timer)
{
    LARGE_INTEGER past = Due(1), later = Due(MILLISECONDS(100000));
    BOOLEAN state = TRUE;

    ExpectStatus(Set(Timer, MILLISECONDS(100000), 0, &state), STATUS_SUCCESS,
                 "ZwSetTimer sets a timer");
    Expect(!state, "that was not signalled");
    ExpectStatus(Wait(Timer, 1), STATUS_TIMEOUT, "it is not before its time");
    ExpectStatus(ZwCancelTimer(Timer, &state), STATUS_SUCCESS, "ZwCancelTimer cancels it");
    Expect(!state, "and tells that it is not signalled");
    Set(Timer, MILLISECONDS(20), 0, NULL);
    ExpectStatus(Wait(Timer, 10000), STATUS_SUCCESS, "a timer is signalled at its time");
    ExpectStatus(Wait(Timer, 0), STATUS_SUCCESS, "a notification timer stays so");
    ZwCancelTimer(Timer, &state);
    Expect(state, "which cancelling tells");
    Set(Timer, MILLISECONDS(100000), 0, &state);
    Expect(state, "and setting");
    ExpectStatus(Wait(Timer, 0), STATUS_TIMEOUT, "which takes the signal away");
    ZwSetTimer(Timer, &past, NULL, NULL, FALSE, 0, NULL);
    ExpectStatus(Wait(Timer, 10000), STATUS_SUCCESS, "a time in the past is now");
    ExpectStatus(Set(Timer, MILLISECONDS(1), -1, NULL), STATUS_INVALID_PARAMETER_6,
                 "a negative period is refused");
    ExpectStatus(ZwSetTimer(Timer, &later, NULL, NULL, TRUE, 0, NULL), STATUS_TIMER_RESUME_IGNORED,
                 "a timer that is to wake the machine is set, if it cannot do that");
    ZwCancelTimer(Timer, NULL);
}

static VOID CheckSynchronization(HANDLE Timer)
{
    ULONG i, signals = 0;

    Set(Timer, MILLISECONDS(5), 0, NULL);
    ExpectStatus(Wait(Timer, 10000), STATUS_SUCCESS, "a synchronization timer lets one wait end");
    ExpectStatus(Wait(Timer, 0), STATUS_TIMEOUT, "and no other");
    Set(Timer, MILLISECONDS(5), 5, NULL);
    for (i = 0; i < 4; i++)
        signals += Wait(Timer, 10000) == STATUS_SUCCESS;
    ExpectEqual(signals, 4, "a periodic one is signalled again and again");
    ZwCancelTimer(Timer, NULL);
    Wait(Timer, 0);
    ExpectStatus(Wait(Timer, 30), STATUS_TIMEOUT, "until it is cancelled");
}

/* ---- APC routines ---------------------------------------------------------------------------- */

static struct {
    volatile LONG Calls;
    PVOID Context;
    LONGLONG Time; /* that it was told */
    PKTHREAD Thread;
    KIRQL Irql;
} Told;

static VOID NTAPI Tell(PVOID TimerContext, ULONG TimerLowValue, LONG TimerHighValue)
{
    LARGE_INTEGER time;

    time.LowPart = TimerLowValue;
    time.HighPart = TimerHighValue;
    Told.Context = TimerContext;
    Told.Time = time.QuadPart;
    Told.Thread = KeGetCurrentThread();
    Told.Irql = KeGetCurrentIrql();
    InterlockedIncrement(&Told.Calls);
}

static NTSTATUS SetTelling(HANDLE Timer, LONGLONG Time, LONG Period)
{
    LARGE_INTEGER due = Due(Time);

    return ZwSetTimer(Timer, &due, Tell, Timer, FALSE, Period, NULL);
}

#define END_MS 300

static VOID SetAndEnd(PVOID Timer)
{
    SetTelling(Timer, MILLISECONDS(END_MS), 0);
}

static VOID CheckTelling(HANDLE Timer)
{
    LARGE_INTEGER before, after;
    LONG calls;

    KeQuerySystemTime(&before);
    SetTelling(Timer, MILLISECONDS(20), 0);
    Expect(WaitUntilAtLeast(&Told.Calls, 1, 10000), "a timer calls its APC routine");
    KeQuerySystemTime(&after);
    Expect(Told.Context == Timer && Told.Time > before.QuadPart && Told.Time <= after.QuadPart,
           "with context and system time");
    Expect(Told.Thread == KeGetCurrentThread() && Told.Irql == PASSIVE_LEVEL,
           "at PASSIVE_LEVEL in the thread that set it");
    TestPause(40);
    ExpectEqual((ULONG)Told.Calls, 1, "once");
    SetTelling(Timer, MILLISECONDS(5), 5);
    Expect(WaitUntilAtLeast(&Told.Calls, 4, 10000), "a periodic one again and again");
    ZwCancelTimer(Timer, NULL);
    calls = Told.Calls;
    KeEnterCriticalRegion();
    SetTelling(Timer, MILLISECONDS(1), 0);
    Expect(Wait(Timer, 10000) == STATUS_SUCCESS && Told.Calls == calls,
           "not while APCs are disabled");
    ZwCancelTimer(Timer, NULL);
    KeLeaveCriticalRegion();
    ExpectEqual((ULONG)Told.Calls, (ULONG)calls, "a cancelled timer takes its APC along");
    KeEnterCriticalRegion();
    SetTelling(Timer, MILLISECONDS(1), 0);
    Wait(Timer, 10000);
    Set(Timer, MILLISECONDS(1), 0, NULL);
    KeLeaveCriticalRegion();
    Expect(Wait(Timer, 10000) == STATUS_SUCCESS && Told.Calls == calls,
           "and so does one that is set without a routine");
}

static VOID CheckTellingThread(HANDLE Timer)
{
    BOOLEAN region = KeAreApcsDisabled(); /* system threads begin in one */
    TEST_THREAD thread;
    ULONG64 begin;
    ULONG tries = 0;
    LONG calls;

    if (region)
        KeLeaveCriticalRegion();
    CheckTelling(Timer);
    do { /* on a busy host its time may have come before its end */
        calls = Told.Calls;
        begin = KeQueryInterruptTime();
        if (TestThreadStart(&thread, 0, SetAndEnd, Timer))
            TestThreadJoin(&thread);
    } while (KeQueryInterruptTime() - begin >= END_MS * 10000 && tries++ < 20);
    Expect(Wait(Timer, END_MS + 100) == STATUS_TIMEOUT && Told.Calls == calls,
           "a thread's end cancels the timers that would tell it");
    if (region)
        KeEnterCriticalRegion();
}

VOID CheckTimers(VOID)
{
    HANDLE notification = NULL, synchronization = NULL;

    CheckTimerNames();
    ExpectStatus(Create(&notification, NULL, 0, NotificationTimer), STATUS_SUCCESS,
                 "ZwCreateTimer makes a timer without a name");
    ExpectStatus(Create(&synchronization, NULL, 0, SynchronizationTimer), STATUS_SUCCESS,
                 "of either type");
    CheckNotification(notification);
    CheckSynchronization(synchronization);
    CheckTellingThread(notification);
    ZwClose(notification);
    ZwClose(synchronization);
}
