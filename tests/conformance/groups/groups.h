/*
 * groups.h - what the files of the groups driver share: processors that make two groups.
 *
 *   groups.c      numbers, indices, calls on all processors
 *   threads.c     what is told of each group; threads and DPCs that go from one to the other
 */
#pragma once

#include "suite.h"

#define PER_GROUP 64

VOID CheckThreadsOfGroups(VOID);
