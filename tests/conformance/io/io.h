/*
 * io.h - what the files of the io driver share.
 */
#pragma once

#include "suite.h"

/* What mingw-w64's headers keep for other kinds of driver, or hide where there are groups. */
NTKERNELAPI ULONG NTAPI KeQueryActiveProcessorCount(PKAFFINITY ActiveProcessors);
NTKERNELAPI ULONG NTAPI KeQueryMaximumProcessorCount(VOID);
NTKERNELAPI KAFFINITY NTAPI KeQueryActiveProcessors(VOID);
NTKERNELAPI PDEVICE_OBJECT NTAPI IoGetDeviceAttachmentBaseRef(PDEVICE_OBJECT DeviceObject);
NTKERNELAPI PDEVICE_OBJECT NTAPI IoGetLowerDeviceObject(PDEVICE_OBJECT DeviceObject);
NTKERNELAPI NTSTATUS NTAPI IoEnumerateDeviceObjectList(PDRIVER_OBJECT DriverObject,
                                                       PDEVICE_OBJECT *List, ULONG Size,
                                                       PULONG Count);

VOID CheckObjects(VOID);
VOID CheckNames(VOID);
VOID CheckNamed(VOID);
VOID CheckRequests(VOID);
VOID CheckMdls(VOID);
VOID CheckMemory(VOID);
VOID CheckKeys(VOID);
VOID CheckProcessors(VOID);
VOID CheckQueues(VOID);
VOID CheckDescriptions(VOID);
