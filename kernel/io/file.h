/*
 * io/file.h - opening a device and talking to it by IRPs, for the console and for Zw calls.
 *
 * Names: "\Device\Edu0", "\DosDevices\Edu0", "\??\Edu0", or bare "Edu0", which is looked for as a
 * symbolic link and then under \Device. What follows a device's name ("\Device\Edu0\sub") becomes
 * FileObject->FileName.
 *
 * The buffers are kernel memory; how they reach the driver (copied, by MDL, as they are) follows
 * the device's flags and the control code, as on Windows. All at PASSIVE_LEVEL.
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

/* IRP_MJ_CREATE to the top of the device's stack. io_file_close() undoes it. */
NTSTATUS io_file_open(const char *name, PFILE_OBJECT *file);
NTSTATUS io_file_open_wide(PCUNICODE_STRING name, ACCESS_MASK access, PFILE_OBJECT *file);

enum { CREATE_DISPOSITION_SHIFT = 24 };

/* What IRP_MJ_CREATE tells the driver, and what it answers. */
struct io_file_create {
    ACCESS_MASK access;
    ULONG options; /* FILE_ options, the disposition in the highest byte */
    USHORT attributes;
    USHORT share;
    PFILE_OBJECT related;  /* what the name is relative to; NULL: it is a whole path */
    ULONG_PTR information; /* out */
};
NTSTATUS io_file_create(PCUNICODE_STRING name, struct io_file_create *create, PFILE_OBJECT *file);
/* IRP_MJ_CLEANUP, then IRP_MJ_CLOSE with the last reference. */
void io_file_close(PFILE_OBJECT file);

/* ---- file_request.c ------------------------------------------------------------------------- */

struct io_file_buffers {
    const void *input;
    uint32_t input_length;
    void *output;
    uint32_t output_length;
};
/*
 * A request of the current thread's, for io_file_wait() or io_file_send(); the first has no
 * parameters yet. NULL: no memory.
 */
PIRP io_file_build(PFILE_OBJECT file, UCHAR major);
PIRP io_file_build_transfer(PFILE_OBJECT file, UCHAR major, uint64_t offset, const void *buffer,
                            uint32_t length);
PIRP io_file_build_control(PFILE_OBJECT file, uint32_t code, const struct io_file_buffers *buffers);
/*
 * Send it and wait; it is freed. timeout_ms 0 waits for ever; otherwise the IRP is cancelled when
 * the time is over, and STATUS_IO_TIMEOUT is returned if it did not finish by itself. *done: bytes.
 * A request that is NULL is STATUS_INSUFFICIENT_RESOURCES.
 */
NTSTATUS io_file_wait(PIRP irp, uint32_t timeout_ms, uint32_t *done);
/* For ever; but a file opened with FILE_SYNCHRONOUS_IO_ALERT lets an alert cancel the request. */
NTSTATUS io_file_wait_as_opened(PIRP irp, uint32_t *done);
/*
 * Send it and do not wait: its end fills the status block in, signals the event, or the file's own
 * where that is NULL, and queues the APC, if there is one. Takes over a reference to the file, one
 * to the event, and the APC. The result is the driver's: STATUS_PENDING if the end is still to
 * come. A request that fails before the call returns queues no APC.
 */
NTSTATUS io_file_send(PIRP irp, PIO_STATUS_BLOCK status_block, PKEVENT event, PKAPC apc);

/* An APC of the current thread by which a request's end calls the routine. NULL: no memory. */
PKAPC io_file_apc_make(PIO_APC_ROUTINE routine, PVOID context);
/* Either ends it; a thread that is at its end has it no more. IRQL <= DISPATCH_LEVEL. */
void io_file_apc_queue(PKAPC apc, PIO_STATUS_BLOCK status_block, KPRIORITY boost);
void io_file_apc_free(PKAPC apc);

/* One request, waited for as above. */
NTSTATUS io_file_read(PFILE_OBJECT file, uint64_t offset, void *buffer, uint32_t length,
                      uint32_t timeout_ms, uint32_t *done);
NTSTATUS io_file_write(PFILE_OBJECT file, uint64_t offset, const void *buffer, uint32_t length,
                       uint32_t timeout_ms, uint32_t *done);
/* The first `told` bytes of the buffer are told to the driver. */
NTSTATUS io_file_query(PFILE_OBJECT file, FILE_INFORMATION_CLASS class, uint32_t told, void *buffer,
                       uint32_t length, uint32_t *done);
NTSTATUS io_file_set(PFILE_OBJECT file, FILE_INFORMATION_CLASS class, const void *buffer,
                     uint32_t length, uint32_t *done);
NTSTATUS io_file_ioctl(PFILE_OBJECT file, uint32_t code, const void *input, uint32_t input_length,
                       void *output, uint32_t output_length, uint32_t timeout_ms, uint32_t *done);
/* The hint that requests to it begin with. */
IO_PRIORITY_HINT *io_file_priority_hint(PFILE_OBJECT file);
/* The options it was opened with that say how it is used. WDK: FileModeInformation */
ULONG io_file_mode(PFILE_OBJECT file);

/* One request at a time to a synchronous file; nothing for another. PASSIVE_LEVEL. */
void io_file_lock(PFILE_OBJECT file);
void io_file_unlock(PFILE_OBJECT file);
/* How a request that was waited for has ended. event NULL: the file's own. */
void io_file_tell(PFILE_OBJECT file, PKEVENT event, PIO_STATUS_BLOCK status_block, NTSTATUS status,
                  uint32_t done);
