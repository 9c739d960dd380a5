"""ACPI: switching off, resetting, the power button; and the machine without ACPI."""
import struct

import pytest

from harness.guest import SUCCESS, Guest, run_commands

RAISE = 200
OFF = "machine: not off by S5"
MACHINES = pytest.mark.parametrize("machine", ["q35", "pc"])


def raise_command(name):
    return f"dev -j ioctl {name} 0x222008 {struct.pack('<I', RAISE).hex()} 20"


@MACHINES
def test_poweroff_is_by_s5(machine):
    with Guest(machine=machine) as guest:
        guest.wait_for_prompt()
        guest.type("poweroff\r")
        assert guest.wait() is None and guest.process.returncode == 0
        assert OFF not in guest.text


def test_poweroff_without_acpi_is_by_the_switch_of_the_emulator():
    with Guest(append="acpi=off") as guest:
        guest.wait_for_prompt()
        guest.type("poweroff\r")
        assert guest.wait() is None and guest.process.returncode == 0
        assert OFF in guest.text


@MACHINES
def test_the_power_button_switches_off_by_the_sci(machine):
    with Guest(machine=machine, monitor=True, devices=["edu"], drivers=["edu-line"]) as guest:
        guest.wait_for_prompt()
        row, = [row for row in guest.json("irq -j") if "kernel" in row["drivers"]
                and row["chip"] == "ioapic"]
        assert row["irql"] == 11 and row["mode"] == "level" and not row["masked"]
        guest.monitor.command("system_powerdown")
        guest.expect("acpi: power button")
        assert guest.wait() is None and guest.process.returncode == 0
        assert OFF not in guest.text


@pytest.mark.parametrize("machine, register, arguments", [
    ("q35", "port 0xcf9", ()),
    ("microvm,pcie=on", "memory 0xfea00202", ["-bios", "qboot.rom"]),
], ids=["q35", "microvm"])
def test_reboot_is_by_the_register_of_the_fadt(machine, register, arguments):
    with Guest(machine=machine, qemu_args=arguments) as guest:
        guest.wait_for_prompt()
        guest.type("reboot\r")
        assert guest.wait() is None  # QEMU runs with -no-reboot
        assert f"machine: reset by the FADT's register, {register}" in guest.text
        assert "no effect" not in guest.text


@pytest.mark.parametrize("machine, options, source", [
    ("q35", {}, "MP table"),
    ("pc", {}, "MP table"),
    ("q35", {"boot": "iso", "firmware": "uefi"}, "interrupt line register"),
], ids=["q35, MP table", "pc, MP table", "UEFI, interrupt line register"])
def test_lines_find_their_way_without_acpi(machine, options, source):
    devices = ["edu,addr=4", "pci-bridge,id=behind,chassis_nr=1,addr=6", "edu,bus=behind,addr=3"]
    commands = ["lspci -j", raise_command("edu-line0"), raise_command("edu-line1"), "irq -j"]
    result = run_commands(commands, machine=machine, devices=devices, drivers=["edu-line"],
                          append="acpi=off", cpus=2, **options)
    assert result.verdict == SUCCESS, result.text
    pins = [row["pin"] for row in result.json(1) if row["device"] == "11e8"]
    # SeaBIOS' table does not know slots with a bridge: there the register answers.
    assert len(pins) == 2 and f"({source})" in pins[0], pins
    assert "(interrupt line register)" in pins[1], pins
    for number in (2, 3):
        counts = struct.unpack("<5i", bytes.fromhex(result.json(number)[0]["data"]))
        assert counts[:5:2] == (RAISE,) * 3
    claims = [claimed for row in result.json(4) for claimed in row["claims"]]
    assert claims == [RAISE, RAISE]


def test_boottime_tells_acpi_and_routes_apart():
    result = run_commands(["boottime -j", "acpi -j"])
    assert result.verdict == SUCCESS
    steps = {row["step"]: row["ticks"] for row in result.json(1)}
    assert steps["ACPI namespace"] > 0 and steps["interrupt routes"] > 0
    assert sum(ticks for step, ticks in steps.items() if step != "sum") == steps["sum"]
