"""Devices come and go while the machine runs, and sleep: what their drivers are told."""
import time

import pytest

from harness.guest import SUCCESS, Guest, run_commands

PLACES = {"q35": (["pcie-root-port,id=rp,chassis=1,addr=6"], "rp"), "pc": ([], "pci.0")}
# QEMU docs/specs/acpi_pci_hotplug: I/O base; bus select and eject registers
HOTPLUG = {"q35": 0x0CC0, "pc": 0xAE00}
HOTPLUG_SELECT, HOTPLUG_EJECT = 0x10, 0x08


def devices(guest, text):
    return [row["state"] for row in guest.json("devices -j") if text in row["instance"]]


def wait_for(question, wanted, timeout=30):
    deadline = time.monotonic() + timeout
    while (answer := question()) != wanted:
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)


def read_random(guest):
    row, = guest.json("dev -j read virtio-rng0 64")
    return bytes.fromhex(row["data"])


@pytest.mark.parametrize("cpus", [1, 4])
@pytest.mark.parametrize("machine", sorted(PLACES))
def test_a_device_is_plugged_in_started_released_and_unplugged(machine, cpus):
    bridges, bus = PLACES[machine]
    with Guest(machine=machine, cpus=cpus, devices=bridges, drivers=["virtio-rng"], named=[],
               monitor=True) as guest:
        guest.wait_for_prompt()
        assert not devices(guest, "VEN_1AF4")
        seen = set()
        for _ in range(3):
            guest.monitor.command(f"device_add virtio-rng-pci,id=plugged,bus={bus}")
            wait_for(lambda: devices(guest, "VEN_1AF4"), ["started"])
            seen.add(read_random(guest))
            guest.monitor.command("device_del plugged")
            wait_for(lambda: devices(guest, "VEN_1AF4"), [])
            wait_for(lambda: "virtio-rng" in guest.monitor.command("info qtree"), False)
        assert len(seen) == 3
        assert not [row for row in guest.json("irq -j") if row["drivers"] == ["virtio-rng.sys"]]


@pytest.mark.parametrize("machine, devices_there, slot", [
    ("pc", ["edu,addr=4"], 4),
    ("q35", ["pcie-root-port,id=rp,chassis=1,addr=6", "edu,bus=rp"], 0)], ids=["pc", "q35"])
def test_what_is_pulled_out_gets_surprise_removal_then_remove(machine, devices_there, slot):
    """By the host's eject register, which the guest is not asked about."""
    with Guest(machine=machine, cpus=2, devices=devices_there, qtest=True, monitor=True,
               drivers=["edu-bus", "edu-child", "irp-count"]) as guest:
        guest.wait_for_prompt()
        assert devices(guest, "EDUBUS") == ["started", "started"]
        guest.qtest.outl(HOTPLUG[machine] + HOTPLUG_SELECT, 0)
        guest.qtest.outl(HOTPLUG[machine] + HOTPLUG_EJECT, 1 << slot)
        wait_for(lambda: "edu" in guest.monitor.command("info qtree"), False)
        lines = guest.command("rescan")
        text = "\n".join(lines)
        assert text.count("irp-count: removed by surprise after") == 2
        assert not devices(guest, "EDUBUS") and not devices(guest, "VEN_1234&DEV_11E8")
        assert not [row for row in guest.json("irq -j") if "edu-bus.sys" in row["drivers"]]


@pytest.mark.parametrize("driver, device", [
    ("virtio-rng", "virtio-rng-pci"), ("e1000e", "e1000e"), ("xhci", "nec-usb-xhci"),
    ("ahci", "ich9-ahci"), ("nvme", "nvme")])
def test_a_driver_lets_go_of_a_device_that_is_gone(driver, device):
    with Guest(machine="pc", devices=[f"{device},addr=4"], drivers=[driver], named=[], qtest=True,
               monitor=True) as guest:
        guest.wait_for_prompt()
        assert [row for row in guest.json("devices -j") if row["driver"] == driver]
        guest.qtest.outl(HOTPLUG["pc"] + HOTPLUG_SELECT, 0)
        guest.qtest.outl(HOTPLUG["pc"] + HOTPLUG_EJECT, 1 << 4)
        wait_for(lambda: f"dev: {device}" in guest.monitor.command("info qtree"), False)
        guest.command("rescan")
        assert not [row for row in guest.json("irq -j") if row["drivers"] == [f"{driver}.sys"]]
        assert not [row for row in guest.json("devices -j") if row["driver"] == driver]


