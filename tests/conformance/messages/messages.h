/*
 * messages.h - the cases of this group, by file, and a device's configuration space.
 *
 * Offsets and fields are those of PCI 3.0, written once more here, so that a wrong one in the
 * system under test shows.
 */
#pragma once

#include "suite.h"

/* PCI 3.0 6.1, 6.8.1, 6.8.2 */
enum {
    CONFIG_COMMAND = 0x04,
    CONFIG_STATUS = 0x06,
    CONFIG_BARS = 0x10,
    CONFIG_CAPABILITIES = 0x34
};
enum { CAPABILITY_MSI = 0x05, CAPABILITY_EXPRESS = 0x10, CAPABILITY_MSIX = 0x11 };

#define COMMAND_BUS_MASTER 0x0004u
#define COMMAND_INTX_OFF 0x0400u
#define MSI_ENABLE 0x0001u
#define MSI_64BIT 0x0080u
#define MSI_MASKABLE 0x0100u
#define MSIX_SIZE 0x07FFu
#define MSIX_FUNCTION_MASK 0x4000u
#define MSIX_ENABLE 0x8000u
#define MSIX_BIR 0x7u
#define ENTRY_MASKED 1u

typedef struct _MSIX_TABLE {
    ULONG Size; /* entries */
    PUCHAR Entries, Pending;
} MSIX_TABLE, *PMSIX_TABLE;

/* Which device the next three are about. FALSE: it has no configuration space to look at. */
BOOLEAN ConfigOf(PTEST_DEVICE Device);
ULONG ConfigRead(ULONG Offset, ULONG Size);
VOID ConfigWrite(ULONG Offset, ULONG Size, ULONG Value);
/* Offset of a capability, or 0. */
ULONG ConfigCapability(ULONG Id);
/* Maps the table and the pending bits of the device ConfigOf named. */
BOOLEAN TableMap(PMSIX_TABLE Table);
VOID TableUnmap(PMSIX_TABLE Table);
ULONG TableRead(PMSIX_TABLE Table, ULONG Entry, ULONG Word);
BOOLEAN TablePending(PMSIX_TABLE Table, ULONG Entry);

VOID CheckMsi(VOID);                 /* msi.c */
VOID CheckMsix(PTEST_DEVICE Device); /* msix.c */
VOID CheckMsixPlace(PTEST_DEVICE Device);
VOID CheckTwoMessages(PTEST_DEVICE Device);
VOID CheckInterface(PTEST_DEVICE Device, PTEST_DEVICE Without); /* table.c */
VOID CheckEntries(PTEST_DEVICE Device);
VOID CheckUnused(PTEST_DEVICE Device);
