"""What each processor is set up with, as QEMU's monitor shows it: page rights, tables, modes."""
import re
import struct

import pytest

from harness import suite
from harness.guest import BUGCHECK, SUCCESS, Guest, run_commands

WRITE_PROTECT = 1 << 16              # CR0
UMIP, SMEP, SMAP = 1 << 11, 1 << 20, 1 << 21  # CR4
NO_EXECUTE = 1 << 11                 # EFER
PAGE, LARGE_PAGE = 0x1000, 0x200000  # no machine here has a gigabyte that could be one page
KERNEL_HALF = 0xFFFF800000000000


def pages(guest):
    """[(address, physical address, flags)] of all that is mapped. X there is no-execute."""
    found = [line.split() for line in guest.monitor.command("info tlb").splitlines()]
    return [(int(address.rstrip(":"), 16), int(physical, 16), set(flags.replace("-", "")))
            for address, physical, flags in found]


def registers(guest):
    """{name: value} of each processor; a segment's or table's value is its base."""
    text = guest.monitor.command("info registers -a")
    return [{name: int(value, 16) for name, value in re.findall(
        r"^(GS|TR|GDT|IDT) *=(?: *[0-9a-f]{4})? +([0-9a-f]{16})", block, re.M)} |
        {name: int(value, 16) for name, value in re.findall(
            r"\b(CR[034]|EFER) *=([0-9a-f]+)", block)}
        for block in text.split("CPU#")[1:]]


@pytest.mark.parametrize("machine", ["q35", "pc"])
def test_no_page_is_writable_and_executable_and_none_is_a_users(machine):
    with Guest(machine=machine, devices=["edu", "nvme"], drivers=["edu-line", "nvme"],
               monitor=True) as guest:
        guest.wait_for_prompt()
        mapped = pages(guest)
    assert len(mapped) > 100
    executable = [address for address, _, flags in mapped if "X" not in flags]
    assert executable
    assert not [hex(address) for address, _, flags in mapped if {"W"} <= flags and "X" not in flags]
    assert not [hex(address) for address, _, flags in mapped
                if "U" in flags or address < KERNEL_HALF]


def test_no_second_mapping_makes_code_writable():
    with Guest(devices=["edu"], drivers=["edu-line"], monitor=True) as guest:
        guest.wait_for_prompt()
        mapped = pages(guest)
    code = [physical for _, physical, flags in mapped if "X" not in flags]
    for address, physical, flags in mapped:
        if "W" in flags:
            size = LARGE_PAGE if "P" in flags else PAGE
            inside = [hex(at) for at in code if physical <= at < physical + size]
            assert not inside, f"{inside} writable at {address:#x}"


def test_registers_of_a_device_are_mapped_uncached():
    with Guest(devices=["edu"], drivers=["edu-line"], monitor=True) as guest:
        guest.wait_for_prompt()
        base = next(int(text.split()[1].split("-")[0], 16) for row in guest.json("devices -j")
                    if "VEN_1234&DEV_11E8" in row["instance"] for text in row["resources"]
                    if text.startswith("memory "))
        flags = [flags for _, physical, flags in pages(guest) if physical == base]
    assert flags and all("C" in each for each in flags)


def test_every_processor_protects_and_has_tables_of_its_own():
    with Guest(cpus=4, monitor=True) as guest:
        guest.wait_for_prompt()
        each = registers(guest)
    assert len(each) == 4
    for one in each:
        assert one["CR0"] & WRITE_PROTECT and one["EFER"] & NO_EXECUTE
        assert one["CR4"] & (UMIP | SMEP | SMAP) == UMIP | SMEP | SMAP
    for table in ("GS", "TR", "GDT", "IDT"):
        assert len({one[table] for one in each}) == 4, table
    assert len({one["CR3"] for one in each}) == 1


@pytest.mark.parametrize("model", ["qemu64", "Nehalem-v1", "Skylake-Client-v1", "EPYC-v1"])
def test_a_driver_takes_its_interrupts_on_processors_with_fewer_features(model):
    result = run_commands(["dev -j ioctl edu-message0 0x222008 64000000 20"], cpus=2,
                          devices=["edu"], drivers=["edu-message"], qemu_args=["-cpu", model])
    assert result.verdict == SUCCESS, result.text
    raised, _, claimed, _, seen = struct.unpack("<5i", bytes.fromhex(result.json(1)[0]["data"]))
    assert (raised, claimed, seen) == (100, 100, 100)


def test_a_machine_check_is_reported_with_its_bank_and_status():
    with Guest(cpus=2, monitor=True) as guest:
        guest.wait_for_prompt()
        guest.monitor.command("mce 1 3 0xb200000000000123 0 0 0")
        assert guest.wait() == BUGCHECK
    code, *parameters = suite.STOP.search(guest.text).groups()
    assert int(code, 16) == 0x9C
    assert [int(word, 16) for word in parameters] == [3, 0, 0xB2000000, 0x123]
