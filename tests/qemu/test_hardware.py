"""What must hold of interrupt hardware (docs/spec/conformance.md), as seen from outside the guest.

Rows that a driver can see for itself are cases of the groups apic, isr, messages and resources of
tests/conformance. Here the stimulus, or the judge, is QEMU: messages that no device sent, registers
read behind the kernel's back, the order in which they were written, the monitor's view.
"""
import re
import struct

import pytest

from harness import suite
from harness.guest import Guest

IOCTL_RAISE, IOCTL_STATISTICS = "0x222008", "0x22200C"
NOBODYS_VECTOR = 0x9F
FORGED = [vector for vector in range(16, 32) if vector != 0x1F]  # 1F is the APC interrupt
IOAPIC_SELECT, IOAPIC_WINDOW, IOAPIC_TABLE = 0x00, 0x10, 0x10
RTE_MASKED = 1 << 16
MSIX_ENTRY = struct.Struct("<4I")
CYCLES, BIG_CYCLES = 1000, 20


class Cases:
    """Cases of one guest, recorded for the table of rules and judged at the end."""

    def __init__(self, title):
        self.title, self.cases = f"hardware, {title}", []

    def __enter__(self):
        return self

    def expect(self, passed, name):
        self.cases.append((bool(passed), name, None))

    def add(self, cases):
        self.cases += cases

    def __exit__(self, kind, *_):
        if kind is not None:
            self.expect(False, f"{self.title}: the run ends")
        suite.record(self.title, self.cases)
        if kind is None:
            suite.judge(self.title, self.cases)


def raise_command(name, number):
    return f"dev ioctl {name} {IOCTL_RAISE} {number.to_bytes(4, 'little').hex()} 20"


def is_exact(guest, name):
    """Every interrupt that was raised has been claimed and seen once."""
    data = guest.json(f"dev -j ioctl {name} {IOCTL_STATISTICS} - 36")[0]["data"]
    raised, _, claimed, _, saw = struct.unpack("<4I5i", bytes.fromhex(data))[4:]
    return raised > 0 and claimed == raised and saw == raised


def strays(guest):
    """(stray interrupts, forged exceptions) that `irq` tells of."""
    text = "\n".join(guest.command("irq"))
    found = re.search(r"stray interrupts: (\d+).*forged exceptions: (\d+)", text)
    return tuple(int(number) for number in found.groups()) if found else (0, 0)


def line_of(guest, driver):
    return next(row for row in guest.json("irq -j") if f"{driver}.sys" in row["drivers"])


def free_vectors(guest):
    return sum(row["free"] for row in guest.json("irq vectors -j"))


def given(guest, device):
    """The interrupts of a device, as its row of `devices` has them."""
    row = next(row for row in guest.json("devices -j") if device in row["instance"])
    return [text for text in row["resources"] if "vector" in text]


# ---- messages that nobody sent, or too late ------------------------------------------------------


def test_conformance_of_forged_and_late_messages():
    with Cases("forged and late messages") as cases, \
            Guest(devices=["edu"], drivers=["edu-message"], qtest=True) as guest:
        guest.wait_for_prompt()
        guest.qtest.msi(NOBODYS_VECTOR)
        guest.expect(f"vector 0x{NOBODYS_VECTOR:02x}")
        cases.expect(strays(guest)[0] == 1,
                     "SPUR-5 an interrupt at a vector that nobody has is counted and ended")
        for vector in FORGED:
            guest.qtest.msi(vector)
            guest.expect(f"exception 0x{vector:02x}")
        cases.expect(strays(guest)[1] == len(FORGED),
                     "HW-30 exceptions 16 to 31 that come as interrupts are reported as forged")
        vector = line_of(guest, "edu-message")["vector"]
        guest.command("driver stop edu-message")
        before = strays(guest)[0]
        guest.qtest.msi(vector)
        guest.expect(f"vector 0x{vector:02x}")
        cases.expect(strays(guest)[0] == before + 1,
                     "HW-64 a message that comes after MSI was disabled is counted as stray")
        guest.command("driver start edu-message")
        guest.command(raise_command("edu-message0", 100))
        cases.expect(is_exact(guest, "edu-message0"),
                     "HW-64, SPUR-5, HW-30 after all that the device works as before")


