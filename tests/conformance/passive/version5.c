/*
 * version5.c - CONNECT_MESSAGE_BASED_PASSIVE. Microsoft publishes the number and no more; what is
 * checked here is our choice, CIE-VER-8.
 */
#include "passive.h"

static TEST_CONNECTION Connection;
static KSPIN_LOCK Lock;

static VOID Prepare(PTEST_DEVICE Device, BOOLEAN Fallback)
{
    TestPrepareMessage(&Connection, Device, Fallback);
    Connection.Parameters.Version = CONNECT_MESSAGE_BASED_PASSIVE;
}

static VOID CheckMessages(PTEST_DEVICE Device)
{
    ULONG i;

    Prepare(Device, FALSE);
    ExpectStatus(TestConnect(&Connection), STATUS_SUCCESS,
                 "CIE-VER-2, CIE-VER-8 Version 5 connects messages");
    ExpectEqual(Connection.Parameters.Version, CONNECT_MESSAGE_BASED_PASSIVE,
                "CIE-VER-8 and stays 5");
    if (Connection.Table == NULL)
        return;
    ExpectEqual(Connection.Table->MessageCount, TestMessageCount(Device),
                "CIE-VER-8 it stores a message table");
    ExpectEqual(Connection.Table->UnifiedIrql, PASSIVE_LEVEL,
                "CIE-VER-8 whose UnifiedIrql is that at which the routine runs");
    if (TestCanRaise(Device)) {
        for (i = 0; i < Connection.Table->MessageCount; i++) {
            ExpectPassiveCall(&Connection, i, "CIE-VER-8 each message calls the routine");
            ExpectEqual(Connection.MessageId, i, "CIE-VER-8 with its number");
        }
        CheckSynchronize(&Connection, Connection.Table->MessageInfo[0].InterruptObject, 0);
    }
    TestDisconnect(&Connection);
}

VOID CheckVersion5(PTEST_DEVICE Device)
{
    if (Device->InterruptCount == 0) {
        Prepare(Device, TRUE);
        TestRefuse(&Connection, STATUS_NOT_FOUND,
                   "CIE-VER-8 without interrupts Version 5 gives STATUS_NOT_FOUND");
        return;
    }
    Prepare(Device, TRUE);
    MESSAGE(&Connection).SpinLock = &Lock;
    TestRefuse(&Connection, STATUS_INVALID_PARAMETER, "CIE-VER-8 Version 5 with a lock is refused");
    if (TestIsMessage(Device)) {
        CheckMessages(Device);
        return;
    }
    Prepare(Device, FALSE);
    TestRefuse(&Connection, STATUS_NOT_FOUND,
               "CIE-VER-8 Version 5 without a fallback finds no message");
    Prepare(Device, TRUE);
    ExpectStatus(TestConnect(&Connection), STATUS_SUCCESS,
                 "CIE-VER-8 Version 5 falls back to the line");
    ExpectEqual(Connection.Parameters.Version, CONNECT_LINE_BASED,
                "CIE-VER-8 which makes Version 2");
    if (Connection.Object == NULL)
        return;
    ExpectPassiveCall(&Connection, 0, "CIE-VER-8 the fallback is a passive routine, too");
    TestDisconnect(&Connection);
}
