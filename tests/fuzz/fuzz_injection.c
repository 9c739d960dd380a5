/*
 * Faults to inject: what is accepted keeps its form's limits.
 */
#include "fuzz.h"

#include "parse/injection.h"
#include "parse/pci_location.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_string(data, size);
    struct parse_error error = {0};
    struct injection injection;

    if (injection_parse(text, &injection, &error)) {
        FUZZ_CHECK(injection.kind < INJECTION_KINDS);
        const struct injection_form *form = &injection_forms[injection.kind];
        FUZZ_CHECK(form->has_location == (injection.location != PCI_LOCATION_NONE));
        FUZZ_CHECK(form->has_location ? injection.location <= 0xFFFF : true);
        FUZZ_CHECK(injection.is_off || !form->has_value ||
                   (injection.value >= form->least && injection.value <= form->most));
        FUZZ_CHECK(form->has_tag || injection.tag == 0);
    } else {
        FUZZ_CHECK(error.what && error.offset <= size);
    }
    free(text);
    return 0;
}
