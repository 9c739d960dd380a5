/*
 * io/file.c - file objects: open and close.
 *
 * A file object is opened on the named device; its IRPs go to the top of that device's stack. The
 * last handle (io_file_close, ZwClose) sends IRP_MJ_CLEANUP, the last reference IRP_MJ_CLOSE. All
 * requests here are synchronous; a request that takes too long is cancelled.
 *
 * Owns: FILE_OBJECT, the console's file calls, what opens a device by name for a moment. Owns not:
 * the Zw calls (io/file_zw.c), name resolution (io/name.c).
 */
#include "io/file.h"

#include <lib/assert.h>
#include <lib/bits.h>
#include <lib/export.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "io/device.h"
#include "io/irp.h"
#include "io/name.h"
#include "io/object_types.h"

enum {
    FILE_NAME_UNITS_MAX = 260,
    MEMORY_WAIT_MS = 10,
};

/* WDK: IO_SECURITY_CONTEXT. There is one security context, that of the system process. */
struct _IO_SECURITY_CONTEXT {
    PVOID SecurityQos;
    PACCESS_STATE AccessState;
    ACCESS_MASK DesiredAccess;
    ULONG FullCreateOptions;
};

/* The private end of a file object's memory. */
struct io_file {
    FILE_OBJECT object;
    bool opened;       /* IRP_MJ_CREATE succeeded: CLOSE is due */
    bool cleaned;      /* IRP_MJ_CLEANUP was sent */
    void *name_buffer; /* FileName points into it */
    IO_PRIORITY_HINT priority_hint;
};

/* CLEANUP and CLOSE cannot fail: without memory they wait for some. */
static void file_end_open(PFILE_OBJECT file, UCHAR major)
{
    LARGE_INTEGER moment = {.QuadPart = -10000ll * MEMORY_WAIT_MS};
    uint32_t done;
    PIRP irp;

    while ((irp = io_file_build(file, major)) == NULL)
        KeDelayExecutionThread(KernelMode, FALSE, &moment);
    io_file_wait(irp, 0, &done);
}

static void file_cleanup(void *object)
{
    struct io_file *file = object;

    if (!file->opened || file->cleaned)
        return;
    file->cleaned = true;
    file->object.Flags |= FO_CLEANUP_COMPLETE;
    file_end_open(&file->object, IRP_MJ_CLEANUP);
}

static void file_destroy(void *object)
{
    struct io_file *file = object;

    if (file->opened) {
        file_cleanup(object);
        file_end_open(&file->object, IRP_MJ_CLOSE);
        io_device_close_reference(file->object.DeviceObject);
    }
    ob_dereference(file->object.DeviceObject);
    io_free(file->name_buffer);
}

/* The name of the device, and what was named behind it. */
static void file_describe(void *object, char *text, size_t size)
{
    PFILE_OBJECT file = object;
    KIRQL irql = io_database_acquire();
    const struct io_name *name = io_device_of(file->DeviceObject)->name;

    if (name != NULL)
        lib_utf8_cut(text, size, name->path.Buffer, name->path.Length / sizeof(WCHAR));
    io_database_release(irql);
    size -= strlen(text);
    text += strlen(text);
    lib_utf8_cut(text, size, file->FileName.Buffer, file->FileName.Length / sizeof(WCHAR));
}

static const struct ob_generic_rights file_rights = {FILE_GENERIC_READ, FILE_GENERIC_WRITE,
                                                     FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS};

const struct _OBJECT_TYPE io_file_type = {.name = "File",
                                          .destroy = file_destroy,
                                          .close = file_cleanup,
                                          .describe = file_describe,
                                          .generic = &file_rights,
                                          .passive = true};

/* Options, and the flags that a file object has of them: all or none of an option's. */
static const struct {
    ULONG option;
    ULONG flags;
} meanings[] = {
    {FILE_SYNCHRONOUS_IO_ALERT, FO_SYNCHRONOUS_IO | FO_ALERTABLE_IO},
    {FILE_SYNCHRONOUS_IO_NONALERT, FO_SYNCHRONOUS_IO},
    {FILE_NO_INTERMEDIATE_BUFFERING, FO_NO_INTERMEDIATE_BUFFERING},
    {FILE_WRITE_THROUGH, FO_WRITE_THROUGH},
    {FILE_SEQUENTIAL_ONLY, FO_SEQUENTIAL_ONLY},
};

static ULONG file_flags(ULONG options)
{
    ULONG flags = 0;

    for (size_t i = 0; i < ARRAY_COUNT(meanings); i++)
        flags |= (options & meanings[i].option) != 0 ? meanings[i].flags : 0;
    return flags;
}

