/*
 * ke/nmi.c - drivers that are asked about non-maskable interrupts.
 *
 * The list is walked by NMIs, which no lock keeps out: an entry is complete before it is reachable,
 * and freed when no processor is walking. A driver's routine may use XMM registers, which the way
 * into ke_trap() does not keep.
 */
#include "ke/nmi.h"

#include <lib/assert.h>
#include <lib/export.h>
#include <nt/wdm.h>

#include "ke/ke.h"
#include "ke/lock.h"
#include "mm/pool.h"

#define NMI_TAG MM_TAG("KNmi")

enum { FXSAVE_SIZE = 512 };

struct nmi_callback {
    struct nmi_callback *next; /* registered before this one */
    PNMI_CALLBACK routine;
    PVOID context;
};

static struct nmi_callback *callbacks; /* the latest first */
static KSPIN_LOCK callbacks_lock;      /* of those who change the list */
static volatile uint32_t walking;      /* processors in ke_nmi_offer() */

bool ke_nmi_offer(void)
{
    _Alignas(16) uint8_t floating[FXSAVE_SIZE];
    irql_t old = hal_irql_read();
    BOOLEAN handled = FALSE;

    __atomic_add_fetch(&walking, 1, __ATOMIC_SEQ_CST);
    hal_irql_write(HIGH_LEVEL);
    __asm__ volatile("fxsave64 %0" : "=m"(floating));
    for (const struct nmi_callback *at = __atomic_load_n(&callbacks, __ATOMIC_SEQ_CST); at != NULL;
         at = __atomic_load_n(&at->next, __ATOMIC_SEQ_CST))
        handled |= at->routine(at->context, handled);
    __asm__ volatile("fxrstor64 %0" : : "m"(floating));
    hal_irql_write(old);
    __atomic_sub_fetch(&walking, 1, __ATOMIC_SEQ_CST);
    return handled;
}

/* WDK surface */

/*
 * The routine runs at HIGH_LEVEL, the latest registered first, each told whether one before it has
 * handled the NMI. If none does, the machine stops. NULL: no memory. IRQL <= APC_LEVEL.
 * WDK: KeRegisterNmiCallback
 */
PVOID NTAPI KeRegisterNmiCallback(PNMI_CALLBACK CallbackRoutine, PVOID Context)
{
    struct nmi_callback *callback = mm_pool_alloc(sizeof(*callback), NMI_TAG);
    KIRQL irql;

    if (callback == NULL)
        return NULL;
    callback->routine = CallbackRoutine;
    callback->context = Context;
    KeAcquireSpinLock(&callbacks_lock, &irql);
    callback->next = callbacks;
    __atomic_store_n(&callbacks, callback, __ATOMIC_SEQ_CST);
    KeReleaseSpinLock(&callbacks_lock, irql);
    return callback;
}
LDR_EXPORT(KeRegisterNmiCallback);

/* STATUS_INVALID_HANDLE: not what the registration returned. IRQL <= APC_LEVEL. */
NTSTATUS NTAPI KeDeregisterNmiCallback(PVOID Handle)
{
    struct nmi_callback **link = &callbacks;
    struct nmi_callback *found;
    KIRQL irql;

    KeAcquireSpinLock(&callbacks_lock, &irql);
    while (*link != NULL && *link != Handle)
        link = &(*link)->next;
    found = *link;
    if (found != NULL)
        __atomic_store_n(link, found->next, __ATOMIC_SEQ_CST);
    KeReleaseSpinLock(&callbacks_lock, irql);
    if (found == NULL)
        return STATUS_INVALID_HANDLE;
    while (__atomic_load_n(&walking, __ATOMIC_SEQ_CST) != 0)
        hal_cpu_pause();
    mm_pool_free(found, NMI_TAG);
    return STATUS_SUCCESS;
}
LDR_EXPORT(KeDeregisterNmiCallback);
