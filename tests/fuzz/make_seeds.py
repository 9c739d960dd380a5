#!/usr/bin/env python3
"""make_seeds OUT [FILE...]: write the seeds that need not be kept, one folder a target under OUT.

Files named are real ones: .sys images and .inf files seed their parsers. The rest is built here,
field by field: archives, ACPI and MP tables, boot information, command lines.
"""
import io
import os
import struct
import sys
import tarfile


def write(out, target, name, data):
    folder = os.path.join(out, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as stream:
        stream.write(data)


def fixed(data, at):
    data = bytearray(data)
    data[at] = 0
    data[at] = -sum(data) & 0xFF
    return bytes(data)


def acpi(signature, body, revision=3):
    header = struct.pack("<4sIBB6s8sI4sI", signature, 36 + len(body), revision, 0, b"BOCHS ",
                         b"BXPC    ", 1, b"BXPC", 1)
    return fixed(header + body, 9)


def address(space, width, where):
    return struct.pack("<BBBBQ", space, width, 0, 0, where)


def madt():
    entries = b"".join(struct.pack("<BBBBI", 0, 8, n, n, 1) for n in range(4))
    entries += struct.pack("<BBBBII", 1, 12, 0, 0, 0xFEC00000, 0)
    entries += struct.pack("<BBBBIH", 2, 10, 0, 0, 2, 0)
    entries += b"".join(struct.pack("<BBBBIH", 2, 10, 0, n, n, 0xD) for n in (5, 9, 10, 11))
    entries += struct.pack("<BBHI", 3, 8, 0xD, 7) + struct.pack("<BBBHB", 4, 6, 0xFF, 0, 1)
    entries += struct.pack("<BBHQ", 5, 12, 0, 0xFEE00000)
    entries += struct.pack("<BBHIII", 9, 16, 0, 300, 1, 300)
    entries += struct.pack("<BBHIB3x", 10, 12, 0, 0xFFFFFFFF, 1)
    return acpi(b"APIC", struct.pack("<II", 0xFEE00000, 1) + entries)


def fadt(revision):
    body = struct.pack("<IIBBHIBBBB", 0x7FE0000, 0x7FE0040, 0, 0, 9, 0xB2, 2, 3, 0, 0)
    body += struct.pack("<8I", 0x600, 0, 0x604, 0, 0, 0x608, 0x620, 0)
    body += struct.pack("<8B5HBBBBB", 4, 2, 0, 4, 16, 0, 0, 0, 0xFFF, 0xFFF, 0, 0, 0,
                        0, 0, 0, 0x32, 0)
    body = body.ljust(109 - 36, b"\0") + struct.pack("<HBI", 2, 0, 0x84A5)
    body = body[:116 - 36]
    if revision > 1:
        body += address(1, 8, 0xCF9) + struct.pack("<BHBQQ", 0xF, 0, 0, 0, 0x7FE0040)
        body += address(1, 32, 0x600) + address(0, 0, 0) + address(1, 16, 0x604)
        body += address(0, 0, 0) * 2 + address(1, 32, 0x608) + address(1, 0, 0x620)
        body += address(0, 0, 0)
    return acpi(b"FACP", body, revision)


def mp_table():
    entries = struct.pack("<BBBBII8x", 0, 0, 0x14, 3, 0x600, 0x201)
    entries += b"\x01\x00PCI   \x01\x01ISA   " + struct.pack("<BBBBI", 2, 0, 0x11, 1, 0xFEC00000)
    interrupts = [(3, 0, 0xD, 0, dev << 2, 0, pin) for dev, pin in ((1, 16), (2, 17), (31, 19))]
    interrupts += [(3, 0, 0, 1, irq, 0, irq) for irq in range(16)]
    interrupts += [(4, 3, 0, 1, 0, 0, 0), (4, 1, 0, 1, 0, 0xFF, 1)]
    for kind, what, flags, bus, source, target, pin in interrupts:
        entries += struct.pack("<BBHBBBB", kind, what, flags, bus, source, target, pin)
    header = struct.pack("<4sHBB8s12sIHHIHBB", b"PCMP", 44 + len(entries), 4, 0, b"BOCHSCPU",
                         b"0.1         ", 0, 0, 4 + len(interrupts), 0xFEE00000, 0, 0, 0)
    return fixed(header + entries, 7)


def acpi_memory():
    tables = [madt(), acpi(b"MCFG", bytes(8) + struct.pack("<QHBB4x", 0xB0000000, 0, 0, 255))]
    memory = bytearray(0x800)
    places = (0x200, 0x400)
    for where, table in zip(places, tables):
        memory[where:where + len(table)] = table
    memory[0x100:0x100 + 44] = acpi(b"RSDT", struct.pack("<2I", *places))
    memory[0x180:0x180 + 52] = acpi(b"XSDT", struct.pack("<2Q", *places))
    rsdp = fixed(struct.pack("<8sB6sBI", b"RSD PTR ", 0, b"BOCHS ", 2, 0x100), 8)
    memory[0:36] = fixed(rsdp + struct.pack("<IQB3x", 36, 0x180, 0), 32)
    second = bytearray(memory)
    second[0:20] = fixed(struct.pack("<8sB6sBI", b"RSD PTR ", 0, b"BOCHS ", 0, 0x100), 8)
    return bytes(memory), bytes(second)


def multiboot2():
    def tag(kind, body):
        data = struct.pack("<II", kind, 8 + len(body)) + body
        return data + bytes(-len(data) % 8)
    regions = [(0, 0x9FC00, 1), (0xF0000, 0x10000, 2), (0x100000, 0x7EE0000, 1)]
    body = tag(1, b"console=com1\0") + tag(2, b"GRUB 2.06\0")
    body += tag(3, struct.pack("<II", 0x200000, 0x280000) + b"drivers.tar\0")
    entries = b"".join(struct.pack("<QQII", *region, 0) for region in regions)
    body += tag(6, struct.pack("<II", 24, 0) + entries)
    body += tag(15, acpi_memory()[0][:36]) + tag(0, b"")
    return struct.pack("<II", 8 + len(body), 0) + body


def archive():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in (("edu.inf", b"[Version]\n"), ("d/" * 60 + "edu.sys", b"MZ" * 300)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
    return buffer.getvalue()[:6144]


def write_text(out):
    lines = {"cmdline": [b'console=com1,115200 debug exec="irq; mem" cpus=0x10 memory=64M quiet'],
             "console_line": [b'dev ioctl "\\\\.\\edu 0" 0x222004 \'00 01\' # x', b"irq -j",
                              b'a\\ b \\"'],
             "injection": [b"delay,00:04.0,0x50", b"pool 3 Edu", b"share 1:1f.7 off",
                           b"vectors off", b"messages 00:07.0 0", b"late 00:04.0 200"],
             "reg_file": [b"Windows Registry Editor Version 5.00\r\n\r\n[HKLM\\A]\r\n"
                          b'"N"="a\\\\b"\r\n@=dword:1f\r\n"B"=hex(7):61,00,\\\r\n 00,00\r\n'
                          b'"G"=-\r\n[-HKLM\\B]\r\n'],
             "ordinal": [b"ntoskrnl.exe 77 DbgPrint", b"hal.dll\t0x4D  KeStallExecutionProcessor"],
             "hex": [b"0x00:11 22-33,ff", b"deadBEEF"]}
    for target, texts in lines.items():
        for number, text in enumerate(texts):
            write(out, target, f"line{number}", text)


def write_files(out, paths):
    for path in paths:
        target = {".sys": "pe", ".inf": "inf"}.get(os.path.splitext(path)[1].lower())
        if not target:
            continue
        with open(path, "rb") as stream:
            data = stream.read()
        name = path.strip("./").replace("/", "-")
        write(out, target, name, data)
        if target == "inf":
            write(out, target, name + "-utf16", data.decode("latin-1").encode("utf-16"))


def write_remapping(out):
    """Every DMAR and IVRS of the corpus of real machines."""
    corpus = os.path.join(os.path.dirname(__file__), "..", "acpi", "corpus.tar.xz")
    with tarfile.open(corpus) as tar:
        for member in tar:
            for target in ("dmar", "ivrs"):
                if member.name.endswith(f"_{target.upper()}.aml"):
                    write(out, target, member.name.split("/")[-2], tar.extractfile(member).read())


def main():
    out = sys.argv[1]
    write_remapping(out)
    write_files(out, sys.argv[2:])
    write_text(out)
    write(out, "tar", "ustar", archive())
    write(out, "madt", "q35", madt())
    write(out, "mcfg", "q35",
          acpi(b"MCFG", bytes(8) + struct.pack("<QHBB4x", 0xB0000000, 0, 0, 255)))
    write(out, "hpet", "q35", acpi(b"HPET", struct.pack("<I", 0x8086A201) +
                                   address(0, 0, 0xFED00000) + struct.pack("<BHB", 0, 0x37EE, 0)))
    write(out, "fadt", "revision1", fadt(1))
    write(out, "fadt", "revision3", fadt(3))
    for number, memory in enumerate(acpi_memory()):
        write(out, "acpi_table", f"memory{number}", memory)
    write(out, "mp_table", "pc", mp_table())
    write(out, "multiboot2", "grub", multiboot2())
    write(out, "pvh", "qemu", struct.pack("<4I4QII", 0x336EC578, 1, 0, 1, 0x5000, 0x6000, 0xF5A00,
                                          0x7000, 8, 0))


if __name__ == "__main__":
    main()
