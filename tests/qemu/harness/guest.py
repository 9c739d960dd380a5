"""A guest under test: started with drivers, watched over its serial console, judged.

    with Guest(cpus=4, devices=["edu"], drivers=["edu-line"]) as guest:
        guest.wait_for_prompt()
        assert guest.command("irq -j")

    result = run_commands(["irq -j"], devices=["edu"], drivers=["edu-line"])
    assert result.verdict == SUCCESS
"""
import codecs
import json
import os
import re
import socket
import subprocess
import threading
import time

from hostlib import archive, console, qemu

PROMPT = "dirql> "
VERIFY = "verify irq -j"
LOG_PREFIX = "dirql: "

SUCCESS, COMMAND_FAILED, BUGCHECK, NOT_STARTED = 0x10, 0x11, 0x13, 0x15

BOOT_TIMEOUT = 60
COMMAND_TIMEOUT = 30

BUILD = qemu.BUILD


class GuestError(AssertionError):
    """The guest did not do what was waited for; the text ends with its last output."""


def driver_files(names, folder="drivers"):
    """The .sys and .inf of each name under build/<folder>; a path is taken as it is."""
    files = []
    for name in names:
        stem = name if os.path.isabs(name) else os.path.join(BUILD, folder, name)
        stem = stem[:-4] if stem.endswith(".sys") else stem
        files.append(stem + ".sys")
        if os.path.exists(stem + ".inf"):
            files.append(stem + ".inf")
    return files


class Guest:
    """One QEMU process. Output is collected by a thread; `text` is all of it so far."""

    def __init__(self, machine="q35", boot="direct", firmware="bios", cpus=1, memory=None,
                 devices=(), drivers=(), folder="drivers", named=None, matches=(), commands=None,
                 append="", qemu_args=(), extra_members=(), qtest=False, monitor=False,
                 gdb=False, kernel=qemu.KERNEL, emulator=None):
        files = driver_files(drivers, folder)
        if named is None:
            named = [os.path.basename(f) for f in files if f.endswith(".sys")]
        members = archive.compose(files, named, matches, commands) + list(extra_members)
        if "bugcheck=" not in append:
            append = f"bugcheck=exit {append}".strip()
        if "verifier=" not in append:
            append += " verifier=all"
        self.machine = qemu.Machine(
            machine=machine, boot=boot, firmware=firmware, cpus=cpus, memory=memory,
            devices=devices, append=append, qemu_args=list(qemu_args), members=members,
            kernel=kernel, qemu=emulator)
        self.has_commands = commands is not None
        self.want_qtest, self.want_monitor, self.want_gdb = qtest, monitor, gdb
        self.qtest = self.monitor = self.process = None
        self.transcript = console.Transcript()
        self.text = ""
        self.position = 0
        self.changed = threading.Condition()
        self.ended = False

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, kind, *_):
        try:
            if kind is None and self.is_at_prompt():
                self.verify()
        finally:
            self.close()

    def is_at_prompt(self):
        return not self.has_commands and self.text.endswith(PROMPT) and \
            self.process.poll() is None

    def verify(self):
        """Fails unless the hardware holds what the kernel believes of interrupts."""
        check_verify(self.json(VERIFY), self.text)

    def start(self):
        command = self.machine.command()
        for wanted, name, option in ((self.want_qtest, "qtest", "-qtest"),
                                     (self.want_monitor, "monitor", "-monitor"),
                                     (self.want_gdb, "gdb", "-gdb")):
            if wanted:
                command += [option, f"unix:{self.machine.path(name)},server=on,wait=off"]
        if self.want_qtest:
            command += ["-qtest-log", "/dev/null"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT,
                                        preexec_fn=qemu.die_with_parent)
        threading.Thread(target=self._collect, daemon=True).start()
        if self.want_qtest:
            self.qtest = QTest(self.machine.path("qtest"))
        if self.want_monitor:
            self.monitor = Monitor(self.machine.path("monitor"))
        return self

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
        for link in (self.qtest, self.monitor):
            if link:
                link.close()
        self.machine.close()

    def _collect(self):
        decoder = codecs.getincrementaldecoder("utf-8")("replace")  # a character may come in two
        while True:
            data = os.read(self.process.stdout.fileno(), 65536)
            shown = decoder.decode(self.transcript.feed(data))
            with self.changed:
                self.text += shown
                self.ended = self.ended or not data
                self.changed.notify_all()
            if not data:
                return

    def fail(self, what):
        seen = self.text[-3000:] or self.transcript.before.decode("utf-8", "replace")[-1000:]
        raise GuestError(f"{what}\n--- console, last lines ---\n{seen}")

    def expect(self, pattern, timeout=COMMAND_TIMEOUT):
        """Waits for a regular expression in what has not been matched yet; returns the match."""
        regex = re.compile(pattern, re.M)
        deadline = time.monotonic() + timeout
        with self.changed:
            while True:
                match = regex.search(self.text, self.position)
                if match:
                    self.position = match.end()
                    return match
                left = deadline - time.monotonic()
                if self.ended or left <= 0:
                    break
                self.changed.wait(left)
        self.fail(f"{'the guest ended' if self.ended else f'{timeout} s passed'} "
                  f"before {pattern!r} was seen")

    def wait_for_prompt(self, timeout=BOOT_TIMEOUT):
        self.expect(re.escape(PROMPT), timeout)

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def command(self, line, timeout=COMMAND_TIMEOUT):
        """Types a command at the prompt, returns its output lines without log and echo."""
        start = self.position
        self.type(line + "\r")
        self.wait_for_prompt(timeout)
        output = strip_log(self.text[start:self.position - len(PROMPT)])
        echo = ""  # in pieces, where log lines came between
        while output and len(echo) < len(line.rstrip()):
            echo += output.pop(0)
        return output

    def json(self, line, timeout=COMMAND_TIMEOUT):
        """A command's JSON lines, parsed."""
        return parse_json(self.command(line, timeout))

    def wait(self, timeout=BOOT_TIMEOUT):
        """Waits for QEMU to exit; returns the verdict, or None without one."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.fail(f"the guest had not ended after {timeout} s")
        with self.changed:
            self.changed.wait_for(lambda: self.ended, 5)
        return (status - 1) // 2 if status > 1 and status & 1 else None


class Result:
    """A finished run: verdict, the whole console text, and each command's output."""

    def __init__(self, verdict, text):
        self.verdict, self.text = verdict, text
        self.lines = strip_log(text)
        self.log = [line[len(LOG_PREFIX):] for line in text.split("\n")
                    if line.startswith(LOG_PREFIX)]
        self.outputs = split_outputs(text)

    def json(self, number):
        """The JSON lines of command `number`, counted from 1."""
        return parse_json(self.outputs.get(number, []))


