"""Interrupt remapping by VT-d and AMD-Vi, and what is done about forgers where there is none.

What an emulator cannot show is in docs/spec/emulators.md: QEMU 7.2's VT-d records no interrupt
fault, and its AMD-Vi none at all, so the reading of the event log is shown by a record put into it
from outside.
"""
import re
import struct

import pytest

from harness.guest import SUCCESS, Guest, run_commands
from hostlib import qemu

IOCTL_RAISE, IOCTL_STATISTICS = "0x222008", "0x22200C"
EDU = r"PCI\VEN_1234&DEV_11E8"
#: edu-line at 4, edu-message at 5, nvme at 7.
THREE = {"devices": ["edu,addr=4", "edu,addr=5", "nvme,addr=7"],
         "drivers": ["edu-line", "edu-message", "nvme"], "named": ["nvme.sys"],
         "matches": [f"{EDU}\tedu-line.sys\t00:04.0", f"{EDU}\tedu-message.sys\t00:05.0"]}
INTEL, AMD = "intel-iommu,intremap=on", "amd-iommu,intremap=on"
IOAPIC_PINS = 24
NEWER = qemu.find_newer()
each_kind = pytest.mark.parametrize("kind", [INTEL, AMD], ids=["VT-d", "AMD-Vi"])
each_count = pytest.mark.parametrize("cpus", [1, 4])

needs_qemu10 = pytest.mark.skipif(
    NEWER is None, reason="x2APIC under TCG and VT-d fault records need QEMU 10: "
                                 "tools/setup-qemu10")


def remapped(kind, cpus=1, **options):
    options = {**THREE, **options}
    return Guest(cpus=cpus, qemu_args=["-device", kind], **options)


def in_x2apic_mode(kind, cpus, **options):
    more = ",eim=on" if kind == INTEL else ",xtsup=on"
    return remapped(kind + more, cpus, emulator=NEWER, append="apic=x2apic", **options)


def ulong(value):
    return struct.pack("<I", value).hex()


def raise_interrupts(name, number):
    return f"dev ioctl {name} {IOCTL_RAISE} {ulong(number)} 20"


def assert_exact(guest, name, number):
    """raised = service calls = claimed = what the DPC saw"""
    data = guest.json(f"dev -j ioctl {name} {IOCTL_STATISTICS} - 36")[0]["data"]
    raised, calls, claimed, _, saw = struct.unpack("<4I5i", bytes.fromhex(data))[4:]
    assert (raised, calls, claimed, saw) == (number, number, number, number)


def steps(guest, function):
    return [(row["step"], row["what"]) for row in guest.json(f"route {function} -j")]


def step(guest, function, name):
    return next(what for found, what in steps(guest, function) if found == name)


def entries(guest):
    return sum(row["entries"] for row in guest.json("remap -j"))


def assert_all_deliver(guest, names=("edu-line0", "edu-message0"), number=500):
    blocks = b"".join(qemu.disk_sector(n) for n in range(8)).hex()
    for name in names:
        guest.command(raise_interrupts(name, number))
        assert_exact(guest, name, number)
    assert guest.json("dev -j read nvme0 4096")[0]["data"] == blocks
    rows = [row for row in guest.json("irq -j") if row.get("drivers") not in (None, [], ["kernel"])]
    assert {row["chip"] for row in rows} == {"ioapic", "msi", "msix"}
    for row in rows:
        assert sum(row["counts"]) == sum(row["claims"]) and row["unclaimed"] == 0
    assert guest.json("remap faults -j") == []


@each_kind
@each_count
def test_pins_and_messages_go_by_entries_of_their_own_and_none_is_lost(kind, cpus):
    with remapped(kind, cpus) as guest:
        guest.wait_for_prompt()
        assert_all_deliver(guest)
        for function, source in (("0:5.0", "00:05.0"), ("0:7.0", "00:07.0")):
            assert f"from {source} only" in step(guest, function, "remapping")
        pin = step(guest, "0:4.0", "remapping")
        assert f"from {'ff:00.0' if kind == INTEL else '00:14.0'} only" in pin


