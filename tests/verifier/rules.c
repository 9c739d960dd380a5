/*
 * rules.c - a driver that breaks the rules, one at a time, for tests of the verifier.
 *
 * IOCTL_BREAK_RULE takes the number of a rule (ULONG), IOCTL_CALL_BY_NAME a CALL_REQUEST. What is
 * to happen in the service routine or the DPC is left there for the next interrupt, which the
 * device is told to raise. Where nobody looks, most of it does no harm at once.
 */
#define FUNCTION_NAME "rules"
#define DriverEntry FrameEntry
#include "../../drivers/edu/frame.h"
#undef DriverEntry

#include "rules.h"

#define IOCTL_BREAK_RULE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x900, METHOD_BUFFERED, FILE_ANY_ACCESS)

#define IOCTL_CALL_BY_NAME CTL_CODE(FILE_DEVICE_UNKNOWN, 0x901, METHOD_BUFFERED, FILE_ANY_ACCESS)

static volatile ULONG Rule; /* for the next interrupt */
static KSPIN_LOCK Lock;
static KEVENT Event;
static KDPC RuleDpc;
static KTIMER Timer;
static volatile LONG Done; /* the service routine and the DPC have run */

/* By name: headers inline two of them. */
typedef LONG NTAPI SET_EVENT(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait);
typedef KIRQL NTAPI CHANGE_IRQL(KIRQL NewIrql);
static SET_EVENT *SetEventByName;
static CHANGE_IRQL *RaiseByName, *LowerByName;

PVOID FindRoutine(PCWSTR Name)
{
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, Name);
    return MmGetSystemRoutineAddress(&name);
}

/* A queued lock may be used above DISPATCH_LEVEL. */
static VOID UseQueued(VOID)
{
    KLOCK_QUEUE_HANDLE handle;

    KeAcquireInStackQueuedSpinLockAtDpcLevel(&Lock, &handle);
    KeReleaseInStackQueuedSpinLockFromDpcLevel(&handle);
}

static VOID BreakInServiceRoutine(PDEVICE Device)
{
    switch (Rule) {
    case ISR_KEEPS_IRQL:
        KfRaiseIrql(HIGH_LEVEL - 1);
        break;
    case ISR_KEEPS_LOCK:
        KeAcquireSpinLockAtDpcLevel(&Lock);
        break;
    case ISR_DISCONNECTS:
        IoDisconnectInterruptEx(&Device->Function.Connection);
        break;
    case ISR_ALLOCATES:
        ExFreePool(ExAllocatePoolWithTag(NonPagedPool, 8, RULES_TAG));
        break;
    case ISR_SETS_EVENT:
        KeSetEvent(&Event, 0, FALSE);
        break;
    case ISR_SETS_EVENT_BY_NAME:
        SetEventByName(&Event, 0, FALSE);
        break;
    case ISR_TAKES_LONG:
        KeStallExecutionProcessor(5000);
        break;
    case ISR_WANTS_HELD_LOCK:
    case ISR_LOCK_ORDER:
    case ISR_LOCK_ORDER_KEPT:
        UseQueued();
        break;
    }
}

static VOID NTAPI BreakInDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    if (Rule == DPC_ENTERS_REGION)
        KeEnterCriticalRegion();
    if (Rule == DPC_KEEPS_LOCK)
        KeAcquireSpinLockAtDpcLevel(&Lock);
    if (Rule == DPC_TAKES_LONG)
        KeStallExecutionProcessor(20000);
    Rule = 0;
    InterlockedIncrement(&Done);
}

static BOOLEAN NTAPI ServiceRoutine(PKINTERRUPT Interrupt, PVOID Context)
{
    PDEVICE device = Context;
    ULONG raised = EduRead(&device->Hardware, EDU_INTERRUPT_STATUS);

    UNREFERENCED_PARAMETER(Interrupt);
    if (raised == 0)
        return FALSE;
    EduWrite(&device->Hardware, EDU_INTERRUPT_ACKNOWLEDGE, raised);
    BreakInServiceRoutine(device);
    KeInsertQueueDpc(&RuleDpc, NULL, NULL);
    return TRUE;
}

