/*
 * edu.h - QEMU's educational PCI device (-device edu), and what the three edu drivers offer.
 *
 * Registers as in QEMU's docs/specs/edu.txt. The device lies in BAR 0 (1 MiB of memory space).
 * Below 0x80 it takes 4-byte accesses only. It has one interrupt, INTA or MSI: raised whenever the
 * interrupt status register is not 0. With MSI one message is sent each time a bit is raised.
 *
 * The second half is the drivers' interface: control codes and the structures they move, the same
 * for edu-line, edu-message and edu-full. Values are little-endian, as in memory.
 */
#pragma once

/* ---- Registers -------------------------------------------------------------------------- */

enum {
    EDU_ID = 0x00,                    /* ro: 0xRRrr00ED, major and minor version */
    EDU_LIVENESS = 0x04,              /* rw: reads back inverted */
    EDU_FACTORIAL = 0x08,             /* rw: write n, read n! (modulo 2^32) when not computing */
    EDU_STATUS = 0x20,                /* rw: EDU_STATUS_... */
    EDU_INTERRUPT_STATUS = 0x24,      /* ro: which bits are raised */
    EDU_INTERRUPT_RAISE = 0x60,       /* wo: raise these bits */
    EDU_INTERRUPT_ACKNOWLEDGE = 0x64, /* wo: clear these bits */
    EDU_DMA_SOURCE = 0x80,
    EDU_DMA_DESTINATION = 0x88,
    EDU_DMA_COUNT = 0x90,
    EDU_DMA_COMMAND = 0x98, /* EDU_DMA_..., reads EDU_DMA_START while under way */
};

#define EDU_ID_MASK 0x000000FFu
#define EDU_ID_VALUE 0x000000EDu

#define EDU_STATUS_COMPUTING 0x01u
#define EDU_STATUS_RAISE_WHEN_DONE 0x80u /* raise EDU_RAISED_FACTORIAL after a factorial */

/* Bits of the interrupt status. The device itself uses two; any other may be raised by hand. */
#define EDU_RAISED_FACTORIAL 0x00000001u
#define EDU_RAISED_BY_HAND 0x00000010u
#define EDU_RAISED_DMA 0x00000100u

#define EDU_DMA_START 0x1u
#define EDU_DMA_TO_MEMORY 0x2u /* else from memory to the device */
#define EDU_DMA_RAISE_WHEN_DONE 0x4u

/* The device's own buffer, as DMA addresses it, and the memory it reaches: 28 address bits. */
#define EDU_DMA_BUFFER 0x40000u
#define EDU_DMA_BUFFER_SIZE 4096u
#define EDU_DMA_HIGHEST_ADDRESS 0x0FFFFFFFu

/* ---- Control codes ---------------------------------------------------------------------- */

/* in: ULONG n; out: ULONG n! modulo 2^32, computed by the device, awaited by interrupt. */
#define IOCTL_EDU_FACTORIAL CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* in: up to EDU_DMA_MAX bytes; out: the same, moved to the device and back by DMA. */
#define IOCTL_EDU_DMA CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* in: ULONG n; the device raises n interrupts, each after the last was served. out: EDU_COUNTS */
#define IOCTL_EDU_RAISE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x802, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* out: EDU_STATISTICS since start. */
#define IOCTL_EDU_STATISTICS CTL_CODE(FILE_DEVICE_UNKNOWN, 0x803, METHOD_BUFFERED, FILE_ANY_ACCESS)

#define EDU_DMA_MAX 2048u
#define EDU_RAISE_MAX 1000000u

typedef struct _EDU_COUNTS {
    LONG Raised;       /* interrupts the device was told to raise by hand */
    LONG ServiceCalls; /* calls of the service routine */
    LONG Claimed;      /* of these, ours */
    LONG DpcRuns;      /* runs of the DPC: at most one for each that was claimed */
    LONG DpcSaw;       /* claimed interrupts that the DPC was told of */
} EDU_COUNTS;

typedef struct _EDU_STATISTICS {
    ULONG Version;      /* CONNECT_...: how the interrupt is connected */
    ULONG MessageCount; /* 0 for a line */
    ULONG Vector;
    ULONG Irql;
    EDU_COUNTS Counts;
} EDU_STATISTICS;
