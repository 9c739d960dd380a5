/*
 * verifier/report.c - a finding: one log line in words, then the bug check.
 */
#include "verifier/internal.h"

#include <lib/bits.h>
#include <lib/bugcheck.h>
#include <lib/format.h>
#include <lib/log.h>
#include <nt/bugcodes.h>

enum { WHERE_MAX = 96, TEXT_MAX = 160 };

/* Names of DDI compliance rules (DV-19). */
static const struct {
    uint32_t code;
    const char *name;
} rule_names[] = {
    {0x20003, "IrqlDispatch"},       {0x20006, "IrqlExApcLte2"},  {0x20007, "IrqlExApcLte3"},
    {0x20008, "IrqlExPassive"},      {0x20009, "IrqlIoApcLte"},   {0x2000A, "IrqlIoPassive1"},
    {0x2000B, "IrqlIoPassive2"},     {0x2000C, "IrqlIoPassive3"}, {0x2000D, "IrqlIoPassive4"},
    {0x2000E, "IrqlIoPassive5"},     {0x2000F, "IrqlKeApcLte1"},  {0x20010, "IrqlKeApcLte2"},
    {0x20011, "IrqlKeDispatchLte"},  {0x20016, "IrqlKeSetEvent"}, {0x20019, "IrqlMmApcLte"},
    {0x2001A, "IrqlMmDispatch"},     {0x2001B, "IrqlObPassive"},  {0x2001C, "IrqlPsPassive"},
    {0x2001E, "IrqlRtlPassive"},     {0x2001F, "IrqlZwPassive"},  {0x20022, "IrqlIoDispatch"},
    {0x20023, "IrqlIoRtlZwPassive"},
};

enum { FIRST_DDI_RULE = 0x20000 };

static const char *rule_name(uint32_t code)
{
    for (size_t i = 0; i < ARRAY_COUNT(rule_names); i++)
        if (rule_names[i].code == code)
            return rule_names[i].name;
    return "IRQL";
}

_Noreturn void verifier_stop(const struct verifier_finding *finding, uint64_t where,
                             const char *what, ...)
{
    uint32_t bugcheck = finding->bugcheck ? finding->bugcheck : DRIVER_VERIFIER_DETECTED_VIOLATION;
    const uint64_t *p = finding->parameters;
    char place[WHERE_MAX], text[TEXT_MAX];
    va_list arguments;

    va_start(arguments, what);
    lib_vsnprintf(text, sizeof(text), what, arguments);
    va_end(arguments);
    lib_symbol_describe(where, place, sizeof(place));
    log_error("verifier: %s %s (rule %s)", place, text, finding->rule);
    lib_bugcheck(bugcheck, p[0], p[1], p[2], p[3], NULL);
}

static uint64_t parameter(const struct verifier_rule *rule, uint8_t number, const uint64_t *frame)
{
    if (number == VERIFIER_LIMIT)
        return rule->high;
    return number != 0 ? frame[number] : 0;
}

void verifier_report_irql(const struct verifier_rule *rule, const uint64_t *frame, bool skip)
{
    static char condition[TEXT_MAX]; /* DV-18: parameter 2 points to it */
    irql_t irql = hal_irql_read();
    struct verifier_finding finding = {.parameters = {rule->code, irql},
                                       .rule = rule_name(rule->code)};
    char place[WHERE_MAX];

    if (skip) {
        lib_symbol_describe(frame[CALL_RETURN], place, sizeof(place));
        log_error("verifier: %s calls %s at IRQL %u (rule %s): skipped, else 0x%X (0x%X, ...)",
                  place, rule->name, irql, finding.rule, DRIVER_VERIFIER_DETECTED_VIOLATION,
                  rule->code);
        return;
    }
    lib_snprintf(condition, sizeof(condition), "%s must be called at IRQL %u to %u", rule->name,
                 rule->low, rule->high);
    if (rule->code >= FIRST_DDI_RULE) {
        finding.parameters[1] = (uint64_t)condition;
    } else {
        finding.parameters[2] = parameter(rule, rule->third, frame);
        finding.parameters[3] = parameter(rule, rule->fourth, frame);
    }
    verifier_stop(&finding, frame[CALL_RETURN], "calls %s at IRQL %u", rule->name, irql);
}