static NTSTATUS ConnectLine(PDEVICE Device)
{
    IO_CONNECT_INTERRUPT_PARAMETERS parameters;
    NTSTATUS status;

    RtlZeroMemory(&parameters, sizeof(parameters));
    parameters.Version = CONNECT_LINE_BASED;
    parameters.LineBased.PhysicalDeviceObject = Device->Function.Physical;
    parameters.LineBased.InterruptObject =
        &Device->Function.Connection.ConnectionContext.InterruptObject;
    parameters.LineBased.ServiceRoutine = ServiceRoutine;
    parameters.LineBased.ServiceContext = Device;
    status = IoConnectInterruptEx(&parameters);
    if (NT_SUCCESS(status))
        Device->Function.Connection.Version = CONNECT_LINE_BASED;
    return status;
}

static NTSTATUS Connect(PDEVICE Device, PCM_PARTIAL_RESOURCE_DESCRIPTOR Interrupt)
{
    UNREFERENCED_PARAMETER(Interrupt);
    return ConnectLine(Device);
}

/* The line may come once more before it is quiet; the DPC says when all is over. */
static VOID Interrupt(PDEVICE Device)
{
    LONG done = Done;
    ULONG milliseconds;

    EduWrite(&Device->Hardware, EDU_INTERRUPT_RAISE, EDU_RAISED_BY_HAND);
    for (milliseconds = 0; Done == done && milliseconds < 2000; milliseconds++)
        KeStallExecutionProcessor(1000);
}

/* What the service routine does with the lock, and this. */
static VOID BreakWithServiceRoutine(PDEVICE Device, ULONG Number)
{
    PKINTERRUPT interrupt = Device->Function.Connection.ConnectionContext.InterruptObject;
    KLOCK_QUEUE_HANDLE handle;
    KIRQL old, level;

    Rule = Number;
    Interrupt(Device);
    if (Number == ISR_WANTS_HELD_LOCK) {
        KeAcquireInStackQueuedSpinLock(&Lock, &handle);
        KeReleaseInStackQueuedSpinLock(&handle);
        return;
    }
    old = KeAcquireInterruptSpinLock(interrupt);
    if (Number == ISR_LOCK_ORDER_KEPT) {
        UseQueued();
        KeReleaseInterruptSpinLock(interrupt, old);
        return;
    }
    KeReleaseInterruptSpinLock(interrupt, KeGetCurrentIrql());
    KeAcquireInStackQueuedSpinLockAtDpcLevel(&Lock, &handle);
    level = KeAcquireInterruptSpinLock(interrupt);
    KeReleaseInterruptSpinLock(interrupt, level);
    KeReleaseInStackQueuedSpinLockFromDpcLevel(&handle);
    KeLowerIrql(old);
}

