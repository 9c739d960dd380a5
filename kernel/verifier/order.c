/*
 * verifier/order.c - deadlock detection (DV-11): in which order locks are acquired.
 *
 * A graph: an edge from A to B says that somebody acquired B while holding A. An edge that would
 * close a circle is two threads or processors that can wait for each other for ever, found although
 * they have not done so yet. Edges are kept until the memory of one of their locks is freed.
 *
 * The same table knows at which levels a spin lock is held and wanted. One that is held at a lower
 * IRQL than it is wanted at by somebody else, a service routine say, can be wanted on the processor
 * whose interrupted code holds it. Windows has no code for that: it is reported as the deadlock it
 * is.
 *
 * Locks on a stack are left out: their addresses are soon others'. One lock guards everything here,
 * with interrupts off; under it nothing but mm_pool_owns() is called.
 */
#include "verifier/internal.h"

#include <lib/bugcheck.h>
#include <lib/log.h>

#include "ke/lock.h"
#include "mm/mm.h"
#include "mm/pool.h"

#define ORDER_TAG MM_TAG("VeOr")

enum {
    NODES = 2048, /* number 0 is none */
    EDGES = 8192,
    BUCKETS = 256,
    PATH_SHOWN = 4,
    NAME_MAX = 96,
    DEADLOCK = 0x1001, /* parameter 1 of bug check 0xC4 (BC-C4-1) */
};

struct node {
    const void *lock;
    uint16_t next;  /* in its bucket, or among the free ones */
    uint16_t first; /* edge from here */
    uint16_t step;  /* search: the edge it was reached by */
    uint32_t round; /* search: the last one that came by */
    irql_t low;     /* lowest level it was held at */
    irql_t high;    /* highest level it was waited for at in an interrupt */
    uint64_t low_caller;
    uint64_t high_caller;
};

struct edge {
    uint16_t next; /* from the same node, or among the free ones */
    uint16_t from, to;
    uint64_t caller; /* who acquired `to` */
};

struct graph {
    struct node nodes[NODES];
    struct edge edges[EDGES];
    uint16_t buckets[BUCKETS];
    uint16_t queue[NODES]; /* of the search */
    uint16_t free_node, free_edge;
    uint32_t round;
    bool full; /* said so */
};

static struct graph *graph; /* NULL: no memory, nothing is checked */
static ke_lock_t graph_lock;

void verifier_order_init(void)
{
    struct graph *made = mm_pool_alloc(sizeof *made, ORDER_TAG);

    if (!made)
        return;
    for (uint32_t i = 1; i < NODES; i++)
        made->nodes[i].next = (uint16_t)((i + 1) % NODES);
    for (uint32_t i = 1; i < EDGES; i++)
        made->edges[i].next = (uint16_t)((i + 1) % EDGES);
    made->free_node = made->free_edge = 1;
    graph = made;
}

/* ---- nodes and edges; the lock is held ------------------------------------------------------- */

/* 0: no more room. */
static uint16_t node_of(const struct verifier_order *order)
{
    uint16_t *bucket = &graph->buckets[((uint64_t)order->lock >> PAGE_SHIFT) % BUCKETS];
    uint16_t number = *bucket;
    struct node *node;

    while (number && graph->nodes[number].lock != order->lock)
        number = graph->nodes[number].next;
    if (number)
        return number;
    number = graph->free_node;
    if (!number)
        return 0;
    node = &graph->nodes[number];
    graph->free_node = node->next;
    *node = (struct node){.lock = order->lock, .next = *bucket, .low = HIGH_LEVEL};
    *bucket = number;
    return number;
}

static bool has_edge(uint16_t from, uint16_t to)
{
    for (uint16_t i = graph->nodes[from].first; i; i = graph->edges[i].next)
        if (graph->edges[i].to == to)
            return true;
    return false;
}

static void add_edge(uint16_t from, uint16_t to, uint64_t caller)
{
    uint16_t number = graph->free_edge;
    struct edge *edge = &graph->edges[number];

    if (!number)
        return;
    graph->free_edge = edge->next;
    *edge = (struct edge){graph->nodes[from].first, from, to, caller};
    graph->nodes[from].first = number;
}

/* Drop edges from there that lead to `to`, or all (0). */
static void drop_edges(uint16_t from, uint16_t to)
{
    uint16_t *link = &graph->nodes[from].first;

    while (*link) {
        uint16_t number = *link;
        struct edge *edge = &graph->edges[number];

        if (to && edge->to != to) {
            link = &edge->next;
            continue;
        }
        *link = edge->next;
        edge->next = graph->free_edge;
        graph->free_edge = number;
    }
}

static void drop_node(uint16_t *link)
{
    uint16_t number = *link;
    struct node *node = &graph->nodes[number];

    *link = node->next;
    drop_edges(number, 0);
    for (uint32_t i = 1; i < NODES; i++)
        drop_edges((uint16_t)i, number);
    node->lock = NULL;
    node->next = graph->free_node;
    graph->free_node = number;
}

/* Breadth first. True: each node on the shortest way from..to knows the edge it was reached by. */
static bool find_path(uint16_t from, uint16_t to)
{
    uint32_t head = 0, tail = 0;
    struct node *nodes = graph->nodes;

    nodes[from].round = ++graph->round;
    graph->queue[tail++] = from;
    while (head < tail) {
        for (uint16_t i = nodes[graph->queue[head++]].first; i; i = graph->edges[i].next) {
            struct node *next = &nodes[graph->edges[i].to];

            if (next->round == graph->round)
                continue;
            next->round = graph->round;
            next->step = i;
            if (graph->edges[i].to == to)
                return true;
            graph->queue[tail++] = graph->edges[i].to;
        }
    }
    return false;
}

