"""What a driver imports, and whether the kernel exports it.

A driver is a .sys, or a .txt: a list of its imports, `dll!name` a line; # begins a comment.
"""
import os

from hostlib import pe, qemu

EXPORTING = ("ntoskrnl.exe", "hal.dll", "wmilib.sys")


class ListError(ValueError):
    """A line of a list is no import."""


def read_list(path):
    found = []
    with open(path, encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            line = line.partition("#")[0].strip()
            if not line:
                continue
            dll, mark, name = line.partition("!")
            if not (dll and mark and name):
                raise ListError(f"{path}:{number}: not `dll!name`: {line}")
            found.append((dll, name))
    return found


def of_driver(path):
    """[(dll, name)] in the file's order."""
    if path.endswith(".txt"):
        return read_list(path)
    with open(path, "rb") as stream:
        return pe.Image(stream.read()).imports()


def exports():
    """The names that the built kernel exports."""
    listing = os.path.join(qemu.BUILD, "exports.txt")
    if not os.path.exists(listing):
        raise qemu.SetupError("build/exports.txt is not built: run `make` first")
    with open(listing, encoding="utf-8") as stream:
        return {line.strip() for line in stream}


def is_met(dll, name, exported):
    return dll.lower() in EXPORTING and name in exported
