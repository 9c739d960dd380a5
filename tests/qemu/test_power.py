"""Power: devices sleep and wake with exactly their interrupts, and are powered down at shutdown."""
import re
import struct
import time

import pytest

from harness import suite
from harness.guest import COMMAND_FAILED, SUCCESS, Guest, driver_files, run_commands
from hostlib import archive, qemu

EDU = ["edu,addr=4"]
EDU_DRIVERS = ("edu-line", "edu-message", "edu-full", "edu-passive", "edu-shared", "edu-iointex")
STAYS_CONNECTED = "edu-shared"  # and reports its interrupt inactive
EDU_RAISE_REGISTER, EDU_BY_HAND = 0x60, 0x10
IOCTL_EDU_RAISE, IOCTL_EDU_STATISTICS = "0x222008", "0x22200C"


def words(data):
    return struct.unpack(f"<{len(data) // 4}I", data)


def answer(guest, command):
    """The bytes a `dev -j` command printed."""
    row, = guest.json(command)
    return bytes.fromhex(row["data"])


def claims(guest, driver):
    """What the service routines of a driver have claimed; None: it is not connected."""
    rows = [row for row in guest.json("irq -j") if f"{driver}.sys" in row["drivers"]]
    return sum(claim for row in rows for name, claim in zip(row["drivers"], row["claims"])
               if name == f"{driver}.sys") if rows else None


def wait_for(question, timeout=30):
    deadline = time.monotonic() + timeout
    while not question():
        assert time.monotonic() < deadline, "it did not come"


# ---- sleep and wake -----------------------------------------------------------------------------


def edu_raise(guest, name, count):
    return words(answer(guest, f"dev -j ioctl {name}0 {IOCTL_EDU_RAISE} "
                               f"{struct.pack('<I', count).hex()} 20"))


@pytest.mark.parametrize("name", EDU_DRIVERS)
def test_an_edu_driver_takes_exactly_its_interrupts_before_and_after_it_slept(name):
    with Guest(devices=EDU, drivers=[name], cpus=2, qtest=True) as guest:
        guest.wait_for_prompt()
        row, = [row for row in guest.json("devices -j") if "DEV_11E8" in row["instance"]]
        base = int(row["resources"][0].split()[1].split("-")[0], 16)
        for count in (100, 70):
            raised, _, claimed, _, seen = edu_raise(guest, name, count)
            assert (raised, claimed, seen) == (count, count, count)
            before = claims(guest, name)
            guest.command(f"driver sleep {name}")
            assert claims(guest, name) == (before if name == STAYS_CONNECTED else None)
            for _ in range(5):
                guest.qtest.writel(base + EDU_RAISE_REGISTER, EDU_BY_HAND)
            row, = [row for row in guest.json("devices -j") if "DEV_11E8" in row["instance"]]
            assert row["state"] == "asleep"
            guest.verify()
            guest.command(f"dev ioctl {name}0 {IOCTL_EDU_STATISTICS} - 36")
            assert "DEVICE_NOT_READY" in guest.text[-1000:]
            guest.command(f"driver wake {name}")
            after = before if name == STAYS_CONNECTED else 0
            assert claims(guest, name) == after, "what was raised in D3 came after it"


def test_a_sleeping_device_is_not_asked_about_its_neighbours_interrupts():
    files = [path for name in ("edu-shared", "edu-line") for path in driver_files([name])
             if path.endswith(".sys")]
    with Guest(devices=["edu,addr=4", "edu,addr=8"], matches=[
            "PCI\\VEN_1234&DEV_11E8\tedu-shared.sys\t00:04.0",
            "PCI\\VEN_1234&DEV_11E8\tedu-line.sys\t00:08.0"],
            extra_members=[archive.file_member(path) for path in files]) as guest:
        guest.wait_for_prompt()
        called = []
        for command in ("driver wake edu-shared", "driver sleep edu-shared",
                        "driver wake edu-shared"):
            guest.command(command)
            row, = [row for row in guest.json("irq -j") if len(row["drivers"]) == 2]
            first = row["drivers"].index("edu-shared.sys")
            before = row["calls"][first]
            assert edu_raise(guest, "edu-line", 50)[2] == 50
            row, = [row for row in guest.json("irq -j") if len(row["drivers"]) == 2]
            assert row["unclaimed"] == 0
            called.append(row["calls"][first] - before)
        assert called == [50, 0, 50]
        assert edu_raise(guest, "edu-shared", 40)[2] == 40


