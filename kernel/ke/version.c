/*
 * ke/version.c - the Windows versions that can be presented.
 */
#include "ke/version.h"

#include <lib/string.h>

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
