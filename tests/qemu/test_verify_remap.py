"""`verify irq` names what was changed in a remapping unit: its registers, and entries in memory."""
import re

import pytest

from harness.meddler import Meddler
from test_remapping import AMD, INTEL, THREE, step

VTD_COMMAND, VTD_TABLE = 0xFED90018, 0xFED900B8
VTD_QUEUE_ON, VTD_REMAPPING_ON = 1 << 26, 1 << 25
#: register, bit, name. The unit begins anew when its ring of commands is moved: so that is last.
AMD_REGISTERS = [(0xFED80018, 3, "control"), (0xFED80000, 0, "device table"),
                 (0xFED80010, 12, "event ring"), (0xFED80008, 12, "command ring")]
AMD_TABLE_ROOT = (1 << 52) - (1 << 6)
IOAPIC, EDU_MESSAGE = 0xA0, 5 << 3
VECTOR_BIT = 16  # of an entry, the vector's lowest


def started(kind):
    return Meddler(qemu_args=["-device", kind], **THREE)


def read(guest, address):
    return int(guest.qtest.ask(f"readq {address:#x}")[0], 16)


def write(guest, address, value):
    guest.qtest.ask(f"writeq {address:#x} {value:#x}")


def test_registers_of_vt_d():
    """But the queue's address: QEMU keeps it, also while the queue is off."""
    both = VTD_QUEUE_ON | VTD_REMAPPING_ON
    with started(INTEL) as guest:
        guest.wait_for_prompt()
        assert guest.differences() == {}
        guest.qtest.writel(VTD_COMMAND, VTD_QUEUE_ON)
        assert guest.differences() == {("vtd0", "global status"): (both, VTD_QUEUE_ON)}
        guest.qtest.writel(VTD_COMMAND, both)
        table = read(guest, VTD_TABLE)
        write(guest, VTD_TABLE, table ^ 1 << 12)
        assert guest.differences() == {
            ("vtd0", "remapping table address"): (table, table ^ 1 << 12)}
        write(guest, VTD_TABLE, table)
        assert guest.differences() == {}


def test_registers_of_amd_vi():
    with started(AMD) as guest:
        guest.wait_for_prompt()
        for register, bit, name in AMD_REGISTERS:
            assert guest.differences() == {}, f"before {name}"
            before = read(guest, register)
            write(guest, register, before ^ 1 << bit)
            (place, (right, held)), = guest.differences().items()
            assert place == ("amd-vi0", name) and right ^ held == 1 << bit
            write(guest, register, before)


def vtd_entry(table, _guest, _source, number):
    return table + 16 * number


def amd_entry(table, guest, source, number):
    return (read(guest, table + 32 * source + 16) & AMD_TABLE_ROOT) + 4 * number


@pytest.mark.parametrize("kind, address_of", [(INTEL, vtd_entry), (AMD, amd_entry)],
                         ids=["VT-d", "AMD-Vi"])
def test_entries_in_memory(kind, address_of):
    """One for a message, one for a pin."""
    with started(kind) as guest:
        guest.wait_for_prompt()
        table = guest.json("remap -j")[0]["table"]
        pin = next(row["source"] for row in guest.json("irq -j")
                   if "edu-line.sys" in row["drivers"])
        for function, source, line in (("0:5.0", EDU_MESSAGE, "msi 00:05.0 message 0"),
                                       ("0:4.0", IOAPIC, pin)):
            assert guest.differences() == {}
            number, vector = re.search(r"entry (\d+): vector (0x[0-9a-f]+)",
                                       step(guest, function, "remapping")).groups()
            address = address_of(table, guest, source, int(number))
            before = read(guest, address)
            write(guest, address, before ^ 1 << VECTOR_BIT)
            assert guest.differences() == {(line, "vector"): (int(vector, 16),
                                                              int(vector, 16) ^ 1)}
            write(guest, address, before)
