/*
 * pnp/override.c - what people say of single devices, by location: `passive=` on the command line,
 * `inject messages`. Rules may come before their device does.
 */
#include "pnp/override.h"

#include "io/device.h"
#include "pnp/pnp.h"

enum { RULES_MAX = 32 };

struct rule {
    uint32_t location;
    bool passive;
    bool limited; /* messages hold */
    uint32_t messages;
    uint64_t hits; /* atomic: times the limit was less than what was asked for */
};

static struct rule rules[RULES_MAX];
static uint32_t rule_count;

static struct rule *rule_find(uint32_t location)
{
    for (uint32_t i = 0; i < rule_count; i++)
        if (rules[i].location == location)
            return &rules[i];
    return NULL;
}

static struct rule *rule_make(uint32_t location)
{
    struct rule *rule = rule_find(location);

    if (rule == NULL && rule_count < RULES_MAX) {
        rule = &rules[rule_count];
        rule->location = location;
        rule_count++;
    }
    return rule;
}

bool pnp_passive_set(uint32_t location)
{
    struct rule *rule = rule_make(location);

    if (rule != NULL)
        rule->passive = true;
    return rule != NULL;
}

bool pnp_messages_limit(uint32_t location, bool limited, uint32_t most)
{
    struct rule *rule = rule_make(location);

    if (rule == NULL)
        return false;
    rule->messages = most;
    rule->limited = limited;
    return true;
}

uint64_t pnp_messages_limit_hits(uint32_t location)
{
    const struct rule *rule = rule_find(location);

    return rule != NULL ? __atomic_load_n(&rule->hits, __ATOMIC_RELAXED) : 0;
}

bool pnp_device_is_passive(PDEVICE_OBJECT pdo)
{
    const struct rule *rule = rule_find(io_device_of(pdo)->location);

    return rule != NULL && rule->passive;
}

uint32_t pnp_device_messages_allowed(PDEVICE_OBJECT pdo, uint32_t wanted)
{
    struct rule *rule = rule_find(io_device_of(pdo)->location);

    if (rule == NULL || !rule->limited || wanted <= rule->messages)
        return wanted;
    __atomic_add_fetch(&rule->hits, 1, __ATOMIC_RELAXED);
    return rule->messages;
}
