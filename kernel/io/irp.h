/*
 * io/irp.h - sending IRPs from inside the kernel.
 *
 * For PnP, power and the file layer: an IRP on the top of a stack, waited for. The WDK surface
 * (IoAllocateIrp, IofCallDriver, IofCompleteRequest, ...) is in irp.c.
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

/*
 * Send a request made of *location (major, minor, parameters; the rest is filled in here) to the
 * top of device's stack and wait. status_in is IoStatus.Status before (STATUS_NOT_SUPPORTED for
 * PnP and power). *information: in and out, may be NULL. PASSIVE_LEVEL.
 */
NTSTATUS io_request_send(PDEVICE_OBJECT device, const IO_STACK_LOCATION *location,
                         NTSTATUS status_in, ULONG_PTR *information);

/*
 * Send an IRP whose next location is filled in (all but the completion routine) and wait; it stays
 * the caller's. timeout_ms 0 waits for ever; else the IRP is cancelled then, and if that is what
 * ended it the result is STATUS_IO_TIMEOUT. It is cancelled, too, if the thread is alerted and the
 * wait is alertable. IRQL <= APC_LEVEL.
 */
NTSTATUS io_irp_call_and_wait(PDEVICE_OBJECT device, PIRP irp, uint32_t timeout_ms, bool alertable);

/*
 * What the I/O manager keeps of an IRP from IoAllocateIrp, behind its stack locations, where no
 * driver looks. Legend: (c) constant once it is sent, (l) the lock of the list of all (io/irp.c).
 */
struct io_irp_tail {
    LIST_ENTRY entry;   /* (l) */
    PIRP irp;           /* (c) */
    PKEVENT awaited;    /* (l) by the thread that built it and ends: it frees the IRP */
    bool ending;        /* its locations are done, and zeroed */
    bool ended;         /* (l) awaited will be set, or is */
    PDEVICE_OBJECT top; /* (c) of a request to a file: whom it is sent to, with a reference */
    PFILE_OBJECT file;  /* (c) of one that nobody waits for: with a reference, as UserEvent */
    PKAPC apc;          /* (c) of that: to be queued at its end (io_file_apc_make), or NULL */
};
struct io_irp_tail *io_irp_tail(PIRP irp);

/* From now on a thread that ends has its requests cancelled (io/irp.c). Once, at boot. */
void io_irp_init(void);

/* Does a location with this Control have its completion routine called, as the IRP ends now? */
bool io_irp_wants_routine(PIRP irp, UCHAR control);
/* Call an IRP's cancel routine, which releases the cancel spin lock that the caller holds. */
void io_irp_call_cancel(PDRIVER_CANCEL routine, PDEVICE_OBJECT device, PIRP irp);

/* AllocationFlags: the I/O manager finishes and frees the IRP (threaded IRPs, WDK: IoBuild...). */
enum { IO_IRP_THREADED = 0x40 };

/* Give the next location's buffers to the IRP as the device, or the control code, wants them. */
bool io_irp_attach_transfer(PIRP irp, PDEVICE_OBJECT device, ULONG major, PVOID buffer,
                            ULONG length);
bool io_irp_attach_control(PIRP irp, ULONG code, PVOID input, ULONG input_length, PVOID output,
                           ULONG output_length);
/* Free what was attached, and MDLs; copy_out: IoStatus.Information bytes to the caller first. */
void io_irp_release_buffers(PIRP irp, bool copy_out);

/* Visit the IRPs that are allocated and not yet freed, under their list's lock, for the console. */
void io_irp_for_each(void (*visit)(PIRP irp, void *context), void *context);
