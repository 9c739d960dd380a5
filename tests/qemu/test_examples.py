"""The example drivers take their interrupts, with exact counts, on every machine."""
import os
import struct
import subprocess
import sys

import pytest

from harness import matrix
from harness.guest import BUILD, SUCCESS, run_commands
from hostlib import archive, qemu

RAISE = 1000
IOCTL_FACTORIAL, IOCTL_DMA, IOCTL_RAISE, IOCTL_STATISTICS = (
    "0x222000", "0x222004", "0x222008", "0x22200C")
CONNECT_LINE_BASED, CONNECT_MESSAGE_BASED, CONNECT_FULLY_SPECIFIED = 2, 3, 1
IOCTL_SERIAL_LOOPBACK = "0x1B2000"

EDU_DRIVERS = ("edu-line", "edu-message", "edu-full", "edu-passive", "edu-shared", "edu-iointex")


def data_of(result, number):
    """The bytes that command `number`, a `dev read -j` or `dev ioctl -j`, printed."""
    return bytes.fromhex(result.json(number)[0]["data"])


def ulong(value):
    return struct.pack("<I", value).hex()


def edu_commands(name):
    return [f"dev -j ioctl {name}0 {IOCTL_FACTORIAL} {ulong(10)} 4",
            f"dev -j ioctl {name}0 {IOCTL_DMA} {bytes(range(64)).hex()} 64",
            f"dev -j ioctl {name}0 {IOCTL_RAISE} {ulong(RAISE)} 20",
            f"dev -j ioctl {name}0 {IOCTL_STATISTICS} - 36"]


def check_edu(result, first=1):
    """The answers to edu_commands, of which command `first` is the first."""
    assert result.verdict == SUCCESS, result.text
    assert struct.unpack("<I", data_of(result, first)) == (3628800,)
    assert data_of(result, first + 1) == bytes(range(64))
    raised, calls, claimed, dpc_runs, dpc_saw = struct.unpack("<5i", data_of(result, first + 2))
    assert (raised, claimed, dpc_saw) == (RAISE, RAISE, RAISE)
    assert calls >= RAISE if first > 1 else calls == RAISE  # other devices may share its line
    assert 1 <= dpc_runs <= RAISE


class Whole:
    """One machine with every kind of example: each connect form on an edu of its own, the
    fall-back, too, an nvme, two serial cards on one line, and an e1000e that nobody drives."""
    EDU = [("edu-line", 4), ("edu-message", 5), ("edu-full", 6), ("edu-fallback", 7)]
    DEVICES = [f"edu,addr={slot}" for _, slot in EDU] + [
        "nvme,addr=8", "e1000e,addr=9,romfile=", "pci-serial,addr=0xa,chardev=first",
        "pci-serial,addr=0xe,chardev=second"]
    READS, WORDS = 12, (b"first", b"second")

    def __init__(self, machine, outputs, folder="drivers"):
        with open(os.path.join(BUILD, folder, "edu-message.sys"), "rb") as stream:
            fallback = ("edu-fallback.sys", stream.read())  # without an INF: no messages
        paths = [outputs / word.decode() for word in self.WORDS]
        chardevs = [f"file,id={path.name},path={path}" for path in paths]
        self.commands = []
        # Of two devices of one driver's text the later one has number 1.
        for name in ("edu-line", "edu-message", "edu-full"):
            self.commands += edu_commands(name)
        self.commands += [line.replace("edu-message0", "edu-message1")
                          for line in edu_commands("edu-message")]
        self.before = self.add("irq -j")
        self.reads = [self.add(f"dev -j read nvme0 512 {512 * n}") for n in range(self.READS)]
        for number, word in enumerate(self.WORDS):
            self.add(f"dev write pci-serial{number} {word.hex()}")
        self.after = self.add("irq -j")
        self.result = run_commands(
            self.commands, timeout=120, **machine, devices=self.DEVICES,
            drivers=["edu-line", "edu-message", "edu-full", "nvme", "pci-serial"], folder=folder,
            extra_members=[fallback], named=["nvme.sys", "pci-serial.sys"],
            matches=[f"PCI\\VEN_1234&DEV_11E8\t{name}.sys\t00:{slot:02x}.0"
                     for name, slot in self.EDU],
            qemu_args=[word for chardev in chardevs for word in ("-chardev", chardev)])
        # UEFI firmware writes to the cards, too, before the kernel is there.
        self.written = [path.read_bytes()[-len(word):] for path, word in zip(paths, self.WORDS)]

    def add(self, command):
        self.commands.append(command)
        return len(self.commands)

    def rows(self, number, driver):
        return [row for row in self.result.json(number) if f"{driver}.sys" in row["drivers"]]

    def claims(self, number, driver):
        """What the service routines of a driver claimed, all vectors together."""
        return sum(claims for row in self.rows(number, driver)
                   for name, claims in zip(row["drivers"], row["claims"])
                   if name == f"{driver}.sys")