static NTSTATUS NTAPI CompletionRoutine(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    ULONG number = (ULONG)(ULONG_PTR)Context;
    KIRQL old;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    if (number == COMPLETION_KEEPS_IRQL)
        KeRaiseIrql(DISPATCH_LEVEL, &old);
    if (number == COMPLETION_KEEPS_REGION)
        KeEnterCriticalRegion();
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* The bus driver completes at once what it does not know. */
static VOID SendRequest(PDEVICE Device, ULONG Number)
{
    PIRP irp = IoAllocateIrp(Device->Function.Lower->StackSize, FALSE);

    if (irp == NULL)
        return;
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    IoSetCompletionRoutine(irp, CompletionRoutine, (PVOID)(ULONG_PTR)Number, TRUE, TRUE, TRUE);
    IoCallDriver(Device->Function.Lower, irp);
    IoFreeIrp(irp);
}

static VOID BreakIrpRule(PDEVICE Device, ULONG Number)
{
    static DEVICE_OBJECT nothing;
    PIRP irp = IoAllocateIrp(Device->Function.Lower->StackSize, FALSE);
    IO_STATUS_BLOCK status;
    KEVENT event;

    if (Number == FREE_IRP_TWICE) {
        IoFreeIrp(irp);
        IoFreeIrp(irp);
    }
    if (Number == FREE_THREADED_IRP) {
        KeInitializeEvent(&event, NotificationEvent, FALSE);
        IoFreeIrp(IoBuildDeviceIoControlRequest(0, Device->Function.Lower, NULL, 0, NULL, 0, FALSE,
                                                &event, &status));
    }
    if (Number == FREE_IRP_AS_POOL)
        ExFreePool(irp);
    if (Number == SEND_TO_NO_DEVICE)
        IoCallDriver(&nothing, irp);
}

/* The dispatch routine does not undo it. */
static VOID KeepInDispatch(ULONG Number)
{
    KIRQL old;

    if (Number == DISPATCH_KEEPS_LOCK)
        KeAcquireSpinLock(&Lock, &old);
    if (Number == DISPATCH_KEEPS_IRQL)
        KeRaiseIrql(DISPATCH_LEVEL, &old);
    if (Number == DISPATCH_KEEPS_REGION)
        KeEnterCriticalRegion();
    if (Number == DISPATCH_KEEPS_OFF)
        __asm__ volatile("cli");
}

static VOID BreakAtDispatch(PDEVICE Device, ULONG Number)
{
    static FAST_MUTEX mutex;
    KIRQL old;

    ExInitializeFastMutex(&mutex);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    if (Number == CONNECT_AT_DISPATCH)
        ConnectLine(Device);
    if (Number == WAIT_AT_DISPATCH)
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    if (Number == MUTEX_AT_DISPATCH)
        ExAcquireFastMutex(&mutex);
    if (Number == CLOSE_AT_DISPATCH)
        ZwClose(NULL);
    KeLowerIrql(old);
}

static VOID BreakMemory(ULONG Number)
{
    EX_POOL_PRIORITY priority =
        Number == WRITE_BEFORE_PAGE ? LowPoolPrioritySpecialPoolUnderrun : LowPoolPriority;
    volatile UCHAR *block = ExAllocatePoolWithTagPriority(NonPagedPool, 100, RULES_TAG, priority);

    if (Number == LEAK || block == NULL)
        return;
    if (Number == WRITE_PAST_END)
        block[128] = 1; /* past the 16 bytes' alignment, too */
    if (Number == WRITE_NEAR_END)
        block[104] = 1; /* past the 100 bytes asked for only */
    if (Number == WRITE_BEFORE || Number == WRITE_BEFORE_PAGE)
        *(block - 1) = 1;
    ExFreePoolWithTag((PVOID)block, RULES_TAG);
    if (Number == USE_AFTER_FREE)
        block[50] = 1;
}

static VOID BreakHere(PDEVICE Device, ULONG Number)
{
    LARGE_INTEGER hour;
    KIRQL old;
    PIRP irp;

    switch (Number) {
    case LOCK_TWICE:
        KeAcquireSpinLock(&Lock, &old);
        KeAcquireSpinLock(&Lock, &old);
        break;
    case RELEASE_FREE_LOCK:
        KeRaiseIrql(DISPATCH_LEVEL, &old);
        KeReleaseSpinLock(&Lock, old);
        break;
    case POOL_OF_NO_BYTES:
        ExFreePool(ExAllocatePoolWithTag(NonPagedPool, 0, RULES_TAG));
        break;
    case LEAK:
    case USE_AFTER_FREE:
    case WRITE_PAST_END:
    case WRITE_NEAR_END:
    case WRITE_BEFORE:
    case WRITE_BEFORE_PAGE:
        BreakMemory(Number);
        break;
    case LEAK_IRP:
        IoAllocateIrp(2, FALSE);
        break;
    case SEND_FREED_IRP:
        irp = IoAllocateIrp(Device->Function.Lower->StackSize, FALSE);
        IoFreeIrp(irp);
        IoCallDriver(Device->Function.Lower, irp);
        break;
    case RAISE_DOWN:
        KeRaiseIrql(DISPATCH_LEVEL, &old);
        RaiseByName(APC_LEVEL);
        break;
    case LOWER_UP:
        LowerByName(DISPATCH_LEVEL);
        break;
    case LEAVE_REGION:
        KeLeaveCriticalRegion();
        break;
    case LEAVE_TIMER:
        hour.QuadPart = -36000000000LL;
        KeInitializeTimer(&Timer);
        KeSetTimer(&Timer, hour, &RuleDpc);
        break;
    case STAY_CONNECTED:
        Device->Function.Connection.Version = 0; /* the frame takes it for not connected */
        break;
    case ISR_WANTS_HELD_LOCK:
    case ISR_LOCK_ORDER:
    case ISR_LOCK_ORDER_KEPT:
        BreakWithServiceRoutine(Device, Number);
        break;
    case FREE_IRP_TWICE:
    case FREE_THREADED_IRP:
    case FREE_IRP_AS_POOL:
    case SEND_TO_NO_DEVICE:
        BreakIrpRule(Device, Number);
        break;
    case COMPLETION_KEEPS_IRQL:
    case COMPLETION_KEEPS_REGION:
    case COMPLETION_NORMAL:
        SendRequest(Device, Number);
        break;
    default:
        BreakAtDispatch(Device, Number);
    }
}

static NTSTATUS NTAPI DispatchBreak(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PDEVICE device = DeviceObject->DeviceExtension;
    ULONG number, length;

    length = stack->Parameters.DeviceIoControl.InputBufferLength;
    if (stack->Parameters.DeviceIoControl.IoControlCode == IOCTL_CALL_BY_NAME && length > 1)
        return Complete(Irp, CallByName(Irp->AssociatedIrp.SystemBuffer, length), 0);
    if (stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_BREAK_RULE)
        return DispatchRequest(DeviceObject, Irp);
    if (length < sizeof(number))
        return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    number = *(PULONG)Irp->AssociatedIrp.SystemBuffer;
    if (number == ISR_KEEPS_IRQL || number == ISR_KEEPS_LOCK || number == ISR_DISCONNECTS ||
        number == ISR_ALLOCATES || number == ISR_SETS_EVENT || number == ISR_SETS_EVENT_BY_NAME ||
        number == ISR_TAKES_LONG || number == DPC_ENTERS_REGION || number == DPC_KEEPS_LOCK ||
        number == DPC_TAKES_LONG || number == NORMAL) {
        Rule = NORMAL;
        Interrupt(device); /* once as it should be: the times of a first run do not count */
        Rule = number;
        Interrupt(device);
    } else if (number >= FIRST_MEMORY_RULE) {
        BreakMemoryRule(DeviceObject, number);
    } else if (number >= FIRST_LOCK_RULE) {
        BreakLockRule(DeviceObject, number);
    } else if (number != COMPLETE_PENDING && number != COMPLETE_TWICE &&
               (number < DISPATCH_KEEPS_LOCK || number > DISPATCH_KEEPS_OFF)) {
        BreakHere(device, number);
    }
    if (number == COMPLETE_PENDING)
        return Complete(Irp, STATUS_PENDING, 0);
    Complete(Irp, STATUS_SUCCESS, 0);
    KeepInDispatch(number);
    if (number == COMPLETE_TWICE)
        Complete(Irp, STATUS_SUCCESS, 0);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = FrameEntry(DriverObject, RegistryPath);

    SetEventByName = (SET_EVENT *)FindRoutine(L"KeSetEvent");
    RaiseByName = (CHANGE_IRQL *)FindRoutine(L"KfRaiseIrql");
    LowerByName = (CHANGE_IRQL *)FindRoutine(L"KfLowerIrql");
    KeInitializeSpinLock(&Lock);
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    KeInitializeDpc(&RuleDpc, BreakInDpc, NULL);
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DispatchBreak;
    return status;
}
