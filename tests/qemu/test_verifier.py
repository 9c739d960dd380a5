"""verifier=: each broken rule stops the machine in Windows' words, and names who broke it where."""
import re

import pytest

from harness.guest import BUGCHECK, SUCCESS, Guest, run_commands

# tests/verifier/rules.c
(CONNECT_AT_DISPATCH, ISR_KEEPS_IRQL, ISR_KEEPS_LOCK, LOCK_TWICE, RELEASE_FREE_LOCK,
 WAIT_AT_DISPATCH, ISR_DISCONNECTS, POOL_OF_NO_BYTES, ISR_ALLOCATES, ISR_SETS_EVENT, LEAK,
 COMPLETE_PENDING, COMPLETE_TWICE, STAY_CONNECTED, DPC_ENTERS_REGION, DPC_KEEPS_LOCK,
 ISR_TAKES_LONG, MUTEX_AT_DISPATCH, ISR_SETS_EVENT_BY_NAME, CLOSE_AT_DISPATCH, DPC_TAKES_LONG,
 NORMAL, LEAK_IRP, USE_AFTER_FREE, WRITE_PAST_END, SEND_FREED_IRP, WRITE_NEAR_END, WRITE_BEFORE,
 LEAVE_TIMER, RAISE_DOWN, LOWER_UP, LEAVE_REGION) = range(1, 33)

VIOLATION, IO_VIOLATION = 0xC4, 0xC9
STOP = re.compile(r"\*\*\* STOP 0x(\w{8}) \((\w+),(\w+),(\w+),(\w+)\)")


def break_rule(rule, append="verifier=rules.sys", after=("driver remove rules",)):
    return run_commands([f"dev ioctl rules0 0x222400 {rule:02x}000000", *after], devices=["edu"],
                        drivers=["rules"], folder="verifier", append=append)


def stop_of(result):
    assert result.verdict == BUGCHECK, result.text
    return [int(number, 16) for number in STOP.search(result.text).groups()]


@pytest.mark.parametrize("rule, code, first, words", [
    (CONNECT_AT_DISPATCH, VIOLATION, 0x2000B, "calls IoConnectInterruptEx at IRQL 2"),
    (ISR_KEEPS_IRQL, VIOLATION, 0x111, "came with IRQL"),
    (ISR_KEEPS_LOCK, VIOLATION, 0x40009, "returns with a spin lock held"),
    (LOCK_TWICE, VIOLATION, 0x40009, "acquires the spin lock"),
    (RELEASE_FREE_LOCK, VIOLATION, 0x4000A, "releases the spin lock"),
    (WAIT_AT_DISPATCH, VIOLATION, 0x121, "calls KeWaitForSingleObject at IRQL 2"),
    (ISR_DISCONNECTS, VIOLATION, 0x2000D, "calls IoDisconnectInterruptEx at IRQL"),
    (POOL_OF_NO_BYTES, VIOLATION, 0x00, "asks for no bytes"),
    (ISR_ALLOCATES, VIOLATION, 0x02, "asks for pool above DISPATCH_LEVEL"),
    (ISR_SETS_EVENT, VIOLATION, 0x80, "calls KeSetEvent at IRQL"),
    (LEAK, VIOLATION, 0x62, "unloaded with 1 blocks"),
    (COMPLETE_PENDING, IO_VIOLATION, 0x06, "completes an IRP with STATUS_PENDING"),
    (DPC_ENTERS_REGION, VIOLATION, 0x11A, "calls KeEnterCriticalRegion at IRQL 2"),
    (DPC_KEEPS_LOCK, VIOLATION, 0x40009, "(a DPC) returns with a spin lock held"),
    (MUTEX_AT_DISPATCH, VIOLATION, 0x33, "calls ExAcquireFastMutex at IRQL 2"),
    (ISR_SETS_EVENT_BY_NAME, VIOLATION, 0x80, "calls KeSetEvent at IRQL"),
    (CLOSE_AT_DISPATCH, VIOLATION, 0x2001F, "calls ZwClose at IRQL 2"),
    (LEAK_IRP, VIOLATION, 0x62, "unloaded with 1 blocks"),
    (RAISE_DOWN, VIOLATION, 0x30, "calls KfRaiseIrql at IRQL 2 for IRQL 1"),
    (LOWER_UP, VIOLATION, 0x31, "calls KfLowerIrql at IRQL 0 for IRQL 2"),
    (LEAVE_REGION, VIOLATION, 0x3E, "calls KeLeaveCriticalRegion outside of"),
    (LEAVE_TIMER, 0xC7, 0, "unloaded with a timer set"),
    (SEND_FREED_IRP, IO_VIOLATION, 0x03, "sends what is no IRP"),
])
def test_a_broken_rule_is_found_and_its_place_named(rule, code, first, words):
    result = break_rule(rule)
    assert stop_of(result)[:2] == [code, first]
    finding = next(line for line in result.log
                   if "verifier: rules.sys+0x" in line and "(rule " in line)
    assert words in finding


