/*
 * cm/registry_filter.h - drivers that are asked before an operation on the registry, and told of
 * its result.
 *
 *     struct cm_filter_call call;
 *     REG_DELETE_KEY_INFORMATION info = {.Object = key};
 *
 *     if (cm_filter_before(&call, RegNtPreDeleteKey, CM_FILTER(info), &status))
 *         status = cm_filter_after(&call, RegNtPostDeleteKey, key, cm_key_delete(key));
 *
 * Calls: IRQL <= APC_LEVEL, without a lock.
 */
#pragma once

#include "cm/registry.h"

enum { CM_FILTERS_MAX_REGISTERED = 16 };

struct cm_filter;

/* One operation, from before to after. */
struct cm_filter_call {
    void *information; /* REG_..._INFORMATION of the operation; in it: */
    PVOID *call_context;
    PVOID *object_context;
    unsigned count;
    struct {
        struct cm_filter *filter; /* referenced */
        PVOID call_context;
    } seen[CM_FILTERS_MAX_REGISTERED]; /* in the order of the calls */
};

/* Information, and the two members that filters have of their own. */
#define CM_FILTER(info) &(info), &(info).CallContext, &(info).ObjectContext

/* Is there any filter? Else a call need not be prepared. */
bool cm_filter_any(void);
/*
 * True: go on with the operation, then call cm_filter_after(). False: a filter has refused it, or
 * done it (STATUS_SUCCESS): *status is its result. The information's first member, or of a creation
 * its RootObject, is what object_context is looked up for.
 */
bool cm_filter_before(struct cm_filter_call *call, REG_NOTIFY_CLASS class, void *information,
                      PVOID *call_context, PVOID *object_context, NTSTATUS *status);
/* The result, which a filter may change. object: the key, NULL if there is none. */
NTSTATUS cm_filter_after(struct cm_filter_call *call, REG_NOTIFY_CLASS class, void *object,
                         NTSTATUS status);

/* _OBJECT_TYPE::close_handle and ::close of keys. */
NTSTATUS cm_filter_close_handle(void *key, HANDLE handle);
void cm_filter_key_closed(void *key);

/* A copy for the console. */
struct cm_filter_info {
    char altitude[40]; /* empty: above all */
    char driver[64];   /* empty: not told */
    uint64_t calls;
};

/* From the highest on. PASSIVE_LEVEL. */
bool cm_filter_at(uint32_t index, struct cm_filter_info *info);
