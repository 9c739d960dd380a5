#!/usr/bin/env python3
"""make-symtab.py NM_OUTPUT: print the kernel's symbol table as assembly.

Reads `nm -n` of the kernel and emits four arrays, sorted by address, for backtraces:

    const uint32_t kernel_symbol_count;
    const uint64_t kernel_symbol_addresses[];
    const uint32_t kernel_symbol_name_offsets[];
    const char     kernel_symbol_names[];

Only text symbols are kept. An empty input gives an empty table, for the first link.
"""
import sys


def read_symbols(path):
    symbols = {}
    with open(path, encoding="ascii", errors="replace") as lines:
        for line in lines:
            words = line.split()
            if len(words) != 3 or words[1] not in "tTwW":
                continue
            address, name = int(words[0], 16), words[2]
            if address == 0 or name.startswith((".L", "__pfx_")):
                continue
            symbols.setdefault(address, name)
    return sorted(symbols.items())


def main():
    symbols = read_symbols(sys.argv[1])
    out = [
        "/* Made by tools/make-symtab.py from the linked kernel. */",
        '.section .note.GNU-stack, "", @progbits',
        '.section .rodata.symtab_kernel, "a", @progbits',
        ".globl kernel_symbol_count, kernel_symbol_addresses",
        ".globl kernel_symbol_name_offsets, kernel_symbol_names",
        ".balign 8",
        "kernel_symbol_addresses:",
    ]
    out += [f".quad {address:#x}" for address, _ in symbols]
    out.append("kernel_symbol_count:")
    out.append(f".long {len(symbols)}")
    out.append("kernel_symbol_name_offsets:")
    offset = 0
    for _, name in symbols:
        out.append(f".long {offset}")
        offset += len(name) + 1
    out.append("kernel_symbol_names:")
    out += [f'.asciz "{name}"' for _, name in symbols]
    out.append(".byte 0")
    print("\n".join(out))


if __name__ == "__main__":
    main()
