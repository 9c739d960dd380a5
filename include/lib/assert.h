/*
 * Assertions: for our own bugs only.
 *
 * A driver that breaks the contract of an exported routine gets a bug check with the Windows code;
 * firmware or a caller that passes nonsense gets an NTSTATUS. What remains, a state that this
 * kernel's own code promised never to reach, is an ASSERT. It stays in every build: it costs a
 * compare and a branch never taken.
 *
 * ASSERT_IRQL(max) is the first line of a routine that works only up to IRQL max; IRQL is CR8. In
 * hosted builds (unit tests) it says nothing.
 */
#ifndef LIB_ASSERT_H
#define LIB_ASSERT_H

#include <stdint.h>

/* Ends in a bug check (0xE2) that names file and line. */
__attribute__((noreturn, cold)) void lib_assert_failed(const char *expression, const char *file,
                                                       int line);

#undef ASSERT
#define ASSERT(expression)                                                                         \
    (__builtin_expect(!(expression), 0) ? lib_assert_failed(#expression, __FILE__, __LINE__)       \
                                        : (void)0)

#define STATIC_ASSERT(expression) _Static_assert(expression, #expression)

#if __STDC_HOSTED__

#define ASSERT_IRQL(max) ((void)(max))

#else

static inline uint64_t lib_irql_read(void)
{
    uint64_t irql;

    __asm__ volatile("mov %%cr8, %0" : "=r"(irql));
    return irql;
}

#define ASSERT_IRQL(max) ASSERT(lib_irql_read() <= (uint64_t)(max))

#endif

#endif
