"""A driver that other people wrote and built: VirtualBox's VBoxGuest.sys, unmodified.

WDM for a PCI function, compiled by Microsoft's compiler. No emulator here has its device: it is
bound to one that never answers, and then to one whose answers harness/vmmdev.py gives. What it does
runs under the verifier.
"""
import os
import subprocess
import sys

import pytest

from harness import vmmdev
from harness.guest import NOT_STARTED, Guest, run_commands
from hostlib import qemu

FOLDER = os.path.join(os.environ.get("CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "dirql"),
    "vboxguest", "driver")
DRIVER = os.path.join(FOLDER, "VBoxGuest.sys")
SILENT = r"PCI\VEN_1B36&DEV_0005"  # pci-testdev: ports and memory, and nobody behind them

EVENTS = 100
REPORT_GUEST_INFO, CTL_GUEST_FILTER_MASK = 50, 42  # requests: VMMDevReq_

pytestmark = pytest.mark.skipif(not os.path.exists(DRIVER),
                                reason="no VBoxGuest.sys here: tools/setup-vboxguest fetches it")


def test_all_imports_of_vboxguest_are_exported():
    done = subprocess.run([sys.executable, os.path.join(qemu.ROOT, "tools", "dirql"), "imports",
                           DRIVER], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "IoConnectInterrupt" in done.stdout and "(missing)" not in done.stdout


@pytest.mark.parametrize("machine, cpus", [("q35", 1), ("q35", 4), ("pc", 1)])
def test_vboxguest_loads_says_that_its_device_is_silent_and_goes(machine, cpus):
    commands = ["drivers -j", "drvobj VBoxGuest", "driver remove VBoxGuest", "drivers -j"]
    result = run_commands(commands, machine=machine, cpus=cpus, devices=["pci-testdev"],
                          drivers=[DRIVER], matches=[f"{SILENT}\tVBoxGuest.sys"])
    assert result.verdict == NOT_STARTED, result.text
    assert "START_DEVICE failed: 0xc0000001" in result.text
    assert "IPRT: RTMpPoke =>" in result.text  # its own words: DriverEntry has come that far
    loaded = [row for row in result.json(1) if row["driver"] == "VBoxGuest"]
    assert [row["state"] for row in loaded] == ["loaded"]
    for major in ("CREATE", "DEVICE_CONTROL", "PNP", "POWER"):
        assert f"\n{major}" in result.text.replace("\r", "")
    assert [row["base"] for row in result.json(4) if row["driver"] == "VBoxGuest"] == [0]
    assert "verifier:" not in result.text


@pytest.mark.parametrize("machine", ["q35", "pc"])
def test_vboxguest_starts_and_claims_each_interrupt_of_its_line(machine):
    with Guest(machine=machine, devices=[vmmdev.DEVICE], drivers=[DRIVER], qtest=True, gdb=True,
               matches=[f"{vmmdev.MATCH}\tVBoxGuest.sys"]) as guest:
        guest.wait_for_prompt()
        host = vmmdev.VmmDev(guest, DRIVER)
        started = host.command("driver start VBoxGuest")
        assert "vgdrvNtSetupDevice: Device is ready!" in started
        assert "VBoxGuest: start done" in started
        assert {REPORT_GUEST_INFO, CTL_GUEST_FILTER_MASK} <= set(host.requests)
        host.find_memory()
        for _ in range(EVENTS):
            host.raise_event()
        host.leave()
        row = [row for row in guest.json("irq -j") if "VBoxGuest.sys" in row["drivers"]][0]
        assert (row["mode"], row["chip"], row["masked"]) == ("level", "ioapic", False)
        assert (sum(row["counts"]), row["calls"], row["claims"]) == (EVENTS, [EVENTS], [EVENTS])
        assert row["unclaimed"] == 0
