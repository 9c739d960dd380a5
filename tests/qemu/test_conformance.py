"""Conformance drivers pass their KTAP reports: those with an INF of their own on each quick
machine, the groups of the suite as their runs.toml say."""
import os
import time

import pytest

from harness import ktap, matrix, suite
from harness.guest import BUGCHECK, SUCCESS, run_commands
from hostlib import qemu

NAMES = sorted(entry.name for entry in os.scandir(suite.FOLDER)
               if os.path.exists(os.path.join(entry.path, f"{entry.name}.inf")))
RUNS = suite.runs()


@pytest.mark.parametrize("name", NAMES)
@matrix.each("quick")
def test_a_conformance_driver_passes(machine, name):
    result = run_commands(["test"], **machine, timeout=120, drivers=[name], folder="conformance",
                          devices=["edu"])
    report = ktap.Report(result.text)
    cases = suite.cases_of(result.text)
    suite.record(f"{name}, {matrix.title(machine)}", cases)
    suite.judge(name, cases, result.text)
    report.check()
    assert result.verdict == SUCCESS, result.text[-3000:]


@pytest.mark.parametrize("run", RUNS, ids=[run.title for run in RUNS])
def test_conformance(run):
    cases, text = suite.execute(run)
    suite.judge(run.title, cases, text)


@pytest.mark.parametrize("cpus", [1, 4])
def test_conformance_of_unloading_with_a_queued_dpc(cpus):
    """The driver is gone when the command returns: its DPC has run before, or never will."""
    # The verifier stops the machine instead: TC-49.
    run = suite.Run({"group": "dpc", "devices": ["edu"], "append": "verifier=none"}, cpus, None)
    with run.guest() as guest:
        guest.wait_for_prompt()
        suite.step(guest, "dpc", 0)
        start = guest.position
        guest.command("driver remove dpc", suite.TIMEOUT)
        cases = suite.cases_of(guest.text[start:guest.position])
    title = f"dpc unloading, {cpus} CPU{'s' if cpus > 1 else ''}"
    suite.record(title, cases)
    suite.judge(title, cases)


def test_conformance_of_removal_that_registrants_are_asked_about():
    """Removed three times: one refuses, one has it open, then all let go. Cases of each step, and
    of the driver's unloading."""
    run = suite.Run({"group": "notification", "devices": ["edu"]}, 1, None)
    with run.guest() as guest:
        guest.wait_for_prompt()
        start = guest.position
        for number in range(3):
            suite.step(guest, "notification", number)
            guest.command("driver remove notification", suite.TIMEOUT)
        cases = suite.cases_of(guest.text[start:guest.position])
    suite.record("notification removal, 1 CPU", cases)
    suite.judge("notification removal", cases, guest.text)
    assert len(cases) == 9, guest.text[-3000:]


@pytest.mark.parametrize("cpus", [1, 4])
def test_conformance_of_an_nmi_that_drivers_handle(cpus):
    run = suite.Run({"group": "nmi", "devices": ["edu"]}, cpus, None)
    with run.guest(monitor=True) as guest:
        guest.wait_for_prompt()
        cases = suite.step(guest, "nmi", 1)
        guest.monitor.command("nmi")
        cases += suite.step(guest, "nmi", 2)
        suite.step(guest, "nmi", 3)
        guest.monitor.command("nmi")
        assert guest.wait() == BUGCHECK
        cases += suite.stop_cases(guest.text)
    title = f"nmi from outside, {cpus} CPU{'s' if cpus > 1 else ''}"
    suite.record(title, cases)
    suite.judge(title, cases)
    assert len(cases) == 8, cases


def test_conformance_of_being_told_of_images():
    """A driver's routine is called when another's image is loaded, until it is removed."""
    run = suite.Run({"group": "objects", "devices": ["edu", "pci-serial"]}, 1, None)
    drivers = ["objects", os.path.join(qemu.BUILD, "drivers", "pci-serial")]
    with run.guest(drivers=drivers) as guest:
        guest.wait_for_prompt()
        guest.command("driver remove pci-serial", suite.TIMEOUT)
        cases = suite.step(guest, "objects", 0)
        guest.command("driver start pci-serial", suite.TIMEOUT)
        cases += suite.step(guest, "objects", 1)
        guest.command("driver remove pci-serial", suite.TIMEOUT)
        guest.command("driver start pci-serial", suite.TIMEOUT)
        cases += suite.step(guest, "objects", 2)
    suite.record("objects images, 1 CPU", cases)
    suite.judge("objects images, 1 CPU", cases)


def test_conformance_of_mapping_without_memory():
    """A routine that has no result for it stops the machine."""
    run = suite.Run({"group": "memory", "devices": ["edu"]}, 1, 5)
    result = run_commands(['inject pool 1 "MmAr"',
                           suite.request(run.group, suite.STOP_CODE, run.stop)],
                          timeout=suite.TIMEOUT, **run.options())
    cases = suite.stop_cases(result.text)
    suite.record("memory mapping without memory, 1 CPU", cases)
    suite.judge("memory mapping without memory", cases, result.text)


def blocks(guest):
    """Of the pool, by tag, but for the console's."""
    return {row["tag"]: row["blocks"] for row in guest.json("mem pool -j")
            if row["blocks"] and not row["tag"].startswith("Sh")}


