/*
 * ex/trace.h - the trace session: what providers write while somebody at the console wants it.
 *
 * There is one session. It begins when the first provider is enabled and ends when the last one is
 * disabled; its buffer keeps what is written until it is taken. What comes when there is no room
 * is lost, and counted.
 */
#pragma once

#include <hal/types.h>
#include <nt/wdm.h>

enum {
    EX_TRACE_BUFFER_SIZE = 64 * 1024,
    EX_TRACE_DATA_MAX = 16 * 1024, /* of one event */
    EX_TRACE_ENABLINGS_MAX = 16,
    EX_TRACE_LOGGER = 1, /* the session's number, in the low 16 bits of its TRACEHANDLE */
};

/* What is wanted of one provider, or of every one that is not named by another enabling. */
struct ex_trace_enabling {
    bool is_every;
    GUID id;
    uint8_t level; /* and those below; 0: all */
    uint64_t any;  /* a keyword with one of these bits; 0: all */
    uint64_t all;  /* and with all of these */
};

enum ex_trace_kind { EX_TRACE_EVENT, EX_TRACE_STRING, EX_TRACE_MESSAGE };

struct ex_trace_record {
    enum ex_trace_kind kind;
    uint32_t data_size;
    uint32_t cpu;
    uint64_t thread;
    LARGE_INTEGER time;          /* the system's */
    GUID id;                     /* of the provider; of a message: its class */
    EVENT_DESCRIPTOR descriptor; /* of a message: its number as Id */
    bool has_activity, has_related;
    GUID activity, related;
    uint32_t flags, sequence; /* of a message: TRACE_MESSAGE_... */
};

void ex_trace_init(void);
/*
 * Enable, or change what is wanted: providers are told. STATUS_INSUFFICIENT_RESOURCES.
 * PASSIVE_LEVEL, as the next two.
 */
NTSTATUS ex_trace_enable(const struct ex_trace_enabling *enabling);
/* NULL: all. False: that was not enabled. */
bool ex_trace_disable(const struct ex_trace_enabling *enabling);
/* Is a provider of this id wanted? */
bool ex_trace_wanted(const GUID *id, struct ex_trace_enabling *enabling);

/* Take what has waited longest, its data to EX_TRACE_DATA_MAX bytes. False: nothing waits. */
bool ex_trace_take(struct ex_trace_record *record, void *data);
uint64_t ex_trace_lost(void);

/* ---- Inside ex/ ----------------------------------------------------------------------------- */

/* trace_session.c. STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS ex_trace_session_begin(void);
void ex_trace_session_end(void);
/*
 * Keep a record, whose data `copy` writes; who and when is filled in. False: it is lost, or there
 * is no session. Any IRQL.
 */
bool ex_trace_put(struct ex_trace_record *record, void (*copy)(unsigned char *to, void *context),
                  void *context);