def nvme_work(guest):
    for sector in range(3):
        assert answer(guest, f"dev -j read nvme0 512 {512 * sector}") == qemu.disk_sector(sector)
    return 3


def hpet_work(guest):
    _, taken, _, _ = words(answer(guest, "dev -j ioctl hpet0 0x222000 "
                                  + struct.pack("<3I", 0, 500, 20).hex() + " 16"))
    assert taken >= 20
    return taken


def rtc_work(guest):
    taken, _, _ = words(answer(guest, "dev -j ioctl rtc0 0x222000 "
                               + struct.pack("<2I", 6, 20).hex() + " 12"))
    assert taken == 20
    return taken


def random_work(guest):
    assert len(set(answer(guest, "dev -j read virtio-rng0 64"))) > 16
    return 1


def disk_work(guest):
    assert answer(guest, "dev -j read ahci0 1024 512") == b"".join(
        qemu.disk_sector(sector) for sector in (1, 2))
    return 1


def bus_work(guest):
    assert words(answer(guest, "dev -j ioctl edu-child1 0x222000 0a000000 4")) == (3628800,)
    return 1


def port_work(guest):
    """The driver counts its interrupts, too, from each start on: a command's, and the changes'."""
    before = claims(guest, "xhci")
    for command in ("device_add usb-kbd,id=keyboard,bus=xhci.0", "device_del keyboard"):
        guest.monitor.command(command)
        assert len(answer(guest, "dev -j read xhci0 8")) == 8
    taken = struct.unpack("<3Ii2I", answer(guest, "dev -j ioctl xhci0 0x222000 - 24"))[3]
    assert taken >= 3
    return taken - before


def keyboard_work(guest):
    """Each key is two bytes, pressed and a little later released, and two interrupts."""
    guest.monitor.command("sendkey q")
    guest.expect("^i8042: key 'q'$")
    guest.type("\r")
    guest.wait_for_prompt()
    return 2


@pytest.mark.parametrize("name, devices, work", [
    ("ahci", ["ich9-ahci,id=sata", "ide-hd,bus=sata.0"], disk_work),
    ("edu-bus", ["edu"], bus_work), ("xhci", ["nec-usb-xhci,id=xhci"], port_work),
    ("nvme", ["nvme"], nvme_work), ("hpet", [], hpet_work), ("rtc", [], rtc_work),
    ("virtio-rng", ["virtio-rng-pci"], random_work), ("i8042", [], keyboard_work)])
def test_a_driver_takes_exactly_its_interrupts_before_and_after_it_slept(name, devices, work):
    drivers = [name, "edu-child", "irp-count"] if name == "edu-bus" else [name]
    with Guest(devices=devices, drivers=drivers, monitor=True) as guest:
        guest.wait_for_prompt()
        for _ in range(2):
            before = claims(guest, name)
            assert before is not None
            expected = before + work(guest)
            wait_for(lambda wanted=expected: claims(guest, name) >= wanted)
            assert claims(guest, name) == expected
            guest.command(f"driver sleep {name}")
            assert claims(guest, name) is None
            guest.verify()
            guest.command(f"driver wake {name}")


SERIAL_LOOPBACK = "0x1B2000"


def test_a_serial_card_that_slept_takes_by_interrupt_what_it_sends():
    data = bytes(range(40, 140))
    loop = f"dev -j ioctl pci-serial0 {SERIAL_LOOPBACK} {data.hex()} 100"
    with Guest(devices=["pci-serial,chardev=null"], drivers=["pci-serial"],
               qemu_args=["-chardev", "null,id=null"]) as guest:
        guest.wait_for_prompt()
        for _ in range(2):
            assert answer(guest, loop) == data
            assert claims(guest, "pci-serial") > 0
            guest.command("driver sleep pci-serial")
            assert claims(guest, "pci-serial") is None
            guest.command("driver wake pci-serial")
            assert claims(guest, "pci-serial") == 0


