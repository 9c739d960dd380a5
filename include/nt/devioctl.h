/*
 * devioctl.h - I/O control codes and device types (WDK: Defining I/O Control Codes).
 */
#ifndef NT_DEVIOCTL_H
#define NT_DEVIOCTL_H

#define CTL_CODE(DeviceType, Function, Method, Access) \
    (((DeviceType) << 16) | ((Access) << 14) | ((Function) << 2) | (Method))
#define DEVICE_TYPE_FROM_CTL_CODE(ControlCode) (((ULONG)((ControlCode)&0xffff0000)) >> 16)
#define METHOD_FROM_CTL_CODE(ControlCode)      ((ULONG)((ControlCode)&3))

#define METHOD_BUFFERED   0
#define METHOD_IN_DIRECT  1
#define METHOD_OUT_DIRECT 2
#define METHOD_NEITHER    3

#define FILE_ANY_ACCESS     0
#define FILE_SPECIAL_ACCESS FILE_ANY_ACCESS
#define FILE_READ_ACCESS    0x0001
#define FILE_WRITE_ACCESS   0x0002

#define FILE_DEVICE_BEEP              0x00000001
#define FILE_DEVICE_CD_ROM            0x00000002
#define FILE_DEVICE_CONTROLLER        0x00000004
#define FILE_DEVICE_DISK              0x00000007
#define FILE_DEVICE_DISK_FILE_SYSTEM  0x00000008
#define FILE_DEVICE_FILE_SYSTEM       0x00000009
#define FILE_DEVICE_INPORT_PORT       0x0000000a
#define FILE_DEVICE_KEYBOARD          0x0000000b
#define FILE_DEVICE_MOUSE             0x0000000f
#define FILE_DEVICE_NETWORK           0x00000012
#define FILE_DEVICE_NULL              0x00000015
#define FILE_DEVICE_PARALLEL_PORT     0x00000016
#define FILE_DEVICE_PHYSICAL_NETCARD  0x00000017
#define FILE_DEVICE_SERIAL_MOUSE_PORT 0x0000001a
#define FILE_DEVICE_SERIAL_PORT       0x0000001b
#define FILE_DEVICE_SCREEN            0x0000001c
#define FILE_DEVICE_SOUND             0x0000001d
#define FILE_DEVICE_STREAMS           0x0000001e
#define FILE_DEVICE_TRANSPORT         0x00000021
#define FILE_DEVICE_UNKNOWN           0x00000022
#define FILE_DEVICE_VIDEO             0x00000023
#define FILE_DEVICE_8042_PORT         0x00000027
#define FILE_DEVICE_BUS_EXTENDER      0x0000002a
#define FILE_DEVICE_MASS_STORAGE      0x0000002d
#define FILE_DEVICE_KS                0x0000002f
#define FILE_DEVICE_ACPI              0x00000032
#define FILE_DEVICE_BATTERY           0x00000029

#endif
