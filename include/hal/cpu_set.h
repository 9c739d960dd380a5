/*
 * hal/cpu_set.h - some of the CPUs, by their numbers. Plain memory: whoever shares one locks it.
 */
#pragma once

#include <hal/types.h>

enum { CPU_SET_WORD_BITS = 64, CPU_SET_WORDS = CPU_MAX / CPU_SET_WORD_BITS };
_Static_assert(CPU_MAX % CPU_SET_WORD_BITS == 0, "whole words");

struct cpu_set {
    uint64_t words[CPU_SET_WORDS];
};

static inline void cpu_set_add(struct cpu_set *set, uint32_t cpu)
{
    set->words[cpu / CPU_SET_WORD_BITS] |= 1ull << cpu % CPU_SET_WORD_BITS;
}

static inline void cpu_set_remove(struct cpu_set *set, uint32_t cpu)
{
    set->words[cpu / CPU_SET_WORD_BITS] &= ~(1ull << cpu % CPU_SET_WORD_BITS);
}

static inline bool cpu_set_has(const struct cpu_set *set, uint32_t cpu)
{
    return set->words[cpu / CPU_SET_WORD_BITS] >> cpu % CPU_SET_WORD_BITS & 1;
}

static inline uint32_t cpu_set_count(const struct cpu_set *set)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < CPU_SET_WORDS; i++) {
        for (uint64_t left = set->words[i]; left != 0; left &= left - 1)
            count++;
    }
    return count;
}

/* The first CPU of the set that is not below `from`; CPU_MAX: there is none. */
static inline uint32_t cpu_set_next(const struct cpu_set *set, uint32_t from)
{
    for (uint32_t cpu = from; cpu < CPU_MAX;) {
        uint64_t left = set->words[cpu / CPU_SET_WORD_BITS] >> cpu % CPU_SET_WORD_BITS;

        if (left != 0)
            return cpu + (uint32_t)__builtin_ctzll(left);
        cpu = (cpu / CPU_SET_WORD_BITS + 1) * CPU_SET_WORD_BITS;
    }
    return CPU_MAX;
}
