"""The drivers that stretch the runtime: virtio-rng, and those that follow it."""
import pytest

from harness import matrix
from harness.guest import SUCCESS, run_commands


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


@pytest.mark.parametrize("device, mode", [("virtio-rng-pci", "latched"),
                                          ("virtio-rng-pci,disable-legacy=on", "latched"),
                                          ("virtio-rng-pci,vectors=0", "level")],
                         ids=["MSI-X", "MSI-X, version 1 only", "line"])
@matrix.each_machine
def test_virtio_rng_reads_random_bytes(machine, device, mode):
    result = run_commands(RNG_READS, **machine, devices=[device], drivers=["virtio-rng"])
    assert result.verdict == SUCCESS, result.text
    assert [len(data_of(result, number)) for number in (1, 2)] == [64, 9000]
    check_random(result, 1, 2)
    row, = interrupts(result, 3, "virtio-rng")
    assert row["mode"] == mode and sum(row["claims"]) >= 4  # 64 bytes, and 9000 in three pieces


def test_virtio_rng_built_with_mingws_headers_behaves_the_same():
    result = run_commands(RNG_READS, devices=["virtio-rng-pci"], drivers=["virtio-rng"],
                          folder="drivers-mingw")
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