def test_a_device_that_somebody_has_open_is_not_released():
    with Guest(devices=PLACES["q35"][0] + ["nec-usb-xhci,id=xhci,bus=rp"], drivers=["xhci"],
               cpus=2, monitor=True) as guest:
        guest.wait_for_prompt()
        guest.command('job start "dev read xhci0 8" 1')  # waits for a change of a port
        wait_for(lambda: any(row["driver"] == "xhci" for row in guest.json("irps -j")), True)
        guest.monitor.command("device_del xhci")
        guest.expect("its driver keeps it")
        guest.monitor.command("device_add usb-kbd,id=keyboard,bus=xhci.0")
        guest.command("job wait")
        assert devices(guest, "VEN_1033") == ["started"]


ECAM, CAPABILITIES, POWER, EXPRESS = 0xB0000000, 0x34, 0x01, 0x10


def config_capability(guest, device, wanted):
    """Where a capability of 00:<device>.0 is in memory."""
    config = ECAM | device << 15
    offset = guest.qtest.readl(config + CAPABILITIES) & 0xFF
    while offset:
        header = guest.qtest.readl(config + offset)
        if header & 0xFF == wanted:
            return config + offset
        offset = header >> 8 & 0xFF
    raise AssertionError(f"the function has no capability {wanted:#x}")


def power_state(guest, device):
    """Its D-state."""
    return guest.qtest.readl(config_capability(guest, device, POWER) + 4) & 3


@pytest.mark.parametrize("name, device", [("e1000e", "e1000e"), ("nvme", "nvme")])
def test_a_sleeping_function_is_in_d3_and_back_in_d0_awake(name, device):
    with Guest(devices=[f"{device},addr=4"], drivers=[name], qtest=True) as guest:
        guest.wait_for_prompt()
        assert power_state(guest, 4) == 0
        guest.command(f"driver sleep {name}")
        assert power_state(guest, 4) == 3
        guest.command(f"driver wake {name}")
        assert power_state(guest, 4) == 0


@pytest.mark.parametrize("name, device", [("virtio-rng", "virtio-rng-pci"), ("e1000e", "e1000e"),
                                          ("xhci", "nec-usb-xhci"), ("edu-bus", "edu")])
def test_a_sleeping_driver_has_its_interrupt_disconnected(name, device):
    result = run_commands(["irq -j", f"driver sleep {name}", "irq -j", f"driver wake {name}",
                           "irq -j"], devices=[device], drivers=[name])
    assert result.verdict == SUCCESS, result.text
    connected = [[row["vector"] for row in result.json(number)
                  if f"{name}.sys" in row["drivers"]] for number in (1, 3, 5)]
    assert connected[0] and not connected[1] and connected[2] == connected[0]


@pytest.mark.parametrize("driver, folder, state", [
    ("kernel", "conformance", "started"), ("edu-line", "drivers", "failed")],
    ids=["it needs no interrupt", "it needs one"])
def test_a_device_without_a_route_starts_without_a_line_and_says_so(driver, folder, state):
    """Without ACPI nobody has told the way of a slot that was empty when firmware looked."""
    with Guest(machine="pc", drivers=[driver], folder=folder, named=[], append="acpi=off",
               monitor=True) as guest:
        guest.wait_for_prompt()
        guest.monitor.command("device_add edu,addr=9")
        guest.command("rescan")
        assert "pci 00:09.0: no route for INTA, starts without a line" in guest.text
        row, = [row for row in guest.json("devices -j") if "VEN_1234&DEV_11E8" in row["instance"]]
        assert row["state"] == state
        assert not any(text.startswith("line") for text in row["resources"])


# ---- Slots that their port reports itself -------------------------------------------------------

