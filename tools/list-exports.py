#!/usr/bin/env python3
"""list-exports.py KERNEL: print what the kernel exports to drivers, as `dll!name` lines.

The export tables are read out of the linked kernel, so that the list cannot differ from what the
loader resolves. Each table is an array of { const char *name; void *address } that the symbols
EXPORT_TABLES name.
"""
