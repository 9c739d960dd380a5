"""Every conformance driver passes its own KTAP report, with one CPU and with four."""
import os

import pytest

from harness import ktap, matrix
from harness.guest import SUCCESS, run_commands
from hostlib import qemu

FOLDER = os.path.join(qemu.ROOT, "tests", "conformance")
NAMES = sorted(entry.name for entry in os.scandir(FOLDER)
               if os.path.exists(os.path.join(entry.path, f"{entry.name}.inf")))


@pytest.mark.parametrize("name", NAMES)
@matrix.each("quick")
def test_a_conformance_driver_passes(machine, name):
    result = run_commands(["test"], **machine, timeout=120, drivers=[name], folder="conformance",
                          devices=matrix.CONFORMANCE.get(name, ["edu"]))
    report = ktap.Report(result.text)
    for case in report.cases:
        print("ok" if case.passed else "not ok", case.name, "(skipped)" if case.skipped else "")
    report.check()
    assert result.verdict == SUCCESS, result.text[-3000:]