ULONG io_file_mode(PFILE_OBJECT file)
{
    ULONG flags = file->Flags, mode = 0;

    for (size_t i = 0; i < ARRAY_COUNT(meanings); i++) {
        if ((flags & meanings[i].flags) == meanings[i].flags) {
            mode |= meanings[i].option;
            flags &= ~meanings[i].flags; /* alertable I/O is no nonalertable */
        }
    }
    return mode;
}

IO_PRIORITY_HINT *io_file_priority_hint(PFILE_OBJECT file)
{
    return &CONTAINING_RECORD(file, struct io_file, object)->priority_hint;
}

/* Takes over the device's reference and the name buffer, whatever the result. */
static NTSTATUS file_make(PDEVICE_OBJECT device, const UNICODE_STRING *rest, void *buffer,
                          const struct io_file_create *create, struct io_file **file_out)
{
    struct io_file *file = ob_create(&io_file_type, sizeof(*file));

    if (file == NULL) {
        ob_dereference(device);
        io_free(buffer);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    file->object.Type = IO_TYPE_FILE;
    file->object.Size = sizeof(FILE_OBJECT);
    file->object.DeviceObject = device;
    file->object.FileName = *rest;
    file->object.Flags = file_flags(create->options);
    file->object.ReadAccess = (create->access & (FILE_READ_DATA | GENERIC_READ)) != 0;
    file->object.WriteAccess = (create->access & (FILE_WRITE_DATA | GENERIC_WRITE)) != 0;
    file->object.DeleteAccess = (create->access & DELETE) != 0;
    file->object.SharedRead = (create->share & FILE_SHARE_READ) != 0;
    file->object.SharedWrite = (create->share & FILE_SHARE_WRITE) != 0;
    file->object.SharedDelete = (create->share & FILE_SHARE_DELETE) != 0;
    file->name_buffer = buffer;
    file->priority_hint = IoPriorityNormal;
    KeInitializeEvent(&file->object.Lock, SynchronizationEvent, TRUE);
    KeInitializeEvent(&file->object.Event, NotificationEvent, FALSE);
    InitializeListHead(&file->object.IrpList);
    *file_out = file;
    return STATUS_SUCCESS;
}

/* The device, referenced, and what is named behind it, in a buffer of its own. */
static NTSTATUS file_find(PCUNICODE_STRING name, PFILE_OBJECT related, PDEVICE_OBJECT *device,
                          UNICODE_STRING *rest, void **buffer)
{
    if (related == NULL)
        return io_name_resolve(name, device, rest, buffer);
    if (name->Length % sizeof(WCHAR) != 0)
        return STATUS_OBJECT_NAME_INVALID;
    rest->Length = name->Length;
    rest->MaximumLength = name->Length;
    rest->Buffer = *buffer = io_allocate(name->Length + sizeof(WCHAR), IO_TAG_NAME);
    if (*buffer == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    memcpy(rest->Buffer, name->Buffer, name->Length);
    *device = related->DeviceObject;
    ob_reference(*device);
    return STATUS_SUCCESS;
}

NTSTATUS io_file_create(PCUNICODE_STRING name, struct io_file_create *create,
                        PFILE_OBJECT *file_out)
{
    ACCESS_STATE state = {.OriginalDesiredAccess = create->access,
                          .RemainingDesiredAccess = create->access};
    struct _IO_SECURITY_CONTEXT security = {
        .AccessState = &state,
        .DesiredAccess = create->access,
        .FullCreateOptions = create->options & ((1u << CREATE_DISPOSITION_SHIFT) - 1)};
    IO_STACK_LOCATION location = {.MajorFunction = IRP_MJ_CREATE};
    PDEVICE_OBJECT device;
    UNICODE_STRING rest;
    struct io_file *file;
    NTSTATUS status;
    void *buffer;

    ASSERT_IRQL(PASSIVE_LEVEL);
    *file_out = NULL;
    status = file_find(name, create->related, &device, &rest, &buffer);
    if (!NT_SUCCESS(status))
        return status;
    status = file_make(device, &rest, buffer, create, &file);
    if (!NT_SUCCESS(status))
        return status;
    status = io_device_open_reference(device);
    if (NT_SUCCESS(status)) {
        location.FileObject = &file->object;
        location.Parameters.Create.SecurityContext = &security;
        location.Parameters.Create.Options = create->options;
        location.Parameters.Create.FileAttributes = create->attributes;
        location.Parameters.Create.ShareAccess = create->share;
        create->information = 0;
        file->object.RelatedFileObject = create->related;
        SeCaptureSubjectContext(&state.SubjectSecurityContext);
        status = io_request_send(device, &location, STATUS_SUCCESS, &create->information);
        SeReleaseSubjectContext(&state.SubjectSecurityContext);
        file->object.RelatedFileObject = NULL; /* WDK: FILE_OBJECT: while it is opened only */
        if (!NT_SUCCESS(status))
            io_device_close_reference(device);
    }
    if (!NT_SUCCESS(status)) {
        ob_dereference(file);
        return status;
    }
    file->opened = true;
    file->object.Flags |= FO_FILE_OPEN;
    *file_out = &file->object;
    return STATUS_SUCCESS;
}

NTSTATUS io_file_open_wide(PCUNICODE_STRING name, ACCESS_MASK access, PFILE_OBJECT *file)
{
    struct io_file_create create = {.access = access,
                                    .options = FILE_OPEN << CREATE_DISPOSITION_SHIFT |
                                               FILE_SYNCHRONOUS_IO_NONALERT,
                                    .share = FILE_SHARE_READ | FILE_SHARE_WRITE};

    return io_file_create(name, &create, file);
}

static NTSTATUS file_open_prefixed(const char *prefix, const char *name, PFILE_OBJECT *file)
{
    WCHAR wide[FILE_NAME_UNITS_MAX];
    UNICODE_STRING path = {.Buffer = wide};
    size_t units = lib_wide_from_utf8(wide, FILE_NAME_UNITS_MAX, prefix, strlen(prefix));
    size_t room = FILE_NAME_UNITS_MAX - units;
    size_t more = lib_wide_from_utf8(wide + units, room, name, strlen(name));

    if (more > room)
        return STATUS_OBJECT_NAME_INVALID;
    path.Length = path.MaximumLength = (USHORT)((units + more) * sizeof(WCHAR));
    return io_file_open_wide(&path, GENERIC_READ | GENERIC_WRITE, file);
}

NTSTATUS io_file_open(const char *name, PFILE_OBJECT *file)
{
    NTSTATUS status;

    if (strncmp(name, "\\\\.\\", 4) == 0)
        return file_open_prefixed("\\??\\", name + 4, file);
    if (name[0] == '\\')
        return file_open_prefixed("", name, file);
    status = file_open_prefixed("\\??\\", name, file);
    if (status == STATUS_OBJECT_NAME_NOT_FOUND)
        status = file_open_prefixed("\\Device\\", name, file);
    return status;
}

void io_file_close(PFILE_OBJECT file)
{
    file_cleanup(file);
    ob_dereference(file);
}

/* WDK surface */

NTSTATUS NTAPI IoGetDeviceObjectPointer(PUNICODE_STRING ObjectName, ACCESS_MASK DesiredAccess,
                                        PFILE_OBJECT *FileObject, PDEVICE_OBJECT *DeviceObject)
{
    NTSTATUS status = io_file_open_wide(ObjectName, DesiredAccess, FileObject);

    if (!NT_SUCCESS(status))
        return status;
    *DeviceObject = IoGetRelatedDeviceObject(*FileObject);
    file_cleanup(*FileObject); /* as if a handle had been opened and closed */
    return STATUS_SUCCESS;
}
LDR_EXPORT(IoGetDeviceObjectPointer);

/*
 * The target is opened for the attachment only: CLEANUP and CLOSE come to SourceDevice, the new
 * top. *AttachedDevice is set before there is a way to it. IRQL = PASSIVE_LEVEL. A status of the
 * target's IRP_MJ_CREATE, STATUS_NO_SUCH_DEVICE where nothing can be attached. WDK: IoAttachDevice
 */
NTSTATUS NTAPI IoAttachDevice(PDEVICE_OBJECT SourceDevice, PUNICODE_STRING TargetDevice,
                              PDEVICE_OBJECT *AttachedDevice)
{
    PFILE_OBJECT file;
    NTSTATUS status = io_file_open_wide(TargetDevice, FILE_READ_ATTRIBUTES, &file);

    if (!NT_SUCCESS(status)) {
        *AttachedDevice = NULL;
        return status;
    }
    status = IoAttachDeviceToDeviceStackSafe(SourceDevice, file->DeviceObject, AttachedDevice);
    io_file_close(file);
    return status;
}
LDR_EXPORT(IoAttachDevice);

PDEVICE_OBJECT NTAPI IoGetRelatedDeviceObject(PFILE_OBJECT FileObject)
{
    return IoGetAttachedDevice(FileObject->DeviceObject);
}
LDR_EXPORT(IoGetRelatedDeviceObject);
