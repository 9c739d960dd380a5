"""Interrupts to some of the CPUs: fewest messages, each target interrupted once, others never."""
import pytest

from harness import bochs
from harness.guest import SUCCESS, Guest, run_commands
from hostlib import qemu

NEWER = qemu.find_newer()
needs_qemu10 = pytest.mark.skipif(NEWER is None,
                                  reason="x2APIC under TCG needs QEMU 10: tools/setup-qemu10")
#: An interrupt of another CPU's own may come between; no more than a few times in a row.
ATTEMPTS = 5


def cpus_of(text):
    """'1-3 20' to {1, 2, 3, 20}"""
    ranges = [word.split("-") for word in text.split()]
    return {cpu for ends in ranges for cpu in range(int(ends[0]), int(ends[-1]) + 1)}


def assert_interrupts(guest, targets, physical=0, logical=0, shorthand=0):
    wanted = cpus_of(targets)
    for _ in range(ATTEMPTS):
        *rows, cost = guest.json(f"ipi {targets} -j")
        assert {row["cpu"] for row in rows if row["target"]} == wanted
        if all(row["taken"] == row["target"] for row in rows):
            break
    assert [row["taken"] for row in rows] == [int(row["target"]) for row in rows]
    assert cost == {"physical": physical, "logical": logical, "shorthand": shorthand,
                    "targets": len(wanted)}


def sent(guest):
    rows = guest.json("apic -j")
    return {name: sum(row[name] for row in rows)
            for name in ("physical", "logical", "shorthand", "targets")}


def logical_ids(guest, cpus):
    return [next(row["held"] for row in guest.json(f"apic {cpu} -j") if row["register"] == "LDR")
            for cpu in range(cpus)]


def test_four_cpus_in_xapic_mode_are_named_by_one_message():
    with Guest(cpus=4, append="apic=xapic") as guest:
        guest.wait_for_prompt()
        assert logical_ids(guest, 4) == [1 << 24 + cpu for cpu in range(4)]
        before = sent(guest)
        assert_interrupts(guest, "1-2", logical=1)
        assert_interrupts(guest, "0-1 3", logical=1)
        assert_interrupts(guest, "0-3", shorthand=1)
        after = sent(guest)
        assert after["logical"] - before["logical"] >= 2
        assert after["targets"] - before["targets"] >= 2 + 3 + 4


def test_twelve_cpus_in_xapic_mode_are_named_one_by_one():
    with Guest(cpus=12, append="apic=xapic") as guest:
        guest.wait_for_prompt()
        assert logical_ids(guest, 12) == [0] * 12
        assert_interrupts(guest, "1-2 11", physical=3)
        assert_interrupts(guest, "0-11", shorthand=1)


@needs_qemu10
def test_in_x2apic_mode_a_cluster_of_16_is_one_message():
    with Guest(cpus=40, emulator=NEWER) as guest:
        guest.wait_for_prompt()
        assert logical_ids(guest, 40) == [cpu // 16 << 16 | 1 << cpu % 16 for cpu in range(40)]
        assert_interrupts(guest, "14-17", logical=2)
        assert_interrupts(guest, "15-16", physical=2)
        assert_interrupts(guest, "8-38", logical=3)
        assert_interrupts(guest, "0-3 20 36-39", logical=2, physical=1)
        assert_interrupts(guest, "0-39", shorthand=1)
        guest.verify()


@needs_qemu10
def test_ids_past_8_bits_have_logical_ones():
    far = ["-smp", "2,maxcpus=300,sockets=300,cores=1,threads=1"]
    for number in (297, 298, 299):
        far += ["-device", f"max-x86_64-cpu,socket-id={number},core-id=0,thread-id=0"]
    with Guest(emulator=NEWER, qemu_args=far) as guest:
        guest.wait_for_prompt()
        assert [row["apic"] for row in guest.json("apic -j")] == [0, 1, 297, 298, 299]
        assert logical_ids(guest, 5)[2:] == [18 << 16 | 1 << number % 16
                                             for number in (297, 298, 299)]
        assert_interrupts(guest, "2 4", logical=1)
        assert_interrupts(guest, "1 3-4", physical=1, logical=1)


@pytest.mark.skipif(not bochs.find(), reason="Bochs is not there: tools/setup-bochs fetches it")
@pytest.mark.parametrize("mode, model, logical", [("xapic", "corei7_haswell_4770", 1),
                                                  ("x2apic", "corei7_icelake_u", 0)])
def test_bochs_takes_messages_to_some(mode, model, logical):
    """Its x2APICs have no logical ids: the LDR reads as 0. Physical ones are used then."""
    result = bochs.run(["ipi 1-2 -j", "ipi 3 -j"], cpus=4, model=model, append=f"apic={mode}")
    assert result.verdict == SUCCESS, result.text
    *rows, cost = result.json(1)
    assert [row["taken"] for row in rows] == [0, 1, 1, 0]
    assert cost == {"physical": 2 * (1 - logical), "logical": logical, "shorthand": 0, "targets": 2}
    *rows, cost = result.json(2)
    assert [row["taken"] for row in rows] == [0, 0, 0, 1]
    assert cost == {"physical": 1, "logical": 0, "shorthand": 0, "targets": 1}
    assert ("physical ids alone are used" in result.text) == (logical == 0)


def test_a_cpu_that_is_not_there_is_refused():
    result = run_commands(["ipi 2", "ipi 1-0", "ipi 0-x", "ipi 0 1"], cpus=2)
    assert result.text.count("error: ipi: ") == 3