# ---- moving --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["edu-line", "edu-message"])
def test_conformance_of_moves_under_load(name):
    with Cases(f"moves of {name}") as cases, \
            Guest(cpus=4, devices=["edu"], drivers=[name]) as guest:
        guest.wait_for_prompt()
        source = line_of(guest, name)["source"]
        guest.command(f'job start "{raise_command(name + "0", 500)}" 0')
        for number in range(20):
            guest.command(f'irq move "{source}" {(number * 3 + 1) % 4}')
        job = guest.json("job stop -j")[0]
        cases.expect(job["failed"] == 0 and job["runs"] > 0 and is_exact(guest, f"{name}0"),
                     "HW-63 moved while it fires, a message or line loses nothing, nothing comes "
                     "twice")
        if name == "edu-line":
            busy = [row for row in guest.json("ioapic -j") if row.get("in service")]
            cases.expect(not busy, "HW-43 after moves under load no Remote IRR is stuck")


# ---- the IOAPIC's registers ----------------------------------------------------------------------


def ioapic_writes(path):
    """[(register, value)] of the trace of ioapic_mem_write, window writes only."""
    writes, selected = [], 0
    with open(path, encoding="ascii", errors="replace") as stream:
        for line in stream:
            found = re.search(r"ioapic_mem_write .*?addr 0x([0-9a-f]+) regsel:? 0x([0-9a-f]+).*?"
                              r"val 0x([0-9a-f]+)", line)
            if not found:
                continue
            address, selected, value = (int(text, 16) for text in found.groups())
            if address & 0xFF == IOAPIC_WINDOW:
                writes.append((selected, value))
    return writes


def test_conformance_of_the_order_of_writes(tmp_path):
    trace = tmp_path / "trace"
    with Cases("order of writes") as cases, \
            Guest(devices=["edu"], drivers=["edu-line"],
                  qemu_args=["-trace", "ioapic_mem_write", "-D", str(trace)]) as guest:
        guest.wait_for_prompt()
        guest.command(raise_command("edu-line0", 10))
        guest.command("driver stop edu-line")
        guest.command("driver start edu-line")
        writes = ioapic_writes(trace)
        low, bad, changes = {}, 0, 0
        for register, value in writes:
            if register < IOAPIC_TABLE:
                continue
            pin, high = divmod(register - IOAPIC_TABLE, 2)
            was = low.get(pin, RTE_MASKED)
            if high:
                bad += not was & RTE_MASKED
                continue
            bad += not was & RTE_MASKED and not value & RTE_MASKED and was != value
            changes += was != value
            low[pin] = value
        cases.expect(changes >= 4 and bad == 0,
                     "HW-46 an entry changes only while it is masked, its high half before the low")


# ---- what firmware says --------------------------------------------------------------------------


def test_conformance_of_overrides_and_the_8259():
    with Cases("overrides and the 8259") as cases, Guest(monitor=True) as guest:
        guest.wait_for_prompt()
        madt = [row["what"] for row in guest.json("madt -j")]
        pins = guest.json("ioapic -j")
        sci = next(row for row in guest.json("irq -j") if row["source"] == "ioapic0 pin 9")
        entry = next(row for row in pins if row["pin"] == 9)
        cases.expect(any(text.startswith("ISA IRQ 0 is GSI 2") for text in madt),
                     "HW-47 the override of ISA interrupt 0 to GSI 2 is read")
        cases.expect("ISA IRQ 9 is GSI 9, level, active high" in madt and sci["mode"] == "level"
                     and entry["trigger"] == "level" and entry["active"] == "high",
                     "HW-47 the SCI's line has the mode and polarity of its override")
        ranges = [text for text in madt if "GSI" in text and "and up" in text]
        cases.expect(len(ranges) == 1 and len({row["gsi"] for row in pins}) == len(pins),
                     "HW-47 the ranges of GSIs do not overlap")
        pic = guest.monitor.command("info pic")
        found = re.findall(r"pic[01]: irr=\w+ imr=(\w+) .*?irq_base=(\w+)", pic)
        cases.expect(len(found) == 2 and all(mask == "ff" for mask, _ in found),
                     "HW-48 both 8259s are masked whole")
        cases.expect(len(found) == 2 and all(int(base, 16) >= 0x20 for _, base in found),
                     "HW-48 and their vectors are none of the exceptions'")


