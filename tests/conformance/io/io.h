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
NTKERNELAPI PEPROCESS NTAPI IoGetRequestorProcess(PIRP Irp);
NTKERNELAPI ULONG NTAPI IoGetRequestorProcessId(PIRP Irp);
NTKERNELAPI NTSTATUS NTAPI IoEnumerateDeviceObjectList(PDRIVER_OBJECT DriverObject,
                                                       PDEVICE_OBJECT *List, ULONG Size,
                                                       PULONG Count);
NTKERNELAPI NTSTATUS NTAPI IoGetDeviceInterfacePropertyData(PUNICODE_STRING SymbolicLinkName,
                                                            const DEVPROPKEY *PropertyKey,
                                                            LCID Lcid, ULONG Flags, ULONG Size,
                                                            PVOID Data, PULONG RequiredSize,
                                                            PDEVPROPTYPE Type);
NTKERNELAPI NTSTATUS NTAPI IoSetDeviceInterfacePropertyData(PUNICODE_STRING SymbolicLinkName,
                                                            const DEVPROPKEY *PropertyKey,
                                                            LCID Lcid, ULONG Flags,
                                                            DEVPROPTYPE Type, ULONG Size,
                                                            PVOID Data);

#ifndef LOCALE_NEUTRAL
#define LOCALE_NEUTRAL ((LCID)0x0000)
#define LOCALE_USER_DEFAULT ((LCID)0x0400)
#define LOCALE_SYSTEM_DEFAULT ((LCID)0x0800)
#endif

/* stacks.c: a device of this driver that is initialised. Name: or NULL. NULL: there is none. */
PDEVICE_OBJECT CreateDevice(PUNICODE_STRING Name);

VOID CheckObjects(VOID);
VOID CheckStacks(VOID);
VOID CheckLevels(VOID);
VOID CheckOpens(VOID);
VOID CheckBuilt(VOID);
VOID CheckPartialMdls(VOID);
VOID CheckNames(VOID);
VOID CheckNamed(VOID);
VOID CheckRequests(VOID);
VOID CheckMdls(VOID);
VOID CheckMemory(VOID);
VOID CheckKeys(VOID);
VOID CheckProcessors(VOID);
VOID CheckQueues(VOID);
VOID CheckDescriptions(VOID);
VOID CheckProperties(VOID);
VOID CheckDeviceProperties(VOID);
VOID CheckDeviceKeys(VOID);
VOID StepShortage(ULONG Number);
