/*
 * pool.c - small pool blocks: size classes, slabs and per-CPU lists.
 *
 * An allocation normally takes a block from a list of its own CPU and class, with interrupts off
 * and no lock. An empty list is refilled from the class's slabs, a full one gives half of itself
 * back, both under the class's lock. A slab whose last block comes back is returned to the page
 * frames, unless it is the only one of its class with room.
 *
 * Class sizes include the header and are chosen to fill a slab: little is lost at its end. A slab
 * is one page, as no block below a page may cross into another (WDK "ExAllocatePoolWithTag"). A
 * block is checked by its caller (pool_check.c); here it is only moved.
 *
 * The per-CPU lists hang on the processor block (pcr->mm) and are made when a CPU first needs them.
 */
#include <lib/bits.h>
#include <lib/list.h>
#include <lib/rawlock.h>
#include <lib/string.h>

#include "mm/frame.h"
#include "mm/init.h"
#include "mm/pool.h"
#include "mm/pool_block.h"

enum {
    POOL_CLASSES = 19,
    POOL_CPU_BYTES = 4096, /* a CPU's list holds about so much of each class */
    POOL_CPU_BLOCKS_MAX = 32,
    POOL_CPU_BLOCKS_MIN = 2,
};

static const uint16_t pool_class_sizes[POOL_CLASSES] = {
    32, 48, 64, 80, 96, 128, 160, 192, 256, 320, 400, 496, 576, 672, 800, 1008, 1344, 2016, 4064,
};

STATIC_ASSERT(sizeof(struct pool_header) + POOL_SMALL_MAX == 4064);

struct pool_slab {
    struct list_head link;    /* (class lock) in the class's list while blocks are free */
    struct pool_header *free; /* (class lock) chained through the first word of their data */
    uint16_t free_count;      /* (class lock) */
    uint16_t total;           /* (c) */
    uint16_t class;           /* (c) */
};

/* Blocks follow it; the largest fills the page. */
STATIC_ASSERT(sizeof(struct pool_slab) % POOL_ALIGNMENT == 0);
STATIC_ASSERT(sizeof(struct pool_slab) + 4064 == HAL_PAGE_SIZE);

struct pool_class {
    struct raw_lock lock;
    uint32_t partial_count;   /* (lock) */
    struct list_head partial; /* (lock) slabs with free blocks */
};

struct pool_cpu_list {
    struct pool_header *first;
    uint32_t count;
};

struct pool_cpu {
    struct pool_cpu_list lists[POOL_CLASSES];
};

static struct {
    struct pool_class classes[POOL_CLASSES];
    uint8_t
        class_of[POOL_SMALL_MAX / POOL_ALIGNMENT + 2]; /* (c) by size in units, header counted */
    uint64_t pages;                                    /* atomic */
} pool;

static struct pool_header **block_next(struct pool_header *header)
{
    return pool_block_data(header);
}

static struct pool_slab *block_slab(struct pool_header *header)
{
    return (struct pool_slab *)((uintptr_t)header - (uint64_t)header->offset * POOL_ALIGNMENT);
}

static uint32_t cpu_list_limit(unsigned int class)
{
    uint32_t blocks = POOL_CPU_BYTES / pool_class_sizes[class];

    return blocks > POOL_CPU_BLOCKS_MAX   ? POOL_CPU_BLOCKS_MAX
           : blocks < POOL_CPU_BLOCKS_MIN ? POOL_CPU_BLOCKS_MIN
                                          : blocks;
}

/* ---- Slabs --------------------------------------------------------------------------------- */

static struct pool_slab *slab_make(unsigned int class)
{
    uint16_t size = pool_class_sizes[class];
    phys_addr_t base =
        mm_pages_alloc(&(struct mm_page_request){.count = 1, .owner = MM_OWNER_POOL});
    struct pool_slab *slab;

