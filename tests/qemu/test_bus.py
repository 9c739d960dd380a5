"""PCI functions are found, given addresses and routed, wherever they are."""
import struct

import pytest

from harness.guest import SUCCESS, run_commands

RAISE = 500
IOCTL_RAISE = "0x222008"

BEHIND_BRIDGES = {
    "pc": ["pci-bridge,id=outer,chassis_nr=1,addr=6",
           "pci-bridge,id=inner,chassis_nr=2,bus=outer,addr=2",
           "edu,bus=inner,addr=5"],
    "q35": ["pcie-root-port,id=rp,chassis=1,addr=6",
            "pcie-pci-bridge,id=inner,bus=rp",
            "edu,bus=inner,addr=3"],
}


def raise_command(name):
    return f"dev -j ioctl {name} {IOCTL_RAISE} {struct.pack('<I', RAISE).hex()} 20"


def check_raised(result, number):
    assert result.verdict == SUCCESS, result.text
    counts = struct.unpack("<5i", bytes.fromhex(result.json(number)[0]["data"]))
    assert (counts[0], counts[2], counts[4]) == (RAISE, RAISE, RAISE)


def lspci(result, number):
    """The functions by (vendor, device)."""
    return {(row["vendor"], row["device"]): row for row in result.json(number)}


def bars(row):
    """(address, size) of each BAR that lspci shows."""
    pairs = (word.split()[2].split("+") for word in row["bars"])
    return [(int(address, 16), int(size, 16)) for address, size in pairs]


@pytest.mark.parametrize("driver", ["edu-line", "edu-message"])
@pytest.mark.parametrize("machine", sorted(BEHIND_BRIDGES))
def test_a_device_behind_two_bridges_takes_exactly_the_interrupts_raised(machine, driver):
    result = run_commands([raise_command(f"{driver}0")], machine=machine,
                          devices=BEHIND_BRIDGES[machine], drivers=[driver])
    check_raised(result, 1)


def test_what_firmware_left_without_addresses_gets_them_and_works():
    """qboot assigns nothing: no BAR, no bus number, no bridge window."""
    result = run_commands(
        [raise_command("edu-line0"), raise_command("edu-message0"), "lspci -j"],
        devices=["edu,addr=4", "pcie-root-port,id=rp,chassis=1,addr=6", "edu,bus=rp"],
        drivers=["edu-line", "edu-message"], qemu_args=["-bios", "qboot.rom"],
        matches=["@00:04.0\tedu-line.sys", "@01:00.0\tedu-message.sys"])
    check_raised(result, 1)
    check_raised(result, 2)
    ranges = sorted(pair for row in result.json(3) if row["bars"] for pair in bars(row)
                    if pair[0] >= 0x10000)
    assert ranges
    for (address, size), (following, _) in zip(ranges, ranges[1:]):
        assert address % size == 0
        assert address + size <= following


def test_a_bar_larger_than_the_low_hole_is_placed_above_4_gib():
    result = run_commands(
        ["lspci -j"], qemu_args=["-bios", "qboot.rom", "-object",
                                 "memory-backend-ram,id=large,size=8G,reserve=off"],
        devices=["ivshmem-plain,memdev=large"])
    assert result.verdict == SUCCESS, result.text
    (address, size), = [pair for pair in bars(lspci(result, 1)["1af4", "1110"])
                        if pair[1] == 8 << 30]
    assert address >= 4 << 30 and address % size == 0


def test_lspci_counts_the_messages_of_each_function():
    result = run_commands(
        ["lspci -j"], devices=["nec-usb-xhci,msi=on,msix=off", "e1000e", "edu",
                               "virtio-rng-pci,vectors=2048", "pci-testdev"])
    assert result.verdict == SUCCESS, result.text
    rows = lspci(result, 1)
    counts = {ids: (row["msi"], row["msix"]) for ids, row in rows.items()}
    assert counts["1033", "0194"] == (16, 0)
    assert counts["8086", "10d3"] == (1, 5)
    assert counts["1234", "11e8"] == (1, 0)
    assert counts["1af4", "1005"] == (0, 2048)
    assert counts["1b36", "0005"] == (0, 0)
    assert rows["1b36", "0005"]["pin"] == ""