/* ---- findings -------------------------------------------------------------------------------- */

/* Copied out, so that nothing is printed with the lock held. */
struct conflict {
    bool found;
    const void *held;
    irql_t irql;
    uint64_t caller; /* the other one's */
    uint32_t length;
    struct {
        const void *held, *lock;
        uint64_t caller;
    } path[PATH_SHOWN];
};

/* The way back: how `held` is acquired under `wanted`, last step first. */
static void copy_path(struct conflict *conflict, uint16_t wanted, uint16_t held)
{
    while (held != wanted && conflict->length < PATH_SHOWN) {
        const struct edge *edge = &graph->edges[graph->nodes[held].step];

        conflict->path[conflict->length].held = graph->nodes[edge->from].lock;
        conflict->path[conflict->length].lock = graph->nodes[edge->to].lock;
        conflict->path[conflict->length++].caller = edge->caller;
        held = edge->from;
    }
}

_Noreturn static void stop(const struct verifier_order *wanted, const struct conflict *conflict)
{
    struct verifier_finding finding = {.parameters = {DEADLOCK, (uint64_t)wanted->lock},
                                       .rule = "lock order"};
    char name[NAME_MAX];

    for (uint32_t i = conflict->length; i-- > 0;) {
        lib_symbol_describe(conflict->path[i].caller, name, sizeof name);
        log_error("verifier:   %p is acquired while %p is held, by %s", conflict->path[i].lock,
                  conflict->path[i].held, name);
    }
    if (conflict->length)
        verifier_stop(&finding, wanted->caller,
                      "acquires the lock %p while it holds %p, against the order seen before",
                      wanted->lock, conflict->held);
    lib_symbol_describe(conflict->caller, name, sizeof name);
    verifier_stop(&finding, wanted->caller,
                  "acquires the spin lock %p at IRQL %u, which %s does at IRQL %u", wanted->lock,
                  wanted->irql, name, conflict->irql);
}

/* ---- levels ---------------------------------------------------------------------------------- */

/* Only what interrupts the holder can want the lock on its processor. */
static void see_level(struct node *node, const struct verifier_order *order, bool waits,
                      struct conflict *conflict)
{
    if (order->irql < DISPATCH_LEVEL)
        return;
    if (order->irql < node->low) {
        node->low = order->irql;
        node->low_caller = order->caller;
    }
    if (waits && PCR->interrupt_depth && order->irql > node->high) {
        node->high = order->irql;
        node->high_caller = order->caller;
    }
    if (node->low >= node->high)
        return;
    conflict->found = true;
    conflict->irql = order->irql == node->low ? node->high : node->low;
    conflict->caller = order->irql == node->low ? node->high_caller : node->low_caller;
}

static bool is_followed(const struct verifier_order *order)
{
    return graph && (mm_pool_owns(order->lock) || mm_image_owns(order->lock) || order->is_global);
}

/* ---- internal.h ------------------------------------------------------------------------------ */

static void acquire(const struct verifier_order *wanted, bool waits,
                    const struct verifier_order *held, uint32_t count)
{
    struct conflict conflict = {0};
    uint16_t to, from;
    uint64_t flags;
    bool is_full;

    if (!is_followed(wanted))
        return;
    flags = ke_lock_acquire_irqoff(&graph_lock);
    to = node_of(wanted);
    if (to)
        see_level(&graph->nodes[to], wanted, waits, &conflict);
    for (uint32_t i = 0; to && i < count && !conflict.found; i++) {
        from = is_followed(&held[i]) ? node_of(&held[i]) : 0;
        if (!from || from == to || has_edge(from, to))
            continue;
        if (find_path(to, from)) {
            conflict.found = true;
            conflict.held = held[i].lock;
            copy_path(&conflict, to, from);
        } else {
            add_edge(from, to, wanted->caller);
        }
    }
    is_full = !graph->full && (!graph->free_node || !graph->free_edge);
    graph->full |= is_full;
    ke_lock_release_irqoff(&graph_lock, flags);
    if (conflict.found)
        stop(wanted, &conflict);
    if (is_full)
        log_warn("verifier: more locks than the order of can be followed");
}

void verifier_order_wait(const struct verifier_order *wanted, const struct verifier_order *held,
                         uint32_t count)
{
    acquire(wanted, true, held, count);
}

void verifier_order_note(const struct verifier_order *taken)
{
    acquire(taken, false, NULL, 0);
}

void verifier_order_forget(const void *base, size_t size)
{
    uint64_t page = (uint64_t)base >> PAGE_SHIFT;
    uint64_t last = ((uint64_t)base + size - 1) >> PAGE_SHIFT;
    uint64_t flags;

    if (!graph || !size)
        return;
    if (last - page >= BUCKETS)
        last = page + BUCKETS - 1;
    flags = ke_lock_acquire_irqoff(&graph_lock);
    for (; page <= last; page++) {
        uint16_t *link = &graph->buckets[page % BUCKETS];

        while (*link) {
            if ((uint64_t)graph->nodes[*link].lock - (uint64_t)base < size)
                drop_node(link);
            else
                link = &graph->nodes[*link].next;
        }
    }
    ke_lock_release_irqoff(&graph_lock, flags);
}
