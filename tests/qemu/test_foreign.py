"""A driver that other people wrote and built: VirtualBox's VBoxGuest.sys, unmodified.

WDM for a PCI function, compiled by Microsoft's compiler. No emulator here has its device, so it is
bound to one that never answers: it loads, finds its imports and ours in memory, is added to the
device's stack, maps ports and memory, sends its first request, and says itself that START_DEVICE
failed. What it does on the way runs under the verifier.
"""
import os
import subprocess
import sys

import pytest

from harness.guest import NOT_STARTED, run_commands
from hostlib import qemu

FOLDER = os.path.join(os.environ.get("CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "dirql"),
    "vboxguest", "driver")
DRIVER = os.path.join(FOLDER, "VBoxGuest.sys")
SILENT = r"PCI\VEN_1B36&DEV_0005"  # pci-testdev: ports and memory, and nobody behind them

pytestmark = pytest.mark.skipif(not os.path.exists(DRIVER),
                                reason="no VBoxGuest.sys here: tools/setup-vboxguest fetches it")


def test_all_imports_of_vboxguest_are_exported():
    done = subprocess.run([sys.executable, os.path.join(qemu.ROOT, "tools", "dirql"), "imports",
                           DRIVER], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "IoConnectInterrupt" in done.stdout and "(missing)" not in done.stdout


@pytest.mark.parametrize("machine, cpus", [("q35", 1), ("q35", 4), ("pc", 1)])
def test_vboxguest_loads_says_that_its_device_is_silent_and_goes(machine, cpus):
    result = run_commands(["drivers -j", "drvobj VBoxGuest", "driver remove VBoxGuest", "drivers -j"],
                          machine=machine, cpus=cpus, devices=["pci-testdev"], drivers=[DRIVER],
                          matches=[f"{SILENT}\tVBoxGuest.sys"])
    assert result.verdict == NOT_STARTED, result.text
    assert "START_DEVICE failed: 0xc0000001" in result.text
    assert "IPRT: RTMpPoke =>" in result.text  # its own words: DriverEntry has come that far
    loaded = [row for row in result.json(1) if row["driver"] == "VBoxGuest"]
    assert [row["state"] for row in loaded] == ["loaded"]
    for major in ("CREATE", "DEVICE_CONTROL", "PNP", "POWER"):
        assert f"\n{major}" in result.text.replace("\r", "")
    assert [row["base"] for row in result.json(4) if row["driver"] == "VBoxGuest"] == [0]
    assert "verifier:" not in result.text
