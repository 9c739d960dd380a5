/*
 * system.h - what the files of the system driver share.
 */
#pragma once

#include "suite.h"

VOID CheckToken(VOID);     /* token.c */
VOID CheckProcesses(VOID); /* processes.c */
