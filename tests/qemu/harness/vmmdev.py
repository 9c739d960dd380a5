"""VirtualBox's guest device, played for VBoxGuest.sys by QEMU's rtl8139 and a debugger.

The driver wants a PCI function with ports, memory and a line. In memory it looks for a size, the
version 1 and, at offset 8, whether there are events: rtl8139 has its MAC address and its multicast
registers there, which can be written. It sends a request by writing its physical address to the
first port, and finds the answer in the request: breakpoints behind its OUT give the answer. An
event's interrupt is rtl8139's timer's. (VirtualBox: include/VBox/VMMDev.h)
"""
import re
import struct

from .gdb import RBX, Gdb
from .guest import PROMPT

DEVICE = "rtl8139,mac=20:00:00:00:01:00,romfile="  # size 32, version 1
MATCH = r"PCI\VEN_10EC&DEV_8139"

# In the driver: OUT DX, EAX; MOV EAX, [RBX + 12], where RBX points to the request, and 12 is where
# its result goes. IN EAX, DX of the ISR, which has seen an event and asks which.
REQUEST = bytes.fromhex("EF 8B 43 0C")
EVENT = bytes.fromhex("ED 8B C8 83 F9 FF")
RESULT_OFFSET = 12

# rtl8139
EVENTS, INTERRUPT_MASK, INTERRUPT_STATUS, TIMER, TIMER_DUE = 0x08, 0x3C, 0x3E, 0x48, 0x54
TIMEOUT = 0x4000       # in mask and status
TIMER_TICKS = 100_000  # of 30 ns

QUIET_SECONDS = 0.5


def address_of(image, pattern):
    """Where the one occurrence of a pattern in the first section is loaded, from the base."""
    header = struct.unpack_from("<I", image, 0x3C)[0]
    optional_size = struct.unpack_from("<H", image, header + 20)[0]
    virtual, _, raw = struct.unpack_from("<III", image, header + 24 + optional_size + 12)
    assert image.count(pattern) == 1, "this VBoxGuest.sys is another than the one known here"
    return image.index(pattern) - raw + virtual


class VmmDev:
    """For a Guest with gdb=True and qtest=True at whose prompt the driver is loaded."""

    def __init__(self, guest, driver):
        self.guest, self.requests = guest, []
        rows = [row for row in guest.json("drivers -j") if row["driver"] == "VBoxGuest"]
        with open(driver, "rb") as stream:
            image = stream.read()
        self.request = rows[0]["base"] + address_of(image, REQUEST)
        self.event = rows[0]["base"] + address_of(image, EVENT)
        self.gdb = Gdb(guest.machine.path("gdb"))
        self.gdb.break_at(self.request)
        self.gdb.break_at(self.event)
        self.gdb.resume()
        self.memory = None

    def answer(self):
        """Says yes to the request at which the machine has stopped."""
        request = self.gdb.register(RBX)
        self.requests.append(struct.unpack_from("<I", self.gdb.read(request, 12), 8)[0])
        self.gdb.write(request + RESULT_OFFSET, bytes(4))
        self.gdb.resume()

    def command(self, line):
        """A console command, with all requests that the driver makes meanwhile."""
        start = len(self.guest.text)
        self.guest.type(line + "\r")
        while True:
            stopped_at = self.gdb.wait_for_stop(QUIET_SECONDS)
            if stopped_at is not None:
                assert stopped_at == self.request
                self.answer()
            elif len(self.guest.text) > start and self.guest.text.endswith(PROMPT):
                self.guest.position = len(self.guest.text)
                return self.guest.text[start:]

    def find_memory(self):
        rows = [row for row in self.guest.json("devices -j") if row["driver"] == "VBoxGuest"]
        self.memory = int(re.search(r"memory (0x[0-9a-f]+)", str(rows)).group(1), 16)

    def raise_event(self):
        """One event: the line is asserted until the ISR asks which it is."""
        ask, memory = self.guest.qtest.ask, self.memory
        ask(f"writel {memory + EVENTS:#x} 4")
        ask(f"writew {memory + INTERRUPT_MASK:#x} {TIMEOUT:#x}")
        ask(f"writel {memory + TIMER_DUE:#x} {TIMER_TICKS:#x}")
        ask(f"writel {memory + TIMER:#x} 0")
        assert self.gdb.wait_for_stop(30) == self.event, "the service routine has been called"
        ask(f"writel {memory + TIMER_DUE:#x} 0")
        ask(f"writew {memory + INTERRUPT_STATUS:#x} 0xffff")
        self.gdb.resume()
        ask(f"writel {memory + EVENTS:#x} 0")

    def leave(self):
        self.gdb.interrupt()
        self.gdb.close()
