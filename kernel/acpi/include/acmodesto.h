/*
 * acmodesto.h - the platform header that ACPICA's <acpi/platform/acenv.h> includes when it is
 * compiled with -DMODESTO, a branch nobody else uses. ACPICA itself stays unpatched.
 *
 * Owns what ACPICA asks of compiler, C library and lock types. Linux-only words that appear in its
 * Linux edition (__init, __iomem) mean nothing here. Both the kernel and the host build
 * (tests/acpi) use this file; the C library routines are inline, under names that cannot meet the
 * kernel's own or the host's.
 *
 * ACPICA includes this: it may rely on nothing but the compiler's headers.
 */
#ifndef ACMODESTO_H
#define ACMODESTO_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define ACPI_MACHINE_WIDTH 64
#define COMPILER_DEPENDENT_INT64 long long
#define COMPILER_DEPENDENT_UINT64 unsigned long long
#define ACPI_USE_NATIVE_DIVIDE
#define ACPI_USE_SYSTEM_CLIBRARY
#define ACPI_USE_DO_WHILE_0
#define ACPI_PCI_CONFIGURED
#define ACPI_MUTEX_TYPE ACPI_BINARY_SEMAPHORE

struct acpi_os_cache;
struct acpi_os_lock;
struct acpi_os_semaphore;

#define acpi_cache_t struct acpi_os_cache
#define acpi_spinlock struct acpi_os_lock *
#define acpi_semaphore struct acpi_os_semaphore *
#define acpi_cpu_flags uint64_t
#define acpi_uintptr_t uintptr_t

#define ACPI_TO_INTEGER(p) ((uintptr_t)(p))
#define ACPI_OFFSET(d, f) offsetof(d, f)
#define ACPI_STRUCT_INIT(f, v) .f = v
#define ACPI_EXPORT_SYMBOL(name)
#define ACPI_FLUSH_CPU_CACHE() __asm__ volatile("wbinvd" : : : "memory")

/* How its messages begin; os.c leaves those of ACPI_MSG_INFO out. */
#define ACPI_MSG_ERROR "acpi: "
#define ACPI_MSG_WARNING "acpi: "
#define ACPI_MSG_INFO "\001"
#define ACPI_MSG_BIOS_ERROR "acpi: firmware: "
#define ACPI_MSG_BIOS_WARNING "acpi: firmware: "

#define __init
#define __iomem

/* ACPI 6.5 5.2.10.1 "Global Lock": shared with firmware. kernel/acpi/os_lock.c */
int acpi_os_global_lock_acquire(uint32_t *lock);
int acpi_os_global_lock_release(uint32_t *lock);

#define ACPI_ACQUIRE_GLOBAL_LOCK(facs, acquired)                                                   \
    ((acquired) = acpi_os_global_lock_acquire((uint32_t *)&(facs)->global_lock))
#define ACPI_RELEASE_GLOBAL_LOCK(facs, pending)                                                    \
    ((pending) = acpi_os_global_lock_release((uint32_t *)&(facs)->global_lock))

/* ---- C library ----------------------------------------------------------------------------- */

void *memcpy(void *restrict destination, const void *restrict source, size_t size);
void *memmove(void *destination, const void *source, size_t size);
void *memset(void *destination, int value, size_t size);
int memcmp(const void *left, const void *right, size_t size);
size_t strlen(const char *text);
int strcmp(const char *left, const char *right);
int strncmp(const char *left, const char *right, size_t limit);
char *strchr(const char *text, int character);
char *strstr(const char *text, const char *pattern);

static inline int acpi_c_isupper(int c)
{
    return c >= 'A' && c <= 'Z';
}

static inline int acpi_c_islower(int c)
{
    return c >= 'a' && c <= 'z';
}

static inline int acpi_c_isdigit(int c)
{
    return c >= '0' && c <= '9';
}

static inline int acpi_c_isalpha(int c)
{
    return acpi_c_isupper(c) || acpi_c_islower(c);
}

static inline int acpi_c_isxdigit(int c)
{
    return acpi_c_isdigit(c) || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

static inline int acpi_c_isspace(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline int acpi_c_isprint(int c)
{
    return c >= ' ' && c <= '~';
}

static inline int acpi_c_toupper(int c)
{
    return acpi_c_islower(c) ? c - 'a' + 'A' : c;
}

static inline int acpi_c_tolower(int c)
{
    return acpi_c_isupper(c) ? c - 'A' + 'a' : c;
}

static inline char *acpi_c_strcpy(char *to, const char *from)
{
    return memcpy(to, from, strlen(from) + 1);
}

static inline char *acpi_c_strcat(char *to, const char *from)
{
    acpi_c_strcpy(to + strlen(to), from);
    return to;
}

static inline char *acpi_c_strncpy(char *to, const char *from, size_t size)
{
    size_t i = 0;

    for (; i < size && from[i] != '\0'; i++)
        to[i] = from[i];
    for (; i < size; i++)
        to[i] = '\0';
    return to;
}

static inline char *acpi_c_strncat(char *to, const char *from, size_t size)
{
    char *end = to + strlen(to);
    size_t i = 0;

    for (; i < size && from[i] != '\0'; i++)
        end[i] = from[i];
    end[i] = '\0';
    return to;
}

#define isupper acpi_c_isupper
#define islower acpi_c_islower
#define isdigit acpi_c_isdigit
#define isalpha acpi_c_isalpha
#define isxdigit acpi_c_isxdigit
#define isspace acpi_c_isspace
#define isprint acpi_c_isprint
#define toupper acpi_c_toupper
#define tolower acpi_c_tolower
#define strcpy acpi_c_strcpy
#define strcat acpi_c_strcat
#define strncpy acpi_c_strncpy
#define strncat acpi_c_strncat

#endif
