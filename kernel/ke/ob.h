/*
 * ke/ob.h - reference-counted objects and the handles that name them.
 *
 * Everything a driver may pass to ObReferenceObject or receive a handle to (devices, drivers,
 * files, threads, events, registry keys) has this header in front of its body, so that one
 * reference routine serves them all. What an object is, and how it ends, is its type's business.
 *
 * There is one handle table, as there is one process. A handle holds one reference.
 *
 * Field legend: (a) atomic, (c) constant, (q) queue of objects waiting to be destroyed, (s)
 * ex/security_zw.c's, a pool block of OB_SECURITY_TAG.
 */
#pragma once

#include <hal/types.h>
#include <nt/ntdef.h>

/* What the generic rights mean to a type. WDK: ACCESS_MASK */
struct ob_generic_rights {
    ACCESS_MASK read;
    ACCESS_MASK write;
    ACCESS_MASK execute;
    ACCESS_MASK all;
};

/* POBJECT_TYPE points to one of these: *IoFileObjectType, *PsThreadType, ... */
struct _OBJECT_TYPE {
    const char *name; /* "Device", "File" */
    /*
     * The last reference is gone; the memory is freed when this returns. Runs at PASSIVE_LEVEL if
     * `passive` is set (in a system thread where the reference was dropped above it), else at the
     * caller's level. May be NULL.
     */
    void (*destroy)(void *object);
    void (*close)(void *object); /* the last handle is gone; PASSIVE_LEVEL; may be NULL */
    /* Closes a handle by ob_handle_remove(); PASSIVE_LEVEL. NULL: nothing is to be done beside. */
    NTSTATUS (*close_handle)(void *object, HANDLE handle);
    /* Which one it is, for the console: terminated text. PASSIVE_LEVEL. NULL: without names. */
    void (*describe)(void *object, char *text, size_t size);
    const struct ob_generic_rights *generic; /* NULL: each of them is every right */
    bool passive;
    bool waitable; /* begins with a DISPATCHER_HEADER: a handle to it can be waited for */
};

struct ob_header {
    volatile int64_t reference_count; /* (a) */
    volatile int64_t handle_count;    /* (a) */
    const struct _OBJECT_TYPE *type;  /* (c) */
    struct ob_header *next_destroy;   /* (q) */
    void *security;                   /* (s) self-relative descriptor, or NULL */
    uint64_t reserved;                /* the body stays aligned to 16 bytes */
};

#define OB_SECURITY_TAG MM_TAG("ObSd")

/* A zeroed nonpaged object with one reference; NULL without memory. IRQL <= DISPATCH_LEVEL. */
void *ob_create(const struct _OBJECT_TYPE *type, size_t size);
/* Give the memory of an object that nobody has seen back, without destroying anything. */
void ob_discard(void *object);
const struct _OBJECT_TYPE *ob_type(const void *object);
/* Both return the new count. IRQL <= DISPATCH_LEVEL. */
int64_t ob_reference(void *object);
int64_t ob_dereference(void *object);

/* Takes a reference of its own; grants what is asked for. IRQL <= APC_LEVEL. */
NTSTATUS ob_handle_create(void *object, ACCESS_MASK access, HANDLE *handle);
/* The object with a new reference. type NULL: any. STATUS_INVALID_HANDLE, _OBJECT_TYPE_MISMATCH. */
NTSTATUS ob_handle_reference(HANDLE handle, const struct _OBJECT_TYPE *type, void **object);
/* The same, and what the handle grants. */
NTSTATUS ob_handle_look_up(HANDLE handle, const struct _OBJECT_TYPE *type, void **object,
                           ACCESS_MASK *granted);
/* There are no directories: with what a handle is refused that a name is to begin at. */
NTSTATUS ob_directory_refuse(HANDLE root);
NTSTATUS ob_handle_close(HANDLE handle);
/* The same without _OBJECT_TYPE::close_handle, for that. */
NTSTATUS ob_handle_remove(HANDLE handle);

/* A copy of an open handle's facts, for the console. */
struct ob_handle_info {
    HANDLE handle;
    void *object; /* with a reference, the caller's, that is not counted below */
    const struct _OBJECT_TYPE *type;
    int64_t reference_count;
    int64_t handle_count;
};

/* The first open handle from *index on; *index goes behind it. False: there is none. */
bool ob_handle_next(uint32_t *index, struct ob_handle_info *info);