def split_outputs(text):
    """{command number: its lines}: a command's output ends with `dirql: exec: <n> ok|failed`."""
    outputs, current = {}, []
    for line in text.split("\n"):
        ending = re.match(r"dirql: exec: (\d+) (ok|failed)", line)
        if ending:
            outputs[int(ending.group(1))] = current
            current = []
        elif not line.startswith(LOG_PREFIX):
            current.append(line)
    return outputs


def check_verify(rows, text):
    """Rows of `verify irq -j`: differences, then their number."""
    wrong = [row for row in rows if "where" in row]
    if wrong or not rows or rows[-1].get("differences") != 0 or not rows[-1]["checked"]:
        raise GuestError(f"verify irq: {wrong or rows}\n--- console, last lines ---\n"
                         f"{text[-3000:]}")


def run_commands(commands, timeout=BOOT_TIMEOUT, **options):
    """Boots, runs the commands, has interrupts verified, waits for the verdict.

    A run that ends before its last command (bug check, reboot) is not verified.
    """
    with Guest(commands=[*commands, VERIFY], **options) as guest:
        result = Result(guest.wait(timeout), guest.text)
    verified = result.outputs.pop(len(commands) + 1, None)
    if verified is not None:
        check_verify(parse_json(verified), result.text)
    return result


def strip_log(text):
    return [line for line in text.split("\n") if line and not line.startswith(LOG_PREFIX)]


def parse_json(lines):
    return [json.loads(line) for line in lines if line.startswith("{")]


class _Link:
    """A line protocol over a UNIX socket of QEMU."""

    def __init__(self, path):
        deadline = time.monotonic() + 10
        self.socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        self.socket.settimeout(10)
        self.stream = self.socket.makefile("rw", newline="\n")

    def close(self):
        self.stream.close()
        self.socket.close()


class QTest(_Link):
    """Drives the machine from outside: forged MSIs, pins, memory and ports."""

    def ask(self, line):
        self.stream.write(line + "\n")
        self.stream.flush()
        while True:
            answer = self.stream.readline().split()
            if not answer:
                raise GuestError(f"qtest closed during: {line}")
            if answer[0] == "OK":
                return answer[1:]
            if answer[0] != "IRQ":
                raise GuestError(f"qtest: {line}: {' '.join(answer)}")

    def writel(self, address, value):
        self.ask(f"writel {address:#x} {value:#x}")

    def readl(self, address):
        return int(self.ask(f"readl {address:#x}")[0], 16)

    def outb(self, port, value):
        self.ask(f"outb {port:#x} {value:#x}")

    def outl(self, port, value):
        self.ask(f"outl {port:#x} {value:#x}")

    def msi(self, vector, apic_id=0):
        """A fixed, edge interrupt message to one CPU."""
        self.writel(0xFEE00000 | apic_id << 12, vector)

    def set_irq_in(self, pin, level, path="/machine/q35/ioapic"):
        self.ask(f"set_irq_in {path} unnamed-gpio-in {pin} {level}")


class Monitor(_Link):
    """QEMU's human monitor."""

    def __init__(self, path):
        super().__init__(path)
        self._until_prompt()

    def _until_prompt(self):
        text = ""
        while not text.endswith("(qemu) "):
            data = self.socket.recv(65536)
            if not data:
                break
            text += data.decode("utf-8", "replace")
        return text[:-len("(qemu) ")]

    def command(self, line):
        """Runs one command, returns its output."""
        self.socket.sendall(line.encode() + b"\n")
        return self._until_prompt().partition("\n")[2].replace("\r", "")
