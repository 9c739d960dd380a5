"""A driver that leaves while its device interrupts leaves nothing running."""
import threading
import time

import pytest

from harness.guest import SUCCESS, Guest, GuestError, run_commands

EDU_RAISE, EDU_BY_HAND = 0x60, 0x10


class Raiser(threading.Thread):
    """Raises the edu's interrupt from outside, as fast as QEMU takes it."""

    def __init__(self, guest, base):
        super().__init__(daemon=True)
        self.guest, self.base, self.going, self.count = guest, base, True, 0

    def run(self):
        while self.going:
            try:
                self.guest.qtest.writel(self.base + EDU_RAISE, EDU_BY_HAND)
            except (GuestError, OSError):
                return
            self.count += 1
            time.sleep(0.0005)


def edu_base(guest):
    for row in guest.json("devices -j"):
        if "VEN_1234&DEV_11E8" in row["instance"]:
            memory = next(text for text in row["resources"] if text.startswith("memory "))
            return int(memory.split()[1].split("-")[0], 16)
    raise AssertionError("no edu among the devices")


def handlers(guest, name):
    return [row for row in guest.json("irq -j") if f"{name}.sys" in row["drivers"]]


@pytest.mark.parametrize("cpus", [1, 4])
@pytest.mark.parametrize("name", ["edu-line", "edu-message", "edu-full"])
def test_a_driver_removed_while_its_device_interrupts_leaves_nothing_running(name, cpus):
    with Guest(cpus=cpus, devices=["edu"], drivers=[name], qtest=True) as guest:
        guest.wait_for_prompt()
        raiser = Raiser(guest, edu_base(guest))
        raiser.start()
        time.sleep(0.3)
        assert sum(sum(row["claims"]) for row in handlers(guest, name)) > 0
        guest.command(f"driver remove {name}")
        assert not handlers(guest, name)
        time.sleep(0.3)
        raiser.going = False
        raiser.join()
        assert len(guest.json("cpus -j")) == cpus
        guest.type("poweroff\r")
        guest.wait(10)


def test_at_shutdown_every_device_is_removed_children_before_their_bus():
    result = run_commands(["cpus"], devices=["edu"], drivers=["edu-bus", "edu-child", "irp-count"])
    assert result.verdict == SUCCESS, result.text
    after = result.text[result.text.index("exec: 1 ok"):]
    assert after.count("irp-count: removed after") == 2 and "surprise" not in after
    assert after.count("edu-child0: stopped") == after.count("edu-child1: stopped") == 1