@pytest.mark.parametrize("group, tags, count", [
    ("requests", ("Io", "IoNm", "Irp", "Mdl", "ObjC", "TmAp"), 15),
    ("ex", ("ExCb", "ExNm", "ExTm", "ObjC", "ReTa"), 6),
    ("rtl", ("Strg", "Cm", "ObjC"), 10),
    ("services", ("ObjC", "ObjC", "ObSd", "ZwVm", "MmAr", "Mdl", "MhRa"), 13),
    ("io", ("Io", "IoNm", "IoWi", "Irp", "Mdl", "ObjC", "Dma"), 13),
    ("pofx", ("Pnp",), 1),
    ("registry-filter", ("Cm",), 2),
])
def test_conformance_without_memory(group, tags, count):
    """Each allocation that the step's routines make fails once; each routine says so, only so, and
    leaves nothing behind.
    """
    run = suite.Run({"group": group, "devices": ["edu"]}, 1, None)
    cases = []
    with run.guest() as guest:
        guest.wait_for_prompt()
        before = None
        for tag in tags:
            for nth in range(1, 12):
                guest.command(f'inject pool {nth} "{tag}"')
                found = suite.step(guest, group, 0)
                guest.command("inject pool off")
                cases += [case for case in found if case not in cases]
            before = before or blocks(guest)  # what is made once, and kept, is there now
        after = blocks(guest)
    suite.record(f"{group} without memory, 1 CPU", cases)
    suite.judge(f"{group} without memory", cases, guest.text)
    assert len(cases) == count, guest.text[-3000:]
    assert after == before


TRACE_PROVIDER = "{7ace0001-0002-0003-0405-060708090a0b}"
TRACE_ACTIVITY = "{ac000001-0000-0000-0000-000000000000}"
TRACE_RELATED = "{ac000002-0000-0000-0000-000000000000}"


def test_conformance_of_a_trace_provider_that_is_enabled():
    """The console enables it, reads what it has written, and disables it."""
    run = suite.Run({"group": "ex", "devices": ["edu"]}, 1, None)
    with run.guest() as guest:
        guest.wait_for_prompt()
        cases = suite.step(guest, "ex", 10)
        for wrong in ("on {7ace0001}", "on all 256", "on", f"off {TRACE_PROVIDER}"):
            guest.command(f"trace {wrong}")
        guest.command(f"trace on {TRACE_PROVIDER} 4 3 2")
        cases += suite.step(guest, "ex", 11)
        event, link, string = guest.json("trace -j")
        cases += suite.step(guest, "ex", 12)
        filled = guest.json("trace -j")
        lost = guest.command("trace")
        guest.command("trace off")
        cases += suite.step(guest, "ex", 13)
        assert guest.json("trace -j") == []
    suite.record("ex tracing, 1 CPU", cases)
    suite.judge("ex tracing", cases, guest.text)
    assert len(cases) == 22, guest.text[-3000:]
    assert {row["provider"] for row in (event, link, string)} == {TRACE_PROVIDER}
    assert [row["kind"] for row in (event, link, string)] == ["event", "event", "string"]
    assert (event["id"], event["version"], event["level"], event["opcode"], event["keyword"],
            event["size"], event["data"]) == (7, 1, 4, 2, 2, 6, "443322116655")
    assert (event["activity"], event["related"]) == ("", "")
    assert (link["activity"], link["related"], link["size"]) == (TRACE_ACTIVITY, TRACE_RELATED, 4)
    assert (string["level"], string["keyword"], string["data"]) == (3, 2, "a string")
    assert event["time"] <= link["time"] <= string["time"]
    assert len(filled) > 1 and {(row["id"], row["size"]) for row in filled} == {(9, 4096)}
    assert "3 lost: there was no room" in lost
    for why in ("{7ace0001}: no provider", "a level is 0 to 255", "usage: trace",
                "that provider is not enabled"):
        assert why in guest.text


def test_conformance_of_a_traced_block_and_messages():
    """The command line enables the block; its provider sends messages to the session."""
    run = suite.Run({"group": "wmi", "devices": ["edu"],
                     "append": "trace={4f1f2c03-7a31-4d0e-9102-030405060708},5,6"}, 1, None)
    with run.guest() as guest:
        guest.wait_for_prompt()
        cases = suite.step(guest, "wmi", 0)
        cases += suite.step(guest, "wmi", 1)
        rows = guest.json("trace -j")
        guest.command("trace off")
        cases += suite.step(guest, "wmi", 2)
    suite.record("wmi tracing, 1 CPU", cases)
    suite.judge("wmi tracing", cases, guest.text)
    assert len(cases) == 11, guest.text[-3000:]
    assert {row["provider"] for row in rows} == {"{4f1f2c0f-7a31-4d0e-9102-030405060708}"}
    seen = [(row["kind"], row["id"], row["sequence"], row["size"], row["data"]) for row in rows]
    assert seen == [("message", 11, 1, 9, "443322117465787400"),
                    ("message", 12, 2, 4, "44332211")]


def test_conformance_of_an_interface_whose_device_comes_back():
    """Plugged in and out, twice: its interface is the same, its device another."""
    run = suite.Run({"group": "notification", "devices": ["edu,addr=4"], "machine": "pc"}, 1, None)
    cases = []
    with run.guest(monitor=True) as guest:
        guest.wait_for_prompt()

        def wait_for_devices(count):
            deadline = time.monotonic() + 60
            while len([row for row in guest.json("devices -j") if row["driver"] == "notification"
                       and row["state"] == "started"]) != count:
                assert time.monotonic() < deadline, guest.text[-3000:]

        for _ in range(2):
            guest.monitor.command("device_add edu,id=plugged,bus=pci.0,addr=5")
            wait_for_devices(2)
            cases += suite.step(guest, "notification", 3)
            guest.monitor.command("device_del plugged")
            wait_for_devices(1)
    suite.record("notification, plugged in anew", cases)
    suite.judge("notification, plugged in anew", cases, guest.text)
    assert len(cases) == 4, guest.text[-3000:]
