/*
 * bench.h - the bench driver's two halves: bench.c is the driver, measure.c what it measures.
 *
 * The device is QEMU's edu by MSI. Stamps are the low halves of TSC values, taken by the code on
 * the way of one interrupt with as few instructions of its own as can be; under `-icount shift=0`
 * their differences are numbers of instructions. A stamp of 0 means: not there yet.
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
    volatile ULONG ServiceStamp; /* first thing in the service routine */
    volatile ULONG DpcStamp;     /* first thing in the DPC */
    volatile ULONG ThreadStamp;  /* first thing after the wait */
    volatile BOOLEAN Stop;
    ULONG64 FirstStamp; /* the service routine's very first call */
    KDPC Dpc;
    KEVENT Event; /* set by the DPC, waited for by the thread */
} BENCH, *PBENCH;

static inline ULONG BenchStamp(VOID)
{
    ULONG low;

    __asm__ volatile("rdtsc" : "=a"(low) : : "edx", "memory");
    return low;
}

/* The stamp, and the very next instruction is the store that raises. */
static inline ULONG BenchRaise(PBENCH Bench)
{
    PUCHAR raise = Bench->Registers + EDU_INTERRUPT_RAISE;
    ULONG low;

    __asm__ volatile("rdtsc\n\tmovl %2, (%1)"
                     : "=&a"(low)
                     : "r"(raise), "r"(EDU_RAISED_BY_HAND)
                     : "edx", "memory");
    return low;
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
