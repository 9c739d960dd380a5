/*
 * events.c - events by handle.
 */
#include "services.h"

static BOOLEAN IsSignalled(HANDLE Handle)
{
    LARGE_INTEGER now = {0};

    return ZwWaitForSingleObject(Handle, FALSE, &now) == STATUS_SUCCESS;
}

static VOID CheckUnnamed(VOID)
{
    HANDLE handle;
    LONG previous = -1;

    ExpectStatus(ZwCreateEvent(&handle, EVENT_ALL_ACCESS, NULL, (EVENT_TYPE)2, FALSE),
                 STATUS_INVALID_PARAMETER_4, "ZwCreateEvent refuses a type that is none");
    ExpectStatus(ZwCreateEvent(&handle, EVENT_ALL_ACCESS, NULL, NotificationEvent, TRUE),
                 STATUS_SUCCESS, "ZwCreateEvent makes a notification event without a name");
    Expect(IsSignalled(handle) && IsSignalled(handle),
           "ZwCreateEvent: signalled as asked, and a wait leaves it so");
    ExpectStatus(ZwResetEvent(handle, &previous), STATUS_SUCCESS, "ZwResetEvent resets it");
    Expect(previous == 1 && !IsSignalled(handle), "ZwResetEvent tells the state before");
    ExpectStatus(ZwSetEvent(handle, &previous), STATUS_SUCCESS, "ZwSetEvent sets it");
    Expect(previous == 0 && IsSignalled(handle), "ZwSetEvent tells the state before");
    ExpectStatus(ZwClearEvent(handle), STATUS_SUCCESS, "ZwClearEvent clears it");
    Expect(!IsSignalled(handle), "ZwClearEvent: it is not signalled");
    ZwClose(handle);
    ExpectStatus(ZwSetEvent(handle, NULL), STATUS_INVALID_HANDLE,
                 "ZwSetEvent refuses a closed handle");
    ZwCreateEvent(&handle, EVENT_ALL_ACCESS, NULL, SynchronizationEvent, TRUE);
    Expect(IsSignalled(handle) && !IsSignalled(handle),
           "ZwCreateEvent: one wait takes a synchronization event");
    ZwClose(handle);
}

static VOID CheckNamed(VOID)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\BaseNamedObjects\\ServicesTest");
    OBJECT_ATTRIBUTES attributes;
    HANDLE first, second;

    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    ExpectStatus(ZwOpenEvent(&first, EVENT_ALL_ACCESS, &attributes), STATUS_OBJECT_NAME_NOT_FOUND,
                 "ZwOpenEvent finds no event before there is one");
    ExpectStatus(ZwCreateEvent(&first, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE),
                 STATUS_SUCCESS, "ZwCreateEvent makes one with a name");
    ExpectStatus(ZwCreateEvent(&second, EVENT_ALL_ACCESS, &attributes, NotificationEvent, TRUE),
                 STATUS_OBJECT_NAME_COLLISION, "ZwCreateEvent makes no other of that name");
    attributes.Attributes |= OBJ_OPENIF;
    ExpectStatus(ZwCreateEvent(&second, EVENT_ALL_ACCESS, &attributes, NotificationEvent, TRUE),
                 STATUS_OBJECT_NAME_EXISTS, "ZwCreateEvent opens it with OBJ_OPENIF");
    Expect(!IsSignalled(second), "ZwCreateEvent: and leaves its state");
    ZwSetEvent(second, NULL);
    Expect(IsSignalled(first), "ZwSetEvent: both handles are of one event");
    ZwClose(second);
    ExpectStatus(ZwOpenEvent(&second, EVENT_ALL_ACCESS, &attributes), STATUS_SUCCESS,
                 "ZwOpenEvent finds it");
    Expect(IsSignalled(second), "ZwOpenEvent: it is the one");
    ZwClose(second);
    ZwClose(first);
    ExpectStatus(ZwOpenEvent(&first, EVENT_ALL_ACCESS, &attributes), STATUS_OBJECT_NAME_NOT_FOUND,
                 "ZwClose of the last handle takes the name away");
}

VOID CheckEvents(VOID)
{
    CheckUnnamed();
    CheckNamed();
}
