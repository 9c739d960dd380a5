/*
 * iointex.h - IoConnectInterruptEx for drivers that also run before Windows Vista.
 *
 * Include it right after ntddk.h or wdm.h and link with libiointex.a: the driver then imports
 * neither routine, which Windows 2000, XP and Server 2003 do not have. There the library offers
 * CONNECT_FULLY_SPECIFIED, by IoConnectInterrupt, and says so of every other version: see below.
 * On later systems both calls go to the system's own routines.
 *
 * It takes the place of Microsoft's Iointex.h and Iointex.lib. WDK: "Using IoConnectInterruptEx
 * Prior to Windows Vista".
 */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/*
 * PASSIVE_LEVEL. As the system's routine documents; before Windows Vista, where Version is not
 * CONNECT_FULLY_SPECIFIED: STATUS_NOT_SUPPORTED, and Version is now CONNECT_FULLY_SPECIFIED, which
 * no failure on a later system leaves there (IOX-3, IOX-4).
 */
NTSTATUS NTAPI WdmlibIoConnectInterruptEx(PIO_CONNECT_INTERRUPT_PARAMETERS Parameters);
/* PASSIVE_LEVEL. */
VOID NTAPI WdmlibIoDisconnectInterruptEx(PIO_DISCONNECT_INTERRUPT_PARAMETERS Parameters);

#ifdef __cplusplus
}
#endif

#define IoConnectInterruptEx WdmlibIoConnectInterruptEx
#define IoDisconnectInterruptEx WdmlibIoDisconnectInterruptEx