def check_whole(whole):
    result = whole.result
    forms = [CONNECT_LINE_BASED, CONNECT_MESSAGE_BASED, CONNECT_FULLY_SPECIFIED,
             CONNECT_LINE_BASED]
    for number, form in enumerate(forms):
        check_edu(result, 4 * number + 1)
        assert statistics(result, 4 * number + 4)[0][0] == form
    for sector, number in enumerate(whole.reads):
        assert data_of(result, number) == qemu.disk_sector(sector)
    assert whole.claims(whole.after, "nvme") - whole.claims(whole.before, "nvme") == whole.READS
    assert whole.written == list(whole.WORDS)
    serial, = whole.rows(whole.after, "pci-serial")
    claims = [claims for name, claims in zip(serial["drivers"], serial["claims"])
              if name == "pci-serial.sys"]
    assert len(claims) == 2 and min(claims) >= 1 and serial["unclaimed"] == 0


@matrix.each_machine
def test_every_example_driver_takes_exactly_its_interrupts(machine, tmp_path):
    check_whole(Whole(machine, tmp_path))


@matrix.each("quick")
def test_every_example_driver_built_with_mingws_headers_behaves_the_same(machine, tmp_path):
    check_whole(Whole(machine, tmp_path, "drivers-mingw"))


def test_nvme_cuts_a_read_into_the_pieces_that_the_controller_moves_at_once():
    """MDTS is one doubling of a page: 8 KiB, and an interrupt, a piece."""
    result = run_commands(["irq -j", "dev -j read nvme0 66048 512", "irq -j"],
                          devices=["nvme,mdts=1"], drivers=["nvme"])
    assert result.verdict == SUCCESS, result.text
    assert data_of(result, 2) == b"".join(qemu.disk_sector(number) for number in range(1, 130))
    before, after = (sum(sum(row["claims"]) for row in result.json(number)
                         if row["drivers"] == ["nvme.sys"]) for number in (1, 3))
    assert after - before == 9


@pytest.mark.parametrize("name", EDU_DRIVERS)
@matrix.each("quick")
def test_an_edu_driver_takes_exactly_the_interrupts_raised(machine, name):
    check_edu(run_commands(edu_commands(name), **machine, devices=["edu"], drivers=[name]))


@pytest.mark.parametrize("name", EDU_DRIVERS)
def test_an_edu_driver_built_with_mingws_headers_behaves_the_same(name):
    check_edu(run_commands(edu_commands(name), devices=["edu"], drivers=[name],
                           folder="drivers-mingw"))


def statistics(result, number):
    """(version, messages, vector, irql) and the five counts, by IOCTL_EDU_STATISTICS."""
    values = struct.unpack("<4I5i", data_of(result, number))
    return values[:4], values[4:]


@pytest.mark.parametrize("name, version, messages", [
    ("edu-line", CONNECT_LINE_BASED, 0), ("edu-message", CONNECT_MESSAGE_BASED, 1),
    ("edu-full", CONNECT_FULLY_SPECIFIED, 1), ("edu-passive", CONNECT_FULLY_SPECIFIED, 0),
    ("edu-shared", CONNECT_LINE_BASED, 0), ("edu-iointex", CONNECT_MESSAGE_BASED, 1)])
def test_each_edu_driver_is_connected_by_its_form(name, version, messages):
    result = run_commands(edu_commands(name), devices=["edu"], drivers=[name])
    assert statistics(result, 4)[0][:2] == (version, messages)


@matrix.each("quick")
def test_without_message_support_in_an_inf_the_fallback_is_a_line_and_rewrites_version(machine):
    sys_file = os.path.join(BUILD, "drivers", "edu-message.sys")
    result = run_commands(edu_commands("edu-message"), **machine, devices=["edu"],
                          extra_members=[archive.file_member(sys_file)],
                          matches=["PCI\\VEN_1234&DEV_11E8\tedu-message.sys"])
    check_edu(result)
    assert statistics(result, 4)[0][:2] == (CONNECT_LINE_BASED, 0)


@pytest.mark.parametrize("version", ["5.0", "5.1", "5.2"])
def test_the_iointex_library_connects_a_line_on_systems_before_vista(version):
    """IOX-2, IOX-3, IOX-6, IOX-8: by IoConnectInterrupt; IoConnectInterruptEx is not found."""
    result = run_commands(edu_commands("edu-iointex"), devices=["edu"], drivers=["edu-iointex"],
                          append=f"ntver={version}")
    check_edu(result)
    assert statistics(result, 4)[0][:2] == (CONNECT_FULLY_SPECIFIED, 0)


def test_a_driver_linked_with_iointex_imports_no_routine_of_vista():
    done = subprocess.run([sys.executable, os.path.join(qemu.ROOT, "tools", "dirql"), "imports",
                           os.path.join(BUILD, "drivers", "edu-iointex.sys")],
                          capture_output=True, text=True, check=True)
    assert "IoConnectInterrupt\n" in done.stdout and "InterruptEx" not in done.stdout