@pytest.mark.parametrize("machine, lines, pic", [("q35", 4, "ok"), ("pc", 2, "none")])
def test_conformance_of_pins_and_links(machine, lines, pic):
    """On pc two links have GSI 10, two 11, and the DSDT has no _PIC."""
    slots = range(4, 8)
    with Cases(f"pins of {machine}") as cases, \
            Guest(machine=machine, devices=[f"edu,addr={slot}" for slot in slots],
                  drivers=["edu-line"]) as guest:
        guest.wait_for_prompt()
        exact, routed, sources = 0, 0, set()
        for number, slot in enumerate(slots):
            name = f"edu-line{number}"
            before = {row["source"]: sum(row["counts"]) for row in guest.json("irq -j")}
            guest.command(raise_command(name, 50))
            fired = {row["source"] for row in guest.json("irq -j")
                     if sum(row["counts"]) > before.get(row["source"], 0)
                     and row["chip"] == "ioapic"}
            gsi = next(row["what"] for row in guest.json(f"route 0:{slot}.0 -j")
                       if row["step"] == "GSI")
            routed += fired == {f"ioapic0 pin {int(gsi.split(',')[0])}"}
            sources |= fired
            exact += is_exact(guest, name)
        cases.expect(exact == len(slots) and routed == len(slots) and len(sources) == lines,
                     "HW-49 the GSI that _PRT and the swizzle give is the pin that fires, for each "
                     "of four slots")
        acpi = guest.json("acpi -j")
        links = [row["value"] for row in acpi if row["what"] == "link"]
        cases.expect({"what": "_PIC", "value": pic} in acpi and len(links) >= 4
                     and all("GSI" in link for link in links),
                     "HW-50 links are read after _PIC, if there is one, and those in use have a "
                     "GSI")


# ---- shortage ------------------------------------------------------------------------------------


def table_of(guest, entries):
    """The MSI-X table of an nvme, as it stands in memory: BAR 0, 2000 hex on."""
    row = next(row for row in guest.json("devices -j") if "VEN_1B36&DEV_0010" in row["instance"])
    memory = next(text for text in row["resources"] if text.startswith("memory "))
    base = int(memory.split()[1].split("-")[0], 16) + 0x2000
    return base, [[guest.qtest.readl(base + 16 * entry + 4 * word) for word in range(4)]
                  for entry in range(entries)]


def test_conformance_of_a_table_that_is_given_back():
    with Cases("a table that is given back") as cases, \
            Guest(devices=["nvme"], drivers=["nvme"], qtest=True) as guest:
        guest.wait_for_prompt()
        base, used = table_of(guest, 4)
        cases.expect(any(entry[2] for entry in used),
                     "HW-67 in use the entries of a table have vectors")
        guest.command("driver stop nvme")
        left = [[guest.qtest.readl(base + 16 * entry + 4 * word) for word in range(4)]
                for entry in range(4)]
        cases.expect(all(entry == [0, 0, 0, 1] for entry in left),
                     "HW-71 taken back they are masked and empty")
        guest.command("driver start nvme")
        cases.expect(guest.json("dev -j read nvme0 512")[0]["data"] != "",
                     "HW-71 given again they work")


def resources_guest(cpus, devices, **more):
    run = suite.Run({"group": "resources", "inf": "resources", "devices": devices}, cpus, None)
    return run.guest(**more)


