#!/usr/bin/env python3
"""list-exports.py KERNEL: print the names that drivers can import, one a line, sorted.

Read from section .ldr_exports of the linked kernel (include/lib/export.h: pairs of name and
address), so that the list cannot differ from what the loader resolves.
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from hostlib import elf

ENTRY_SIZE = 16


def exports(path):
    image = elf.Image(path)
    table = image.section(".ldr_exports")
    if table is None:
        return []
    return sorted(image.string_at(int.from_bytes(table.data[i:i + 8], "little"))
                  for i in range(0, len(table.data), ENTRY_SIZE))


if __name__ == "__main__":
    print("".join(f"{name}\n" for name in exports(sys.argv[1])), end="")
