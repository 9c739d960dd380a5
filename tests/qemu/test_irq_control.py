"""Moving interrupts and processors while they work: nothing is lost, nothing comes twice."""
import random
import struct

import pytest

from harness import matrix
from harness.guest import COMMAND_FAILED, SUCCESS, Guest, run_commands
from hostlib import qemu

IOCTL_RAISE, IOCTL_STATISTICS = "0x222008", "0x22200C"
EDU_DRIVERS = ("edu-line", "edu-message", "edu-full")
FOUR = {"machine": "q35", "cpus": 4}


def ulong(value):
    return struct.pack("<I", value).hex()


def raise_load(name, number=1000, times=0):
    return f'job start "dev ioctl {name} {IOCTL_RAISE} {ulong(number)} 20" {times}'


def counts(guest, name):
    """raised, service calls, claimed, DPC runs, interrupts the DPC saw."""
    data = guest.json(f"dev -j ioctl {name} {IOCTL_STATISTICS} - 36")[0]["data"]
    return struct.unpack("<4I5i", bytes.fromhex(data))[4:]


def assert_exact(guest, name):
    raised, calls, claimed, _, saw = counts(guest, name)
    assert raised > 0 and (calls, claimed, saw) == (raised, raised, raised)


def row_of(guest, driver):
    return next(row for row in guest.json("irq -j") if driver + ".sys" in row["drivers"])


@pytest.mark.parametrize("name", EDU_DRIVERS)
def test_a_line_or_message_moves_under_fire_and_no_interrupt_is_lost_or_comes_twice(name):
    with Guest(**FOUR, devices=["edu"], drivers=[name]) as guest:
        guest.wait_for_prompt()
        source = row_of(guest, name)["source"]
        guest.command(raise_load(name + "0"))
        for number in range(40):
            cpu = (number * 7 + 1) % 4
            assert guest.command(f'irq move "{source}" {cpu}')[0].startswith(f"{source}: CPU {cpu}")
            assert row_of(guest, name)["cpu"] == cpu
        job = guest.json("job stop -j")[0]
        assert job["failed"] == 0 and job["runs"] > 0
        assert_exact(guest, name + "0")
        row = row_of(guest, name)
        assert sum(row["counts"]) == counts(guest, name + "0")[0]
        assert sum(1 for count in row["counts"] if count) >= 2
        assert row["unclaimed"] == 0


def test_a_moved_line_keeps_its_irql_and_old_vectors_are_free_again():
    with Guest(**FOUR, devices=["edu"], drivers=["edu-message"]) as guest:
        guest.wait_for_prompt()
        free = sum(row["free"] for row in guest.json("irq vectors -j"))
        before = row_of(guest, "edu-message")
        for cpu in (1, 2, 3, 0, 2):
            guest.command(f'irq move "{before["source"]}" {cpu}')
        after = row_of(guest, "edu-message")
        assert (after["irql"], after["cpu"]) == (before["irql"], 2)
        assert sum(row["free"] for row in guest.json("irq vectors -j")) == free


def test_messages_of_nvme_move_while_it_reads():
    blocks = b"".join(qemu.disk_sector(n) for n in range(8)).hex()
    with Guest(**FOUR, devices=["nvme"], drivers=["nvme"]) as guest:
        guest.wait_for_prompt()
        for _ in range(3):
            guest.command('job start "dev read nvme0 65536"')
        sources = [row["source"] for row in guest.json("irq -j")
                   if row["drivers"] == ["nvme.sys"]]
        assert len(sources) >= 2
        for number in range(60):
            source = sources[number % len(sources)]
            assert guest.command(f'irq move "{source}" {(number // 3) % 4}')
        assert all(job["failed"] == 0 and job["runs"] for job in guest.json("job stop -j"))
        assert guest.json("dev -j read nvme0 4096")[0]["data"] == blocks


def test_a_shared_line_moves_with_all_its_devices():
    with Guest(**FOUR, devices=matrix.DEVICES["four edu"], drivers=["edu-line"]) as guest:
        guest.wait_for_prompt()
        names = [f"edu-line{n}" for n in range(4)]
        source = row_of(guest, "edu-line")["source"]
        for name in names:
            guest.command(raise_load(name, 200))
        for number in range(30):
            guest.command(f'irq move "{source}" {number % 4}')
        assert all(job["failed"] == 0 for job in guest.json("job stop -j"))
        for name in names:
            raised, _, claimed, _, saw = counts(guest, name)
            assert raised > 0 and (claimed, saw) == (raised, raised)


