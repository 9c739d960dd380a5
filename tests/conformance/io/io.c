/*
 * io.c - device objects and their names, IRPs, MDLs, memory, registry handles, processors, device
 * queues, properties: what the I/O manager and its neighbours do for a driver beside its device's requests.
 */
#include "io.h"

static VOID Run(VOID)
{
    CheckObjects();
    CheckNames();
    CheckNamed();
    CheckRequests();
    CheckMdls();
    CheckMemory();
    CheckKeys();
    CheckProcessors();
    CheckQueues();
    CheckDescriptions();
    CheckProperties();
    CheckDeviceKeys();
}

const TEST_GROUP TestGroup = {.Run = Run};