    if (base == 0) {
        return NULL;
    }
    slab = hal_direct_map(base);
    memset(slab, 0, sizeof(*slab));
    list_init(&slab->link);
    slab->class = (uint16_t) class;
    slab->total = (uint16_t)((HAL_PAGE_SIZE - sizeof(*slab)) / size);
    slab->free_count = slab->total;
    for (unsigned int i = slab->total; i-- > 0;) {
        uint64_t offset = sizeof(*slab) + (uint64_t)i * size;
        struct pool_header *header = (struct pool_header *)((uintptr_t)slab + offset);

        memset(header, 0, sizeof(*header));
        header->class = (uint8_t) class;
        header->offset = (uint16_t)(offset / POOL_ALIGNMENT);
        pool_header_seal(header, POOL_FREE);
        *block_next(header) = slab->free;
        slab->free = header;
    }
    __atomic_add_fetch(&pool.pages, 1, __ATOMIC_RELAXED);
    return slab;
}

static void slab_drop(struct pool_slab *slab)
{
    __atomic_sub_fetch(&pool.pages, 1, __ATOMIC_RELAXED);
    mm_pages_free((uintptr_t)slab - HAL_DIRECT_MAP_BASE);
}

/* Under the class's lock. NULL: no slab has a free block. */
static struct pool_header *class_take(struct pool_class *class)
{
    struct pool_slab *slab;
    struct pool_header *header;

    if (list_is_empty(&class->partial)) {
        return NULL;
    }
    slab = CONTAINER_OF(class->partial.next, struct pool_slab, link);
    header = slab->free;
    slab->free = *block_next(header);
    if (--slab->free_count == 0) {
        list_remove(&slab->link);
        class->partial_count--;
    }
    return header;
}

/* Under the class's lock. The slab to be dropped, if it has become empty and superfluous. */
static struct pool_slab *class_give(struct pool_class *class, struct pool_header *header)
{
    struct pool_slab *slab = block_slab(header);

    *block_next(header) = slab->free;
    slab->free = header;
    if (slab->free_count++ == 0) {
        list_insert_first(&class->partial, &slab->link);
        class->partial_count++;
    }
    if (slab->free_count == slab->total && class->partial_count > 1) {
        list_remove(&slab->link);
        class->partial_count--;
        return slab;
    }
    return NULL;
}

/* ---- Per-CPU lists, interrupts off --------------------------------------------------------- */

/* One block from the slabs, growing the class if needed; NULL: no memory. */
static struct pool_header *pool_take_from_slabs(unsigned int index)
{
    struct pool_class *class = &pool.classes[index];
    raw_lock_state_t state = raw_lock_acquire(&class->lock);
    struct pool_header *header = class_take(class);

    raw_lock_release(&class->lock, state);
    if (header == NULL) {
        struct pool_slab *slab = slab_make(index);

        if (slab == NULL) {
            return NULL;
        }
        state = raw_lock_acquire(&class->lock);
        list_insert_first(&class->partial, &slab->link);
        class->partial_count++;
        header = class_take(class);
        raw_lock_release(&class->lock, state);
    }
    return header;
}

static struct pool_cpu *pool_cpu_own(void)
{
    struct pool_cpu *cpu = PCR->mm;

    if (cpu == NULL) {
        size_t size = sizeof(*cpu) + sizeof(struct pool_header);
        struct pool_header *header = pool_take_from_slabs(pool.class_of[size / POOL_ALIGNMENT]);

        if (header != NULL) {
            header->tag = MM_TAG("MmCp");
            header->size = sizeof(*cpu);
            pool_header_seal(header, POOL_ALLOCATED);
            cpu = memset(pool_block_data(header), 0, sizeof(*cpu));
            PCR->mm = cpu;
        }
    }
    return cpu;
}

static void cpu_list_push(struct pool_cpu_list *list, struct pool_header *header)
{
    *block_next(header) = list->first;
    list->first = header;
    list->count++;
}

static struct pool_header *cpu_list_pop(struct pool_cpu_list *list)
{
    struct pool_header *header = list->first;

    if (header != NULL) {
        list->first = *block_next(header);
        list->count--;
    }
    return header;
}

