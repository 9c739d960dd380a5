/*
 * ke/version.c - the Windows versions that can be presented.
 */
#include "ke/version.h"

#include <lib/export.h>
#include <lib/string.h>
#include <nt/wdm.h>

struct ke_version ke_version = {10, 0, 19045};

bool ke_version_choose(const char *text)
{
    static const struct {
        const char *text;
        struct ke_version version;
    } known[] = {
        {"5.0", {5, 0, 2195}}, {"5.1", {5, 1, 2600}},    {"5.2", {5, 2, 3790}},
        {"6.0", {6, 0, 6002}}, {"6.1", {6, 1, 7601}},    {"6.2", {6, 2, 9200}},
        {"6.3", {6, 3, 9600}}, {"10.0", {10, 0, 19045}},
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!strcmp(text, known[i].text)) {
            ke_version = known[i].version;
            return true;
        }
    }
    return false;
}

/* The WDM version of the presented Windows: major in the upper byte. */
static uint32_t wdm_version(void)
{
    static const uint32_t before_vista[] = {0x0110, 0x0120, 0x0130}; /* 5.0, 5.1, 5.2 */

    return ke_version.major >= 6 ? 0x0600 : before_vista[ke_version.minor];
}

/* WDK surface */

/* PASSIVE_LEVEL. 1.0 to 1.30 are available where 6.0 is, too. WDK: IoIsWdmVersionAvailable. */
BOOLEAN NTAPI IoIsWdmVersionAvailable(UCHAR MajorVersion, UCHAR MinorVersion)
{
    return ((uint32_t)MajorVersion << 8 | MinorVersion) <= wdm_version();
}
LDR_EXPORT(IoIsWdmVersionAvailable);
