"""The drivers that stretch the runtime: virtio-rng, ahci, e1000e, xhci, a bus with
children and a filter."""
import ipaddress
import json
import struct
import time

import pytest

from harness import matrix
from harness.guest import BUILD, SUCCESS, Guest, run_commands
from hostlib import archive, qemu


#: Built against mingw-w64's headers, and by clang for MSVC's ABI.
other_builds = pytest.mark.parametrize("folder", ["drivers-mingw", "drivers-msvc"])


def data_of(result, number):
    """The bytes that command `number`, a `dev read -j` or `dev ioctl -j`, printed."""
    return bytes.fromhex(result.json(number)[0]["data"])


def interrupts(result, number, name):
    """The rows of `irq -j`, command `number`, that driver `name` is connected to."""
    return [row for row in result.json(number) if f"{name}.sys" in row["drivers"]]


# ---- virtio-rng ---------------------------------------------------------------------------------

RNG_READS = ["dev -j read virtio-rng0 64", "dev -j read virtio-rng0 9000", "irq -j"]


def check_random(result, *numbers):
    """Each read brought other bytes, and no stretch of them is empty."""
    blocks = [data_of(result, number) for number in numbers]
    assert len({block[:32] for block in blocks}) == len(blocks)
    for block in blocks:
        assert all(any(block[at:at + 32]) for at in range(0, len(block) - 31, 32))


@matrix.each_machine
def test_virtio_rng_reads_random_bytes_by_msix_and_by_the_line(machine):
    result = run_commands(RNG_READS + ["dev -j read virtio-rng1 64", "dev -j read virtio-rng1 9000"]
                          + RNG_READS[2:], **machine, drivers=["virtio-rng"],
                          devices=["virtio-rng-pci,addr=4", "virtio-rng-pci,vectors=0,addr=5"])
    assert result.verdict == SUCCESS, result.text
    assert [len(data_of(result, number)) for number in (1, 2, 4, 5)] == [64, 9000] * 2
    check_random(result, 1, 2, 4, 5)
    claims = {row["mode"]: sum(row["claims"]) for row in interrupts(result, 6, "virtio-rng")}
    assert sorted(claims) == ["latched", "level"]
    assert all(count >= 4 for count in claims.values())  # 64 bytes, and 9000 in three pieces


def test_virtio_rng_works_without_the_registers_of_before_version_1():
    result = run_commands(RNG_READS, devices=["virtio-rng-pci,disable-legacy=on"],
                          drivers=["virtio-rng"])
    assert result.verdict == SUCCESS, result.text
    check_random(result, 1, 2)


@other_builds
def test_virtio_rng_built_by_others_behaves_the_same(folder):
    result = run_commands(RNG_READS, devices=["virtio-rng-pci"], drivers=["virtio-rng"],
                          folder=folder)
    assert result.verdict == SUCCESS, result.text
    check_random(result, 1, 2)


@matrix.each("quick")
def test_virtio_rng_sleeps_and_wakes_without_and_with_its_interrupt(machine):
    result = run_commands(["dev -j read virtio-rng0 64", "driver sleep virtio-rng", "irq -j",
                           "driver wake virtio-rng", "dev -j read virtio-rng0 64", "irq -j",
                           "driver stop virtio-rng", "driver start virtio-rng",
                           "dev -j read virtio-rng0 64"],
                          **machine, devices=["virtio-rng-pci"], drivers=["virtio-rng"])
    assert result.verdict == SUCCESS, result.text
    assert not interrupts(result, 3, "virtio-rng")
    assert len(interrupts(result, 6, "virtio-rng")) == 1
    check_random(result, 1, 5, 9)


# ---- ahci ---------------------------------------------------------------------------------------

AHCI = ["ich9-ahci,id=ahci,addr=7", "ide-hd,bus=ahci.0"]
IOCTL_AHCI_READ_DMA, IOCTL_AHCI_INFORMATION = "0x222002", "0x222004"
AHCI_READS = ["dev -j read ahci0 131072 512", f"dev -j ioctl ahci0 {IOCTL_AHCI_READ_DMA} "
              f"{struct.pack('<Q', 5).hex()} 1024",
              f"dev -j ioctl ahci0 {IOCTL_AHCI_INFORMATION} - 32", "irq -j"]


def sectors(first, count):
    return b"".join(qemu.disk_sector(number) for number in range(first, first + count))