/* Takes what the slabs have at hand, up to half a list; does not grow the class. */
static void cpu_list_refill(struct pool_cpu_list *list, unsigned int index)
{
    struct pool_class *class = &pool.classes[index];
    raw_lock_state_t state = raw_lock_acquire(&class->lock);
    uint32_t wanted = cpu_list_limit(index) / 2;
    struct pool_header *header;

    while (list->count < wanted && (header = class_take(class)) != NULL) {
        cpu_list_push(list, header);
    }
    raw_lock_release(&class->lock, state);
}

static void cpu_list_drain(struct pool_cpu_list *list, unsigned int index)
{
    struct pool_class *class = &pool.classes[index];
    raw_lock_state_t state = raw_lock_acquire(&class->lock);
    uint32_t kept = cpu_list_limit(index) / 2;

    while (list->count > kept) {
        struct pool_slab *empty = class_give(class, cpu_list_pop(list));

        if (empty != NULL) {
            slab_drop(empty);
        }
    }
    raw_lock_release(&class->lock, state);
}

static struct pool_header *pool_take(unsigned int class)
{
    raw_lock_state_t state = raw_interrupts_save();
    struct pool_cpu *cpu = pool_cpu_own();
    struct pool_header *header = NULL;

    if (cpu != NULL) {
        header = cpu_list_pop(&cpu->lists[class]);
    }
    if (header == NULL) {
        header = pool_take_from_slabs(class);
        if (cpu != NULL) {
            cpu_list_refill(&cpu->lists[class], class);
        }
    }
    raw_interrupts_restore(state);
    return header;
}

static void pool_give(struct pool_header *header)
{
    unsigned int class = header->class;
    raw_lock_state_t state = raw_interrupts_save();
    struct pool_cpu *cpu = pool_cpu_own();

    if (cpu != NULL) {
        cpu_list_push(&cpu->lists[class], header);
        if (cpu->lists[class].count > cpu_list_limit(class)) {
            cpu_list_drain(&cpu->lists[class], class);
        }
    } else {
        struct pool_cpu_list single = {.first = NULL, .count = cpu_list_limit(class) / 2};

        cpu_list_push(&single, header);
        cpu_list_drain(&single, class);
    }
    raw_interrupts_restore(state);
}

/* ---- pool_block.h -------------------------------------------------------------------------- */

void pool_slabs_init(void)
{
    unsigned int class = 0;

    for (size_t units = 0; units < ARRAY_COUNT(pool.class_of); units++) {
        while (pool_class_sizes[class] < units * POOL_ALIGNMENT) {
            class ++;
        }
        pool.class_of[units] = (uint8_t) class;
    }
    for (class = 0; class < POOL_CLASSES; class ++) {
        list_init(&pool.classes[class].partial);
    }
}

struct pool_header *pool_small_alloc(size_t size, uint32_t tag)
{
    size_t units = (size + sizeof(struct pool_header) + POOL_ALIGNMENT - 1) / POOL_ALIGNMENT;
    struct pool_header *header = pool_take(pool.class_of[units]);

    if (header != NULL) {
        header->tag = tag;
        header->size = (uint16_t)size;
        pool_header_seal(header, POOL_ALLOCATED);
    }
    return header;
}

void pool_small_free(struct pool_header *header)
{
    pool_header_seal(header, POOL_FREE);
    pool_give(header);
}

struct pool_header *pool_small_block_of(phys_addr_t base, const void *address)
{
    struct pool_slab *slab = hal_direct_map(base);
    uint64_t offset = (uintptr_t)address - (uintptr_t)slab;
    uint64_t size = pool_class_sizes[slab->class];
    uint64_t index;

    if (offset < sizeof(*slab)) {
        return NULL;
    }
    index = (offset - sizeof(*slab)) / size;
    if (index >= slab->total) {
        return NULL;
    }
    return (struct pool_header *)((uintptr_t)slab + sizeof(*slab) + index * size);
}

size_t pool_small_capacity(const struct pool_header *header)
{
    return pool_class_sizes[header->class] - sizeof(*header);
}

uint64_t pool_slab_pages(void)
{
    return __atomic_load_n(&pool.pages, __ATOMIC_RELAXED);
}
