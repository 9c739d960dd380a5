/*
 * acpi/acpica.h - ACPICA's public headers, in the order its own acpi.h has them.
 *
 * That file cannot be included by its name here, <acpi/acpi.h>, since this folder's public header
 * is called the same. Only the .c files of kernel/acpi include this one: nobody else sees a type of
 * ACPICA. After <nt/wdm.h>, where both are needed.
 */
#pragma once

#include <acpi/platform/acenv.h>
#include <acpi/acnames.h>
#include <acpi/actypes.h>
#include <acpi/acexcep.h>
#include <acpi/actbl.h>
#include <acpi/acrestyp.h>
#include <acpi/platform/acenvex.h>
#include <acpi/acoutput.h>
#include <acpi/acpiosxf.h>
#include <acpi/acpixf.h>
