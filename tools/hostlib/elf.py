"""Reads sections and strings of an ELF64 file made by our own build."""
import struct


class Section:
    def __init__(self, name, address, data):
        self.name, self.address, self.data = name, address, data


class Image:
    def __init__(self, path):
        with open(path, "rb") as stream:
            data = stream.read()
        if data[:5] != b"\x7fELF\x02":
            raise ValueError(f"{path}: no ELF64 file")
        table = struct.unpack_from("<Q", data, 0x28)[0]
        entry_size, count, names = struct.unpack_from("<HHH", data, 0x3A)
        headers = [struct.unpack_from("<IIQQQQ", data, table + i * entry_size)
                   for i in range(count)]
        strings = data[headers[names][4]:headers[names][4] + headers[names][5]]
        self.sections = []
        for name, kind, _, address, offset, size in headers:
            text = strings[name:strings.index(b"\0", name)].decode()
            content = b"" if kind == 8 else data[offset:offset + size]
            self.sections.append(Section(text, address, content))

    def section(self, name):
        return next((s for s in self.sections if s.name == name), None)

    def string_at(self, address):
        for section in self.sections:
            if section.address and 0 <= address - section.address < len(section.data):
                start = address - section.address
                return section.data[start:section.data.index(b"\0", start)].decode()
        raise ValueError(f"no section holds address {address:#x}")
