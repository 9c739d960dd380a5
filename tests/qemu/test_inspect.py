"""The console's commands for driver authors: what the system holds, and how it is debugged."""
import re
import time

from harness import suite
from harness.guest import BUGCHECK, COMMAND_FAILED, SUCCESS, Guest, run_commands

IRP_MJ_READ = 3


def rows_by(result, number, key):
    return {row[key]: row for row in result.json(number)}


def test_a_driver_object_names_its_routines_and_devices():
    result = run_commands(["drvobj -j edu-message", "drvobj nothing"], devices=["edu"],
                          drivers=["edu-message"])
    assert result.verdict == COMMAND_FAILED and "error: nothing: no such driver is loaded" in (
        result.log)
    members = rows_by(result, 1, "member")
    assert members["PNP"]["value"].startswith("edu-message.sys+0x")
    assert members["FLUSH_BUFFERS"]["value"].startswith("driver_invalid_request")
    assert members["device"]["value"].endswith("\\Device\\edu-message0")


def test_a_stack_is_shown_from_the_filter_down_to_the_bus():
    result = run_commands(["devstack -j edu-child1", "objects -j"], devices=["edu"],
                          drivers=["edu-bus", "edu-child", "irp-count"])
    assert result.verdict == SUCCESS, result.text
    stack = result.json(1)
    assert [row["driver"] for row in stack] == ["irp-count", "edu-child", "edu-bus"]
    assert [row["stack"] for row in stack] == [3, 2, 1]
    assert stack[2]["instance"].startswith("EDUBUS\\Calculator")
    names = rows_by(result, 2, "name")
    assert names["\\??\\edu-child1"]["target"] == "\\Device\\edu-child1"
    assert names["\\Device\\edu-child1"]["object"] == stack[1]["device"]
    assert names["\\Driver\\irp-count"]["type"] == "Driver"


def test_a_request_that_waits_is_among_the_irps_and_gone_afterwards():
    with Guest(cpus=2, devices=["nec-usb-xhci,id=xhci"], drivers=["xhci"], monitor=True) as guest:
        guest.wait_for_prompt()
        guest.command('job start "dev read xhci0 8" 1')
        deadline = time.monotonic() + 15
        while not (waiting := [row for row in guest.json("irps -j") if row["driver"] == "xhci"]):
            assert time.monotonic() < deadline, "the read is not among the IRPs"
        assert waiting[0]["major"] == IRP_MJ_READ and waiting[0]["pending"]
        assert not waiting[0]["cancelled"]
        names = [row["name"] for row in guest.json("threads -j") if row["state"] == "waiting"]
        assert "job" in names
        guest.monitor.command("device_add usb-kbd,id=keyboard,bus=xhci.0")
        guest.command("job wait")
        assert not [row for row in guest.json("irps -j") if row["driver"] == "xhci"]


def test_dpcs_are_counted_on_each_cpu():
    raise_ten = "dev ioctl edu-line0 0x222008 0A000000 20"
    result = run_commands(["dpcs -j", raise_ten, "dpcs -j", "handles -j"], cpus=2,
                          devices=["edu"], drivers=["edu-line"])
    assert result.verdict == SUCCESS, result.text
    before, after = (sum(row["run"] for row in result.json(number)) for number in (1, 3))
    assert after > before and len(result.json(3)) == 2


def test_handles_show_what_a_driver_holds_and_what_it_leaks():
    """Of five objects that are held all are listed by type; of those one is never closed."""
    run = suite.Run({"group": "objects", "devices": ["edu"]}, 1, None)
    with run.guest() as guest:
        guest.wait_for_prompt()
        before = guest.json("handles -j")
        suite.judge("holding", suite.step(guest, "objects", 3))
        held = [row for row in guest.json("handles -j") if row not in before]
        assert sorted(row["type"] for row in held) == ["Event", "File", "Key", "Thread", "Timer"]
        assert all(row["handles"] == 1 and row["references"] >= 1 for row in held)
        assert len({row["handle"] for row in held}) == len({row["object"] for row in held}) == 5
        first = held[0]
        shown = rf"0x{first['handle']:x}\s+{first['type']}\s+0x{first['object']:x}\s+\d+\s+1\s"
        assert [line for line in guest.command("handles") if re.search(shown, line.rstrip())]
        names = {row["type"]: row["name"] for row in held}
        assert names["Key"] == "\\Registry\\Machine\\Software\\ObjectsTest"
        assert names["File"] == "\\Device\\objects-file"
        assert names["Event"] == "\\BaseNamedObjects\\ObjectsHeld" and not names["Timer"]
        assert re.fullmatch(r"driver, id \d+", names["Thread"])
        suite.judge("letting go", suite.step(guest, "objects", 4))
        guest.command("driver remove objects")
        left = [row for row in guest.json("handles -j") if row not in before]
        assert [(row["type"], row["handle"]) for row in left] == [
            (row["type"], row["handle"]) for row in held if row["type"] == "Key"]


