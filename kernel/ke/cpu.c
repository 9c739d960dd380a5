/*
 * ke/cpu.c - the processors: coming up, idling, asking each other for things.
 *
 * The IPI (VECTOR_IPI, IPI_LEVEL) carries two kinds of request: "look at your queue" (its way out
 * runs the DPC loop) and a function to run at once, for barriers and KeIpiGenericCall. Both work
 * whatever the target is doing below IPI_LEVEL, also inside an ISR.
 */
#include <hal/ipi.h>
#include <hal/upcall.h>
#include <lib/assert.h>
#include <lib/export.h>
#include <lib/string.h>

#include "ke/dispatcher.h"
#include "ke/ke.h"
#include "ke/ob.h"
#include "ke/object.h"
#include "ke/unwind.h"
#include "mm/pool.h"

#define CPU_TAG MM_TAG("Kcpu")

static struct ke_cpu boot_cpu;
/* The first thread is there before the pool is: an object by hand. */
static struct {
    struct ob_header header;
    struct _KTHREAD thread;
} boot_object = {.header = {.reference_count = 1, .type = &ke_thread_type}};

volatile CCHAR KeNumberProcessors;
LDR_EXPORT_DATA(KeNumberProcessors);

static void cpu_init(struct pcr *pcr, struct ke_cpu *ke, PKTHREAD current)
{
    if (pcr->number < 64)
        __atomic_add_fetch(&KeNumberProcessors, 1, __ATOMIC_RELAXED);
    InitializeListHead(&ke->dpc_list);
    pcr->ke = ke;
    pcr->current_thread = current;
    pcr->online = 1;
}

/* ---- idle ------------------------------------------------------------------------------------ */

_Noreturn void ke_idle(void)
{
    for (;;) {
        hal_cpu_wait();
        PCR->idle_rounds++;
    }
}

static VOID NTAPI idle_start(PVOID context)
{
    (void)context;
    ke_idle();
}

static PKTHREAD idle_thread_create(const char *name)
{
    PKTHREAD thread = ob_create(&ke_thread_type, sizeof *thread);

    ASSERT(thread);
    ke_thread_init(thread, name, KE_PRIORITY_IDLE);
    thread->state = KE_THREAD_RUNNING;
    return thread;
}

/* A CPU's start-up stack becomes its idle thread's. */
_Noreturn void ke_cpu_main(uint32_t cpu)
{
    struct ke_cpu *ke = mm_pool_alloc(sizeof *ke, CPU_TAG);
    PKTHREAD idle;

    ASSERT(ke);
    PCR->ke = ke;
    InitializeListHead(&ke->dpc_list);
    idle = idle_thread_create("idle");
    idle->cpu = cpu;
    PCR->idle_thread = idle;
    cpu_init(pcr_self(), ke, idle);
    irql_t old = ke_dispatcher_lock();
    ke_cpu_set_idle(cpu);
    hal_interrupts_on();
    ke_dispatcher_unlock(old);
    hal_irql_write(PASSIVE_LEVEL);
    ke_idle();
}

/* The boot CPU's start-up stack becomes the first system thread's; it gets an idle thread too. */
void ke_init(void)
{
    ke_unwind_init();
    ke_dispatcher_init_queues();
    cpu_init(pcr_self(), &boot_cpu, &boot_object.thread);
    ke_thread_init(&boot_object.thread, "boot", KE_PRIORITY_NORMAL);
    boot_object.thread.state = KE_THREAD_RUNNING;
}

void ke_init_threads(void)
{
    PKTHREAD idle;
    NTSTATUS status = ke_thread_allocate("idle", KE_PRIORITY_IDLE, idle_start, NULL, &idle);

    ASSERT(NT_SUCCESS(status));
    PCR->idle_thread = idle;
}

/* ---- IPI ------------------------------------------------------------------------------------ */

struct ke_call {
    void (*function)(void *context);
    void *context;
    volatile uint32_t pending; /* CPUs that have not finished */
};

HAL_UPCALL void ke_ipi_interrupt(uint64_t vector)
{
    irql_t old = hal_irql_read();
    struct ke_cpu *ke = PCR->ke;

    hal_irql_write(IPI_LEVEL);
    hal_apic_eoi();
    PCR->vector_count[vector]++;
    hal_tlb_service();
    struct ke_call *call = __atomic_exchange_n(&ke->call, NULL, __ATOMIC_ACQ_REL);
    if (call) {
        call->function(call->context);
        __atomic_sub_fetch(&call->pending, 1, __ATOMIC_RELEASE);
    }
    if (!cpu_current())
        ke_clock_check();
    else
        ke_watchdog_asked();
    PCR->dispatch_requests |= KE_DISPATCH_LOOK;
    ke_interrupt_exit(old);
    hal_irql_write(old);
}

