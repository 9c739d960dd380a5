"""passive=B:D.F: PnP assigns PASSIVE_LEVEL to a device's line."""
import struct

import pytest

from harness.guest import SUCCESS, run_commands

EDU = "00:04.0"
COMMANDS = "dev -j ioctl {0}0 0x222008 64000000 20", "dev -j ioctl {0}0 0x22200C - 36", "irq -j"


def run(name, **options):
    options.setdefault("devices", ["edu,addr=4"])
    result = run_commands([command.format(name) for command in COMMANDS], drivers=[name],
                          **options)
    assert result.verdict == SUCCESS, result.text
    counts = struct.unpack("<5i", bytes.fromhex(result.json(1)[0]["data"]))
    statistics = struct.unpack("<4I", bytes.fromhex(result.json(2)[0]["data"])[:16])
    row = next(row for row in result.json(3) if name + ".sys" in row["drivers"])
    return counts, statistics, row, result


@pytest.mark.parametrize("cpus", [1, 4])
def test_a_line_assigned_passive_level_is_connected_there_by_the_line_based_form(cpus):
    """CIE-PASS-2, CIE-PASS-8: every interrupt is served, the line unmasked after the routine."""
    counts, statistics, row, _ = run("edu-line", append=f"passive={EDU}", cpus=cpus)
    assert counts[0] == counts[2] == counts[4] == 100
    assert statistics[3] == 0 and row["irql"] >= 3
    assert row["unclaimed"] == 0 and not row["masked"]


def test_a_service_routine_that_is_not_passive_keeps_its_level():
    _, statistics, row, _ = run("edu-line", append="passive=00:05.0")
    assert statistics[3] == row["irql"] >= 3


def test_messages_are_never_assigned_passive_level():
    """CIE-VER-12"""
    counts, statistics, row, _ = run("edu-message", append=f"passive={EDU}")
    assert counts[:3] == (100, 100, 100)
    assert statistics[1] == 1 and statistics[3] == row["irql"] >= 3


def test_of_two_devices_on_one_line_one_may_be_passive():
    """CIE-PASS-14: what runs at DIRQL is asked first."""
    counts, statistics, row, _ = run("edu-line", append=f"passive={EDU}",
                                     devices=["edu,addr=4", "edu,addr=8"])
    assert counts[0] == counts[2] == 100 and statistics[3] == 0
    assert len(row["drivers"]) == 2


def test_a_location_that_is_none_is_named_in_the_log():
    result = run_commands(["about"], append="passive=4.0")
    assert result.verdict == SUCCESS and "passive=4.0" in result.text
