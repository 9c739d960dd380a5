"""Faults injected at the console and on the command line: each does what it says."""
import struct
import time

import pytest

from harness.guest import COMMAND_FAILED, NOT_STARTED, SUCCESS, Guest, run_commands

IOCTL_RAISE, IOCTL_STATISTICS = "0x222008", "0x22200C"
EDU, NVME = "00:04.0", "00:07.0"
LINE_BASED, MESSAGE_BASED = 2, 3
DRIVERS = ("edu-line", "edu-message", "edu-full")


def raise_command(name, number, options=""):
    return f"dev ioctl {options} {name}0 {IOCTL_RAISE} {struct.pack('<I', number).hex()} 20"


def raised(guest, name, number):
    """raised, service calls, claimed, DPC runs, interrupts the DPCs saw."""
    return struct.unpack("<5i", bytes.fromhex(
        guest.json(raise_command(name, number, "-j"))[0]["data"]))


def version_of(guest, name):
    data = guest.json(f"dev -j ioctl {name}0 {IOCTL_STATISTICS} - 36")[0]["data"]
    return struct.unpack("<4I", bytes.fromhex(data)[:16])[:2]


def done(guest, fault):
    return next(row["done"] for row in guest.json("inject -j") if row["fault"] == fault)


def started(name, devices, append="", cpus=1):
    return Guest(devices=devices, drivers=[name], append=append, cpus=cpus, named=[])


def restart(guest, name):
    guest.command(f"driver stop {name}")
    guest.command(f"driver start {name}")


@pytest.mark.parametrize("where", ["console", "command line"])
def test_a_device_that_is_granted_no_messages_gets_its_line(where):
    append = f"inject=messages,{EDU},0" if where == "command line" else ""
    with started("edu-message", ["edu,addr=4"], append) as guest:
        guest.wait_for_prompt()
        if where == "console":
            assert version_of(guest, "edu-message") == (MESSAGE_BASED, 1)
            guest.command(f"inject messages {EDU} 0")
            restart(guest, "edu-message")
        assert version_of(guest, "edu-message") == (LINE_BASED, 0)
        assert raised(guest, "edu-message", 50)[2] == 50
        assert done(guest, "messages") >= 1
        guest.command(f"inject messages {EDU} off")
        restart(guest, "edu-message")
        assert version_of(guest, "edu-message") == (MESSAGE_BASED, 1)


def nvme_sources(guest):
    return [row["source"] for row in guest.json("irq -j") if row["drivers"] == ["nvme.sys"]]


@pytest.mark.parametrize("most", [1, 2])
def test_a_device_gets_no_more_messages_than_it_is_granted_and_works(most):
    with started("nvme", ["nvme,addr=7"], f"inject=messages,{NVME},{most}", cpus=4) as guest:
        guest.wait_for_prompt()
        assert len(nvme_sources(guest)) == most
        guest.command("dev read nvme0 65536")
        guest.command(f"inject messages {NVME} off")
        restart(guest, "nvme")
        assert len(nvme_sources(guest)) > most


def test_when_vectors_are_exhausted_a_device_is_not_started_and_later_it_is():
    with started("edu-message", ["edu,addr=4"], "inject=vectors,0") as guest:
        guest.wait_for_prompt()
        assert not any("edu-message.sys" in row["drivers"] for row in guest.json("irq -j"))
        assert sum(row["free"] for row in guest.json("irq vectors -j")) == 0
        assert done(guest, "vectors") >= 1
        guest.command("inject vectors off")
        guest.command("driver start edu-message")
        assert raised(guest, "edu-message", 20)[2] == 20


def test_a_driver_named_for_the_run_that_gets_no_vector_fails_it():
    result = run_commands(["about"], devices=["edu,addr=4"], drivers=["edu-line"],
                          append="inject=vectors,0")
    assert result.verdict == NOT_STARTED, result.text


def test_with_few_vectors_an_nvme_gets_one_message_as_documented():
    """RES-MSI-6, RES-MSIX-4: short of vectors a device is granted one message."""
    with started("nvme", ["nvme,addr=7,max_ioqpairs=63"], "inject=vectors,1") as guest:
        guest.wait_for_prompt()
        assert len(nvme_sources(guest)) == 1
        guest.command("dev read nvme0 65536")


@pytest.mark.parametrize("name", DRIVERS)
def test_routines_called_for_a_neighbours_interrupts_claim_only_their_own(name):
    with started(name, ["edu,addr=4"]) as guest:
        guest.wait_for_prompt()
        assert raised(guest, name, 100)[:3] == (100, 100, 100)
        guest.command(f"inject share {EDU}")
        counts = raised(guest, name, 100)
        assert counts[0] == counts[2] == counts[4] == 100
        assert counts[1] == 200 and done(guest, "share") == 100
        guest.command(f"inject share {EDU} off")
        assert raised(guest, name, 100)[:3] == (100, 100, 100)


