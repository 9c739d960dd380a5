"""Remapping units that whoever ran before has left on, and blocking: switched off, or taken over.

The machine is stopped before its first instruction; its units are set up from outside through the
same registers that firmware would use, with tables that let nothing pass; then it boots.
"""
import pytest

from harness.guest import Guest
from test_remapping import AMD, INTEL, THREE, assert_all_deliver

TABLES = 0x4000000  # in memory, all zeroes; whoever uses that later makes no entry valid


class Vtd:
    """VT-d 11.4: QIE, SIRTP and IRE, one at a time; a table of 256 entries, none present. The last
    command of the queue is a wait, as it must be where the queue is to be switched off (6.5.2)."""

    DEVICE = INTEL
    COMMAND, STATUS, QUEUE_TAIL, QUEUE, TABLE_ADDRESS = (
        0xFED90018, 0xFED9001C, 0xFED90088, 0xFED90090, 0xFED900B8)
    QUEUE_ON, REMAPPING_ON, TABLE_SET = 1 << 26, 1 << 25, 1 << 24
    WAIT = 5 | 1 << 5  # and store 0 where the second word says

    def leave_on(self, qtest):
        qtest.ask(f"writeq {self.QUEUE:#x} {TABLES + 0x1000:#x}")
        qtest.ask(f"writeq {self.TABLE_ADDRESS:#x} {TABLES | 7:#x}")
        qtest.ask(f"writeq {TABLES + 0x1000:#x} {self.WAIT:#x}")
        qtest.ask(f"writeq {TABLES + 0x1008:#x} {TABLES + 0x2000:#x}")
        for bits in (self.QUEUE_ON, self.QUEUE_ON | self.TABLE_SET,
                     self.QUEUE_ON | self.REMAPPING_ON):
            qtest.writel(self.COMMAND, bits)
        qtest.ask(f"writeq {self.QUEUE_TAIL:#x} 16")

    def is_on(self, qtest):
        on = qtest.readl(self.STATUS) & (self.QUEUE_ON | self.REMAPPING_ON)
        assert on in (0, self.QUEUE_ON | self.REMAPPING_ON)
        return on != 0


class Amd:
    """AMD-Vi 3.4.4: a device table in which the three devices and the IOAPIC are blocked."""

    DEVICE = AMD
    TABLE_ADDRESS, COMMANDS, EVENTS, CONTROL = 0xFED80000, 0xFED80008, 0xFED80010, 0xFED80018
    ON = 1 << 12 | 1 << 2 | 1
    PASS_MEMORY, BLOCK_INTERRUPTS = 3 << 61 | 3, 1
    SOURCES = (4 << 3, 5 << 3, 7 << 3, 0xA0)

    def leave_on(self, qtest):
        for source in self.SOURCES:
            qtest.ask(f"writeq {TABLES + 32 * source:#x} {self.PASS_MEMORY:#x}")
            qtest.ask(f"writeq {TABLES + 32 * source + 16:#x} {self.BLOCK_INTERRUPTS:#x}")
        qtest.ask(f"writeq {self.TABLE_ADDRESS:#x} {TABLES | 0x1FF:#x}")
        qtest.ask(f"writeq {self.COMMANDS:#x} {TABLES + 0x200000 | 8 << 56:#x}")
        qtest.ask(f"writeq {self.EVENTS:#x} {TABLES + 0x201000 | 8 << 56:#x}")
        qtest.ask(f"writeq {self.CONTROL:#x} {self.ON:#x}")

    def is_on(self, qtest):
        on = int(qtest.ask(f"readq {self.CONTROL:#x}")[0], 16) & self.ON
        assert on in (0, self.ON)
        return on != 0


@pytest.fixture(name="unit", params=[Vtd, Amd], ids=["VT-d", "AMD-Vi"])
def fixture_unit(request):
    return request.param()


def booted(unit, append=""):
    """A guest, not entered, that finds the unit on."""
    return Guest(qtest=True, monitor=True, qemu_args=["-S", "-device", unit.DEVICE], append=append,
                 **THREE)


def go_on(guest, unit):
    assert not unit.is_on(guest.qtest)
    unit.leave_on(guest.qtest)
    assert unit.is_on(guest.qtest)
    guest.monitor.command("cont")
    guest.wait_for_prompt()


def test_ir_off_switches_them_off(unit):
    with booted(unit, "ir=off") as guest:
        go_on(guest, unit)
        assert "remap: off, as the command line has it" in guest.text
        assert not unit.is_on(guest.qtest)
        assert guest.json("remap -j") == []
        assert_all_deliver(guest)


def test_otherwise_they_are_taken_over(unit):
    with booted(unit) as guest:
        go_on(guest, unit)
        assert unit.is_on(guest.qtest) and len(guest.json("remap -j")) == 1
        assert_all_deliver(guest)
