/*
 * BUS:DEVICE.FUNCTION to a number.
 */
#include "parse/pci_location.h"

#include "parse/hex.h"

enum { BUS_MAX = 0xFF, DEVICE_MAX = 0x1F, FUNCTION_MAX = 7 };

/* A hexadecimal number of at most two digits; *text moves behind it. */
static bool take_hex(const char **text, uint32_t most, uint32_t *value)
{
    const char *at = *text;

    *value = 0;
    while (at < *text + 2 && hex_digit(*at) >= 0)
        *value = *value << 4 | (uint32_t)hex_digit(*at++);
    if (at == *text || *value > most)
        return false;
    *text = at;
    return true;
}

static bool take_character(const char **text, char character)
{
    return **text == character && (*text)++ != 0;
}

bool pci_location_parse(const char *text, uint32_t *location)
{
    uint32_t bus, device, function;

    if (!take_hex(&text, BUS_MAX, &bus) || !take_character(&text, ':') ||
        !take_hex(&text, DEVICE_MAX, &device) || !take_character(&text, '.') ||
        !take_hex(&text, FUNCTION_MAX, &function) || *text != '\0')
        return false;
    *location = PCI_LOCATION(bus, device, function);
    return true;
}
