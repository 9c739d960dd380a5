"""QEMU's gdbstub, as far as a test needs it: breakpoints in a machine with one CPU.

Connecting stops the machine; `resume` lets it run until a breakpoint.
"""
import socket
import struct

from .guest import COMMAND_TIMEOUT

RBX, RIP = 1, 16  # as "g" numbers them


class Gdb:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.settimeout(COMMAND_TIMEOUT)
        self.data = b""
        self.breakpoints = set()
        self._ask("qSupported")  # behind it comes what connecting has to say
        self._ask("?")

    def _send(self, text):
        self.socket.sendall(b"$%s#%02x" % (text.encode(), sum(text.encode()) & 0xFF))

    def _receive(self):
        while True:
            start = self.data.find(b"$")
            end = self.data.find(b"#", start + 1)
            if start >= 0 and end >= 0 and len(self.data) >= end + 3:
                packet, self.data = self.data[start + 1:end].decode(), self.data[end + 3:]
                self.socket.sendall(b"+")
                return packet
            self.data += self._more()

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError("QEMU has closed the gdb connection")
        return data

    def _ask(self, text):
        self._send(text)
        answer = self._receive()
        while text != "?" and text != "s" and answer.startswith("T"):
            answer = self._receive()
        return answer

    def register(self, number):
        return struct.unpack_from("<Q", bytes.fromhex(self._ask("g")), 8 * number)[0]

    def read(self, address, length):
        return bytes.fromhex(self._ask(f"m{address:x},{length:x}"))

    def write(self, address, data):
        assert self._ask(f"M{address:x},{len(data):x}:{data.hex()}") == "OK"

    def break_at(self, address):
        assert self._ask(f"Z0,{address:x},1") == "OK"
        self.breakpoints.add(address)

    def resume(self):
        """From a stop, over the breakpoint there."""
        address = self.register(RIP)
        if address in self.breakpoints:
            self._ask(f"z0,{address:x},1")
            while self.register(RIP) == address:  # a step may end before the instruction
                self._ask("s")
            self._ask(f"Z0,{address:x},1")
        self._send("c")

    def wait_for_stop(self, seconds):
        """The address where it stopped; None: it runs on."""
        self.socket.settimeout(seconds)
        try:
            self._receive()
        except TimeoutError:
            return None
        finally:
            self.socket.settimeout(COMMAND_TIMEOUT)
        return self.register(RIP)

    def interrupt(self):
        """Stops a machine that runs, wherever it is."""
        self.socket.sendall(b"\x03")
        self._receive()

    def close(self):
        """The machine is stopped; it runs on without breakpoints."""
        for address in self.breakpoints:
            self._ask(f"z0,{address:x},1")
        self._ask("D")
        self.socket.close()
