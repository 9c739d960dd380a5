/*
 * apic.h - the registers of the local APIC and of the IOAPIC, as the cases of this group see them.
 *
 * Drivers seldom touch these; a driver may, though, by the documented MmMapIoSpace, and what stands
 * in them is what interrupts rest on. The numbers are those of the manuals, written once more here,
 * so that a wrong one in the system under test shows.
 *
 * Sources: Intel SDM 3A "Advanced Programmable Interrupt Controller", 82093AA data sheet.
 */
#pragma once

#include "suite.h"

/* SDM 3A "Local APIC Register Address Map", table 11-1 */
enum {
    APIC_ID = 0x020,
    APIC_VERSION = 0x030,
    APIC_TPR = 0x080,
    APIC_PPR = 0x0A0,
    APIC_EOI = 0x0B0,
    APIC_LDR = 0x0D0,
    APIC_DFR = 0x0E0,
    APIC_SVR = 0x0F0,
    APIC_ISR = 0x100,
    APIC_TMR = 0x180,
    APIC_IRR = 0x200,
    APIC_ICR_LOW = 0x300,
    APIC_ICR_HIGH = 0x310,
    APIC_LVT_TIMER = 0x320,
    APIC_LVT_LAST = 0x370,
    APIC_TIMER_INITIAL = 0x380,
    APIC_TIMER_CURRENT = 0x390,
    APIC_TIMER_DIVIDE = 0x3E0,
};

#define APIC_SVR_ENABLE 0x100u
#define APIC_LVT_MASKED 0x10000u
#define APIC_LVT_PERIODIC 0x20000u
#define APIC_DIVIDE_BY_1 0xBu
#define APIC_ICR_LOGICAL 0x800u
#define APIC_ICR_BUSY 0x1000u
#define APIC_ICR_ASSERT 0x4000u
#define APIC_ICR_SELF 0x40000u
#define APIC_ICR_ALL 0x80000u
#define APIC_BROADCAST 0xFFu
#define APIC_DFR_FLAT 0xFFFFFFFFu
#define APIC_DFR_CLUSTER 0x0FFFFFFFu

/* 82093AA 3.1, 3.2 */
enum { IOAPIC_ID, IOAPIC_VERSION, IOAPIC_ARBITRATION, IOAPIC_TABLE = 0x10 };

#define PIN_VECTOR 0xFFu
#define PIN_LOGICAL 0x800u
#define PIN_LOW 0x2000u
#define PIN_REMOTE_IRR 0x4000u
#define PIN_LEVEL 0x8000u
#define PIN_MASKED 0x10000u

#define MSR_APIC_BASE 0x1B

#define MESSAGES 4 /* the rocker's */

/*
 * Both at the addresses they have after reset. FALSE: they cannot be reached, the reason is said.
 */
BOOLEAN ApicMap(VOID);
VOID ApicUnmap(VOID);
ULONG ApicRead(ULONG Register);
VOID ApicWrite(ULONG Register, ULONG Value);
/* The vector's bit in one of the three bit vectors. */
BOOLEAN ApicBit(ULONG Bank, ULONG Vector);
VOID ApicSend(ULONG Destination, ULONG Low);
ULONG IoapicRead(ULONG Register);
VOID IoapicWrite(ULONG Register, ULONG Value);
/* A redirection entry: high half, low half. Written masked, high half first. */
ULONG PinRead(ULONG Pin, BOOLEAN High);
VOID PinWrite(ULONG Pin, ULONG High, ULONG Low);
VOID PinMask(ULONG Pin, BOOLEAN Mask);
/* The pin of a device's line: PnP's raw vector is the GSI. */
ULONG PinOf(PTEST_DEVICE Device);

/* The rocker's messages, one connection each, whose routines claim every call. */
extern TEST_CONNECTION Messages[MESSAGES];
BOOLEAN MessagesConnect(VOID);
VOID MessagesDisconnect(VOID);
ULONG MessageVector(ULONG Message);
ULONG MessageProcessor(ULONG Message);
LONG MessagesCalls(VOID);
VOID MessagesReset(VOID);
/* TRUE: the messages are on processors 0 to MESSAGES-1, in that order, and have one vector. */
BOOLEAN MessagesAreSpread(VOID);

/* DFR and LDR of a processor: how it is named logically. */
typedef struct {
    ULONG Format, Logical;
} LOGICAL_MODE;

/* For KeIpiGenericCall: each processor's, from or to an array of MESSAGES of them. */
ULONG_PTR NTAPI LogicalRead(ULONG_PTR Modes);
ULONG_PTR NTAPI LogicalWrite(ULONG_PTR Modes);

/* The calling thread's processor, or any, without interrupts. */
ULONG_PTR InterruptsOff(VOID);
VOID InterruptsRestore(ULONG_PTR Flags);

VOID Meddle(ULONG Number);
VOID CheckLocal(PTEST_DEVICE Line);
VOID CheckTimer(VOID);
VOID CheckIpis(VOID);
VOID CheckBlock(PTEST_DEVICE Device);
VOID CheckIoapic(PTEST_DEVICE Line, PTEST_DEVICE Edge);
VOID CheckLevel(PTEST_DEVICE Line);
VOID CheckEdge(PTEST_DEVICE Edge);
VOID CheckRoutes(PTEST_DEVICE Line, PTEST_DEVICE Edge);
