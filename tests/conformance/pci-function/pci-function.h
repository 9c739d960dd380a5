/*
 * pci-function.h - what the files of the pci-function driver share.
 *
 *   pci-function.c  the group: ids, BUS_INTERFACE_STANDARD
 *   capabilities.c  IRP_MN_QUERY_CAPABILITIES, D1 and D2
 *   bus-data.c      HalGetBusData and its kin, which reach a function by bus and slot number
 */
#pragma once

#include "suite.h"

#define EDU_VENDOR 0x1234
#define EDU_DEVICE 0x11E8
#define CONFIG_INTERRUPT_LINE 0x3C

/* mingw-w64's headers keep these for older systems. */
NTKERNELAPI ULONG NTAPI HalGetBusData(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
                                      PVOID Buffer, ULONG Length);
NTKERNELAPI ULONG NTAPI HalSetBusData(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
                                      PVOID Buffer, ULONG Length);

/* The function's bus number, and its PCI_SLOT_NUMBER. */
VOID FindPlace(PTEST_DEVICE Device, PULONG Bus, PULONG Slot);

VOID CheckBusData(PTEST_DEVICE Device);
VOID CheckCapabilities(PTEST_DEVICE Device);
