"""Runs QEMU, relays its serial console, and turns what happened into an exit status.

The kernel ends a run by writing a verdict v to the debug-exit port, which makes QEMU exit with
2v + 1. Kernel log lines begin with `dirql: `; every other line is a driver's or a command's and
is passed on byte for byte.
"""
import os
import re
import select
import subprocess
import sys
import termios
import time
import tty

from . import qemu

OK, FAILED, USAGE, BUGCHECK, TIMEOUT, NOT_STARTED = range(6)

PREFIX = b"dirql: "
QUIT_KEY = b"\x1d"

VERDICTS = {0x10: OK, 0x11: FAILED, 0x13: BUGCHECK, 0x15: NOT_STARTED}


class Transcript:
    """Watches the console: drops what firmware printed, notes stops and command results, and puts
    names below the kernel's lines that have addresses of drivers."""

    STOP = re.compile(rb"dirql: \*\*\* STOP ")
    EXEC = re.compile(rb"dirql: exec: (\d+) (ok|failed)")

    def __init__(self, symbols=None, keep_carriage_returns=False):
        self.symbols = symbols
        self.started = False
        self.before = b""
        self.line = b""
        self.stopped = False
        self.results = {}
        self.keep_carriage_returns = keep_carriage_returns

    def feed(self, data):
        """Takes bytes from the guest, returns those to show."""
        if not self.started:
            self.before += data
            start = self.before.find(PREFIX)
            if start < 0:
                return b""
            self.started, data, self.before = True, self.before[start:], b""
        if not self.keep_carriage_returns:
            data = data.replace(b"\r", b"")
        *lines, self.line = (self.line + data).split(b"\n")
        shown = []
        for line, piece in zip(lines, data.split(b"\n")):
            self._watch(line)
            shown += [piece, *self._below(line)]
        return b"\n".join([*shown, data.rpartition(b"\n")[2]])

    def _below(self, line):
        if self.symbols is None or not line.startswith(PREFIX):
            return []
        ending = b"\r" if self.keep_carriage_returns else b""
        return [text + ending for text in self.symbols.below(line)]

    def _watch(self, line):
        if self.STOP.search(line):
            self.stopped = True
        result = self.EXEC.search(line)
        if result:
            self.results[int(result.group(1))] = result.group(2) == b"ok"

    def finish(self):
        self._watch(self.line)


class Console:
    """One QEMU process and the loop between it and our own standard streams."""

    def __init__(self, command, interactive, timeout, symbols=None):
        self.command, self.interactive = command, interactive
        self.deadline = time.monotonic() + timeout if timeout else None
        self.transcript = Transcript(symbols, keep_carriage_returns=interactive)
        self.quit = False
        self.process = None

    def run(self):
        """Runs to the end. Returns QEMU's exit status, or None if it was ended from here."""
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, preexec_fn=qemu.die_with_parent,
            stdin=subprocess.PIPE if self.interactive else subprocess.DEVNULL)
        saved = None
        if self.interactive:
            saved = termios.tcgetattr(sys.stdin)
            tty.setraw(sys.stdin)
        try:
            self._relay()
            if not self.quit and not self._expired():
                self._wait()
        finally:
            if saved:
                termios.tcsetattr(sys.stdin, termios.TCSADRAIN, saved)
            ended_here = self.process.poll() is None
            if ended_here:
                self.process.kill()
                self.process.wait()
        self.transcript.finish()
        return None if ended_here else self.process.returncode

    def _wait(self):
        """The console is closed: QEMU ends at once, unless it hangs."""
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            pass

    def _expired(self):
        return self.deadline is not None and time.monotonic() >= self.deadline

    def _relay(self):
        guest = self.process.stdout.fileno()
        sources = [guest] + ([sys.stdin.fileno()] if self.interactive else [])
        while not self.quit and not self._expired():
            wait = None if self.deadline is None else max(0, self.deadline - time.monotonic())
            for ready in select.select(sources, [], [], wait)[0]:
                data = os.read(ready, 65536)
                if ready != guest:
                    self._type(data)
                elif not data:
                    return
                else:
                    self._show(self.transcript.feed(data))

    def _type(self, data):
        if QUIT_KEY in data or not data:
            self.quit = True
            return
        try:
            self.process.stdin.write(data)
            self.process.stdin.flush()
        except BrokenPipeError:
            self.quit = True

    @staticmethod
    def _show(data):
        try:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            sys.stdout = open(os.devnull, "w", encoding="utf-8")


def exit_status(status, console, commands):
    """The documented status of `dirql run`, and a line to print where it is not plain."""
    transcript = console.transcript
    if transcript.stopped:
        return BUGCHECK, None
    if status is None:
        if console.quit:
            return OK, None
        if not transcript.started and transcript.before:
            tail = transcript.before[-400:].decode("utf-8", "replace")
            return TIMEOUT, f"timeout before the kernel's first line; last seen: {tail!r}"
        return TIMEOUT, "timeout"
    if status > 1 and status & 1 and (status - 1) // 2 in VERDICTS:
        return VERDICTS[(status - 1) // 2], None
    if status == 0:
        done = [transcript.results.get(n + 1) for n in range(len(commands))]
        if not console.interactive and (False in done or None in done or not commands):
            return FAILED, "the machine switched off or reset before all commands had ended"
        return OK, None
    if status < 0:
        return USAGE, f"QEMU was ended by signal {-status}"
    return USAGE, "QEMU did not start the machine: see its message above"