# ---- what D3 makes a device forget --------------------------------------------------------------

ECAM, CAPABILITIES = 0xB0000000, 0x34
MSI, EXPRESS, MSIX = 0x05, 0x10, 0x11
COMMAND, CACHE_LINE, BAR0, INTERRUPT_LINE = 0x04, 0x0C, 0x10, 0x3C


class Function:
    """Configuration space of function 00:<device>.0, from outside."""

    def __init__(self, guest, device):
        self.guest, self.config = guest, ECAM | device << 15
        self.capabilities = {}
        offset = self.read(CAPABILITIES) & 0xFF
        while offset:
            header = self.read(offset)
            self.capabilities[header & 0xFF] = offset
            offset = header >> 8 & 0xFF

    def read(self, offset):
        return self.guest.qtest.readl(self.config + offset)

    def write(self, offset, value):
        self.guest.qtest.writel(self.config + offset, value)

    def places(self):
        """What the bus must give back; of registers with read-only or status bits, its mask."""
        places = {BAR0 + 4 * index: 0xFFFFFFFF for index in range(6)}
        places |= {COMMAND: 0x7FF, CACHE_LINE: 0xFFFF, INTERRUPT_LINE: 0xFF}
        if MSI in self.capabilities:
            places |= {self.capabilities[MSI]: 1 << 16, self.capabilities[MSI] + 4: 0xFFFFFFFF,
                       self.capabilities[MSI] + 8: 0xFFFFFFFF, self.capabilities[MSI] + 12: 0xFFFF}
        if EXPRESS in self.capabilities:
            express = self.capabilities[EXPRESS]
            places |= {express + 8: 0x7FFF, express + 16: 0xFFF}
        if MSIX in self.capabilities:
            places[self.capabilities[MSIX]] = 0xC0000000
        return places

    def held(self):
        return {offset: self.read(offset) & mask for offset, mask in self.places().items()}

    def table(self, entries):
        """Addresses of the MSI-X table's words; the function decodes its memory."""
        place = self.read(self.capabilities[MSIX] + 4)
        low = self.read(BAR0 + 4 * (place & 7))
        base = low & ~0xF
        if low & 6 == 4:
            base |= self.read(BAR0 + 4 * (place & 7) + 4) << 32
        return [base + (place & ~7) + 4 * word for word in range(4 * entries)]

    def forget(self, entries):
        """As a reset would: the table first, since it lies behind a BAR."""
        if entries:
            for number, address in enumerate(self.table(entries)):
                self.guest.qtest.writel(address, 1 if number % 4 == 3 else 0)
        for offset in self.places():
            self.write(offset, self.read(offset) & ~self.places()[offset])


@pytest.mark.parametrize("name, device, entries, work", [
    ("nvme", "nvme,addr=4", 2, nvme_work), ("e1000e", "e1000e,addr=4,romfile=", 4, None),
    ("edu-message", "edu,addr=4", 0, lambda guest: edu_raise(guest, "edu-message", 30)[2]),
    ("virtio-rng", "virtio-rng-pci,addr=4", 2, random_work)])
def test_a_function_is_given_back_what_it_forgot_in_d3(name, device, entries, work):
    with Guest(devices=[device], drivers=[name], qtest=True) as guest:
        guest.wait_for_prompt()
        function = Function(guest, 4)
        function.write(CACHE_LINE, function.read(CACHE_LINE) & ~0xFF | 0x10)
        before = function.held()
        table = [guest.qtest.readl(address) for address in function.table(entries)] if entries \
            else None
        guest.command(f"driver sleep {name}")
        function.forget(entries)
        assert function.held() != before
        guest.command(f"driver wake {name}")
        assert function.held() == before
        if entries:
            assert [guest.qtest.readl(address) for address in function.table(entries)] == table
        if work:
            expected = claims(guest, name) + work(guest)
            assert claims(guest, name) == expected


# ---- shutdown -----------------------------------------------------------------------------------

