/*
 * pofx.h - what the files of the pofx driver share: a registered device, and a trail of the calls
 * that the power framework makes for it.
 *
 *   pofx.c        the group: the callbacks, which note, and answer now or later
 *   register.c    PoFxRegisterDevice: what it refuses, and its end
 *   components.c  conditions, F-states, components that depend on others
 *   power.c       power that is not required, and required again
 *   stops.c       what ends in a bug check
 */
#pragma once

#define PO_FX_VERSION 2
#include "suite.h"

/* A call, as two or three characters: "A0" active, "I0" idle, "S02" to F2, "R", "N". */
typedef struct _CALL {
    CHAR Text[4];
    KIRQL Irql;
    PKTHREAD Thread;
} CALL;

#define CALLS_MAX 64
extern CALL Calls[CALLS_MAX];
extern volatile LONG CallCount;

/* What is left to be completed later. */
extern BOOLEAN LaterIdle, LaterState, LaterPower;
/* The device goes to D3, and to D0, by power requests. */
extern BOOLEAN ByRequests;
extern volatile LONG Requests; /* that have ended well */

extern POHANDLE Handle;

/* A description with two components: F0 to F2, which wakes from F1; and F0 alone. */
PPO_FX_DEVICE_V2 Describe(VOID);
/* Registers that, or what became of it, and forgets the calls. */
BOOLEAN Register(PPO_FX_DEVICE_V2 Device);
VOID Start(VOID);
VOID Unregister(VOID);

VOID Forget(VOID);
/* The calls since then are these, separated by blanks. */
BOOLEAN Were(PCSTR Trail);
/* Waits for so many calls. */
BOOLEAN Came(LONG Count);

#define SILENCE 30 /* milliseconds in which something that should not happen would have */

VOID CheckRegistration(PTEST_DEVICE Device);
VOID FilterRegistration(PTEST_DEVICE Device, PIO_RESOURCE_REQUIREMENTS_LIST *List);
VOID StepShortage(ULONG Number);
VOID CheckComponents(VOID);
VOID CheckPower(PTEST_DEVICE Device);
VOID StopCase(ULONG Number);
