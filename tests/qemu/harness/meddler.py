"""A guest whose hardware and memory are changed behind its back, for what `verify irq` should find.

    with Meddler(cpus=2, monitor=True, ...) as guest:
        guest.wait_for_prompt()
        guest.poke(1, guest.idt(1) + 16 * 0x77, 0)
        assert guest.differences() == {("CPU 1 IDT", "gate is present"): (1, 0), ...}
"""
import re

from .guest import Guest

IOAPIC_SELECT, IOAPIC_WINDOW = 0xFEC00000, 0xFEC00010
CONFIG_ADDRESS, CONFIG_DATA = 0xCF8, 0xCFC


class Meddler(Guest):
    """Not verified at its end. Addresses of a CPU need monitor=True."""

    def __init__(self, **options):
        super().__init__(qtest=True, **options)

    def is_at_prompt(self):
        return False

    def ioapic(self, register):
        self.qtest.writel(IOAPIC_SELECT, register)
        return self.qtest.readl(IOAPIC_WINDOW)

    def ioapic_set(self, register, value):
        self.qtest.writel(IOAPIC_SELECT, register)
        self.qtest.writel(IOAPIC_WINDOW, value)

    def config(self, device, offset):
        self.qtest.ask(f"outl {CONFIG_ADDRESS:#x} {1 << 31 | device << 11 | offset:#x}")
        return int(self.qtest.ask(f"inl {CONFIG_DATA:#x}")[0], 16)

    def config_set(self, device, offset, value):
        self.qtest.ask(f"outl {CONFIG_ADDRESS:#x} {1 << 31 | device << 11 | offset:#x}")
        self.qtest.ask(f"outl {CONFIG_DATA:#x} {value:#x}")

    def differences(self):
        """{(where, what): (set, held)}"""
        rows = self.json("verify irq -j")
        found = {(row["where"], row["what"]): (row["set"], row["held"])
                 for row in rows if "where" in row}
        assert rows[-1]["differences"] == len(found)
        return found

    # ---- memory, by a CPU's virtual addresses ----

    def _register(self, cpu, pattern):
        self.monitor.command(f"cpu {cpu}")
        return int(re.search(pattern, self.monitor.command("info registers")).group(1), 16)

    def idt(self, cpu):
        return self._register(cpu, r"IDT= *([0-9a-f]+)")

    def pcr(self, cpu):
        return self._register(cpu, r"GS *=[0-9a-f]+ ([0-9a-f]+)")

    def _physical(self, cpu, address):
        self.monitor.command(f"cpu {cpu}")
        answer = self.monitor.command(f"gva2gpa {address:#x}")
        return int(re.search(r"gpa: (0x[0-9a-f]+)", answer).group(1), 16)

    def peek(self, cpu, address):
        return int(self.qtest.ask(f"readq {self._physical(cpu, address):#x}")[0], 16)

    def poke(self, cpu, address, value):
        """Eight bytes; also where the CPU itself may not write."""
        self.qtest.ask(f"writeq {self._physical(cpu, address):#x} {value:#x}")
