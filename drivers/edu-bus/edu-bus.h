/*
 * edu-bus.h - an edu device as a bus with two slots: what the driver's halves share.
 *
 *   edu-bus.c   the device below, an edu: the function driver's half (FDO)
 *   child.c     the devices above, one a plugged slot: the bus driver's half (PDO)
 *
 * Each slot may hold a calculator: a device without resources that does what edu drivers do
 * (edu.h's control codes) by way of the one edu below. Ids: EDUBUS\Calculator, instances 0 and 1.
 */
#pragma once

#include "../edu/requests.h"
#include "../function/function.h"

#define BUS_SLOTS 2u

/* in: ULONG slot. Put a calculator into a slot, or take it out. */
#define IOCTL_EDU_BUS_PLUG CTL_CODE(FILE_DEVICE_UNKNOWN, 0x810, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_EDU_BUS_UNPLUG CTL_CODE(FILE_DEVICE_UNKNOWN, 0x811, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* The extension of a child's device object. No FUNCTION: Bus is never NULL, an FDO's first is. */
typedef struct _CHILD {
    PVOID NoFunction; /* NULL: tells a child's extension from the bus's, see IsChild */
    struct _DEVICE *Bus;
    ULONG Slot;
    BOOLEAN Reported; /* (s) in the last answer to QUERY_DEVICE_RELATIONS */
} CHILD, *PCHILD;

/* (s) Slots.Lock, a mutex: only ever taken at PASSIVE_LEVEL */
typedef struct _DEVICE {
    FUNCTION Function; /* Self, its first member, is not NULL */
    EDU_HARDWARE Hardware;
    ULONG Length; /* of the registers */
    KDPC Dpc;
    struct {
        FAST_MUTEX Lock;
        BOOLEAN Plugged[BUS_SLOTS];         /* (s) */
        PDEVICE_OBJECT Children[BUS_SLOTS]; /* (s) NULL: none was made, or it is being removed */
    } Slots;
} DEVICE;

static inline BOOLEAN IsChild(PDEVICE_OBJECT DeviceObject)
{
    return ((PCHILD)DeviceObject->DeviceExtension)->NoFunction == NULL;
}

/* child.c */
NTSTATUS ChildrenReport(PDEVICE Bus, PIRP Irp);
VOID ChildrenDelete(PDEVICE Bus);
NTSTATUS ChildPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp);
NTSTATUS ChildPower(PIRP Irp);
NTSTATUS ChildRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp);