def test_a_processor_goes_and_comes_while_devices_interrupt_it():
    with Guest(**FOUR, devices=["edu,addr=4", "edu,addr=5", "nvme"],
               drivers=["edu-message", "nvme"]) as guest:
        guest.wait_for_prompt()
        for name in ("edu-message0", "edu-message1"):
            guest.command(raise_load(name, 300))
        guest.command('job start "dev read nvme0 32768"')
        for number in range(12):
            cpu = number % 3 + 1
            assert guest.command(f"cpu offline {cpu}") == [f"CPU {cpu} is offline"]
            online = {row["cpu"]: row["online"] for row in guest.json("cpus -j")}
            assert online == {n: n != cpu for n in range(4)}
            rows = guest.json("irq -j")
            assert not any(row["cpu"] == cpu for row in rows if row.get("drivers"))
            assert guest.command(f"cpu online {cpu}") == [f"CPU {cpu} is online"]
        assert all(job["failed"] == 0 for job in guest.json("job stop -j"))
        for name in ("edu-message0", "edu-message1"):
            assert_exact(guest, name)


def test_with_all_other_processors_away_the_machine_runs_on():
    with Guest(**FOUR, devices=["edu", "nvme"], drivers=["edu-full", "nvme"]) as guest:
        guest.wait_for_prompt()
        for cpu in (3, 1, 2):
            guest.command(f"cpu offline {cpu}")
        guest.command(f"dev ioctl edu-full0 {IOCTL_RAISE} {ulong(500)} 20")
        guest.command("dev read nvme0 4096")
        assert_exact(guest, "edu-full0")
        assert {row["cpu"] for row in guest.json("irq -j") if row.get("drivers")} == {0}
        for cpu in (1, 2, 3):
            guest.command(f"cpu online {cpu}")
        guest.command(f"dev ioctl edu-full0 {IOCTL_RAISE} {ulong(500)} 20")
        assert_exact(guest, "edu-full0")


@pytest.mark.parametrize("command", [
    "cpu offline 0", "cpu offline 4", "cpu online 1", "cpu jump 1", "irq move 0x99 1",
    'irq move "no such source" 1', "irq move 0x60 9", "irq nonsense"])
def test_what_cannot_be_moved_is_refused(command):
    result = run_commands([command], **FOUR, devices=["edu"], drivers=["edu-message"])
    assert result.verdict == COMMAND_FAILED


def test_a_driver_can_be_restarted_after_its_interrupt_was_moved():
    commands = ["cpu offline 1", "cpu offline 2", "driver stop edu-full", "driver start edu-full",
                f"dev ioctl edu-full0 {IOCTL_RAISE} {ulong(100)} 20", "cpu online 1",
                "driver stop edu-full", "driver start edu-full",
                f"dev ioctl edu-full0 {IOCTL_RAISE} {ulong(100)} 20"]
    result = run_commands(commands, **FOUR, devices=["edu"], drivers=["edu-full"])
    assert result.verdict == SUCCESS, result.text


def test_a_random_walk_of_lines_and_processors_loses_nothing():
    walk = random.Random(20261125)
    with Guest(**FOUR, devices=["edu,addr=4", "edu,addr=5"],
               drivers=["edu-full"]) as guest:
        guest.wait_for_prompt()
        for name in ("edu-full0", "edu-full1"):
            guest.command(raise_load(name, 200))
        sources = [row["source"] for row in guest.json("irq -j")
                   if row["drivers"] == ["edu-full.sys"]]
        for _ in range(40):
            cpu = walk.randrange(1, 4)
            guest.command(walk.choice([
                f"cpu offline {cpu}", f"cpu online {cpu}",
                f'irq move "{walk.choice(sources)}" {walk.randrange(4)}']))
        assert all(job["failed"] == 0 for job in guest.json("job stop -j"))
        for name in ("edu-full0", "edu-full1"):
            assert_exact(guest, name)
