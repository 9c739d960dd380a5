"""`verify irq` names each difference of a CPU: its local APIC, its IDT, its vector map.

Two cannot be made. "read" says that a CPU did not answer, and the call that reads waits for all.
"TPR" is CR8, and the write of CR8 with which that call begins sets all of it.
"""
import pytest

from harness import suite
from harness.meddler import Meddler

CPU = 1
STEP_BASE = 0xFFF
STRAY_VECTOR, SPURIOUS = 0xB5, 0xFF
ATTEMPTS = 100  # until a message from outside has been taken
#: register, bit that is inverted, name in the report
REGISTERS = [(0x0D0, 31, "LDR"), (0x0E0, 28, "DFR"), (0x0F0, 0, "spurious"),
             (0x320, 0, "LVT timer"), (0x330, 0, "LVT thermal"), (0x340, 0, "LVT performance"),
             (0x350, 0, "LVT LINT0"), (0x360, 0, "LVT LINT1"), (0x370, 0, "LVT error"),
             (0x3E0, 0, "timer divide"), (STEP_BASE, 12, "IA32_APIC_BASE")]
PCR_VECTOR_LINE, PCR_APIC_ID = 0x300, 0x210


def assert_named(cpus, cpu, registers):
    run = suite.Run({"group": "apic", "devices": ["edu"]}, cpus, None)
    with Meddler(**run.options()) as guest:
        guest.wait_for_prompt()
        for register, bit, name in registers:
            assert guest.differences() == {}, f"before {name}"
            step = register | bit << 12 | cpu << 20
            suite.step(guest, "apic", step)
            (place, (right, held)), = guest.differences().items()
            assert place == (f"CPU {cpu} local APIC", name) and right ^ held == 1 << bit
            suite.step(guest, "apic", step)
        assert guest.differences() == {}


def test_each_register_of_the_local_apic_that_was_changed_is_named():
    """The clock of the boot CPU would stop; the other's is off."""
    assert_named(2, CPU, REGISTERS)


def test_an_id_that_was_changed_is_named():
    """Nobody else is there, whose messages would not arrive."""
    assert_named(1, 0, [(0x020, 25, "ID")])


@pytest.fixture(name="guest")
def fixture_guest():
    with Meddler(cpus=2, monitor=True, devices=["edu,addr=4"], drivers=["edu-line"]) as guest:
        guest.wait_for_prompt()
        assert guest.differences() == {}
        yield guest


def gate(guest, vector):
    return guest.idt(CPU) + 16 * vector


@pytest.mark.parametrize("bit, name, value", [
    (4, "target of a gate", 1 << 4), (16, "selector of a gate", 1), (33, "stack of a gate", 2),
    (40, "type of a gate", 1), (47, "gate is present", 1),
], ids=["target", "selector", "stack", "type", "present"])
def test_a_gate_that_was_changed_is_named(guest, bit, name, value):
    """`value`: what the bit is worth in the field it belongs to."""
    address = gate(guest, STRAY_VECTOR)
    before = guest.peek(CPU, address)
    guest.poke(CPU, address, before ^ 1 << bit)
    (place, (right, held)), = guest.differences().items()
    assert place == (f"CPU {CPU} IDT", name) and right ^ held == value
    guest.poke(CPU, address, before)
    assert guest.differences() == {}


def test_a_vector_of_nobody_that_is_in_service_is_named(guest):
    """A message to it comes while its gate is the spurious one's, which ends no interrupt."""
    saved = [guest.peek(CPU, gate(guest, STRAY_VECTOR) + half) for half in (0, 8)]
    for half in (0, 8):
        guest.poke(CPU, gate(guest, STRAY_VECTOR) + half,
                   guest.peek(CPU, gate(guest, SPURIOUS) + half))
    guest.qtest.msi(STRAY_VECTOR, CPU)
    for _ in range(ATTEMPTS):
        if f"0x{STRAY_VECTOR:02x}" in guest.json("apic -j")[CPU]["in service"]:
            break
    for half, value in zip((0, 8), saved):
        guest.poke(CPU, gate(guest, STRAY_VECTOR) + half, value)
    assert guest.differences() == {
        (f"CPU {CPU} local APIC", "in service, though nobody has that vector"): (0, STRAY_VECTOR)}


def slot(guest, cpu, vector):
    return guest.pcr(cpu) + PCR_VECTOR_LINE + 8 * vector


def edu_row(guest):
    return next(row for row in guest.json("irq -j") if "edu-line.sys" in row["drivers"])


def test_a_vector_map_that_was_changed_is_named(guest):
    row = edu_row(guest)
    line = guest.peek(0, slot(guest, 0, row["vector"]))
    stray = guest.peek(0, slot(guest, 0, STRAY_VECTOR))
    assert row["cpu"] == 0 and line != stray
    guest.poke(CPU, slot(guest, CPU, STRAY_VECTOR), line)
    assert guest.differences() == {("CPU 1", "vector of the bound line"): (STRAY_VECTOR,
                                                                           row["vector"]),
                                   ("CPU 1", "CPU of the bound line"): (CPU, 0)}
    guest.poke(CPU, slot(guest, CPU, STRAY_VECTOR), stray)
    guest.poke(0, slot(guest, 0, row["vector"]), stray)
    assert guest.differences() == {(row["source"], "bound in the vector map"): (line, stray)}
    guest.poke(0, slot(guest, 0, row["vector"]), line)
    guest.command("driver stop edu-line")
    assert guest.differences() == {}
    guest.poke(0, slot(guest, 0, row["vector"]), line)
    assert guest.differences() == {("CPU 0", "bound line is in use"): (1, 0)}


def test_a_cpu_that_is_believed_to_have_another_id_is_named(guest):
    row = edu_row(guest)
    guest.command(f'irq move "{row["source"]}" {CPU}')
    address = guest.pcr(CPU) + PCR_APIC_ID
    before = guest.peek(CPU, address)
    guest.poke(CPU, address, before ^ 4)
    assert guest.differences() == {(row["source"], "APIC of its CPU"): (5, 1),
                                   ("CPU 1 local APIC", "ID"): (5 << 24, 1 << 24)}
    guest.poke(CPU, address, before)
    assert guest.differences() == {}
