"""Public WDM drivers and what they import: tests/imports holds a list for each, facts of their
images or sources. docs/spec/exports.txt, which the kernel was built to meet, knows none of them.
"""
import glob
import os

import pytest

from harness.guest import BUILD
from hostlib import imports, qemu

LISTS = sorted(glob.glob(os.path.join(qemu.ROOT, "tests", "imports", "*.txt")))
LEAST_DRIVERS = 15
LEAST_PERCENT = 95


def unmet(found):
    exported = imports.exports()
    return [name for dll, name in found if not imports.is_met(dll, name, exported)]


@pytest.mark.parametrize("path", LISTS, ids=lambda path: os.path.basename(path)[:-4])
def test_the_kernel_exports_95_percent_of_what_a_public_driver_imports(path):
    found = imports.of_driver(path)
    lacking = unmet(found)
    assert found and len(set(found)) == len(found)
    assert (len(found) - len(lacking)) * 100 >= LEAST_PERCENT * len(found), lacking


def test_each_list_of_imports_says_where_it_is_from():
    assert len(LISTS) >= LEAST_DRIVERS
    for path in LISTS:
        with open(path, encoding="utf-8") as stream:
            head = [line for line in stream if line.startswith("#")]
        assert any("https://" in line for line in head), path


def test_an_import_that_is_not_there_is_seen():
    image = imports.of_driver(os.path.join(BUILD, "drivers", "edu-line.sys"))
    assert image and unmet(image) == []
    assert unmet([("ntoskrnl.exe", "IoCreateDevice"), ("NTOSKRNL.EXE", "IoMakeTea"),
                  ("ndis.sys", "IoCreateDevice")]) == ["IoMakeTea", "IoCreateDevice"]
