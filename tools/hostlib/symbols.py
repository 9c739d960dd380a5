"""Names for driver addresses on the console: `first.sys+0x1071` is `DpcFn (first.c:5)`.

What a build left beside a driver is asked: NAME.sys.debug or DWARF in NAME.sys itself, by
addr2line; NAME.pdb, by llvm-symbolizer where that is installed.
"""
import os
import re
import shutil
import subprocess

from . import pe

ADDRESS = re.compile(rb"([\w.-]+\.sys)\+0x([0-9a-f]+)", re.I)
PLACE = re.compile(r"(?:.*[/\\])?([^/\\\n?:]+):(\d+)")  # file name, line
VERIFIER = b" verifier: "
UNKNOWN = "??"
TIMEOUT = 10  # seconds; a large PDB takes one


def _ask(command, address):
    """(function, file:line) of what the tool prints, or None."""
    try:
        done = subprocess.run([*command, hex(address)], capture_output=True, text=True, check=False,
                              timeout=TIMEOUT)
    except (OSError, subprocess.TimeoutExpired):
        return None
    function, _, rest = done.stdout.partition("\n")
    if done.returncode or function.startswith(UNKNOWN) or not function:
        return None
    place = PLACE.match(rest)
    return function, f"{place[1]}:{place[2]}" if place else None


class Symbols:
    """The drivers whose files these are; others are left alone."""

    def __init__(self, paths):
        self.paths = {os.path.basename(path).lower(): path for path in paths}
        self.known = {}

    def describe(self, name, offset):
        """`DpcFn (first.c:5)`, or None. The offset is from the beginning of the image."""
        key = name.lower(), offset
        if key not in self.known:
            self.known[key] = self._look_up(*key)
        return self.known[key]

    def below(self, line):
        """The lines that belong below one of the console's: one for each address in it."""
        found = []
        for name, offset in ADDRESS.findall(line):
            text = self._describe(name.decode(), int(offset, 16), VERIFIER in line)
            if text:
                found.append(f"dirql:      {name.decode()}+0x{offset.decode()} is {text}".encode())
        return found

    def _describe(self, name, offset, may_return):
        """The verifier names callers by where they go on: the call is before that."""
        text = self.describe(name, offset)
        if may_return and text:
            before = self.describe(name, offset - 1)
            if before and before.split(" (")[0] == text.split(" (")[0]:
                return before
        return text

    def _look_up(self, name, offset):
        path = self.paths.get(name)
        if path is None:
            return None
        try:
            with open(path, "rb") as stream:
                address = pe.Image(stream.read()).image_base + offset
        except (OSError, pe.PeError):
            return None
        for command in self._commands(path):
            found = _ask(command, address)
            if found:
                function, place = found
                return f"{function} ({place})" if place else function
        return None

    @staticmethod
    def _commands(path):
        debug = [f"{path}.debug"] if os.path.isfile(f"{path}.debug") else []
        if shutil.which("addr2line"):
            yield from (["addr2line", "-f", "-e", file] for file in [*debug, path])
        reader = shutil.which("llvm-symbolizer") or shutil.which("llvm-symbolizer-14")
        if reader and any(os.path.isfile(path[:-4] + suffix) for suffix in (".pdb", ".PDB")):
            yield [reader, "--no-inlines", "-e", path]