@pytest.mark.parametrize("cpus", [1, 4, 16])
def test_conformance_of_shortage(cpus):
    devices = ["nvme,addr=4,msix_qsize=2048", "virtio-rng-pci,addr=5,vectors=2048",
               "nvme,addr=6,msix_qsize=100"]
    with Cases(f"shortage on {cpus} CPUs") as cases, resources_guest(cpus, devices) as guest:
        guest.wait_for_prompt()
        nvme = [[text for text in row["resources"] if "vector" in text]
                for row in guest.json("devices -j") if "VEN_1B36&DEV_0010" in row["instance"]]
        virtio = given(guest, "VEN_1AF4&DEV_1005")
        cases.expect(len(nvme[0]) == 1 and "message" in nvme[0][0],
                     "RES-MSI-5, RES-MSI-6, HW-61, HW-72 a table of 2,048 for which there are not "
                     "enough vectors: nvme gets exactly one message")
        cases.expect(len(virtio) == 1 and "message" in virtio[0],
                     "RES-MSI-6, HW-61, HW-72 and so does virtio")
        enough = cpus * 48 > 110  # three levels of 16 vectors on each processor
        cases.expect(len(nvme[1]) == (100 if enough else 1),
                     "RES-MSI-4, RES-MSI-6, HW-72 a table of 100 gets 100 where there are, or one")
        before = free_vectors(guest)
        cases.add(suite.step(guest, "resources", BIG_CYCLES))
        cases.expect(free_vectors(guest) == before,
                     "HW-72, RES-MSIX-4 stopping and starting a table of 2,048 leaks no vector")


def test_conformance_of_a_thousand_starts():
    with Cases("a thousand starts") as cases, \
            resources_guest(2, ["rocker,addr=4", "edu,addr=5", "pci-serial,addr=6"]) as guest:
        guest.wait_for_prompt()
        before = free_vectors(guest)
        cases.add(suite.step(guest, "resources", CYCLES))
        cases.expect(free_vectors(guest) == before, "HW-72 1,000 stops and starts leak no vector")


def test_conformance_of_no_message_at_all():
    with Cases("no message at all") as cases, \
            resources_guest(1, ["edu,addr=4"]) as guest:
        guest.wait_for_prompt()
        guest.command("inject messages 00:04.0 0")
        guest.command("driver stop resources")
        guest.command("driver start resources")
        interrupts = given(guest, "VEN_1234&DEV_11E8")
        cases.expect(len(interrupts) == 1 and interrupts[0].startswith("line "),
                     "RES-MSI-7, HW-61 a device that can be given no message gets its line")


# ---- starts that fail ----------------------------------------------------------------------------


def test_conformance_of_a_start_that_the_bus_fails():
    """Six frame buffers of 512 MiB do not fit below 4 GiB, where the kernel places them."""
    with Cases("a start that the bus fails") as cases, \
            resources_guest(1, ["secondary-vga,vgamem_mb=512"] * 6,
                            qemu_args=["-bios", "qboot.rom"]) as guest:
        guest.wait_for_prompt()
        rows = [row for row in guest.json("devices -j") if "DEV_1111" in row["instance"]]
        started = [row for row in rows if row["state"] == "started"]
        failed = [row for row in rows if row["state"] == "failed"]
        cases.expect(started and failed and all(row["status"] == "0xC000009A" for row in failed),
                     "PNP-2 a start that the bus fails ends with the bus's status")


# ---- what the verifier keeps ---------------------------------------------------------------------


def test_conformance_of_time_budgets():
    with Cases("time budgets") as cases, Guest(devices=["edu"], drivers=["edu-line"]) as guest:
        guest.wait_for_prompt()
        guest.command(raise_command("edu-line0", 100))
        rows = guest.json("verifier -j")
        kinds = {row["kind"]: row for row in rows if "kind" in row}
        cases.expect(kinds and all(row["longest ns"] > 0 and row["runs"] > 0
                                   for row in kinds.values()) and len(kinds) >= 2,
                     "BUD-2 the longest time of each service routine and DPC is kept, and readable")