IOCTL_TRACE_KEEP = "0x223200"
KEEP_NOTHING, KEEP_DEVICE, KEEP_SYSTEM, KEEP_SHUTDOWN = (
    "00000000", "01000000", "02000000", "03000000")
TRACED = [r"PCI\VEN_1234&DEV_11E8&SUBSYS_11001AF4&REV_10\3&0&0&20",
          r"EDUBUS\Calculator\4&afc07ec4&0", r"EDUBUS\Calculator\4&afc07ec4&1"]
SHUTDOWN_OFF, SHUTDOWN_RESET = 6, 5
BUS, FIRST, SECOND = "PCI bus 0, device 4, function 0", "slot 0", "slot 1"


def traced(**options):
    """A bus with two children, the power-trace filter on each of the three."""
    value = "power-trace".encode("utf-16-le") + b"\0\0\0\0"
    values = "".join(f"[HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet001\\Enum\\{instance}]\r\n"
                     f'"UpperFilters"=hex(7):{",".join(f"{byte:02x}" for byte in value)}\r\n\r\n'
                     for instance in TRACED)
    text = "Windows Registry Editor Version 5.00\r\n\r\n" + values
    files = driver_files(["power-trace"], "test-drivers")
    return {"devices": EDU, "drivers": ["edu-bus", "edu-child"],
            "extra_members": [("trace.reg", text.encode()),
                              *[archive.file_member(path) for path in files]], **options}


def trace_of(text):
    return re.findall(r"^power-trace: ([^:]+): (.*)$", text, re.M)


def expected_shutdown(action):
    notified = [(where, "SHUTDOWN") for where in (SECOND, FIRST, BUS)]
    down = [(where, what) for where in (FIRST, SECOND, BUS)
            for what in (f"SET_POWER system 6 action {action}", "SET_POWER device 4 action 0")]
    removed = [(where, what) for where in (FIRST, SECOND, BUS)
               for what in ("QUERY_REMOVE_DEVICE", "REMOVE_DEVICE")]
    return notified + notified + down + removed


@pytest.mark.parametrize("command, action", [
    ("poweroff", SHUTDOWN_OFF), ("reboot", SHUTDOWN_RESET)])
def test_at_shutdown_devices_are_notified_powered_down_children_first_and_removed(command, action):
    with Guest(**traced()) as guest:
        guest.wait_for_prompt()
        assert not trace_of(guest.text)
        guest.type(f"{command}\r")
        guest.wait()
        assert trace_of(guest.text) == expected_shutdown(action)


def test_children_sleep_before_their_bus_and_wake_after_it():
    sleep, wake = 4, 1
    result = run_commands(["driver sleep edu-bus", "driver wake edu-bus", "driver sleep edu-child",
                           "driver wake edu-child", "driver sleep edu-bus",
                           "driver wake edu-child"], **traced())
    assert result.verdict == SUCCESS, result.text
    seen = [(where, int(what.split()[2])) for where, what in trace_of(result.text)
            if what.startswith("SET_POWER device")]
    assert seen[:-3] == [
        (FIRST, sleep), (SECOND, sleep), (BUS, sleep), (BUS, wake), (FIRST, wake), (SECOND, wake),
        (FIRST, sleep), (SECOND, sleep), (FIRST, wake), (SECOND, wake),
        (FIRST, sleep), (SECOND, sleep), (BUS, sleep), (BUS, wake), (FIRST, wake), (SECOND, wake)]


def test_a_driver_that_keeps_a_power_request_is_named_and_holds_up_nobody_else():
    with Guest(**traced()) as guest:
        guest.wait_for_prompt()
        guest.command(f"dev ioctl edu-child0 {IOCTL_TRACE_KEEP} {KEEP_SYSTEM}")
        guest.type("poweroff\r")
        guest.expect(r"EDUBUS\\Calculator\\\S+: not done with a power request after \d+ s", 60)
        guest.expect(r"power-trace keeps a power request to state 6 of the system")
        guest.wait()
        trace = trace_of(guest.text)
        assert (SECOND, "SET_POWER device 4 action 0") in trace
        assert (BUS, "SET_POWER device 4 action 0") in trace
        removed = [where for where, what in trace if what == "REMOVE_DEVICE"]
        assert removed == [SECOND], "what is kept stays, and so does its bus"