def test_a_neighbours_interrupt_comes_as_soon_as_a_routine_is_connected():
    """CIE-LIFE-4"""
    with started("edu-line", ["edu,addr=4"], f"inject=share,{EDU}") as guest:
        guest.wait_for_prompt()
        assert done(guest, "share") == 1


@pytest.mark.parametrize("name", DRIVERS)
def test_a_delayed_routine_takes_that_long_and_loses_nothing(name):
    with started(name, ["edu,addr=4"]) as guest:
        guest.wait_for_prompt()
        guest.command(f"inject delay {EDU} 10000")
        begin = time.monotonic()
        counts = raised(guest, name, 50)
        assert time.monotonic() - begin >= 0.5
        assert counts[0] == counts[2] == counts[4] == 50
        assert done(guest, "delay") >= 50
        guest.command(f"inject delay {EDU} off")
        assert guest.json("inject -j") == []


@pytest.mark.parametrize("cpus", [1, 4])
@pytest.mark.parametrize("name", DRIVERS)
def test_one_interrupt_comes_late_and_those_after_it_do_not(name, cpus):
    with started(name, ["edu,addr=4"], cpus=cpus) as guest:
        guest.wait_for_prompt()
        guest.command(f"inject late {EDU} 300")
        begin = time.monotonic()
        assert raised(guest, name, 1)[:3] == (1, 1, 1)
        assert time.monotonic() - begin >= 0.3
        counts = raised(guest, name, 100)
        assert counts[0] == counts[2] == counts[4] == 100
        assert done(guest, "late") == 1
        row = next(row for row in guest.json("irq -j") if name + ".sys" in row["drivers"])
        assert not row["masked"]


def test_a_driver_stopped_while_its_interrupt_is_late_starts_again():
    for name in ("edu-line", "edu-message"):
        with started(name, ["edu,addr=4"]) as guest:
            guest.wait_for_prompt()
            guest.command(f"inject late {EDU} 3000")
            guest.command(raise_command(name, 1))  # its own timeout comes first, after 1 s
            restart(guest, name)
            assert raised(guest, name, 30)[2] == 30


def test_the_nth_allocation_of_a_tag_fails_and_the_one_after_it_does_not():
    with started("nvme", ["nvme,addr=7"]) as guest:
        guest.wait_for_prompt()
        guest.command("driver stop nvme")
        guest.command("inject pool 1 IoCn")
        guest.command("driver start nvme")
        assert nvme_sources(guest) == [] and done(guest, "pool") == 1
        guest.command("driver start nvme")
        guest.command("dev read nvme0 4096")
        assert nvme_sources(guest)


def allocations(guest):
    """{tag: allocations so far}"""
    return {row["tag"]: row["allocated"] for row in guest.json("mem pool -j")}


@pytest.mark.parametrize("name, device", [("nvme", "nvme,addr=7"), ("edu-line", "edu,addr=4")])
def test_a_start_survives_each_of_its_failing_allocations(name, device):
    """Whichever of them fails, the device starts or does not; asked again, it starts."""
    with started(name, [device]) as guest:
        guest.wait_for_prompt()
        guest.command(f"driver stop {name}")
        before = allocations(guest)
        guest.command(f"driver start {name}")
        tags = [tag for tag, count in allocations(guest).items()
                if count > before.get(tag, 0) and not tag.startswith("Sh")]
        assert "IoCn" in tags
        for tag in tags:
            for nth in (1, 2, 3):
                guest.command(f"driver stop {name}")
                guest.command(f'inject pool {nth} "{tag.strip()}"')
                guest.command(f"driver start {name}")
                guest.command("inject pool off")
                guest.command(f"driver start {name}")
                assert any(name + ".sys" in row["drivers"] for row in guest.json("irq -j")), \
                    f"allocation {nth} of {tag}"


def passed(guest, case):
    """Whether a case of the conformance driver passes."""
    line, = (line for line in guest.command("test", timeout=120) if line.endswith(case))
    return line.startswith("ok ")


def test_without_a_tag_the_nth_allocation_of_a_driver_fails():
    with Guest(devices=["edu"], drivers=["kernel"], folder="conformance") as guest:
        guest.wait_for_prompt()
        assert passed(guest, "pool blocks of all sizes can be had")
        guest.command("inject pool 1")
        assert not passed(guest, "pool blocks of all sizes can be had")
        assert done(guest, "pool") == 1


@pytest.mark.parametrize("text", ["nothing", "delay 00:04.0", "vectors 17", "pool 0",
                                  "late 4.0 10", "share 00:04.0 on"])
def test_a_fault_that_is_none_is_refused(text):
    assert run_commands([f"inject {text}"]).verdict == COMMAND_FAILED
    result = run_commands(["inject"], append=f"inject={text.replace(' ', ',')}")
    assert result.verdict == SUCCESS and f"inject {text.replace(' ', ',')}" in result.text
