/*
 * io.c - device objects and their names, IRPs, MDLs, memory, registry handles, processors, device
 * queues, properties: what the I/O manager and its neighbours do for a driver beside its device's
 * requests.
 */
#include "io.h"

static VOID Run(VOID)
{
    CheckObjects();
    CheckStacks();
    CheckLevels();
    CheckNames();
    CheckNamed();
    CheckOpens();
    CheckRequests();
    CheckBuilt();
    CheckMdls();
    CheckPartialMdls();
    CheckMemory();
    CheckKeys();
    CheckProcessors();
    CheckQueues();
    CheckDescriptions();
    CheckProperties();
    CheckDeviceProperties();
    CheckDeviceKeys();
}

const TEST_GROUP TestGroup = {.Run = Run, .Step = StepShortage};
