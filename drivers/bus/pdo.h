/*
 * drivers/bus/pdo.h - what every PDO of the built-in buses answers alike.
 *
 * A bus hands each request to bus_pdo_complete() with the status it decided on, or with
 * BUS_STATUS_UNCHANGED, which leaves the request's status as it came: the rule for requests that a
 * bus driver does not handle.
 */
#pragma once

#include <nt/wdm.h>

/* Not a status that any request ends with. */
#define BUS_STATUS_UNCHANGED ((NTSTATUS)0xE0000001)

NTSTATUS bus_pdo_complete(PIRP irp, NTSTATUS status);

/* The requests that need nothing of the bus: queries of stop and remove, relations of the PDO. */
NTSTATUS bus_pdo_pnp_common(PDEVICE_OBJECT pdo, PIRP irp);
/* IRP_MJ_POWER and IRP_MJ_SYSTEM_CONTROL. */
NTSTATUS NTAPI bus_pdo_power(PDEVICE_OBJECT pdo, PIRP irp);
NTSTATUS NTAPI bus_pdo_system_control(PDEVICE_OBJECT pdo, PIRP irp);

/* Set the dispatch routines of a bus driver. STATUS_SUCCESS, for its DriverEntry to return. */
NTSTATUS bus_pdo_dispatch_by(PDRIVER_OBJECT driver, PDRIVER_DISPATCH pnp, PDRIVER_DISPATCH power);

/* An unnamed PDO with one pointer of extension, ready to be reported. */
NTSTATUS bus_pdo_create(PDRIVER_OBJECT driver, void *extension, PDEVICE_OBJECT *pdo);
void *bus_pdo_extension(PDEVICE_OBJECT pdo);

/* Fill what all functions have in common: D0 while working, D3 else. */
void bus_capabilities_fill(PDEVICE_CAPABILITIES capabilities);
/* Answer of IRP_MN_QUERY_BUS_INFORMATION. */
NTSTATUS bus_information_answer(PIRP irp, const GUID *type, INTERFACE_TYPE legacy, ULONG number);
