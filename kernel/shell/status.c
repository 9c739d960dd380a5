/*
 * Names of the statuses a user of the console is likely to meet; the others are shown as numbers.
 */
#include "shell/command.h"

#define STATUS_NAME(Name)                                                                          \
    {                                                                                              \
        STATUS_##Name, #Name                                                                       \
    }

const char *shell_status_name(NTSTATUS status)
{
    static const struct {
        NTSTATUS status;
        const char *name;
    } names[] = {
        STATUS_NAME(TIMEOUT),
        STATUS_NAME(UNSUCCESSFUL),
        STATUS_NAME(NOT_IMPLEMENTED),
        STATUS_NAME(INVALID_HANDLE),
        STATUS_NAME(INVALID_PARAMETER),
        STATUS_NAME(NO_SUCH_DEVICE),
        STATUS_NAME(INVALID_DEVICE_REQUEST),
        STATUS_NAME(END_OF_FILE),
        STATUS_NAME(NO_MEMORY),
        STATUS_NAME(ACCESS_DENIED),
        STATUS_NAME(BUFFER_TOO_SMALL),
        STATUS_NAME(OBJECT_NAME_INVALID),
        STATUS_NAME(OBJECT_NAME_NOT_FOUND),
        STATUS_NAME(OBJECT_NAME_COLLISION),
        STATUS_NAME(OBJECT_PATH_NOT_FOUND),
        STATUS_NAME(DATA_ERROR),
        STATUS_NAME(INSUFFICIENT_RESOURCES),
        STATUS_NAME(DEVICE_NOT_CONNECTED),
        STATUS_NAME(MEDIA_WRITE_PROTECTED),
        STATUS_NAME(DEVICE_NOT_READY),
        STATUS_NAME(IO_TIMEOUT),
        STATUS_NAME(NOT_SUPPORTED),
        STATUS_NAME(CANCELLED),
        STATUS_NAME(DELETE_PENDING),
        STATUS_NAME(INVALID_IMAGE_FORMAT),
        STATUS_NAME(DRIVER_ENTRYPOINT_NOT_FOUND),
        STATUS_NAME(DEVICE_CONFIGURATION_ERROR),
        STATUS_NAME(IO_DEVICE_ERROR),
        STATUS_NAME(NOT_FOUND),
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].status == status)
            return names[i].name;
    }
    return "";
}