def check_ahci(result, messages):
    """One read by a queued command, one by a plain one, both with what the host wrote."""
    assert result.verdict == SUCCESS, result.text
    assert data_of(result, 1) == sectors(1, 256)
    assert data_of(result, 2) == sectors(5, 2)
    total, depth, granted, interrupts_taken, queued, alone = struct.unpack_from(
        "<QIIIII", data_of(result, 3))
    assert (total, depth, granted, queued, alone) == (qemu.DISK_SECTORS, 32, messages, 1, 1)
    assert interrupts_taken >= 3  # IDENTIFY, and the two
    row = interrupts(result, 4, "ahci")[0]
    assert row["mode"] == ("latched" if messages else "level")


@matrix.each_machine
def test_ahci_reads_what_the_host_wrote_by_queued_and_by_plain_commands(machine):
    check_ahci(run_commands(AHCI_READS, **machine, devices=AHCI, drivers=["ahci"]), 1)


@matrix.each("quick")
def test_ahci_does_the_same_by_its_line(machine):
    result = run_commands(AHCI_READS, **machine, devices=AHCI,
                          extra_members=[archive.file_member(f"{BUILD}/drivers/ahci.sys")],
                          matches=["PCI\\CC_010601\tahci.sys"])
    check_ahci(result, 0)


@other_builds
def test_ahci_built_by_others_behaves_the_same(folder):
    check_ahci(run_commands(AHCI_READS, devices=AHCI, drivers=["ahci"], folder=folder), 1)


def test_ahci_refuses_what_the_disk_does_not_have():
    end = qemu.DISK_SECTORS * qemu.SECTOR
    result = run_commands([f"dev read ahci0 512 {end}", "dev read ahci0 100 0",
                           "dev read ahci0 262144 0", "dev read ahci1 512 0",
                           "dev write ahci0 00 0"], machine="q35", devices=AHCI, drivers=["ahci"])
    assert [line.split()[2] for line in result.log if line.startswith("error: ahci")] == [
        "0xC000000D", "0xC000000D", "0xC0000206", "0xC0000013", "0xC00000A2"]


def test_ahci_goes_on_after_an_error_of_the_disk(tmp_path):
    disk = tmp_path / "disk.img"
    disk.write_bytes(sectors(0, qemu.DISK_SECTORS))
    rules = tmp_path / "rules.conf"
    rules.write_text('[inject-error]\nevent = "read_aio"\nerrno = "5"\nsector = "2048"\n')
    result = run_commands(
        ["dev read ahci0 512 1048576", "dev read ahci0 65536 1024000",
         "dev -j read ahci0 1024 2097152"],
        devices=["ich9-ahci,id=ahci,addr=7"], drivers=["ahci"],
        qemu_args=["-drive", f"if=none,id=bad,format=raw,file=blkdebug:{rules}:{disk}",
                   "-device", "ide-hd,bus=ahci.0,drive=bad"])
    assert result.log.count("error: ahci0: 0xC0000185 (IO_DEVICE_ERROR)") == 2
    assert data_of(result, 3) == sectors(4096, 2)


def test_ahci_sleeps_and_wakes():
    result = run_commands(["driver sleep ahci", "irq -j", "driver wake ahci"] + AHCI_READS,
                          devices=AHCI, drivers=["ahci"])
    assert result.verdict == SUCCESS, result.text
    assert not interrupts(result, 2, "ahci")
    assert data_of(result, 4) == sectors(1, 256)


# ---- e1000e -------------------------------------------------------------------------------------

MAC, BROADCAST = bytes.fromhex("525400123456"), b"\xff" * 6
GATEWAY_MAC = bytes.fromhex("52550a000202")
GUEST_IP, GATEWAY_IP = (ipaddress.ip_address(text).packed for text in ("10.0.2.15", "10.0.2.2"))
ETHERNET_IP, ETHERNET_ARP, ICMP = 0x0800, 0x0806, 1
E1000E = {"devices": [f"e1000e,netdev=user,mac={MAC.hex(':')},addr=8"],
          "qemu_args": ["-netdev", "user,id=user,ipv6=off"]}
IOCTL_E1000E_INFORMATION = "0x222000"


def ethernet(target, kind, payload):
    return target + MAC + struct.pack(">H", kind) + payload


def checksum(data):
    """RFC 1071."""
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


ARP_REQUEST = ethernet(BROADCAST, ETHERNET_ARP, struct.pack(
    ">HHBBH6s4s6s4s", 1, ETHERNET_IP, 6, 4, 1, MAC, GUEST_IP, bytes(6), GATEWAY_IP))
