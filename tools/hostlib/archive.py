"""The boot archive: a ustar file of drivers, INFs and the host's requests to the kernel.

Members the kernel knows by name:

    *.sys *.inf   drivers; the order decides between INFs that match equally well
    named.txt     one .sys a line: these must load and start, or the verdict is 0x15
    match.cfg     hardware id TAB .sys [TAB bus:device.function]: binds a driver without an INF
    exec.txt      one console command a line: run after boot, then end with a verdict
"""
import os

BLOCK = 512


def _header(name, size):
    encoded = name.encode("utf-8")
    if len(encoded) > 100:
        raise ValueError(f"{name}: file names of more than 100 bytes do not fit the archive")
    fields = [
        (encoded, 100), (b"0000644", 8), (b"0000000", 8), (b"0000000", 8),
        (b"%011o" % size, 12), (b"00000000000", 12), (b" " * 8, 8), (b"0", 1),
        (b"", 100), (b"ustar\0", 6), (b"00", 2), (b"root", 32), (b"root", 32),
        (b"0000000", 8), (b"0000000", 8), (b"", 155), (b"", 12),
    ]
    block = bytearray(b"".join(value.ljust(length, b"\0") for value, length in fields))
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def build(members):
    """The archive's bytes, for members [(name, bytes)]. Equal input gives equal output."""
    parts = []
    for name, data in members:
        parts += [_header(name, len(data)), data, b"\0" * (-len(data) % BLOCK)]
    parts.append(b"\0" * (2 * BLOCK))
    return b"".join(parts)


def file_member(path):
    """(name, bytes) of a file; folders are left out, as the kernel has none."""
    with open(path, "rb") as stream:
        return os.path.basename(path), stream.read()


def write(path, members):
    partial = f"{path}.{os.getpid()}.part"
    with open(partial, "wb") as stream:
        stream.write(build(members))
    os.replace(partial, path)


def compose(files, named=(), matches=(), commands=None):
    """Members for a run: driver files, then what the host asks of the kernel.

    `named`: .sys names that must start. `matches`: lines of match.cfg, fields apart by tabs.
    `commands`: console commands to run before a verdict ends the run; None for the console.
    """
    members = [file_member(path) for path in files]
    for name, lines in (("named.txt", named), ("match.cfg", matches)):
        if lines:
            members.append((name, "".join(f"{line}\n" for line in lines).encode()))
    if commands is not None:
        members.append(("exec.txt", "".join(f"{line}\n" for line in commands).encode()))
    return members
