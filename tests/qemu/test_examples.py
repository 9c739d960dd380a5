"""The example drivers take their interrupts, with exact counts, on every machine."""
import os
import struct

import pytest

from harness import matrix
from harness.guest import SUCCESS, run_commands
from hostlib import qemu

RAISE = 1000
IOCTL_FACTORIAL, IOCTL_DMA, IOCTL_RAISE, IOCTL_STATISTICS = (
    "0x222000", "0x222004", "0x222008", "0x22200C")
CONNECT_LINE_BASED, CONNECT_MESSAGE_BASED, CONNECT_FULLY_SPECIFIED = 2, 3, 1

EDU_DRIVERS = ("edu-line", "edu-message", "edu-full")


def data_of(result, number):
    """The bytes that command `number`, a `dev read -j` or `dev ioctl -j`, printed."""
    return bytes.fromhex(result.json(number)[0]["data"])


def ulong(value):
    return struct.pack("<I", value).hex()


def edu_commands(name):
    return [f"dev -j ioctl {name}0 {IOCTL_FACTORIAL} {ulong(10)} 4",
            f"dev -j ioctl {name}0 {IOCTL_DMA} {bytes(range(64)).hex()} 64",
            f"dev -j ioctl {name}0 {IOCTL_RAISE} {ulong(RAISE)} 20",
            f"dev -j ioctl {name}0 {IOCTL_STATISTICS} 36"]


def check_edu(result):
    assert result.verdict == SUCCESS, result.text
    assert struct.unpack("<I", data_of(result, 1)) == (3628800,)
    assert data_of(result, 2) == bytes(range(64))
    raised, calls, claimed, dpc_runs, dpc_saw = struct.unpack("<5i", data_of(result, 3))
    assert (raised, calls, claimed, dpc_saw) == (RAISE, RAISE, RAISE, RAISE)
    assert 1 <= dpc_runs <= RAISE


@pytest.mark.parametrize("name", EDU_DRIVERS)
@matrix.each_machine
def test_an_edu_driver_takes_exactly_the_interrupts_raised(machine, name):
    check_edu(run_commands(edu_commands(name), **machine, devices=["edu"], drivers=[name]))


@pytest.mark.parametrize("name", EDU_DRIVERS)
def test_an_edu_driver_built_with_mingws_headers_behaves_the_same(name):
    check_edu(run_commands(edu_commands(name), devices=["edu"], drivers=[name],
                           folder="drivers-mingw"))


@matrix.each_machine
def test_the_nvme_driver_reads_what_the_host_wrote(machine):
    result = run_commands(["dev -j read nvme0 4096"], **machine, devices=["nvme"], drivers=["nvme"])
    assert result.verdict == SUCCESS, result.text
    assert data_of(result, 1) == b"".join(qemu.disk_sector(n) for n in range(8))


def test_the_demonstration_shows_every_example_driver_taking_interrupts():
    import subprocess
    import sys
    done = subprocess.run([sys.executable, os.path.join(qemu.ROOT, "tools", "demo")],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                          check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
