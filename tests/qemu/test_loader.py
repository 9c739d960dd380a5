"""Damaged, lacking and foreign driver files: a clear line, and the rest of the system runs."""
import os
import re
import struct
import subprocess

from harness import suite
from harness.guest import BUGCHECK, BUILD, COMMAND_FAILED, NOT_STARTED, SUCCESS, run_commands
from hostlib import pe

EDU_ID = "PCI\\VEN_1234&DEV_11E8"
STEP = 64


LINKED_BASE = 0x140000000  # mk/drivers.mk
COMPILED_COOKIE = 0x00002B992DDFA232
ENTRY_POINT, DIRECTORIES, LOAD_CONFIG, SECTION_FLAGS = 16, 112, 10, 36
DISCARDABLE, WRITE = 0x02000000, 0x80000000
WRITE_CODE = 9  # tests/conformance/faults


def read_driver(name, folder="drivers"):
    with open(os.path.join(BUILD, folder, f"{name}.sys"), "rb") as stream:
        return bytearray(stream.read())


def rva(name, symbol, folder="test-drivers"):
    """Where a symbol of a driver stands in its image."""
    prefix = os.environ.get("MINGW", "x86_64-w64-mingw32-")
    path = os.path.join(BUILD, folder, f"{name}.sys.debug")
    done = subprocess.run([f"{prefix}nm", path], capture_output=True, text=True, check=True)
    return int(re.search(rf"^(\w+) . {symbol}$", done.stdout, re.M).group(1), 16) - LINKED_BASE


def optional_header(data):
    return int.from_bytes(data[0x3C:0x40], "little") + 24


def set_load_config(data, address, size):
    """Names the load configuration directory, which GNU ld leaves out."""
    struct.pack_into("<II", data, optional_header(data) + DIRECTORIES + 8 * LOAD_CONFIG,
                     address, size)


def load(*images):
    """Loads drivers that have no device; returns the lines that each prints."""
    members = [(f"image{number}.sys", bytes(data)) for number, data in enumerate(images)]
    result = run_commands(["drivers"], extra_members=members)
    assert result.verdict == SUCCESS, result.text
    lines = re.findall(r"^image: (.*)$", result.text, re.M)
    each = len(lines) // len(images)
    return [lines[start:start + each] for start in range(0, len(lines), each)]


def test_a_driver_runs_at_another_base_than_linked_for_and_its_pointers_follow():
    data = read_driver("image", "test-drivers")
    (entered, _, where, path), = load(data)
    start, size, init = (int(word, 16) for word in re.findall(r"\b[0-9A-F]{4,16}\b", where))
    assert start != LINKED_BASE
    assert size == struct.unpack_from("<I", data, optional_header(data) + 56)[0]
    assert init == start + rva("image", "DriverEntry")
    assert entered == f"driver entry {init:016X}, counter 11 by name, 11 by pointer"
    assert path == r"registry path \Registry\Machine\System\CurrentControlSet\Services\image0"


def test_each_driver_gets_a_security_cookie_of_its_own_before_it_runs():
    data = read_driver("image", "test-drivers")
    set_load_config(data, rva("image", "_load_config_used"), 0x60)
    cookies = [int(lines[1].split()[1], 16) for lines in load(data, data)]
    assert cookies[0] != cookies[1]
    for cookie in cookies:
        assert cookie not in (0, COMPILED_COOKIE) and cookie >> 48 == 0


def test_a_driver_is_entered_where_its_header_says():
    data = read_driver("image", "test-drivers")
    struct.pack_into("<I", data, optional_header(data) + ENTRY_POINT, rva("image", "GsDriverEntry"))
    (first, second, *_), = load(data)
    assert first == "by GsDriverEntry" and second.startswith("driver entry ")


def write_own_code(added_flags):
    """The driver of faults with more flags on .text, told to write there."""
    data = read_driver("faults", "conformance")
    sections = optional_header(data) + struct.unpack_from("<H", data, optional_header(data) - 4)[0]
    assert data[sections:sections + 5] == b".text"
    flags, = struct.unpack_from("<I", data, sections + SECTION_FLAGS)
    struct.pack_into("<I", data, sections + SECTION_FLAGS, flags | added_flags)
    run = suite.Run({"group": "faults", "devices": ["edu"]}, 1, WRITE_CODE)
    options = dict(run.options(), drivers=[], named=["faults.sys"])
    options["extra_members"] += [("faults.sys", bytes(data))]
    return run_commands([suite.request("faults", suite.STOP_CODE, WRITE_CODE)], **options)


