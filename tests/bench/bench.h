/*
 * bench.h - the bench driver's two halves: bench.c is the driver, measure.c what it measures.
 *
 * The device is QEMU's edu by MSI. Stamps are TSC values, taken by the code on the way of one
 * interrupt; under `-icount shift=0` their differences are numbers of instructions.
 */
#pragma once

#include <ntddk.h>

#include "../../drivers/edu/edu.h"

/* in: ULONG number of samples; the result is printed as one line of JSON. */
#define IOCTL_BENCH_RUN CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

#define BENCH_SAMPLES_MAX 100000u

/* What an interrupt does beyond being acknowledged. */
typedef enum { BenchServiceOnly, BenchDpc, BenchThread } BENCH_DEPTH;

typedef struct _BENCH {
    PDEVICE_OBJECT Physical;
    PUCHAR Registers;
    IO_DISCONNECT_INTERRUPT_PARAMETERS Connection; /* Version 0 while not connected */
    volatile BENCH_DEPTH Depth;
    volatile ULONG64 ServiceStamp; /* first thing in the service routine */
    volatile ULONG64 DpcStamp;     /* first thing in the DPC */
    volatile ULONG64 ThreadStamp;  /* first thing after the wait */
    volatile BOOLEAN Stop;
    ULONG64 FirstStamp; /* the service routine's very first call */
    KDPC Dpc;
    KEVENT Event; /* set by the DPC, waited for by the thread */
} BENCH, *PBENCH;

static inline ULONG64 BenchStamp(VOID)
{
    return __builtin_ia32_rdtsc();
}

/* Plain accesses: the count is to be the interrupt's, not a fence's. */
static inline VOID BenchWrite(PBENCH Bench, ULONG Register, ULONG Value)
{
    *(volatile ULONG *)(Bench->Registers + Register) = Value;
}

static inline ULONG BenchRead(PBENCH Bench, ULONG Register)
{
    return *(volatile ULONG *)(Bench->Registers + Register);
}

/* bench.c */
NTSTATUS BenchConnect(PBENCH Bench);
VOID BenchDisconnect(PBENCH Bench);

/* measure.c */
BOOLEAN NTAPI BenchServiceRoutine(PKINTERRUPT Interrupt, PVOID Context, ULONG MessageId);
VOID NTAPI BenchDpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2);
NTSTATUS BenchRun(PBENCH Bench, ULONG Samples);