def test_a_driver_that_keeps_its_shutdown_notification_is_named_and_the_machine_goes_off():
    with Guest(**traced()) as guest:
        guest.wait_for_prompt()
        guest.command(f"dev ioctl edu-child0 {IOCTL_TRACE_KEEP} {KEEP_SHUTDOWN}")
        guest.type("poweroff\r")
        guest.expect(r"power-trace: not done with IRP_MJ_SHUTDOWN after \d+ s", 60)
        guest.wait()
        trace = trace_of(guest.text)
        assert trace[-10:-6] == expected_shutdown(SHUTDOWN_OFF)[-10:-6]
        assert [where for where, what in trace if what == "REMOVE_DEVICE"] == [FIRST, SECOND, BUS]


def test_a_request_that_is_kept_is_over_when_the_driver_lets_go():
    keep = f"dev ioctl edu-child0 {IOCTL_TRACE_KEEP}"
    result = run_commands([f"{keep} {KEEP_DEVICE}", "driver sleep edu-bus",
                           f"{keep} {KEEP_NOTHING}", "driver wake edu-child",
                           "driver sleep edu-bus"], **traced())
    assert result.verdict == COMMAND_FAILED, result.text
    assert [line for line in result.log if line.startswith("exec: ") and "> " not in line] == [
        "exec: 1 ok", "exec: 2 failed", "exec: 3 ok", "exec: 4 ok", "exec: 5 ok", "exec: 6 ok"]
    assert any("power-trace keeps a power request to state 4 of the device" in line
               for line in result.log)
    asleep = [where for where, what in trace_of(result.text) if "SET_POWER device 4" in what]
    assert asleep[:2] == [FIRST, FIRST], "the bus stayed awake until its child slept"


# ---- settings and needs --------------------------------------------------------------------------


def test_conformance_of_power_settings_and_needs():
    """Settings change at the console between two steps; what needs the system is listed there
    until PoDeletePowerRequest and PoUnregisterSystemState, and with it PoSetSystemState's count."""
    run = suite.Run({"group": "power", "devices": ["edu"]}, 1, None)
    with run.guest() as guest:
        guest.wait_for_prompt()
        cases = suite.step(guest, "power", 0)
        needs = guest.json("power -j needs")
        assert needs.pop()["count"] == 2  # a busy state is activity, too
        settings = {row["setting"]: row for row in guest.json("power -j")}
        for value in (1, 1, 0):
            guest.command(f"power set acdc_power_source {value}")
        guest.command("power set lidswitch_state_change 1")
        guest.command("power set powerscheme_personality 1")
        cases += suite.step(guest, "power", 1)
        assert [row["need"] for row in guest.json("power -j needs")] == ["activity"]
        for nth in range(1, 4):
            guest.command(f'inject pool {nth} "Pnp"')
            cases += suite.step(guest, "power", 2)
            guest.command("inject pool off")
    suite.record("power settings, 1 CPU", cases)
    suite.judge("power settings", cases, guest.text)
    assert len(cases) == 7, guest.text[-3000:]
    assert [(row["need"], row["driver"], row["count"]) for row in needs] == [
        ("request", "power", 2), ("busy state", "", 0)]
    assert "powerscheme_personality is no setting with a number" in guest.text
    assert needs[0]["reason"] == "a measurement is under way"
    assert settings["acdc_power_source"]["callbacks"] == 2
    assert (settings["acdc_power_source"]["value"], settings["lidswitch_state_change"]["value"]) \
        == ("0", "")


def test_conformance_of_idle_devices_on_mains_and_on_battery():
    run = suite.Run({"group": "power", "devices": ["edu"]}, 1, None)
    with run.guest() as guest:
        guest.wait_for_prompt()
        cases = suite.step(guest, "power", 10)
        guest.command("power set acdc_power_source 1")
        cases += suite.step(guest, "power", 11)
    suite.record("power on battery, 1 CPU", cases)
    suite.judge("power on battery", cases, guest.text)
    assert len(cases) == 3, guest.text[-3000:]