@needs_qemu10
@each_kind
@each_count
def test_x2apic_mode_makes_destinations_32_bits_wide(kind, cpus):
    """QEMU 10's amd-iommu loses whatever an IOAPIC sends, used or not: messages alone there."""
    with in_x2apic_mode(kind, cpus) as guest:
        guest.wait_for_prompt()
        assert all(row["extended"] for row in guest.json("remap -j"))
        if kind == INTEL:
            assert_all_deliver(guest)
        else:
            assert_all_deliver(guest, ["edu-message0"])


@each_kind
def test_a_move_under_fire_changes_the_entry_and_not_the_device(kind):
    with remapped(kind, 4) as guest:
        guest.wait_for_prompt()
        message = step(guest, "0:5.0", "message")
        table = step(guest, "0:7.0", "entry")
        rows = guest.json("irq -j")
        sources = [row["source"] for row in rows if row["chip"] in ("ioapic", "msi", "msix")
                   and row["drivers"] not in ([], ["kernel"])]
        guest.command(f'job start "{raise_interrupts("edu-line0", 1000)}"')
        guest.command(f'job start "{raise_interrupts("edu-message0", 1000)}"')
        guest.command('job start "dev read nvme0 65536"')
        for number in range(40):
            source, cpu = sources[number % len(sources)], (number // len(sources)) % 4
            assert guest.command(f'irq move "{source}" {cpu}')[0].startswith(f"{source}: CPU {cpu}")
        assert all(job["failed"] == 0 and job["runs"] for job in guest.json("job stop -j"))
        for row in guest.json("irq -j"):
            if row["source"] in sources:
                assert sum(row["counts"]) == sum(row["claims"]) and row["unclaimed"] == 0
        assert step(guest, "0:5.0", "message") == message
        assert step(guest, "0:7.0", "entry") == table
        apic = re.search(r"APIC (\d+)", step(guest, "0:5.0", "CPU")).group(1)
        assert f"to APIC {apic}," in step(guest, "0:5.0", "remapping")
        assert guest.json("remap faults -j") == []


@each_kind
def test_what_a_bridge_to_pci_passes_on_is_checked_as_the_bridges(kind):
    devices = ["pcie-pci-bridge,id=old", "edu,bus=old,addr=3", "pcie-root-port,id=rp1,chassis=1",
               "edu,bus=rp1"]
    with remapped(kind, devices=devices, drivers=["edu-message"], named=None, matches=()) as guest:
        guest.wait_for_prompt()
        for name in ("edu-message0", "edu-message1"):
            guest.command(raise_interrupts(name, 200))
            assert_exact(guest, name, 200)
        behind = "buses 01 to 01" if kind == INTEL else "01:00.0"
        assert f"from {behind} only" in step(guest, "1:3.0", "remapping")
        assert "from 02:00.0 only" in step(guest, "2:0.0", "remapping")
        assert guest.json("remap faults -j") == []


@each_kind
def test_entries_are_free_again_when_the_driver_has_stopped(kind):
    with remapped(kind) as guest:
        guest.wait_for_prompt()
        before = entries(guest)
        assert before > IOAPIC_PINS
        for name in ("edu-message", "nvme"):
            guest.command(f"driver stop {name}")
        assert entries(guest) == IOAPIC_PINS
        for name in ("edu-message", "nvme"):
            guest.command(f"driver start {name}")
        assert entries(guest) == before
        assert_all_deliver(guest)


def test_ir_off_leaves_messages_as_they_are_without_a_unit():
    with remapped(INTEL, append="ir=off") as guest:
        guest.wait_for_prompt()
        assert "remap: off, as the command line has it" in guest.text
        assert not any(found == "remapping" for found, _ in steps(guest, "0:5.0"))
        guest.command(raise_interrupts("edu-message0", 100))
        assert_exact(guest, "edu-message0", 100)


@pytest.mark.parametrize("name, content", [
    ("DMAR", b"\x26\x01" + bytes(10) + struct.pack("<HH", 0, 4000)),
    ("DMAR", b"\x26\x01" + bytes(10) + struct.pack("<HHBBHQ", 0, 16, 1, 0, 0, 0xFED90001)),
    ("DMAR", b"\x26\x01" + bytes(10) + struct.pack("<HHBBHQ", 0, 16, 1, 0, 0, 0xFEDA0000)),
    ("DMAR", b"\x26\x00"),
    ("IVRS", bytes(12) + struct.pack("<BBH", 0x10, 0, 2)),
    ("IVRS", bytes(12) + struct.pack("<BBHHHQHHIBHB", 0x10, 0, 28, 2, 64, 0xFEDA0000, 0, 0, 0,
                                     0xFE, 0, 0)),
], ids=["structure past the end", "registers on no page", "no unit there", "too short",
        "block of no length", "entry of unknown length"])
def test_a_table_that_is_no_good_never_stops_the_boot(name, content, tmp_path):
    path = tmp_path / "table"
    path.write_bytes(content)
    result = run_commands([raise_interrupts("edu-line0", 100)], devices=["edu"],
                          drivers=["edu-line"],
                          qemu_args=["-acpitable", f"sig={name},rev=1,data={path}"])
    assert result.verdict == SUCCESS, result.text
    assert any(line.startswith(("warning: DMAR", "warning: IVRS", "warning: remap"))
               for line in result.log)


class Forger(Guest):
    """edu 0:4.0 writes to where interrupt messages go, by its DMA engine."""

    SOURCE, DESTINATION, COUNT, COMMAND, BUFFER = 0x80, 0x88, 0x90, 0x98, 0x40000
    START, TO_MEMORY = 1, 2

    def __init__(self, **options):
        super().__init__(qtest=True, devices=["edu,addr=4,dma_mask=0xffffffff", "edu,addr=5"],
                         drivers=["edu-line", "edu-message"], matches=THREE["matches"], named=[],
                         **options)

    def registers(self):
        self.qtest.ask(f"outl 0xcf8 {1 << 31 | 4 << 11 | 0x10:#x}")
        return int(self.qtest.ask("inl 0xcfc")[0], 16) & ~0xF

    def transfer(self, source, destination, command):
        base = self.registers()
        for offset, value in ((self.SOURCE, source), (self.DESTINATION, destination),
                              (self.COUNT, 4), (self.COMMAND, command | self.START)):
            self.qtest.ask(f"writeq {base + offset:#x} {value:#x}")
        while int(self.qtest.ask(f"readq {base + self.COMMAND:#x}")[0], 16) & self.START:
            pass

    def forge(self, data, address=0xFEE00000):
        """By way of a page of the first megabyte, which the kernel does not use."""
        scratch = 0x1000
        self.qtest.writel(scratch, data)
        self.transfer(scratch, self.BUFFER, 0)
        self.transfer(self.BUFFER, address, self.TO_MEMORY)


def test_without_remapping_a_forged_exception_is_told_from_a_true_one():
    with Forger() as guest:
        guest.wait_for_prompt()
        for vector in (0x10, 0x11, 0x12, 0x13, 0x15, 0x1D, 0x29, 0x2C):
            guest.forge(vector)
            guest.expect(f"CPU 0: a message forges exception 0x{vector:02x}; ignored")
        guest.forge(0x11)
        guest.forge(0x9F)
        guest.expect("CPU 0: an interrupt at vector 0x9f, which nobody has")
        guest.command(raise_interrupts("edu-message0", 100))
        assert_exact(guest, "edu-message0", 100)
        assert "stray interrupts: 1, last vector 0x9f; by INT: 0; forged exceptions: 9" in \
            guest.command("irq")


def test_amd_vi_blocks_a_forged_message():
    with Forger(qemu_args=["-device", AMD]) as guest:
        guest.wait_for_prompt()
        for data in (0x11, 0x4C, 0x9F):
            guest.forge(data)
        guest.expect("failed to remap interrupt")  # QEMU's own word; it logs no event
        guest.command(raise_interrupts("edu-message0", 100))
        assert_exact(guest, "edu-message0", 100)
        assert not any("stray" in line for line in guest.command("irq"))
        assert "forges" not in guest.text


def test_an_event_in_the_log_of_amd_vi_is_reported_with_the_devices_name():
    """More of them than are taken at a time; one log line for all."""
    registers, tail, interrupt, number = 0xFED80000, 0x2018, 1 << 51, 200
    with Forger(qemu_args=["-device", AMD]) as guest:
        guest.wait_for_prompt()
        log = guest.json("remap -j")[0]["log"]
        vector = next(row["vector"] for row in guest.json("irq -j")
                      if row["source"] == "amd-vi0 faults")
        for event in range(log, log + 16 * number, 16):
            guest.qtest.ask(f"writeq {event:#x} {2 << 60 | interrupt | 0x20:#x}")
            guest.qtest.ask(f"writeq {event + 8:#x} 0xfee0004c")
        guest.qtest.ask(f"writeq {registers + tail:#x} {16 * number}")
        guest.qtest.msi(vector)
        guest.expect(r"remap: interrupt of 00:04\.0 [\w ]+ blocked: entry is clear \(0xfee0004c\)")
        while (row := guest.json("remap faults -j")[0])["count"] < number:
            pass
        assert row["requester"].startswith("00:04.0 ") and row["count"] == number
        assert guest.text.count("remap: interrupt of") == 1


class Thief(Guest):
    """Messages of edu 0:5.0 are changed behind the kernel's back to name other entries."""

    MSI = 0x40

    def __init__(self, **options):
        super().__init__(qtest=True, qemu_args=["-device", INTEL], **THREE, **options)

    def is_at_prompt(self):
        return False  # the capability is not as the kernel left it

    def address_set(self, entry):
        self.qtest.ask(f"outl 0xcf8 {1 << 31 | 5 << 11 | self.MSI + 4:#x}")
        self.qtest.ask(f"outl 0xcfc {0xFEE00018 | entry << 5:#x}")

    def fire(self):
        """One message; nobody answers where it is blocked."""
        self.qtest.ask(f"outl 0xcf8 {1 << 31 | 5 << 11 | 0x10:#x}")
        base = int(self.qtest.ask("inl 0xcfc")[0], 16) & ~0xF
        self.qtest.writel(base + 0x60, 0x10)
        self.qtest.writel(base + 0x64, 0x10)

    def counts(self):
        return {row["source"]: sum(row["counts"]) for row in self.json("irq -j")
                if row["chip"] in ("ioapic", "msi", "msix")}


def steal(guest):
    """Entries of another function, of nobody, and beyond the table; what the three lead to."""
    guest.wait_for_prompt()
    other = int(re.search(r"entry (\d+)", step(guest, "0:7.0", "remapping")).group(1))
    before = guest.counts()
    for entry in (other, 5000, 20000):
        guest.address_set(entry)
        guest.fire()
        faults = guest.json("remap faults -j")  # a unit keeps one fault of a function at a time
    assert guest.counts() == before
    return faults


def test_vt_d_blocks_messages_that_name_an_entry_of_another():
    with Thief() as guest:
        steal(guest)


@needs_qemu10
def test_vt_d_reports_who_named_an_entry_of_another():
    with Thief(emulator=NEWER) as guest:
        faults = {row["fault"]: row for row in steal(guest)}
        assert set(faults) == {"entry belongs to another", "entry is clear",
                               "entry beyond the table"}
        assert all(row["requester"].startswith("00:05.0 ") and row["count"] == 1
                   for row in faults.values())
        assert re.search(r"remap: interrupt of 00:05\.0 [\w ]+ blocked: entry belongs to another",
                         guest.text)


FAR = ["-smp", "1,maxcpus=300,sockets=300,cores=1,threads=1",
       "-device", "max-x86_64-cpu,socket-id=299,core-id=0,thread-id=0"]


@needs_qemu10
def test_a_cpu_with_a_high_apic_id_takes_interrupts_through_remapping_only():
    options = {**THREE, "emulator": NEWER, "append": "apic=x2apic"}
    with Guest(qemu_args=FAR + ["-device", INTEL + ",eim=on"], **options) as guest:
        guest.wait_for_prompt()
        far = next(row for row in guest.json("cpus -j") if row["apic"] > 255)
        for source in ("msi 00:05.0 message 0", "msix 00:07.0 message 1"):
            guest.command(f'irq move "{source}" {far["cpu"]}')
        assert f"to APIC {far['apic']}," in step(guest, "0:5.0", "remapping")
        assert_all_deliver(guest)
    with Guest(qemu_args=FAR, **options) as guest:
        guest.wait_for_prompt()
        far = next(row for row in guest.json("cpus -j") if row["apic"] > 255)
        refused = guest.position
        guest.command(f'irq move "msi 00:05.0 message 0" {far["cpu"]}')
        assert "irq move: " in guest.text[refused:]
        assert {row["cpu"] for row in guest.json("irq -j") if row.get("drivers")} == {0}
