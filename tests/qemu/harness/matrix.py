"""The machine matrix: matrix.toml, expanded to rows that are keyword arguments of Guest.

    @matrix.each_machine
    def test_something(machine):
        with Guest(**machine, drivers=[...]) as guest: ...
"""
import itertools
import os
import tomllib

import pytest

PATH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "matrix.toml")

BOOT_NAMES = {("direct", "bios"): "direct",
              ("iso", "bios"): "ISO BIOS",
              ("iso", "uefi"): "ISO UEFI"}

with open(PATH, "rb") as _stream:
    _DATA = tomllib.load(_stream)

#: {name: [QEMU -device arguments]}
DEVICES = _DATA["devices"]


def rows(group="machines"):
    """Every combination that the blocks of `group` span, as dictionaries."""
    found = []
    for block in _DATA[group]:
        for values in itertools.product(*block.values()):
            found.append(dict(zip(block, values)))
    return found


def title(row):
    boot = BOOT_NAMES[row["boot"], row["firmware"]]
    return f"{row['machine']}, {boot}, {row['cpus']} CPU{'s' if row['cpus'] > 1 else ''}"


def each(group):
    found = rows(group)
    return pytest.mark.parametrize("machine", found, ids=[title(row) for row in found])


each_machine = each("machines")
