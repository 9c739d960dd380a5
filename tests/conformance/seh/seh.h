/*
 * seh.h - what the files of the seh driver share.
 *
 * clang finds the calls in a __try that may raise, not single instructions: what raises is always a
 * routine of its own, not inlined.
 */
#pragma once

#include "suite.h"

#define NOINLINE __attribute__((noinline))

#define OWN_STATUS ((NTSTATUS)0xE0000001)

/* The numbers of the steps taken, a digit each. */
extern ULONG64 Trail;
VOID Step(ULONG Number);
VOID Raise(NTSTATUS Status);
/* For a filter: copies what it was given, and returns Answer. */
LONG Remember(PEXCEPTION_POINTERS Pointers, PEXCEPTION_RECORD Record, PCONTEXT Context,
              LONG Answer);

/* machine.c: routines in assembly, with the unwind data that compilers write, or none. */
ULONG ReadLong(const volatile VOID *Address); /* no frame: a leaf */
VOID WriteLong(volatile VOID *Address);       /* the same */
VOID DivideByZero(VOID);
VOID ExecuteUndefined(VOID);
VOID HitBreakpoint(VOID);
/* fault.c: ReadLong, as StatusOf takes it. */
VOID Read(PVOID Address);
/* Overwrites every nonvolatile register, RBX RBP RSI RDI R12-R15 XMM6-15, then reads Address. */
VOID ClobberAndRead(const volatile VOID *Address);
/* Calls Routine with patterns in all of these; which of them have changed: bits 0 to 17. */
ULONG ChangedRegisters(VOID (*Routine)(VOID));
/* Reads Address between the pushes of its prologue. */
VOID FaultInPrologue(const volatile VOID *Address);
/* Jumps to Address at the end of its epilogue. */
VOID JumpInEpilogue(const volatile VOID *Address);

/* Calls Routine with its own frame; 0, or what a resumption puts into RAX. */
ULONG64 CallResumable(VOID (*Routine)(PVOID Frame));
/* Places in it to unwind to, and its end. */
VOID ResumeWithValue(VOID);
VOID ResumeWithSeven(VOID); /* RAX 7 */
VOID EndOfResumable(VOID);
/* Calls Routine; NoteUnwind is its language handler. */
VOID CallNoted(VOID (*Routine)(VOID));

/* jump.c: what NoteUnwind was told, and how often it is to answer what it must not. */
typedef struct _UNWIND_NOTE {
    ULONG Calls;
    NTSTATUS Code;
    ULONG Flags;
    PVOID Frame;
    ULONG64 TargetIp;
    ULONG BadAnswers;
} UNWIND_NOTE;

EXCEPTION_DISPOSITION NTAPI NoteUnwind(PEXCEPTION_RECORD Record, PVOID Frame, PCONTEXT Context,
                                       PDISPATCHER_CONTEXT Dispatcher);
/* An exit unwind that nothing overtakes. */
VOID ExitUnwindToTheEnd(VOID);

/* The status that a routine raises, 0: none. */
NTSTATUS StatusOf(VOID (*Routine)(PVOID Context), PVOID Context);

VOID CheckFilters(VOID);
VOID CheckFinally(VOID);
VOID CheckNested(VOID);
VOID CheckFaults(VOID);
VOID CheckRegisters(VOID);
VOID CheckCallbacks(VOID);
VOID CheckRaising(VOID);
VOID CheckWalks(VOID);
VOID CheckLeaving(VOID);
VOID CheckLookups(VOID);
