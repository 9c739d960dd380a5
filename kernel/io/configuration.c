/*
 * io/configuration.c - how many devices of the old kinds drivers have made: configuration counts.
 */
#include <lib/export.h>
#include <nt/ntddk.h>

static CONFIGURATION_INFORMATION configuration = {.Version = sizeof(configuration)};

/* WDK surface */

PCONFIGURATION_INFORMATION NTAPI IoGetConfigurationInformation(VOID)
{
    return &configuration;
}
LDR_EXPORT(IoGetConfigurationInformation);
