# mk/acpica.mk - where ACPICA joins the build.
#
# ACPI_OBJECTS are linked into the kernel; ACPI_CFLAGS reach kernel/acpi and whatever includes its
# public headers. Both stay empty until an interpreter is built in: the kernel then routes lines by
# the MP table.

ACPI_OBJECTS :=
ACPI_CFLAGS  :=
