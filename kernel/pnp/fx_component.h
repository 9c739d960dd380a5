/*
 * pnp/fx_component.h - what can be computed of a device's components alone: which F-state one in
 * the idle condition goes to, and whether the components that depend on others make sense.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* WDK: PO_FX_COMPONENT_V2, "Component dependencies" */
enum { FX_PROVIDER_DEPTH_MAX = 4 };

/* An F-state; times in 100 ns. */
struct fx_state {
    uint64_t latency;   /* to get back to F0 */
    uint64_t residency; /* that makes it worth while */
};

/* What a driver says of how its component is used. */
struct fx_hints {
    uint64_t latency;   /* that is tolerated */
    uint64_t residency; /* that is expected */
    bool wake;          /* it must be able to wake */
};

/* The deepest F-state that the hints allow. F0 always is. */
static inline uint32_t fx_state_select(const struct fx_state *states, uint32_t count,
                                       uint32_t deepest_wakeable, const struct fx_hints *hints)
{
    uint32_t chosen = 0;

    for (uint32_t i = 1; i < count; i++)
        if (states[i].latency <= hints->latency && states[i].residency <= hints->residency &&
            (!hints->wake || i <= deepest_wakeable))
            chosen = i;
    return chosen;
}

/* The components that one depends on, by index. */
struct fx_providers {
    uint32_t count;
    const uint32_t *indices;
};

static inline bool fx_providers_are_distinct(const struct fx_providers *providers)
{
    for (uint32_t i = 0; i < providers->count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (providers->indices[i] == providers->indices[j])
                return false;
    return true;
}

/* No chain of dependencies from here is longer than `depth`; so none is a circle. */
static inline bool fx_providers_end(const struct fx_providers *all, uint32_t from, uint32_t depth)
{
    for (uint32_t i = 0; i < all[from].count; i++)
        if (depth == 0 || !fx_providers_end(all, all[from].indices[i], depth - 1))
            return false;
    return true;
}

/* Every index is that of another component, none is named twice, and no chain is too long. */
static inline bool fx_providers_are_valid(const struct fx_providers *all, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (all[i].count >= count || !fx_providers_are_distinct(&all[i]))
            return false;
        for (uint32_t j = 0; j < all[i].count; j++)
            if (all[i].indices[j] >= count || all[i].indices[j] == i)
                return false;
    }
    for (uint32_t i = 0; i < count; i++)
        if (!fx_providers_end(all, i, FX_PROVIDER_DEPTH_MAX))
            return false;
    return true;
}