/* False: another call is on its way to that CPU. */
static bool call_try_post(uint32_t cpu, struct ke_call *call)
{
    struct ke_call *expected = NULL;

    return __atomic_compare_exchange_n(&hal_pcr(cpu)->ke->call, &expected, call, false,
                                       __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

static void call_wait(struct ke_call *call)
{
    while (__atomic_load_n(&call->pending, __ATOMIC_ACQUIRE))
        hal_cpu_pause();
}

void ke_call_on_cpu(uint32_t cpu, void (*function)(void *), void *context)
{
    struct ke_call call = {function, context, 1};
    irql_t old = hal_irql_raise(DISPATCH_LEVEL);

    if (cpu == cpu_current()) {
        hal_irql_write(IPI_LEVEL);
        function(context);
    } else {
        while (!call_try_post(cpu, &call))
            hal_cpu_pause();
        hal_ipi_send(cpu, (vector_t){VECTOR_IPI});
        call_wait(&call);
    }
    hal_irql_write(old);
}

/*
 * Told all at once. Where another call is on its way to a CPU, those that have this one already are
 * told first: two callers would else wait for each other.
 */
static void call_post_to_others(struct ke_call *call)
{
    uint32_t self = cpu_current();
    struct cpu_set posted = {0};

    call->pending = hal_cpu_count() - 1;
    for (uint32_t cpu = 0; cpu < hal_cpu_count(); cpu++) {
        if (cpu == self)
            continue;
        if (!call_try_post(cpu, call)) {
            hal_ipi_send_set(&posted, (vector_t){VECTOR_IPI});
            posted = (struct cpu_set){0};
            while (!call_try_post(cpu, call))
                hal_cpu_pause();
        }
        cpu_set_add(&posted, cpu);
    }
    hal_ipi_send_set(&posted, (vector_t){VECTOR_IPI});
}

static void nothing(void *context)
{
    (void)context; /* the interrupt and its return are the barrier */
}

void ke_interrupt_rendezvous(void)
{
    struct ke_call call = {.function = nothing};
    uint64_t exits[CPU_MAX];
    uint32_t self;
    irql_t old;

    if (hal_cpu_count() == 1)
        return;
    old = hal_irql_raise(DISPATCH_LEVEL);
    self = cpu_current();
    call_post_to_others(&call);
    call_wait(&call);
    for (uint32_t cpu = 0; cpu < hal_cpu_count(); cpu++)
        exits[cpu] = __atomic_load_n(&hal_pcr(cpu)->interrupt_exits, __ATOMIC_ACQUIRE);
    for (uint32_t cpu = 0; cpu < hal_cpu_count(); cpu++) {
        struct pcr *pcr = hal_pcr(cpu);
        if (cpu == self)
            continue;
        while (__atomic_load_n(&pcr->interrupt_depth, __ATOMIC_ACQUIRE) &&
               __atomic_load_n(&pcr->interrupt_exits, __ATOMIC_ACQUIRE) == exits[cpu])
            hal_cpu_pause();
    }
    hal_irql_write(old);
}

uint64_t ke_affinity_usable(uint16_t group, uint64_t mask)
{
    ULONG count = KeQueryMaximumProcessorCountEx(group);
    uint64_t all = count < 64 ? (1ull << count) - 1 : ~0ull;

    return mask & ~all ? 0 : mask & KeQueryGroupAffinity(group);
}

/* ---- KeIpiGenericCall ------------------------------------------------------------------------ */

struct ipi_generic {
    PKIPI_BROADCAST_WORKER routine;
    ULONG_PTR argument;
    volatile uint32_t awaited; /* CPUs that have not come to the barrier */
};

/* In a call each CPU waits for all others, also for those that want to make one. */
static ke_lock_t ipi_generic_lock;

/* No CPU calls the routine while another still does something else. IPI_LEVEL. */
static ULONG_PTR ipi_generic_meet(struct ipi_generic *generic)
{
    __atomic_sub_fetch(&generic->awaited, 1, __ATOMIC_ACQ_REL);
    while (__atomic_load_n(&generic->awaited, __ATOMIC_ACQUIRE)) {
        hal_tlb_service(); /* who has not come may be waiting for that */
        hal_cpu_pause();
    }
    return generic->routine(generic->argument);
}

static void ipi_generic_run(void *context)
{
    ipi_generic_meet(context);
}

/* WDK surface */

static ULONG NTAPI get_current_processor_number(VOID)
{
    return PCR->legacy_number;
}
LDR_EXPORT_AS("KeGetCurrentProcessorNumber", get_current_processor_number);

ULONG NTAPI KeGetCurrentProcessorNumberEx(PPROCESSOR_NUMBER ProcNumber)
{
    uint32_t cpu = cpu_current();

    if (ProcNumber)
        KeGetProcessorNumberFromIndex(cpu, ProcNumber);
    return cpu;
}
LDR_EXPORT(KeGetCurrentProcessorNumberEx);

NTSTATUS NTAPI KeGetProcessorNumberFromIndex(ULONG ProcIndex, PPROCESSOR_NUMBER ProcNumber)
{
    if (ProcIndex >= hal_cpu_count())
        return STATUS_INVALID_PARAMETER;
    ProcNumber->Group = (USHORT)(ProcIndex / 64);
    ProcNumber->Number = (UCHAR)(ProcIndex % 64);
    ProcNumber->Reserved = 0;
    return STATUS_SUCCESS;
}
LDR_EXPORT(KeGetProcessorNumberFromIndex);

ULONG NTAPI KeGetProcessorIndexFromNumber(PPROCESSOR_NUMBER ProcNumber)
{
    uint32_t cpu = ProcNumber->Group * 64u + ProcNumber->Number;

    return ProcNumber->Number < 64 && cpu < hal_cpu_count() ? cpu : INVALID_PROCESSOR_INDEX;
}
LDR_EXPORT(KeGetProcessorIndexFromNumber);

static ULONG mask_count(KAFFINITY mask)
{
    ULONG count = 0;

    for (; mask; mask &= mask - 1)
        count++;
    return count;
}

KAFFINITY NTAPI KeQueryGroupAffinity(USHORT GroupNumber)
{
    KAFFINITY mask = 0;

    for (uint32_t cpu = GroupNumber * 64u; cpu < hal_cpu_count() && cpu < GroupNumber * 64u + 64;
         cpu++)
        if (hal_pcr(cpu)->online)
            mask |= 1ull << (cpu % 64);
    return mask;
}
LDR_EXPORT(KeQueryGroupAffinity);

KAFFINITY NTAPI KeQueryActiveProcessors(VOID)
{
    return KeQueryGroupAffinity(0);
}
LDR_EXPORT(KeQueryActiveProcessors);

ULONG NTAPI KeQueryActiveProcessorCountEx(USHORT GroupNumber)
{
    if (GroupNumber != ALL_PROCESSOR_GROUPS)
        return mask_count(KeQueryGroupAffinity(GroupNumber));
    ULONG count = 0;
    for (uint32_t group = 0; group < CPU_MAX / 64; group++)
        count += mask_count(KeQueryGroupAffinity((USHORT)group));
    return count;
}
LDR_EXPORT(KeQueryActiveProcessorCountEx);

ULONG NTAPI KeQueryActiveProcessorCount(PKAFFINITY ActiveProcessors)
{
    KAFFINITY mask = KeQueryActiveProcessors();

    if (ActiveProcessors)
        *ActiveProcessors = mask;
    return mask_count(mask);
}
LDR_EXPORT(KeQueryActiveProcessorCount);

ULONG NTAPI KeQueryMaximumProcessorCountEx(USHORT GroupNumber)
{
    uint32_t first = GroupNumber * 64u;
    uint32_t count = hal_cpu_count();

    if (GroupNumber == ALL_PROCESSOR_GROUPS)
        return count;
    return first >= count ? 0 : count - first < 64 ? count - first : 64;
}
LDR_EXPORT(KeQueryMaximumProcessorCountEx);

ULONG NTAPI KeQueryMaximumProcessorCount(VOID)
{
    return KeQueryMaximumProcessorCountEx(0);
}
LDR_EXPORT(KeQueryMaximumProcessorCount);

USHORT NTAPI KeQueryActiveGroupCount(VOID)
{
    return (USHORT)((hal_cpu_count() + 63) / 64);
}
LDR_EXPORT(KeQueryActiveGroupCount);

USHORT NTAPI KeQueryMaximumGroupCount(VOID)
{
    return KeQueryActiveGroupCount();
}
LDR_EXPORT(KeQueryMaximumGroupCount);

ULONG_PTR NTAPI KeIpiGenericCall(PKIPI_BROADCAST_WORKER BroadcastFunction, ULONG_PTR Context)
{
    struct ipi_generic generic = {BroadcastFunction, Context, hal_cpu_count()};
    struct ke_call call = {ipi_generic_run, &generic, 0};
    irql_t old = hal_irql_read();
    irql_t waiting = old < DISPATCH_LEVEL ? DISPATCH_LEVEL : old; /* below IPI_LEVEL */
    ULONG_PTR result;

    hal_irql_write(waiting);
    ke_lock_acquire(&ipi_generic_lock);
    call_post_to_others(&call);
    hal_irql_write(IPI_LEVEL);
    result = ipi_generic_meet(&generic);
    hal_irql_write(waiting);
    call_wait(&call);
    ke_lock_release(&ipi_generic_lock);
    hal_irql_write(old);
    return result;
}
LDR_EXPORT(KeIpiGenericCall);
