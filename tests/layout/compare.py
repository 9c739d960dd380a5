#!/usr/bin/env python3
"""Compare include/nt with mingw-w64's DDK headers, field by field; prints KTAP.

One probe, generated from our headers, is compiled three times: by the MinGW compiler with
our headers (what a driver built here sees), by the same compiler with mingw-w64's DDK
headers, and by the ELF compiler with the kernel's flags. The first and the last must agree
on everything. Where the first two differ, or mingw-w64 lacks the name, differences.tsv must
give the reason; a row there that no longer describes a difference fails too.

    compare.py            run the tests
    compare.py --update   rewrite differences.tsv, keeping known reasons ("?" for new rows)
"""

import os
import subprocess
import sys
from pathlib import Path

import discover
import probe

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NT = ROOT / "include" / "nt"
TABLE = HERE / "differences.tsv"

MINGW = os.environ.get("MINGW_CC", "x86_64-w64-mingw32-gcc")
ELF = os.environ.get("CROSS_COMPILE", "") + "gcc"
DDK = os.environ.get("DDK_INCLUDE", "/usr/share/mingw-w64/include/ddk")

INCLUDES = ["ntifs.h", "wdmguid.h", "wmistr.h", "wmilib.h", "csq.h", "bugcodes.h"]
DEFINES = ["-D_AMD64_", "-DNT_PROCESSOR_GROUPS"]
OURS = ["-std=gnu17", *DEFINES, "-nostdinc", f"-I{NT}"]
THEIRS = ["-std=gnu17", *DEFINES, "-DNTDDI_VERSION=0x0A000000", "-D_WIN32_WINNT=0x0A00",
          "-DWINVER=0x0A00", f"-I{DDK}"]
KERNEL = ["-std=gnu17", "-ffreestanding", "-fshort-wchar", "-mno-red-zone", "-mgeneral-regs-only",
          "-fno-pic", "-mcmodel=kernel", "-fno-stack-protector", "-D_NTOSKRNL_", *DEFINES,
          f"-I{ROOT / 'include'}"]
COMPILER_TYPES = {"type va_list"}  # the ELF compiler's own; NT routines take the Windows form
STRICT = ["-O2", "-Wall", "-Wextra", "-Wundef", "-Wstrict-prototypes", "-Werror", "-fsyntax-only"]
DRIVERS_ONLY = {"ntstrsafe.h"}
HEADER = ("# What include/nt and mingw-w64's DDK headers do not agree on, and why.\n"
          "# name<TAB>ours<TAB>mingw-w64<TAB>reason; checked by compare.py\n")


def show(entry, value):
    if value is None:
        return "absent"
    number = int.from_bytes(value, "little")
    if entry.kind == "member":
        return f"+{number >> 32:#x} size {number & 0xffffffff:#x}"
    if entry.kind == "routine":
        return "same type" if number else "other type"
    if entry.kind == "guid":
        return value.hex()
    if entry.kind == "bits":
        start = next((i for i, byte in enumerate(value) if byte), 0)
        return f"+{start:#x} mask {number >> 8 * start:#x}"
    return f"{number:#x}"


def parent(entry):
    """The record that a member belongs to, as the key of its type entry."""
    return "type " + entry.name.split(".")[0] if entry.kind in ("member", "bits") else None


def differences(entries, ours, theirs):
    """{key: (ours, mingw-w64)}; the members of a record that mingw-w64 lacks go without saying."""
    found = {}
    for entry in entries:
        mine, other = ours.get(entry.key), theirs.get(entry.key)
        if mine is None or mine == other:
            continue
        if other is None and parent(entry) and parent(entry) not in theirs:
            continue
        found[entry.key] = (show(entry, mine), show(entry, other))
    return found


def read_table():
    rows = {}
    for line in TABLE.read_text().split("\n") if TABLE.exists() else []:
        if line and not line.startswith("#"):
            key, mine, other, reason = line.split("\t")
            rows[key] = (mine, other, reason)
    return rows


def update(found):
    known = read_table()
    lines = [f"{key}\t{mine}\t{other}\t{known.get(key, ('', '', '?'))[2]}"
             for key, (mine, other) in sorted(found.items())]
    TABLE.write_text(HEADER + "\n".join(lines) + "\n")


def standing_alone():
    """The headers that do not compile as the only one of a source file."""
    for header in sorted(path.name for path in NT.glob("*.h")):
        for compiler, flags, name in ((MINGW, OURS, header), (ELF, KERNEL, "nt/" + header)):
            if compiler == ELF and header in DRIVERS_ONLY:
                continue
            result = subprocess.run([compiler, *flags, *STRICT, "-x", "c", "-"], text=True,
                                    input=f"#include <{name}>\n", capture_output=True, check=False)
            if result.returncode != 0:
                yield f"{name}: {result.stderr.splitlines()[0]}"


class Report:
    def __init__(self):
        self.count = self.failed = 0
        print("KTAP version 1")

    def case(self, sentence, problems, note=None):
        self.count += 1
        self.failed += bool(problems)
        for problem in ([note] if note else []) + problems[:40]:
            print("# " + problem)
        print(f"{'not ok' if problems else 'ok'} {self.count} {sentence}")

    def finish(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def differs_in_kernel(entry, ours, kernel):
    """Routines that only drivers see, such as the C run-time, are no difference."""
    if entry.key in COMPILER_TYPES or (entry.kind == "routine" and entry.key not in kernel):
        return False
    return ours.get(entry.key) != kernel.get(entry.key)


def constants_only(entries, ours):
    """A macro that is no constant with our headers, such as a routine's other name, is no entry."""
    return [e for e in entries if e.key in ours or e.kind != "macro"]


def main():
    source = probe.preprocess(MINGW, OURS, INCLUDES)
    entries = discover.discover(source, str(NT))
    ours = probe.compile_probe(MINGW, OURS, INCLUDES, entries)
    entries = constants_only(entries, ours)
    theirs = probe.compile_probe(MINGW, THEIRS, INCLUDES, entries)
    found = differences(entries, ours, theirs)
    if "--update" in sys.argv[1:]:
        update(found)
        return 0

    report = Report()
    report.case("each public header compiles on its own, for drivers and for the kernel",
                list(standing_alone()))
    report.case("the probe finds types, members, constants, GUIDs and routines in our headers",
                [f"no entry of kind {kind}" for kind in
                 ("type", "member", "bits", "enum", "macro", "guid", "routine")
                 if not any(e.kind == kind for e in entries)], f"{len(entries)} entries")
    report.case("every name found in our headers can be probed with them",
                [f"{e.key} does not compile" for e in entries if e.key not in ours])
    kernel = probe.compile_probe(ELF, KERNEL, [f"nt/{i}" for i in INCLUDES], entries)
    report.case("the kernel's compiler gives our headers the same layouts and values",
                [f"{e.key}: {show(e, ours.get(e.key))} for drivers, {show(e, kernel.get(e.key))} "
                 "for the kernel" for e in entries if differs_in_kernel(e, ours, kernel)])
    table = read_table()
    report.case("our headers equal mingw-w64's, except where the table says why",
                [f"{key}: {mine} here, {other} in mingw-w64" for key, (mine, other)
                 in sorted(found.items()) if table.get(key, ())[:2] != (mine, other)],
                f"{len(found)} differences in the table")
    report.case("every row of the table describes a difference that exists",
                [f"{key}: stale row" for key in sorted(table) if key not in found])
    report.case("every row of the table gives a reason",
                [f"{key}: no reason" for key in sorted(table) if len(table[key][2]) < 8])
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