@pytest.mark.parametrize("rule, code", [(USE_AFTER_FREE, 0xD5), (WRITE_PAST_END, 0xD6)])
def test_special_pool_finds_who_writes_where_it_is_written(rule, code):
    """DV-12: the address, 1 for a write, the instruction, which is the driver's."""
    found, address, write, instruction, _ = stop_of(break_rule(rule, "verifier=rules.sys,special"))
    assert (found, write) == (code, 1) and instruction >= 0xFFFFFFFFC0000000
    assert address < 0xFFFFFFFFC0000000


def test_special_pool_finds_at_the_free_what_was_written_near_a_block():
    code, block, where, _, kind = stop_of(break_rule(WRITE_NEAR_END, "verifier=all,special"))
    assert (code, kind, where - block) == (0xC1, 0x24, 104)
    code, block, where, _, kind = stop_of(break_rule(WRITE_BEFORE, "verifier=all,special"))
    assert (code, kind, block - where) == (0xC1, 0x23, 1)


def test_a_block_of_special_pool_has_pages_of_its_own():
    result = break_rule(LEAK, "verifier=all,special", after=["mem -j"])
    owners = {row["owner"]: row["pages"] for row in result.json(2)}
    assert owners.get("special pool", 0) >= 1
    result = break_rule(LEAK, "verifier=all", after=["mem -j"])
    assert not any(row["owner"] == "special pool" for row in result.json(2))


@pytest.mark.parametrize("cpus", [1, 4])
def test_drivers_that_use_their_pool_well_run_on_special_pool(cpus):
    with Guest(devices=["edu"], drivers=["kernel"], folder="conformance", cpus=cpus, memory=256,
               append="verifier=all,special") as guest:
        guest.wait_for_prompt()
        cases = [line for line in guest.command("test", timeout=120) if " - " in line]
        for what in ("pool blocks of all sizes", "an MDL of pool"):
            assert any(line.startswith("ok ") and what in line for line in cases), cases


def test_the_irql_a_service_routine_came_and_left_with_are_told():
    """DV-15: routine, IRQL before, after."""
    code, kind, routine, before, after = stop_of(break_rule(ISR_KEEPS_IRQL))
    assert (code, kind, after) == (VIOLATION, 0x111, 14) and 3 <= before <= 11
    assert routine >= 0xFFFFFFFFC0000000


@pytest.mark.parametrize("rule, who", [(ISR_TAKES_LONG, "a service routine"),
                                       (DPC_TAKES_LONG, "a DPC")])
def test_what_takes_too_long_is_named_once_and_counted(rule, who):
    result = break_rule(rule, after=["verifier -j"])
    assert result.verdict == SUCCESS, result.text
    warned = [line for line in result.log if f"verifier: rules.sys+0x" in line and who in line]
    assert len(warned) == 1
    kind = "isr" if rule == ISR_TAKES_LONG else "dpc"
    row = next(row for row in result.json(2)
               if row["kind"] == kind and row["routine"].startswith("rules.sys"))
    assert row["too long"] >= 1 and row["longest ns"] >= 5_000_000 and row["runs"] >= 2


def test_an_interrupt_left_connected_stops_the_machine_verified_or_not():
    """CIE-LIFE-14"""
    for append in ("verifier=all", "verifier=none"):
        result = break_rule(STAY_CONNECTED, append)
        code, kind, routine, *_ = stop_of(result)
        assert (code, kind) == (0x121, 4) and routine >= 0xFFFFFFFFC0000000
        assert "irq: rules.sys+0x" in result.text and "is still connected to" in result.text


def test_an_irp_completed_twice_stops_the_machine_verified_or_not():
    for append in ("verifier=all", "verifier=none"):
        assert stop_of(break_rule(COMPLETE_TWICE, append))[0] == 0x44


@pytest.mark.parametrize("append", ["verifier=none", "verifier=edu-line.sys,other.sys"])
@pytest.mark.parametrize("rule", [POOL_OF_NO_BYTES, LEAK, ISR_TAKES_LONG, NORMAL])
def test_a_driver_that_is_not_verified_is_left_alone(rule, append):
    result = break_rule(rule, append)
    assert result.verdict == SUCCESS and "verifier:" not in result.text


def test_a_driver_that_keeps_the_rules_passes_all_of_them():
    result = break_rule(NORMAL, "verifier=all")
    assert result.verdict == SUCCESS and "error" not in result.text


def test_the_name_of_a_driver_is_compared_without_case_among_others():
    assert stop_of(break_rule(POOL_OF_NO_BYTES, "verifier=edu-line.sys,RULES.SYS"))[0] == VIOLATION


def test_the_times_of_a_driver_go_with_it():
    with Guest(devices=["edu"], drivers=["edu-line"], append="verifier=all") as guest:
        guest.wait_for_prompt()
        guest.command("dev ioctl edu-line0 0x222008 64000000 20")
        assert {row["kind"] for row in guest.json("verifier -j")} >= {"isr", "dpc"}
        guest.command("driver remove edu-line")
        assert guest.json("verifier -j") == []


def test_the_calls_of_a_verified_driver_are_counted():
    with Guest(devices=["edu"], drivers=["edu-line"], append="verifier=all") as guest:
        guest.wait_for_prompt()
        guest.command("dev ioctl edu-line0 0x222008 64000000 20")
        count = int(guest.command("verifier")[0].split()[0])
        assert count >= 20