PING_DATA = bytes(range(56))


def ping(sequence):
    echo = struct.pack(">BBHHH", 8, 0, 0, 0x6469, sequence) + PING_DATA
    echo = echo[:2] + struct.pack(">H", checksum(echo)) + echo[4:]
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(echo), sequence, 0, 64, ICMP, 0,
                         GUEST_IP, GATEWAY_IP)
    header = header[:10] + struct.pack(">H", checksum(header)) + header[12:]
    return ethernet(GATEWAY_MAC, ETHERNET_IP, header + echo)


E1000E_TALK = [f"dev write e1000e0 {ARP_REQUEST.hex()}", "dev -j read e1000e0 2048",
               f"dev write e1000e0 {ping(1).hex()}", "dev -j read e1000e0 2048",
               f"dev -j ioctl e1000e0 {IOCTL_E1000E_INFORMATION} - 36", "irq -j"]


def check_talk(result, messages):
    """The ARP request and the ping were answered, with exact counts of frames."""
    assert result.verdict == SUCCESS, result.text
    arp, pong = data_of(result, 2), data_of(result, 4)
    assert arp[:6] == MAC and struct.unpack_from(">H6s4s", arp, 20) == (2, GATEWAY_MAC, GATEWAY_IP)
    assert pong[:14] == MAC + GATEWAY_MAC + struct.pack(">H", ETHERNET_IP)
    assert pong[26:34] == GATEWAY_IP + GUEST_IP and checksum(pong[14:34]) == 0
    assert pong[34] == 0 and checksum(pong[34:]) == 0
    assert pong[38:] == struct.pack(">HH", 0x6469, 1) + PING_DATA
    address, link, granted, *counts, received, sent = struct.unpack("<6sBxI4iII",
                                                                    data_of(result, 5))
    assert (address, link, granted, received, sent) == (MAC, 1, messages, 2, 2)
    # The device holds interrupts back for a while (EITR): two frames may come with one.
    assert all(count >= 1 for count in (counts[:3] if messages == 4 else counts[:1]))
    rows = interrupts(result, 6, "e1000e")
    assert len(rows) == max(messages, 1)
    assert all(row["mode"] == ("latched" if messages else "level") for row in rows)
    # More may come in between; a routine that has not returned yet has claimed nothing yet.
    assert sum(sum(row["claims"]) for row in rows) >= sum(counts) - len(rows)


@matrix.each_machine
def test_e1000e_has_an_arp_request_and_a_ping_answered_by_four_messages(machine):
    check_talk(run_commands(E1000E_TALK, **machine, **E1000E, drivers=["e1000e"]), 4)


@matrix.each("quick")
def test_e1000e_does_the_same_by_its_line(machine):
    result = run_commands(E1000E_TALK, **machine, **E1000E,
                          extra_members=[archive.file_member(f"{BUILD}/drivers/e1000e.sys")],
                          matches=["PCI\\VEN_8086&DEV_10D3\te1000e.sys"])
    check_talk(result, 0)


def test_e1000e_drives_the_older_82540_by_its_line():
    device = E1000E["devices"][0].replace("e1000e", "e1000")
    check_talk(run_commands(E1000E_TALK, **{**E1000E, "devices": [device]}, drivers=["e1000e"]), 0)


@other_builds
def test_e1000e_built_by_others_behaves_the_same(folder):
    check_talk(run_commands(E1000E_TALK, **E1000E, drivers=["e1000e"], folder=folder), 4)


def test_e1000e_goes_round_its_rings_and_through_a_stop():
    commands = [E1000E_TALK[0], E1000E_TALK[1]]
    for sequence in range(40):
        commands += [f"dev write e1000e0 {ping(sequence).hex()}", "dev -j read e1000e0 2048"]
    commands += ["driver stop e1000e", "driver start e1000e", "driver sleep e1000e", "irq -j",
                 "driver wake e1000e"] + commands[:4]
    result = run_commands(commands, **E1000E, drivers=["e1000e"])
    assert result.verdict == SUCCESS, result.text
    for sequence in range(40):
        assert struct.unpack_from(">H", data_of(result, 4 + 2 * sequence), 40) == (sequence,)
    assert not interrupts(result, 86, "e1000e")
    assert data_of(result, 91)[34] == 0