NATIVE = ["-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"]
SLOT_CONTROL, SLOT_OFF = 0x18, 0x0700  # power indicator and power controller off
PORTS = {
    "MSI-X": (["pcie-root-port,id=port0,chassis=1,slot=7,addr=6"], 6, "msix 00:06.0"),
    "MSI": (["ioh3420,id=port0,chassis=1,slot=7,addr=6"], 6, "msi 00:06.0"),
    "a port of a switch": (["ioh3420,id=rp,chassis=1,addr=6", "x3130-upstream,bus=rp,id=up",
                            "xio3130-downstream,bus=up,id=port0,chassis=2,slot=7"], None,
                           "msi 02:00.0"),
}
BUTTON_SECONDS = 5


def native(port, **more):
    return Guest(devices=PORTS[port][0], drivers=["virtio-rng"], named=[], monitor=True,
                 qemu_args=NATIVE, **more)


def slot_calls(guest, port):
    """How often the port's interrupt was claimed."""
    return sum(sum(row["claims"]) for row in guest.json("irq -j")
               if row["source"].startswith(PORTS[port][2]))


@pytest.mark.parametrize("port, cpus", [("MSI-X", 1), ("MSI", 4), ("a port of a switch", 4)])
def test_a_port_says_itself_what_is_plugged_in_and_asked_for(port, cpus):
    """By an interrupt of the port: ACPI has no part in it. The button counts after five seconds."""
    with native(port, cpus=cpus) as guest:
        guest.wait_for_prompt()
        assert "pci: slot 7: hot-plug by its port" in guest.text
        assert slot_calls(guest, port) == 0
        guest.monitor.command("device_add virtio-rng-pci,id=plugged,bus=port0")
        wait_for(lambda: devices(guest, "VEN_1AF4"), ["started"])
        assert len(set(read_random(guest))) > 1
        came = slot_calls(guest, port)
        assert came >= 1
        asked = time.monotonic()
        guest.monitor.command("device_del plugged")
        guest.expect("slot 7: button pressed: five seconds")
        wait_for(lambda: devices(guest, "VEN_1AF4"), [], BUTTON_SECONDS + 30)
        assert time.monotonic() - asked >= BUTTON_SECONDS
        assert "01:00.0: released" in guest.text or "03:00.0: released" in guest.text
        wait_for(lambda: "virtio-rng" in guest.monitor.command("info qtree"), False)
        assert slot_calls(guest, port) > came
        assert "0 differ" in "\n".join(guest.command("verify irq"))


def test_what_is_pulled_out_of_such_a_slot_is_removed_by_surprise():
    """By the port's own register, which the guest is not asked about."""
    with native("MSI-X", qtest=True) as guest:
        guest.wait_for_prompt()
        guest.monitor.command("device_add virtio-rng-pci,id=plugged,bus=port0")
        wait_for(lambda: devices(guest, "VEN_1AF4"), ["started"])
        control = config_capability(guest, 6, EXPRESS) + SLOT_CONTROL
        guest.qtest.writel(control, guest.qtest.readl(control) & 0xFFFF | SLOT_OFF)
        wait_for(lambda: "virtio-rng" in guest.monitor.command("info qtree"), False)
        wait_for(lambda: devices(guest, "VEN_1AF4"), [])
        assert "01:00.0: unplugged" in guest.text and "released" not in guest.text
        assert not [row for row in guest.json("irq -j") if row["drivers"] == ["virtio-rng.sys"]]


def test_a_driver_that_keeps_its_device_keeps_the_slot_on():
    with Guest(devices=PORTS["MSI-X"][0] + ["nec-usb-xhci,id=xhci,bus=port0"], drivers=["xhci"],
               cpus=2, monitor=True, qemu_args=NATIVE) as guest:
        guest.wait_for_prompt()
        guest.command('job start "dev read xhci0 8" 1')  # waits for a change of a port
        wait_for(lambda: any(row["driver"] == "xhci" for row in guest.json("irps -j")), True)
        guest.monitor.command("device_del xhci")
        guest.expect("its driver keeps it", timeout=BUTTON_SECONDS + 30)
        guest.monitor.command("device_add usb-kbd,id=keyboard,bus=xhci.0")
        guest.command("job wait")
        assert devices(guest, "VEN_1033") == ["started"]


def test_slots_that_firmware_keeps_are_not_touched():
    with Guest(devices=PORTS["MSI-X"][0]) as guest:
        guest.wait_for_prompt()
        assert "pci: slot" not in guest.text
        assert not [row for row in guest.json("irq -j") if "00:06.0" in row["source"]]
