/*
 * ke/thread.h - KTHREAD: opaque to drivers, a dispatcher object (its header comes first).
 *
 * Field legend: (c) constant after creation; (d) dispatcher lock; (o) only the thread itself.
 */
#pragma once

#include <hal/hal.h>
#include <nt/wdm.h>

enum ke_thread_state {
    KE_THREAD_INITIALIZED,
    KE_THREAD_READY,
    KE_THREAD_STANDBY, /* chosen as some CPU's next_thread */
    KE_THREAD_RUNNING,
    KE_THREAD_WAITING,
    KE_THREAD_TERMINATED,
};

enum {
    KE_PRIORITY_IDLE = -1, /* below every other thread */
    KE_PRIORITY_NORMAL = 8,
    KE_PRIORITY_REALTIME_LOW = 16,
    KE_PRIORITY_WORKER = 13,
    KE_PRIORITY_PASSIVE_ISR = 30, /* CIE-PASS-10 */
    KE_PRIORITY_COUNT = 32,
    KE_QUANTUM_TICKS = 2,
    KE_THREAD_STACK_SIZE = 40 * 1024, /* 24 KB as on Windows, the rest for nested interrupts */
    KE_THREAD_NAME_SIZE = 32,
};

struct _KTHREAD {
    DISPATCHER_HEADER header; /* signaled when terminated */
    struct hal_context context;
    void *stack_base;                /* (c) lowest address */
    void *stack_top;                 /* (c) */
    enum ke_thread_state state;      /* (d) */
    int32_t priority;                /* (d) current */
    int32_t base_priority;           /* (d) */
    int32_t quantum;                 /* (d) ticks left */
    uint32_t cpu;                    /* (d) where it runs or ran last */
    uint64_t affinity[CPU_MAX / 64]; /* (d) by group */
    LIST_ENTRY ready_entry;          /* (d) */
    LIST_ENTRY all_entry;            /* (list lock) all threads */

    /* wait */
    NTSTATUS wait_status;     /* (d) */
    PKWAIT_BLOCK wait_blocks; /* (d) array in use */
    uint32_t wait_count;      /* (d) */
    uint8_t must_move;        /* (d) its affinity excludes the CPU it runs on */
    irql_t wait_irql;         /* (o) level to return to from a wait */
    uint8_t wait_is_plain;    /* (d) one object, no timeout: the quick end in KeSetEvent */
    uint8_t wait_all;         /* (d) */
    uint8_t wait_alertable;   /* (d) */
    uint8_t wait_mode;        /* (d) KPROCESSOR_MODE */
    uint8_t alerted;          /* (d) */
    uint8_t wait_next;        /* (o) at DISPATCH_LEVEL until its next wait, which is at wait_irql */
    KWAIT_BLOCK own_wait_blocks[THREAD_WAIT_OBJECTS + 1];
    KTIMER wait_timer; /* (d) */
    KWAIT_BLOCK wait_timer_block;

    /* APCs, critical regions */
    int32_t kernel_apc_disable;  /* (o) critical regions, held mutexes: negative when disabled */
    int32_t special_apc_disable; /* (o) guarded regions */
    LIST_ENTRY apc_queue;        /* (d) special APCs first */
    LIST_ENTRY apc_notice;       /* (d) in the list of threads that shall look at it, or empty */
    uint8_t begins_in_region;    /* (c) with a critical region that its end leaves */
    uint8_t apc_in_progress;     /* (o) a normal APC runs */
    uint8_t apc_is_closed;       /* (d) it ends: no more APCs */
    uint64_t go_on_at;           /* (d) its context is intercepted, or 0: what comes after */

    /* a wait that an APC has interrupted */
    uint8_t wait_interrupted;  /* (d) it is to be begun again */
    uint8_t kept_is_timed;     /* (d) */
    uint32_t kept_count;       /* (d) */
    PKWAIT_BLOCK again_blocks; /* (o) those of the wait that was begun again */
    LIST_ENTRY mutants;        /* (d) KMUTANTs owned */
    PXSTATE_SAVE xstate_saves; /* (o) not restored yet, the latest first */

    PKSTART_ROUTINE start_routine; /* (c) */
    PVOID start_context;           /* (c) */
    NTSTATUS exit_status;
    uint64_t id;        /* (c) */
    uint64_t run_ticks; /* (d) */
    uint64_t switches;  /* (d) */
    char name[KE_THREAD_NAME_SIZE];
    uint64_t kept_affinity[CPU_MAX / 64]; /* (d) displaced: what it had before its last CPU left */
    bool displaced; /* (d) all CPUs of its affinity are parked: it may run anywhere */
};

extern const struct _OBJECT_TYPE ke_thread_type;

/*
 * Create a thread at the given priority, ready to run at PASSIVE_LEVEL. The reference returned is
 * the caller's: drop it by ke_thread_release(). `name` is copied. IRQL PASSIVE_LEVEL.
 * STATUS_INSUFFICIENT_RESOURCES.
 */
NTSTATUS ke_thread_create(const char *name, int32_t priority, PKSTART_ROUTINE start_routine,
                          PVOID context, PKTHREAD *thread);
/* A thread is an object: these are ob_reference() and ob_dereference(). */
void ke_thread_reference(PKTHREAD thread);
void ke_thread_release(PKTHREAD thread);
_Noreturn void ke_thread_exit(NTSTATUS status);
/* What a layer above does in a thread that is about to end; the last one added is first. */
struct ke_thread_end {
    void (*routine)(PKTHREAD thread); /* PASSIVE_LEVEL */
    struct ke_thread_end *next;
};
void ke_thread_end_add(struct ke_thread_end *end);
/* Visit all threads at DISPATCH_LEVEL under the list lock; the callback must not block. */
void ke_thread_for_each(void (*visit)(PKTHREAD thread, void *context), void *context);

static inline PKTHREAD ke_thread_current(void)
{
    return PCR->current_thread;
}

/* Both counts of regions in one value, as bug checks have it: 0 while APCs are on. */
static inline uint32_t ke_thread_apc_disable(void)
{
    PKTHREAD self = ke_thread_current();

    return (uint32_t)(uint16_t)self->special_apc_disable << 16 | (uint16_t)self->kernel_apc_disable;
}

/* The level of a wait that begins now: the one to come back to. */
static inline irql_t ke_wait_irql(void)
{
    PKTHREAD self = ke_thread_current();

    return self->wait_next ? self->wait_irql : hal_irql_read();
}