@pytest.mark.parametrize("granted", [1, 0])
def test_e1000e_makes_do_with_what_it_gets_when_stopped_and_started_again(granted):
    """QUERY_STOP, STOP, then START with other resources: one message for all, or the line."""
    result = run_commands(E1000E_TALK[:2] + [f"inject messages 00:08.0 {granted}",
                                             "driver stop e1000e", "driver start e1000e"]
                          + E1000E_TALK, **E1000E, drivers=["e1000e"])
    result.outputs = {number - 5: lines for number, lines in result.outputs.items()}
    check_talk(result, granted)


def test_e1000e_is_told_of_its_link_by_the_fourth_message():
    with Guest(**E1000E, drivers=["e1000e"], monitor=True) as guest:
        guest.wait_for_prompt()
        for state, link in (("off", 0), ("on", 1)):
            before = time.monotonic()
            guest.monitor.command(f"set_link user {state}")
            while True:
                row, = guest.json(f"dev -j ioctl e1000e0 {IOCTL_E1000E_INFORMATION} - 36")
                _, now, _, *counts = struct.unpack_from("<6sBxI4i", bytes.fromhex(row["data"]))
                if now == link:
                    break
                assert time.monotonic() < before + 30, "the link's interrupt did not come"
                time.sleep(0.1)
            assert counts[3] >= 1


# ---- edu-bus, edu-child, irp-count --------------------------------------------------------------

BUS = {"devices": ["edu"], "drivers": ["edu-bus", "edu-child", "irp-count"]}
IOCTL_FACTORIAL, IOCTL_PLUG, IOCTL_UNPLUG, IOCTL_IRP_COUNT = (
    "0x222000", "0x222040", "0x222044", "0x223000")
IRP_MJ_CREATE, IRP_MJ_DEVICE_CONTROL, IRP_MJ_PNP = 0, 0x0E, 0x1B


def ulong(value):
    return struct.pack("<I", value).hex()


def factorial(name, number):
    return f"dev -j ioctl {name} {IOCTL_FACTORIAL} {ulong(number)} 4"


def calculators(rows):
    return [(row["location"], row["driver"], row["state"]) for row in rows
            if row["instance"].startswith("EDUBUS\\")]


STARTED = [(f"slot {slot}", "edu-child", "started") for slot in (0, 1)]


@matrix.each_machine
def test_the_children_of_a_bus_driver_are_started_and_served_through_its_interrupt(machine):
    result = run_commands(["devices -j", factorial("edu-child0", 10), factorial("edu-child1", 5),
                           f"dev -j ioctl edu-child1 {IOCTL_IRP_COUNT} - 116", "irq -j"],
                          **machine, **BUS)
    assert result.verdict == SUCCESS, result.text
    rows = result.json(1)
    assert calculators(rows) == STARTED
    bus = next(row for row in rows if row["driver"] == "edu-bus")
    assert all(row["depth"] == bus["depth"] + 1 for row in rows if row["driver"] == "edu-child")
    assert struct.unpack("<I", data_of(result, 2)) == (3628800,)
    assert struct.unpack("<I", data_of(result, 3)) == (120,)
    *passed, completed = struct.unpack("<29i", data_of(result, 4))
    assert passed[IRP_MJ_CREATE] == 2  # for the factorial, and for the counts
    assert passed[IRP_MJ_DEVICE_CONTROL] == 2 and completed == 1
    assert passed[IRP_MJ_PNP] >= 1
    row, = interrupts(result, 5, "edu-bus")
    assert sum(row["claims"]) == 2


def wait_for(what, question, wanted, timeout=30):
    """Asks until the answer is the one wanted."""
    deadline = time.monotonic() + timeout
    while (answer := question()) != wanted:
        assert time.monotonic() < deadline, f"{what}: {answer}"
        time.sleep(0.05)


def compute(guest, name, number):
    row, = guest.json(factorial(name, number))
    return struct.unpack("<I", bytes.fromhex(row["data"]))[0]


@matrix.each("quick")
def test_children_come_and_go_when_their_bus_says_so(machine):
    with Guest(**machine, **BUS) as guest:
        guest.wait_for_prompt()
        for _ in range(3):
            guest.command(f"dev ioctl edu-bus0 {IOCTL_UNPLUG} {ulong(0)}")
            wait_for("unplugged", lambda: calculators(guest.json("devices -j")), STARTED[1:])
            assert compute(guest, "edu-child1", 4) == 24
            guest.command(f"dev ioctl edu-bus0 {IOCTL_PLUG} {ulong(0)}")
            wait_for("plugged", lambda: sorted(calculators(guest.json("devices -j"))), STARTED)
            assert compute(guest, "edu-child0", 3) == 6


