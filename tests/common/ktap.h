/*
 * ktap.h - KTAP from a driver: one line a case, its name a sentence with the rules it rests on.
 *
 *     KTAP report;
 *     KtapBegin(&report);
 *     KtapCheck(&report, status == STATUS_SUCCESS, "a line can be connected (CIE-LINE-1)");
 *     failures = KtapEnd(&report);
 */
#pragma once

#include <ntddk.h>

typedef struct _KTAP {
    ULONG Cases;
    ULONG Failures;
} KTAP, *PKTAP;

static inline VOID KtapBegin(PKTAP Report)
{
    Report->Cases = 0;
    Report->Failures = 0;
    DbgPrint("KTAP version 1\n");
}

static inline VOID KtapCheck(PKTAP Report, BOOLEAN Passed, PCSTR Name)
{
    Report->Cases++;
    if (!Passed)
        Report->Failures++;
    DbgPrint("%s %u - %s\n", Passed ? "ok" : "not ok", Report->Cases, Name);
}

/* A value that must be exactly this; the line after a failure says what came instead. */
static inline VOID KtapEqual(PKTAP Report, ULONG64 Got, ULONG64 Wanted, PCSTR Name)
{
    KtapCheck(Report, Got == Wanted, Name);
    if (Got != Wanted)
        DbgPrint("# got 0x%I64X, wanted 0x%I64X\n", Got, Wanted);
}

static inline VOID KtapStatus(PKTAP Report, NTSTATUS Got, NTSTATUS Wanted, PCSTR Name)
{
    KtapEqual(Report, (ULONG)Got, (ULONG)Wanted, Name);
}

static inline VOID KtapSkip(PKTAP Report, PCSTR Name, PCSTR Reason)
{
    DbgPrint("ok %u - %s # SKIP %s\n", ++Report->Cases, Name, Reason);
}

static inline ULONG KtapEnd(PKTAP Report)
{
    DbgPrint("1..%u\n", Report->Cases);
    return Report->Failures;
}
