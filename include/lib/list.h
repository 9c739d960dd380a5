/*
 * Circular doubly linked lists.
 *
 * struct list_head has the layout of a LIST_ENTRY (forward link, backward link), so that code which
 * keeps WDK structures and code which keeps its own can share one idea of a list. The head is an
 * entry too; an empty list points at itself. An entry that was removed with list_remove points at
 * itself as well, so that list_is_linked() answers for it.
 *
 * Locking is the caller's. Nothing here allocates.
 */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_head {
    struct list_head *next;
    struct list_head *prev;
};

#define LIST_INIT(name)                                                                            \
    {                                                                                              \
        &(name), &(name)                                                                           \
    }

/* The structure that has entry as its member. */
#define CONTAINER_OF(entry, type, member) ((type *)(void *)((char *)(entry)-offsetof(type, member)))

/* Body must not remove the cursor; list_for_each_safe allows that. */
#define list_for_each(cursor, head)                                                                \
    for (struct list_head *cursor = (head)->next; cursor != (head); cursor = cursor->next)

#define list_for_each_safe(cursor, head)                                                           \
    for (struct list_head *cursor = (head)->next, *cursor##_next = cursor->next; cursor != (head); \
         cursor = cursor##_next, cursor##_next = cursor##_next->next)

static inline void list_init(struct list_head *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool list_is_empty(const struct list_head *head)
{
    return head->next == head;
}

static inline bool list_is_linked(const struct list_head *entry)
{
    return entry->next != NULL && entry->next != entry;
}

static inline void list_insert_between(struct list_head *entry, struct list_head *before,
                                       struct list_head *after)
{
    entry->next = after;
    entry->prev = before;
    before->next = entry;
    after->prev = entry;
}

static inline void list_insert_first(struct list_head *head, struct list_head *entry)
{
    list_insert_between(entry, head, head->next);
}

static inline void list_insert_last(struct list_head *head, struct list_head *entry)
{
    list_insert_between(entry, head->prev, head);
}

static inline void list_remove(struct list_head *entry)
{
    entry->prev->next = entry->next;
    entry->next->prev = entry->prev;
    list_init(entry);
}

/* The first entry, unlinked; NULL when the list is empty. */
static inline struct list_head *list_take_first(struct list_head *head)
{
    struct list_head *entry = head->next;

    if (entry == head) {
        return NULL;
    }
    list_remove(entry);
    return entry;
}

#endif
