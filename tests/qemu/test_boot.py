"""The machine comes up, everywhere, and ends as it is told."""
import re
import struct

import pytest

from harness import matrix
from harness.guest import SUCCESS, COMMAND_FAILED, Guest, run_commands


@matrix.each("quick")
def test_the_kernel_boots_to_the_prompt(machine):
    with Guest(**machine) as guest:
        guest.wait_for_prompt()


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_the_iso_boots_from_a_usb_stick(firmware):
    result = run_commands(["about -j"], boot="usb", firmware=firmware, drivers=["edu-line"],
                          devices=["edu,addr=0x10"], timeout=120)
    assert result.verdict == SUCCESS, result.text


@matrix.each("quick")
def test_every_cpu_is_listed(machine):
    result = run_commands(["cpus -j"], **machine)
    assert result.verdict == SUCCESS
    assert len(result.json(1)) == machine["cpus"]


def test_help_names_the_commands():
    with Guest() as guest:
        guest.wait_for_prompt()
        text = "\n".join(guest.command("help"))
    for name in ("help", "drivers", "devices", "lspci", "irq", "cpus", "mem", "dev", "driver",
                 "test", "reboot", "poweroff"):
        assert re.search(rf"\b{name}\b", text), f"help does not name {name}"


def test_commands_run_in_order_and_the_verdict_is_success():
    result = run_commands(["cpus", "mem"])
    assert result.verdict == SUCCESS
    assert list(result.outputs) == [1, 2]
    assert all(result.outputs.values())


def test_an_unknown_command_fails_the_run():
    assert run_commands(["no-such-command"]).verdict == COMMAND_FAILED


@pytest.mark.parametrize("memory, mib", [("24M", 24), ("64M", 64), ("64G", 65536)])
def test_a_driver_takes_its_interrupts_with_little_and_with_much_memory(memory, mib):
    backend = f"memory-backend-ram,id=ram,size={memory},reserve=off"
    result = run_commands(["mem -j", "dev -j ioctl edu-message0 0x222008 64000000 20"],
                          memory=memory, devices=["edu"], drivers=["edu-message"],
                          qemu_args=["-object", backend, "-machine", "memory-backend=ram"])
    assert result.verdict == SUCCESS, result.text
    total = next(row["kib"] for row in result.json(1) if row["owner"] == "total")
    assert (mib - 1) * 1024 <= total <= mib * 1024
    raised, _, claimed, _, seen = struct.unpack("<5i", bytes.fromhex(result.json(2)[0]["data"]))
    assert (raised, claimed, seen) == (100, 100, 100)


def test_64_cpus_start():
    result = run_commands(["cpus -j"], cpus=64, memory=256, timeout=120)
    assert result.verdict == SUCCESS, result.text
    rows = result.json(1)
    assert len(rows) == 64 and all(row["online"] for row in rows)


def test_255_cpus_start():
    result = run_commands(["cpus -j"], cpus=255, memory=512, timeout=240)
    assert result.verdict == SUCCESS, result.text
    rows = result.json(1)
    assert len(rows) == 255 and all(row["online"] for row in rows)
