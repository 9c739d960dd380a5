/*
 * connects.c - connecting and disconnecting beside one another, on one line or by messages.
 *
 * Each racer has an edu of its own. With the INF that leaves the devices to their line, the four
 * share one: whatever the others do, a connected device is served.
 */
#include "races.h"

#define ROUNDS 40
#define RAISES 5

typedef struct _CONNECT_RACE {
    TEST_CONNECTION Connections[RACERS];
    volatile LONG Wrong, Served;
} CONNECT_RACE, *PCONNECT_RACE;

static VOID ConnectRacer(PRACER Racer)
{
    PCONNECT_RACE race = Racer->Shared;
    PTEST_CONNECTION connection = &race->Connections[Racer->Index];
    PTEST_DEVICE device = TestFind(TestKindEdu, Racer->Index);
    ULONG i;
    LONG k;

    for (i = 0; i < ROUNDS; i++) {
        switch (RaceRandom(Racer) >> 8 & 3) {
        case 0:
            TestPrepareFull(connection, device, 0);
            break;
        case 1:
            TestPrepareMessage(connection, device, TRUE);
            break;
        default:
            if (TestIsLine(device))
                TestPrepareLine(connection, device);
            else
                TestPrepareMessage(connection, device, FALSE);
        }
        if (!NT_SUCCESS(TestConnect(connection))) {
            InterlockedIncrement(&race->Wrong);
            continue;
        }
        for (k = 1; k <= RAISES; k++) {
            TestRaise(device, 0);
            if (!TestSpinUntil(&connection->Claims, k, 5000))
                InterlockedIncrement(&race->Wrong);
            else
                InterlockedIncrement(&race->Served);
        }
        TestDisconnect(connection);
        if (connection->Inside != 0 || connection->Claims != RAISES)
            InterlockedIncrement(&race->Wrong);
        RacePause(Racer);
    }
}

VOID RaceConnects(VOID)
{
    static CONNECT_RACE race;
    ULONG i;

    for (i = 0; i < RACERS; i++)
        if (TestFind(TestKindEdu, i) == NULL) {
            ExpectSkip("connected devices are served while others connect and disconnect",
                       "fewer than four edus");
            return;
        }
    for (i = 0; i < RACERS; i++)
        TestDevicePrepare(TestFind(TestKindEdu, i));
    RtlZeroMemory(&race, sizeof(race));
    Race(ConnectRacer, &race);
    Expect(
        race.Wrong == 0 && race.Served == RACERS * ROUNDS * RAISES,
        TestIsLine(TestFind(TestKindEdu, 0))
            ? "CIE-LIFE-4 a device on a shared line is served while others connect and disconnect"
            : "a device is served while others connect and disconnect");
}
