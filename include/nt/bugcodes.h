/*
 * bugcodes.h - codes of KeBugCheckEx (WDK: Bug Check Code Reference).
 */
#ifndef NT_BUGCODES_H
#define NT_BUGCODES_H

#define APC_INDEX_MISMATCH                                       0x00000001
#define DEVICE_QUEUE_NOT_BUSY                                    0x00000002
#define INVALID_PROCESS_ATTACH_ATTEMPT                           0x00000005
#define INVALID_SOFTWARE_INTERRUPT                               0x00000007
#define IRQL_NOT_DISPATCH_LEVEL                                  0x00000008
#define IRQL_NOT_GREATER_OR_EQUAL                                0x00000009
#define IRQL_NOT_LESS_OR_EQUAL                                   0x0000000A
#define MAXIMUM_WAIT_OBJECTS_EXCEEDED                            0x0000000C
#define SPIN_LOCK_ALREADY_OWNED                                  0x0000000F
#define SPIN_LOCK_NOT_OWNED                                      0x00000010
#define TRAP_CAUSE_UNKNOWN                                       0x00000012
#define REFERENCE_BY_POINTER                                     0x00000018
#define BAD_POOL_HEADER                                          0x00000019
#define MEMORY_MANAGEMENT                                        0x0000001A
#define KMODE_EXCEPTION_NOT_HANDLED                              0x0000001E
#define KERNEL_APC_PENDING_DURING_EXIT                           0x00000020
#define NO_MORE_IRP_STACK_LOCATIONS                              0x00000035
#define SYSTEM_SERVICE_EXCEPTION                                 0x0000003B
#define INTERRUPT_UNWIND_ATTEMPTED                               0x0000003C
#define INTERRUPT_EXCEPTION_NOT_HANDLED                          0x0000003D
#define MULTIPLE_IRP_COMPLETE_REQUESTS                           0x00000044
#define CANCEL_STATE_IN_COMPLETED_IRP                            0x00000048
#define PAGE_FAULT_WITH_INTERRUPTS_OFF                           0x00000049
#define IRQL_GT_ZERO_AT_SYSTEM_SERVICE                           0x0000004A
#define PFN_LIST_CORRUPT                                         0x0000004E
#define PAGE_FAULT_IN_NONPAGED_AREA                              0x00000050
#define HAL_INITIALIZATION_FAILED                                0x0000005C
#define UNSUPPORTED_PROCESSOR                                    0x0000005D
#define MISMATCHED_HAL                                           0x00000079
#define INACCESSIBLE_BOOT_DEVICE                                 0x0000007B
#define INSTALL_MORE_MEMORY                                      0x0000007D
#define SYSTEM_THREAD_EXCEPTION_NOT_HANDLED                      0x0000007E
#define UNEXPECTED_KERNEL_MODE_TRAP                              0x0000007F
#define NMI_HARDWARE_FAILURE                                     0x00000080
#define KERNEL_MODE_EXCEPTION_NOT_HANDLED                        0x0000008E
#define MACHINE_CHECK_EXCEPTION                                  0x0000009C
#define DRIVER_POWER_STATE_FAILURE                               0x0000009F
#define ACPI_BIOS_ERROR                                          0x000000A5
#define ATTEMPTED_SWITCH_FROM_DPC                                0x000000B8
#define ATTEMPTED_WRITE_TO_READONLY_MEMORY                       0x000000BE
#define MUTEX_ALREADY_OWNED                                      0x000000BF
#define SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION                  0x000000C1
#define BAD_POOL_CALLER                                          0x000000C2
#define DRIVER_VERIFIER_DETECTED_VIOLATION                       0x000000C4
#define DRIVER_CORRUPTED_EXPOOL                                  0x000000C5
#define DRIVER_CAUGHT_MODIFYING_FREED_POOL                       0x000000C6
#define TIMER_OR_DPC_INVALID                                     0x000000C7
#define IRQL_UNEXPECTED_VALUE                                    0x000000C8
#define DRIVER_VERIFIER_IOMANAGER_VIOLATION                      0x000000C9
#define PNP_DETECTED_FATAL_ERROR                                 0x000000CA
#define DRIVER_LEFT_LOCKED_PAGES_IN_PROCESS                      0x000000CB
#define PAGE_FAULT_IN_FREED_SPECIAL_POOL                         0x000000CC
#define PAGE_FAULT_BEYOND_END_OF_ALLOCATION                      0x000000CD
#define DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS    0x000000CE
#define DRIVER_CORRUPTED_MMPOOL                                  0x000000D0
#define DRIVER_IRQL_NOT_LESS_OR_EQUAL                            0x000000D1
#define DRIVER_PORTION_MUST_BE_NONPAGED                          0x000000D3
#define SYSTEM_SCAN_AT_RAISED_IRQL_CAUGHT_IMPROPER_DRIVER_UNLOAD 0x000000D4
#define DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL                  0x000000D5
#define DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION               0x000000D6
#define WORKER_THREAD_RETURNED_AT_BAD_IRQL                       0x000000E1
#define MANUALLY_INITIATED_CRASH                                 0x000000E2
#define RESOURCE_NOT_OWNED                                       0x000000E3
#define WORKER_INVALID                                           0x000000E4
#define DRIVER_VERIFIER_DMA_VIOLATION                            0x000000E6
#define HARDWARE_INTERRUPT_STORM                                 0x000000F2
#define ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY                    0x000000FC
#define CLOCK_WATCHDOG_TIMEOUT                                   0x00000101
#define DPC_WATCHDOG_TIMEOUT                                     0x00000102
#define DRIVER_RETURNED_HOLDING_CANCEL_LOCK                      0x0000011B
#define DRIVER_VIOLATION                                         0x00000121
#define INVALID_EXTENDED_PROCESSOR_STATE                         0x00000131
#define DPC_WATCHDOG_VIOLATION                                   0x00000133
#define KERNEL_SECURITY_CHECK_FAILURE                            0x00000139
#define PASSIVE_INTERRUPT_ERROR                                  0x0000013B
#define KERNEL_AUTO_BOOST_LOCK_ACQUISITION_WITH_RAISED_IRQL      0x00000192
#define EXCEPTION_ON_INVALID_STACK                               0x000001AA
#define DRIVER_PNP_WATCHDOG                                      0x000001D5
#define IPI_WATCHDOG_TIMEOUT                                     0x000001DB

#endif