def test_names_that_are_too_long_for_the_console_are_cut():
    run = suite.Run({"group": "objects", "devices": ["edu"]}, 1, None)
    with run.guest() as guest:
        guest.wait_for_prompt()
        suite.judge("long names", suite.step(guest, "objects", 5))
        names = [row["name"] for row in guest.json("objects -j")]
        assert [name for name in names if re.fullmatch(r"\\\?\?\\objects\u20ac{40,60}", name)]
        keys = guest.command("reg query HKLM\\Software\\ObjectsTest")
        assert [line for line in keys if re.fullmatch(r"\u20ac{42}\s+key", line.rstrip())], keys


def test_pool_shows_the_tags_that_begin_so():
    result = run_commands(["pool -j", "pool -j Irp", "pool -j Never"])
    assert result.verdict == SUCCESS
    assert len(result.json(1)) > 1
    assert [row["tag"] for row in result.json(2)] == ["Irp "] and not result.json(3)


def test_the_registry_is_shown_and_changed():
    key = "Services\\edu-line\\Parameters"
    result = run_commands(
        ["reg -j query Services\\edu-line", f"reg set {key} Depth REG_DWORD 7",
         f"reg set {key} Name REG_SZ 'two words'", f"reg set {key} Bytes REG_BINARY 0a0b",
         f"reg -j query {key}", "reg -j query HKLM\\System\\CurrentControlSet\\Services\\edu-line",
         "reg query Services\\nothing", f"reg set {key} Depth REG_DWORD seven",
         "reg delete Services"], devices=["edu"], drivers=["edu-line"])
    values = rows_by(result, 1, "name")
    assert (values["Start"]["type"], values["Start"]["data"]) == ("REG_DWORD", "0x3")
    assert values["ImagePath"]["data"] == "System32\\drivers\\edu-line.sys"
    assert [(row["name"], row["type"], row["data"]) for row in result.json(5)] == [
        ("Depth", "REG_DWORD", "0x7"), ("Name", "REG_SZ", "two words"),
        ("Bytes", "REG_BINARY", "0a0b")]
    assert rows_by(result, 6, "name")["Parameters"]["type"] == "key"
    assert sum(line.startswith("error: ") for line in result.log) == 3


def test_dbgprint_holds_back_what_it_is_told_to():
    start = ["driver stop edu-line", "driver start edu-line"]
    result = run_commands(["dbgprint -j", "dbgprint default 0"] + start
                          + ["dbgprint -j", "dbgprint 101 0xffffffff"] + start + ["dbgprint -j"],
                          devices=["edu"], drivers=["edu-line"])
    assert result.verdict == SUCCESS, result.text
    assert not result.json(1) and not result.json(9)
    assert result.json(5) == [{"component": 101, "mask": 0}]
    assert not [line for line in result.outputs[4] if "connected" in line]
    assert [line for line in result.outputs[8] if "connected" in line]


def test_bugcheck_stops_with_the_code_and_the_parameters_given():
    result = run_commands(["bugcheck 0xE2 1 2 3 4"])
    assert result.verdict == BUGCHECK
    assert any(line.startswith("*** STOP 0x000000E2 (0000000000000001,0000000000000002,"
                               "0000000000000003,0000000000000004)") for line in result.log)


def test_reg_lists_the_drivers_that_filter_the_registry():
    run = suite.Run({"group": "registry-filter", "devices": ["edu"]}, 1, None)
    with run.guest() as guest:
        guest.wait_for_prompt()
        suite.step(guest, "registry-filter", 1)
        row, = guest.json("reg -j filters")
        assert (row["altitude"], row["driver"]) == ("380000.5", "registry-filter")
        suite.step(guest, "registry-filter", 2)
        assert guest.json("reg -j filters") == []
