"""Reads what a .sys imports. Every read is bounds-checked; damage raises PeError."""
import struct


class PeError(Exception):
    """The file is no PE32+ image for x64, or is damaged; the text names the field."""


class Image:
    def __init__(self, data):
        self.data = data
        if data[:2] != b"MZ":
            raise PeError("not an executable: no MZ at offset 0")
        header = self.unpack("<I", 0x3C, "e_lfanew")[0]
        if data[header:header + 4] != b"PE\0\0":
            raise PeError(f"no PE signature at offset {header:#x}")
        machine, sections, _, _, _, optional_size = self.unpack("<HHIIIH", header + 4, "header")
        if machine != 0x8664:
            raise PeError(f"machine {machine:#x} at offset {header + 4:#x}: only x64 drivers run")
        optional = header + 24
        if self.unpack("<H", optional, "optional header")[0] != 0x20B:
            raise PeError(f"no PE32+ optional header at offset {optional:#x}")
        self.image_base = self.unpack("<Q", optional + 24, "ImageBase")[0]
        count = self.unpack("<I", optional + 108, "NumberOfRvaAndSizes")[0]
        self.import_rva = self.unpack("<I", optional + 120, "import directory")[0] \
            if count > 1 else 0
        table = optional + optional_size
        self.sections = [self.unpack("<IIII", table + 40 * i + 8, "section header")
                         for i in range(sections)]

    def unpack(self, layout, offset, what):
        if offset + struct.calcsize(layout) > len(self.data):
            raise PeError(f"{what} at offset {offset:#x} lies beyond the end of the file")
        return struct.unpack_from(layout, self.data, offset)

    def offset_of(self, rva, what):
        for virtual_size, address, raw_size, raw in self.sections:
            if address <= rva < address + max(virtual_size, raw_size):
                if rva - address >= raw_size:
                    break
                return raw + rva - address
        raise PeError(f"{what}: no section of the file holds RVA {rva:#x}")

    def string_at(self, rva, what):
        start = self.offset_of(rva, what)
        end = self.data.find(b"\0", start, start + 512)
        if end < 0:
            raise PeError(f"{what} at offset {start:#x} does not end")
        return self.data[start:end].decode("latin-1")

    def imports(self):
        """[(dll, name or '#ordinal')] in file order."""
        found = []
        if not self.import_rva:
            return found
        descriptor = self.offset_of(self.import_rva, "import directory")
        while True:
            lookup, _, _, dll_rva, iat = self.unpack("<IIIII", descriptor, "import descriptor")
            if not dll_rva:
                return found
            dll = self.string_at(dll_rva, "DLL name")
            slot = self.offset_of(lookup or iat, "import table")
            while True:
                value = self.unpack("<Q", slot, "import table entry")[0]
                if not value:
                    break
                if value >> 63:
                    found.append((dll, f"#{value & 0xFFFF}"))
                else:
                    found.append((dll, self.string_at((value & 0x7FFFFFFF) + 2, "import name")))
                slot += 8
            descriptor += 20