def test_a_section_that_asks_to_be_written_and_executed_is_not_writable():
    result = write_own_code(WRITE | DISCARDABLE)  # what older linkers make of INIT
    assert result.verdict == BUGCHECK and "*** STOP 0x000000BE" in result.text


def test_a_section_to_be_written_and_executed_for_good_is_refused():
    result = write_own_code(WRITE)
    assert result.verdict == NOT_STARTED
    assert any("faults.sys: section Characteristics at offset" in line for line in result.log)


def by_ordinal(number):
    """The driver of test-drivers/image with its one import by this ordinal."""
    data = read_driver("image", "test-drivers")
    image = pe.Image(bytes(data))
    assert image.imports() == [("ntoskrnl.exe", "DbgPrint")]
    for table in struct.unpack_from("<I12xI", data, image.offset_of(image.import_rva, "imports")):
        struct.pack_into("<Q", data, image.offset_of(table, "import table"), 1 << 63 | number)
    return bytes(data)


def start_by_ordinal(ordinals):
    members = [("image.sys", by_ordinal(77))]
    if ordinals:
        members.append(("ordinals.txt", ordinals.encode()))
    return run_commands(["driver start image"], extra_members=members)


def test_an_import_by_ordinal_is_bound_as_the_list_of_its_windows_says():
    result = start_by_ordinal("# of the build it was linked with\nhal.dll 77 KeStallExecution\n"
                              "NTOSKRNL.EXE 0x4D DbgPrint\n")
    assert result.verdict == SUCCESS, result.text
    assert "image: driver entry" in result.text


def test_an_import_by_ordinal_is_named_among_those_that_are_missing():
    for ordinals, missing in ((None, "ntoskrnl.exe!#77"), ("ntoskrnl.exe 78 DbgPrint\n",
                              "ntoskrnl.exe!#77"), ("ntoskrnl.exe 77 NotThere\n",
                              "ntoskrnl.exe!NotThere")):
        result = start_by_ordinal(ordinals)
        assert result.verdict == COMMAND_FAILED
        assert any(f"missing imports: {missing}" in line for line in result.log)


def test_a_malformed_line_of_ordinals_is_named():
    result = start_by_ordinal("ntoskrnl.exe seventy DbgPrint\nntoskrnl.exe 77 DbgPrint\n")
    assert result.verdict == SUCCESS, result.text
    assert any("ordinals.txt" in line and "not a number of 16 bits" in line for line in result.log)


def test_a_sys_cut_at_any_64_byte_boundary_never_brings_the_kernel_down():
    whole = read_driver("edu-line")
    cuts = range(0, len(whole), STEP)
    members = [(f"cut{length}.sys", whole[:length]) for length in cuts]
    commands = [f"driver start cut{length}" for length in cuts] + ["cpus -j"]
    result = run_commands(commands, extra_members=members, devices=["edu"], timeout=120)
    assert result.verdict == COMMAND_FAILED, result.text[-3000:]
    assert len(result.outputs) == len(commands)
    assert result.json(len(commands)), "the console did not answer after the last damaged file"
    explained = [line for line in result.log if "cut" in line and "offset 0x" in line]
    assert len(explained) >= len(cuts), "a damaged file was refused without field and offset"


def test_all_missing_imports_are_listed_at_once_and_the_rest_runs():
    damaged = read_driver("edu-line").replace(b"IoConnectInterruptEx", b"IoConnectInterruptXx") \
        .replace(b"KeSetEvent\0", b"KeSetXxxxx\0")
    result = run_commands(["cpus -j"], extra_members=[("lacking.sys", damaged)],
                          named=["lacking.sys", "nvme.sys"], matches=[f"{EDU_ID}\tlacking.sys"],
                          devices=["edu", "nvme"], drivers=["nvme"])
    assert result.verdict == NOT_STARTED
    line = next(line for line in result.log if "IoConnectInterruptXx" in line)
    assert "KeSetXxxxx" in line
    assert result.json(1)


def test_a_32_bit_driver_is_refused_by_its_machine_field():
    foreign = bytearray(read_driver("edu-line"))
    header = int.from_bytes(foreign[0x3C:0x40], "little")
    foreign[header + 4:header + 6] = (0x14C).to_bytes(2, "little")
    result = run_commands(["cpus"], extra_members=[("foreign.sys", bytes(foreign))],
                          named=["foreign.sys"], matches=[f"{EDU_ID}\tforeign.sys"],
                          devices=["edu"])
    assert result.verdict == NOT_STARTED
    assert any("foreign.sys" in line and "achine" in line for line in result.log)
