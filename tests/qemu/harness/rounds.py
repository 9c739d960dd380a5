"""Drivers loaded and unloaded over and over, and what the kernel holds before and after.

    load = rounds.LOADS[0]
    before, after = rounds.held_around(load, 1000, cpus=4)
    assert after == before
"""
from collections import namedtuple

from harness.guest import SUCCESS, run_commands

# `removed`: the drivers in the order they are removed in; the last one is started again, and by
# what it reports the others are.
Load = namedtuple("Load", "removed devices machines", defaults=[("q35", "pc")])

LOADS = [Load(*row) for row in [
    (["edu-line"], ["edu"]),
    (["edu-message"], ["edu"]),
    (["edu-full"], ["edu"]),
    (["edu-passive"], ["edu"]),
    (["edu-iointex"], ["edu"]),
    (["edu-shared"], ["edu,addr=0x10", "edu,addr=0x14"]),
    (["edu-child", "irp-count", "edu-bus"], ["edu"]),
    (["rtc"], []),
    (["hpet"], [], ["q35"]),  # on pc its only pin is the PIT's
    (["i8042"], []),
    (["virtio-rng"], ["virtio-rng-pci"]),
    (["pci-serial"], ["pci-serial"]),
    (["nvme"], ["nvme"]),
    (["xhci"], ["nec-usb-xhci"]),
    (["e1000e"], ["e1000e"]),
    (["ahci"], ["ich9-ahci,id=ahci,addr=7", "ide-hd,bus=ahci.0"]),
]]
LOOK = ["mem pool -j", "mem -j", "objects -j", "handles -j", "irq vectors -j", "threads -j"]


def name(load):
    return load.removed[-1]


def held(result, number, cpus):
    """What LOOK, from command `number` on, shows; pool of the console itself is left out.

    With several CPUs it is chance how many slabs of the pool their lists hold blocks of.
    """
    pool, pages, objects, handles, vectors, threads = (
        result.json(number + i) for i in range(len(LOOK)))
    return {"pool": {row["tag"]: (row["blocks"], row["bytes"]) for row in pool
                     if row["blocks"] and not row["tag"].startswith("Sh")},
            "pages": {row["owner"]: row["pages"] for row in pages
                      if cpus == 1 or row["owner"] not in ("pool", "free", "largest free")},
            "objects": sorted(row["type"] for row in objects),
            "handles": len(handles),
            "vectors": vectors,
            "threads": sorted(row["name"] for row in threads)}


def held_around(load, rounds, cpus=1, timeout=600, **options):
    """What is held before and after `rounds` rounds; two before, for what is allocated once."""
    once = [f"driver remove {driver}" for driver in load.removed]
    once.append(f"driver start {name(load)}")
    result = run_commands(once * 2 + LOOK + once * rounds + LOOK, timeout=timeout,
                          cpus=cpus, devices=load.devices, drivers=load.removed[::-1], **options)
    assert result.verdict == SUCCESS, result.text[-3000:]
    first = 2 * len(once) + 1
    return (held(result, first, cpus),
            held(result, first + len(LOOK) + rounds * len(once), cpus))
