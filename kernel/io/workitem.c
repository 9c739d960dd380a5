/*
 * io/workitem.c - work items of devices.
 *
 * An IO_WORKITEM is a WORK_QUEUE_ITEM (ke/ex) that keeps its device object referenced from queueing
 * until its routine has returned; the routine may free the item, so nothing of it is read
 * afterwards.
 *
 * Owns: IO_WORKITEM. Owns not: the system threads (ExQueueWorkItem).
 */
#include <lib/export.h>
#include <lib/string.h>

#include "io/alloc.h"
#include "ke/ob.h"

struct _IO_WORKITEM {
    WORK_QUEUE_ITEM item;
    PVOID object; /* device or driver object */
    PVOID context;
    PIO_WORKITEM_ROUTINE routine; /* one of the two is set while queued */
    PIO_WORKITEM_ROUTINE_EX routine_ex;
};

static VOID NTAPI workitem_run(PVOID parameter)
{
    struct _IO_WORKITEM item = *(struct _IO_WORKITEM *)parameter;

    if (item.routine_ex != NULL)
        item.routine_ex(item.object, item.context, parameter);
    else
        item.routine(item.object, item.context);
    ob_dereference(item.object);
}

static void workitem_queue(PIO_WORKITEM item, WORK_QUEUE_TYPE type, PVOID context)
{
    item->context = context;
    ob_reference(item->object);
    ExInitializeWorkItem(&item->item, workitem_run, item);
    ExQueueWorkItem(&item->item, type);
}

/* WDK surface */

ULONG NTAPI IoSizeofWorkItem(VOID)
{
    return sizeof(struct _IO_WORKITEM);
}
LDR_EXPORT(IoSizeofWorkItem);

VOID NTAPI IoInitializeWorkItem(PVOID IoObject, PIO_WORKITEM IoWorkItem)
{
    memset(IoWorkItem, 0, sizeof(*IoWorkItem));
    IoWorkItem->object = IoObject;
}
LDR_EXPORT(IoInitializeWorkItem);

VOID NTAPI IoUninitializeWorkItem(PIO_WORKITEM IoWorkItem)
{
    IoWorkItem->object = NULL;
}
LDR_EXPORT(IoUninitializeWorkItem);

PIO_WORKITEM NTAPI IoAllocateWorkItem(PDEVICE_OBJECT DeviceObject)
{
    PIO_WORKITEM item = io_allocate(sizeof(*item), IO_TAG_WORK);

    if (item != NULL)
        item->object = DeviceObject;
    return item;
}
LDR_EXPORT(IoAllocateWorkItem);

VOID NTAPI IoFreeWorkItem(PIO_WORKITEM IoWorkItem)
{
    io_free(IoWorkItem);
}
LDR_EXPORT(IoFreeWorkItem);

VOID NTAPI IoQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE WorkerRoutine,
                           WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    IoWorkItem->routine = WorkerRoutine;
    IoWorkItem->routine_ex = NULL;
    workitem_queue(IoWorkItem, QueueType, Context);
}
LDR_EXPORT(IoQueueWorkItem);

VOID NTAPI IoQueueWorkItemEx(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine,
                             WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    IoWorkItem->routine_ex = WorkerRoutine;
    workitem_queue(IoWorkItem, QueueType, Context);
}
LDR_EXPORT(IoQueueWorkItemEx);
