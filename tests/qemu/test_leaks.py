"""What comes and goes leaves nothing behind: blocks of pool, pages, vectors."""
import glob
import os

import pytest

from harness import rounds, suite
from harness.guest import Guest
from hostlib import qemu

RUN = "dev ioctl cycles-test 0x222800 - 4"  # IOCTL_TEST_RUN, tests/conformance/common/suite.h
NONE_FAILED = "0000: 00 00 00 00"


def held(guest):
    """Blocks and bytes of each tag, pages of each owner, free vectors of each processor."""
    pool = {row["tag"]: (row["blocks"], row["bytes"]) for row in guest.json("mem pool -j")
            if row["blocks"]}
    pages = {row["owner"]: row["pages"] for row in guest.json("mem -j")}
    return pool, pages, guest.json("irq vectors -j")


def run_cycles(guest):
    lines = guest.command(RUN, timeout=120)
    assert any(line.startswith(NONE_FAILED) for line in lines), lines


@pytest.mark.parametrize("inf", ["message", "line"])
def test_10000_connections_that_come_and_go_leave_nothing_behind(inf):
    run = suite.Run({"group": "cycles", "inf": inf, "devices": ["edu"]}, 1, None)
    with Guest(**run.options()) as guest:
        guest.wait_for_prompt()
        run_cycles(guest)  # what is allocated once, and kept, is there now
        before = held(guest)
        run_cycles(guest)
        assert held(guest) == before


@pytest.mark.parametrize("load", rounds.LOADS, ids=rounds.name)
def test_a_driver_loaded_and_unloaded_1000_times_leaves_nothing_behind(load):
    before, after = rounds.held_around(load, 1000)
    assert after == before


def test_every_example_driver_is_loaded_and_unloaded_over_and_over():
    built = {os.path.basename(path)[:-4] for path in glob.glob(f"{qemu.BUILD}/drivers/*.sys")}
    assert {driver for load in rounds.LOADS for driver in load.removed} == built


@pytest.mark.parametrize("name, device", [("edu-shared", "edu"), ("e1000e", "e1000e,romfile="),
                                          ("nvme", "nvme")])
def test_a_driver_that_slept_and_woke_100_times_leaves_nothing_behind(name, device):
    def cycles(count):
        for _ in range(count):
            for action in ("sleep", "wake"):
                assert guest.command(f"driver {action} {name}")[-1] == f"{name}: {action} done"

    with Guest(devices=[device], drivers=[name]) as guest:
        guest.wait_for_prompt()
        cycles(2)
        before = held(guest)
        cycles(100)
        assert held(guest) == before
