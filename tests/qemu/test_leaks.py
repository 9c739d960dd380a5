"""What comes and goes leaves nothing behind: blocks of pool, pages, vectors."""
import pytest

from harness import suite
from harness.guest import SUCCESS, Guest, run_commands

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


# Driver, its devices, what is loaded beside it, and rounds: 1,000 where they are quick.
LOADS = [("edu-line", ["edu"], [], 300), ("edu-message", ["edu"], [], 1000),
         ("edu-full", ["edu"], [], 300), ("virtio-rng", ["virtio-rng-pci"], [], 1000),
         ("edu-bus", ["edu"], ["edu-child", "irp-count"], 300),
         ("pci-serial", ["pci-serial"], [], 300), ("nvme", ["nvme"], [], 100),
         ("xhci", ["nec-usb-xhci"], [], 100), ("e1000e", ["e1000e"], [], 100),
         ("ahci", ["ich9-ahci,id=ahci,addr=7", "ide-hd,bus=ahci.0"], [], 50)]


def held_by_others(result, number):
    """What `mem pool -j`, command `number`, and `mem -j` after it show; the console's left out."""
    pool = {row["tag"]: (row["blocks"], row["bytes"]) for row in result.json(number)
            if row["blocks"] and not row["tag"].startswith("Sh")}
    return pool, {row["owner"]: row["pages"] for row in result.json(number + 1)}


@pytest.mark.parametrize("driver, devices, others, rounds", LOADS, ids=[row[0] for row in LOADS])
def test_a_driver_loaded_and_unloaded_over_and_over_leaves_nothing_behind(driver, devices, others,
                                                                         rounds):
    once = [f"driver remove {driver}", f"driver start {driver}"]
    look = ["mem pool -j", "mem -j"]
    result = run_commands(once * 2 + look + once * rounds + look, timeout=300, devices=devices,
                          drivers=[driver] + others)
    assert result.verdict == SUCCESS, result.text[-3000:]
    assert held_by_others(result, 2 * rounds + 7) == held_by_others(result, 5)