def test_children_stop_and_go_with_their_driver_and_with_their_bus():
    result = run_commands(
        ["driver stop edu-child", "driver start edu-child", factorial("edu-child1", 4),
         "driver sleep edu-child", "driver wake edu-child", factorial("edu-child1", 4),
         "driver remove edu-child", "devices -j", "driver start edu-child",
         factorial("edu-child0", 4), "driver remove edu-bus", "devices -j",
         "driver start edu-bus", "devices -j", factorial("edu-child1", 6)], **BUS)
    assert result.verdict == SUCCESS, result.text
    assert [state for _, _, state in calculators(result.json(8))] == ["removed", "removed"]
    assert calculators(result.json(12)) == []
    assert calculators(result.json(14)) == STARTED
    for number, value in ((3, 24), (6, 24), (10, 24), (15, 720)):
        assert struct.unpack("<I", data_of(result, number)) == (value,)


def test_edu_bus_built_with_mingws_headers_behaves_the_same():
    result = run_commands(["devices -j", factorial("edu-child1", 5),
                           f"dev -j ioctl edu-child1 {IOCTL_IRP_COUNT} - 116"],
                          folder="drivers-mingw", **BUS)
    assert result.verdict == SUCCESS, result.text
    assert calculators(result.json(1)) == STARTED
    assert struct.unpack("<I", data_of(result, 2)) == (120,)
    assert struct.unpack("<29i", data_of(result, 3))[28] == 1


# ---- xhci ---------------------------------------------------------------------------------------

IOCTL_XHCI_INFORMATION = "0x222000"
PORT_CONNECTED = 1


def port_changes(lines):
    """[(port, connected)] as `dev -j read xhci0` printed them."""
    data = bytes.fromhex(json.loads(next(line for line in lines if line.startswith("{")))["data"])
    pairs = struct.iter_unpack("<II", data)
    return [(port, status & PORT_CONNECTED) for port, status in pairs]


def check_port_events(machine, device, messages, **options):
    """A keyboard is plugged and unplugged: before a read asks, and while one waits."""
    with Guest(**machine, devices=[f"{device},id=xhci"], monitor=True, **options) as guest:
        guest.wait_for_prompt()
        for command, connected in (("device_add usb-kbd,id=keyboard,bus=xhci.0", 1),
                                   ("device_del keyboard", 0)):
            guest.monitor.command(command)
            (port, state), *_ = port_changes(guest.command("dev -j read xhci0 8"))
            assert state == connected and port >= 1
        start = guest.position
        guest.type("dev -j read xhci0 64\r")
        guest.expect("dev -j read xhci0 64")
        guest.monitor.command("device_add usb-kbd,id=keyboard,bus=xhci.0")
        guest.wait_for_prompt()
        (port, state), *_ = port_changes(guest.text[start:guest.position].split("\n"))
        assert state == 1
        row, = guest.json(f"dev -j ioctl xhci0 {IOCTL_XHCI_INFORMATION} - 24")
        ports, connected, granted, taken, changes, lost = struct.unpack(
            "<3Ii2I", bytes.fromhex(row["data"]))
        assert (connected, granted, lost) == (1 << (port - 1), messages, 0)
        assert ports >= port and changes >= 3 and taken >= 4  # a command's, and the changes'
        row, = [row for row in guest.json("irq -j") if row["drivers"] == ["xhci.sys"]]
        assert row["mode"] == ("latched" if messages else "level")
        assert sum(row["claims"]) == taken and row["unclaimed"] == 0


@matrix.each_machine
def test_xhci_is_told_by_msi_what_comes_to_its_ports_and_goes(machine):
    check_port_events(machine, "nec-usb-xhci,msi=on,msix=off", 1, drivers=["xhci"])


@pytest.mark.parametrize("device, messages", [("qemu-xhci", 1),
                                              ("nec-usb-xhci,msi=off,msix=off", 0)],
                         ids=["MSI-X", "line"])
@matrix.each("quick")
def test_xhci_is_told_the_same_by_other_interrupts(machine, device, messages):
    check_port_events(machine, device, messages, drivers=["xhci"])


@other_builds
def test_xhci_built_by_others_behaves_the_same(folder):
    check_port_events({}, "nec-usb-xhci,msi=on,msix=off", 1, drivers=["xhci"],
                      folder=folder)