@pytest.mark.parametrize("name, status", [("edu-message", "0xC00000BB"),
                                          ("edu-line", "0xC00000BB")])
def test_before_vista_other_forms_than_the_fully_specified_are_refused(name, status):
    result = run_commands(["devices -j"], devices=["edu"], drivers=[name], named=[],
                          append="ntver=5.1")
    assert f"{name}0: not started, status {status}" in result.text


def test_a_passive_routine_runs_at_passive_level_on_a_line_with_a_device_irql():
    """CIE-PASS-15"""
    result = run_commands(edu_commands("edu-passive") + ["irq -j"], devices=["edu"],
                          drivers=["edu-passive"])
    assert statistics(result, 4)[0][3] == 0
    row = next(row for row in result.json(5) if row["drivers"] == ["edu-passive.sys"])
    assert row["irql"] >= 3 and row["claims"][0] >= RAISE and row["unclaimed"] == 0


@matrix.each("quick")
def test_two_edu_shared_devices_claim_only_their_own_interrupts(machine):
    names = ["edu-shared0", "edu-shared1"]
    commands = [f"dev -j ioctl {name} {IOCTL_RAISE} {ulong(500)} 20" for name in names]
    commands += [f"dev -j ioctl {name} {IOCTL_STATISTICS} - 36" for name in names] + ["irq -j"]
    result = run_commands(commands, **machine, devices=["edu,addr=4", "edu,addr=8"],
                          drivers=["edu-shared"])
    assert result.verdict == SUCCESS, result.text
    for number in (3, 4):
        _, (raised, _, claimed, _, seen) = statistics(result, number)
        assert (raised, claimed, seen) == (500, 500, 500)
    row = next(row for row in result.json(5) if row["drivers"] == ["edu-shared.sys"] * 2)
    assert row["claims"] == [500, 500] and row["unclaimed"] == 0


@pytest.mark.parametrize("name", ["edu-line", "edu-passive", "edu-shared"])
def test_a_thread_that_raises_its_line_over_and_over_makes_no_storm(name):
    """It is interrupted at one place each time, as the code below a stuck line is."""
    result = run_commands([f"dev -j ioctl {name}0 {IOCTL_RAISE} {ulong(30000)} 20"],
                          devices=["edu"], drivers=[name], append="storm=bugcheck")
    assert result.verdict == SUCCESS, result.text
    raised, calls, claimed, _, seen = struct.unpack("<5i", data_of(result, 1))
    assert (raised, calls, claimed, seen) == (30000,) * 4


@matrix.each("quick")
def test_four_edus_share_a_line_and_each_claims_only_its_own(machine):
    names = [f"edu-line{n}" for n in range(4)]
    commands = [f"dev -j ioctl {name} {IOCTL_RAISE} {ulong(100)} 20" for name in names]
    commands += [f"dev -j ioctl {name} {IOCTL_STATISTICS} - 36" for name in names] + ["irq -j"]
    result = run_commands(commands, **machine, devices=matrix.DEVICES["four edu"],
                          drivers=["edu-line"])
    assert result.verdict == SUCCESS, result.text
    for number in range(5, 9):
        _, (raised, _, claimed, _, seen) = statistics(result, number)
        assert (raised, claimed, seen) == (100, 100, 100)
    rows = [row for row in result.json(9) if row["drivers"] == ["edu-line.sys"] * 4]
    assert len(rows) == 1 and rows[0]["unclaimed"] == 0
    assert rows[0]["claims"] == [100] * 4


@matrix.each("quick")
def test_two_serial_cards_share_a_line_and_each_claims_only_its_own(machine):
    result = run_commands(["dev write pci-serial0 68656C6C6F", "dev write pci-serial1 68656C6C6F",
                           "irq -j"], **machine, devices=matrix.DEVICES["two pci-serial"],
                          drivers=["pci-serial"])
    assert result.verdict == SUCCESS, result.text
    row = next(row for row in result.json(3) if row["drivers"] == ["pci-serial.sys"] * 2)
    assert all(claims >= 1 for claims in row["claims"]) and row["unclaimed"] == 0


@matrix.each("quick")
def test_a_serial_card_takes_back_by_interrupt_what_it_sends_inside_the_chip(machine):
    words = [bytes(range(first, first + 100)) for first in (0, 100)]
    commands = [f"dev -j ioctl pci-serial{number} {IOCTL_SERIAL_LOOPBACK} {word.hex()} 100"
                for number, word in enumerate(words)] + ["dev -j read pci-serial0 1"]
    result = run_commands(commands, **machine, devices=matrix.DEVICES["two pci-serial"],
                          drivers=["pci-serial"])
    assert result.verdict == SUCCESS, result.text
    assert [data_of(result, number) for number in (1, 2, 3)] == words + [b""]


def test_the_demonstration_shows_every_example_driver_taking_interrupts():
    done = subprocess.run([sys.executable, os.path.join(qemu.ROOT, "tools", "demo")],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                          check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
