"""verifier=: each broken rule stops the machine in Windows' words, and names who broke it where."""
import argparse
import os
import re

import pytest

from harness.guest import BUGCHECK, SUCCESS, Guest, run_commands
from hostlib import qemu


def read_rules():
    """The numbers of tests/verifier/rules.h, by name."""
    rules, number = {}, 0
    with open(os.path.join(qemu.ROOT, "tests", "verifier", "rules.h"), encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    for entry in re.search(r"enum \{(.*?)\}", text, re.S).group(1).split(","):
        name, _, value = entry.strip().partition(" = ")
        if name:
            number = rules[value] if value in rules else int(value, 0) if value else number
            rules[name] = number
            number += 1
    return rules


R = argparse.Namespace(**read_rules())

VIOLATION, IO_VIOLATION = 0xC4, 0xC9
STOP = re.compile(r"\*\*\* STOP 0x(\w{8}) \((\w+),(\w+),(\w+),(\w+)\)")


def break_rule(rule, append="verifier=rules.sys", after=("driver remove rules",)):
    return run_commands([f"dev ioctl rules0 0x222400 {rule:02x}000000", *after], devices=["edu"],
                        drivers=["rules"], folder="verifier", append=append)


def stop_of(result):
    assert result.verdict == BUGCHECK, result.text
    return [int(number, 16) for number in STOP.search(result.text).groups()]


@pytest.mark.parametrize("rule, code, first, words", [
    (R.CONNECT_AT_DISPATCH, VIOLATION, 0x2000B, "calls IoConnectInterruptEx at IRQL 2"),
    (R.ISR_KEEPS_IRQL, VIOLATION, 0x111, "came with IRQL"),
    (R.ISR_KEEPS_LOCK, VIOLATION, 0x40009, "returns with a spin lock held"),
    (R.LOCK_TWICE, VIOLATION, 0x40009, "acquires the spin lock"),
    (R.RELEASE_FREE_LOCK, VIOLATION, 0x4000A, "releases the spin lock"),
    (R.WAIT_AT_DISPATCH, VIOLATION, 0x121, "calls KeWaitForSingleObject at IRQL 2"),
    (R.ISR_DISCONNECTS, VIOLATION, 0x2000D, "calls IoDisconnectInterruptEx at IRQL"),
    (R.POOL_OF_NO_BYTES, VIOLATION, 0x00, "asks for no bytes"),
    (R.ISR_ALLOCATES, VIOLATION, 0x02, "asks for pool above DISPATCH_LEVEL"),
    (R.ISR_SETS_EVENT, VIOLATION, 0x80, "calls KeSetEvent at IRQL"),
    (R.LEAK, VIOLATION, 0x62, "unloaded with 1 blocks"),
    (R.COMPLETE_PENDING, IO_VIOLATION, 0x06, "completes an IRP with STATUS_PENDING"),
    (R.DPC_ENTERS_REGION, VIOLATION, 0x11A, "calls KeEnterCriticalRegion at IRQL 2"),
    (R.DPC_KEEPS_LOCK, VIOLATION, 0x40009, "(a DPC) returns with a spin lock held"),
    (R.MUTEX_AT_DISPATCH, VIOLATION, 0x33, "calls ExAcquireFastMutex at IRQL 2"),
    (R.ISR_SETS_EVENT_BY_NAME, VIOLATION, 0x80, "calls KeSetEvent at IRQL"),
    (R.CLOSE_AT_DISPATCH, VIOLATION, 0x2001F, "calls ZwClose at IRQL 2"),
    (R.FREE_AT_DISPATCH, VIOLATION, 0x11, "frees paged pool above APC_LEVEL by ExFreePoolWithTag"),
    (R.DELETE_AT_DISPATCH, VIOLATION, 0xE5, "calls ExDeleteTimer with Wait TRUE at IRQL 2"),
    (R.LEAK_IRP, VIOLATION, 0x62, "unloaded with 1 blocks"),
    (R.RAISE_DOWN, VIOLATION, 0x30, "calls KfRaiseIrql at IRQL 2 for IRQL 1"),
    (R.LOWER_UP, VIOLATION, 0x31, "calls KfLowerIrql at IRQL 0 for IRQL 2"),
    (R.LEAVE_REGION, VIOLATION, 0x3E, "calls KeLeaveCriticalRegion outside of"),
    (R.LEAVE_TIMER, 0xC7, 0, "unloaded with a timer set"),
    (R.SEND_FREED_IRP, IO_VIOLATION, 0x03, "sends what is no IRP"),
    (R.ISR_WANTS_HELD_LOCK, VIOLATION, 0x1001, "acquires the spin lock"),
    (R.ISR_LOCK_ORDER, VIOLATION, 0x1001, "against the order seen before"),
    (R.DISPATCH_KEEPS_LOCK, VIOLATION, 0x40009, "(a dispatch routine) returns with a spin lock"),
    (R.DISPATCH_KEEPS_IRQL, IO_VIOLATION, 0x05, "came with IRQL 0, left with 2"),
    (R.DISPATCH_KEEPS_REGION, VIOLATION, 0xC5, "changed the APC disable count"),
    (R.DISPATCH_KEEPS_OFF, VIOLATION, 0xC1, "left with interrupts off"),
    (R.COMPLETION_KEEPS_IRQL, VIOLATION, 0xFA, "came with IRQL 0, left with 2"),
    (R.COMPLETION_KEEPS_REGION, VIOLATION, 0xFB, "changed the APC disable count"),
    (R.FREE_IRP_TWICE, IO_VIOLATION, 0x01, "frees what is no IRP"),
    (R.FREE_THREADED_IRP, IO_VIOLATION, 0x02, "frees an IRP that the I/O manager frees"),
    (R.FREE_IRP_AS_POOL, VIOLATION, 0x105, "by a routine for pool"),
    (R.SEND_TO_NO_DEVICE, IO_VIOLATION, 0x04, "to what is no device object"),
    (R.ORDER_REVERSED, VIOLATION, 0x1001, "against the order seen before"),
    (R.ORDER_OF_THREE, VIOLATION, 0x1001, "against the order seen before"),
    (R.ORDER_OF_QUEUED, VIOLATION, 0x1001, "against the order seen before"),
    (R.ORDER_OF_FAST_MUTEXES, VIOLATION, 0x1001, "against the order seen before"),
    (R.ORDER_OF_MUTEXES, VIOLATION, 0x1001, "against the order seen before"),
    (R.OTHER_KIND_OF_LOCK, VIOLATION, 0x1008, "held by a routine for another kind"),
    (R.LOCK_NOT_INITIALIZED, VIOLATION, 0x1002, "which is not initialized"),
    (R.CANCEL_LOCK_TWICE, VIOLATION, 0x40009, "acquires the spin lock"),
    (R.CANCEL_LOCK_KEPT, VIOLATION, 0x40009, "(a dispatch routine) returns with a spin lock"),
    (R.CANCEL_LOCK_NOT_HELD, VIOLATION, 0x4000A, "releases the spin lock"),
    (R.CANCEL_ROUTINE_KEEPS_LOCK, VIOLATION, 0x40009, "(a cancel routine) returns with"),
    (R.EXCLUSIVE_TWICE, VIOLATION, 0x40009, "acquires the spin lock"),
    (R.SHARED_TO_EXCLUSIVE, VIOLATION, 0x1000, "exclusive, which it holds shared"),
    (R.SHARED_RELEASED_EXCLUSIVE, VIOLATION, 0x1009, "by a routine for another kind"),
    (R.MUTEX_TWICE, VIOLATION, 0x1000, "acquires again"),
    (R.MUTEX_OF_OTHER, VIOLATION, 0x1004, "is not the thread that acquired"),
    (R.MUTEX_NOT_HELD, VIOLATION, 0x1007, "has not acquired"),
    (R.MUTEX_MADE_AGAIN, VIOLATION, 0x1005, "while it is held"),
    (R.THREAD_ENDS_WITH_MUTEX, VIOLATION, 0x100A, "its thread ended with it"),
    (R.FREE_HELD_LOCK, VIOLATION, 0x100B, "frees memory with a lock held"),
    (R.FREE_HELD_MUTEX, VIOLATION, 0x100B, "frees memory with a lock held"),
    (R.FREE_SET_TIMER, 0xC7, 0, "frees memory with a timer set"),
    (R.FREE_QUEUED_DPC, 0xC7, 1, "frees memory with a DPC queued"),
    (R.FREE_QUEUED_WORK, 0xE4, 0, "frees memory with a work item queued"),
    (R.FREE_QUEUED_IO_WORK, 0xE4, 2, "frees by IoFreeWorkItem the work item"),
    (R.FREE_LOOKASIDE, VIOLATION, 0xCC, "frees memory with a lookaside list not deleted"),
    (R.FREE_RESOURCE, VIOLATION, 0xD2, "frees memory with a resource not deleted"),
    (R.LOOKASIDE_TWICE, VIOLATION, 0xCA, "initializes again, undeleted, the lookaside list"),
    (R.LOOKASIDE_UNKNOWN, VIOLATION, 0xCB, "deletes, uninitialized, the lookaside list"),
    (R.LEAVE_LOOKASIDE, VIOLATION, 0xCC, "was unloaded with a lookaside list not deleted"),
    (R.RESOURCE_TWICE, VIOLATION, 0xD0, "initializes again, undeleted, the resource"),
    (R.RESOURCE_UNKNOWN, VIOLATION, 0xD1, "deletes, uninitialized, the resource"),
    (R.LEAVE_RESOURCE, VIOLATION, 0xD2, "was unloaded with a resource not deleted"),
    (R.LEAVE_THREAD, 0xCE, None, "(a thread) runs on when its driver is unloaded"),
    (R.LEAVE_APC, 0xCE, None, "was unloaded with an APC queued"),
    (R.LEAVE_CALLBACK, 0xCE, None, "was unloaded with a callback registered here"),
    (R.LEAVE_NOTIFY_ROUTINE, 0xCE, None, "was unloaded with a thread notify routine set here"),
    (R.LEAVE_BUG_CHECK_CALLBACK, 0xCE, None, "was unloaded with a bug check callback registered"),
    (R.LEAVE_EX_TIMER, 0xC7, 0, "was unloaded with a timer of ExAllocateTimer not deleted"),
    (R.LEAVE_TRACE_PROVIDER, VIOLATION, 0xDD, "was unloaded with a trace provider registered"),
    (R.DELETE_WITH_WMI, VIOLATION, 0xDB, "which is registered with WMI"),
    (R.REMOVE_LOCK_AGAIN, VIOLATION, 0xD7, "initializes again, undeleted, the remove lock"),
    (R.REMOVE_LOCK_TAG, VIOLATION, 0xD5, "by which it did not acquire the lock"),
    (R.REMOVE_LOCK_WAIT_TAG, VIOLATION, 0xD6, "by which it did not acquire the lock"),
])
def test_a_broken_rule_is_found_and_its_place_named(rule, code, first, words):
    result = break_rule(rule)
    stop = stop_of(result)
    assert stop[:2] == [code, first if first is not None else stop[1]]
    finding = next(line for line in result.log
                   if "verifier: rules.sys+0x" in line and "(rule " in line)
    assert words in finding


@pytest.mark.parametrize("rule, code", [(R.USE_AFTER_FREE, 0xD5), (R.WRITE_PAST_END, 0xD6),
                                        (R.WRITE_BEFORE_PAGE, 0xD6)])
def test_special_pool_finds_who_writes_where_it_is_written(rule, code):
    """DV-12: the address, 1 for a write, the instruction, which is the driver's."""
    found, address, write, instruction, _ = stop_of(break_rule(rule, "verifier=rules.sys,special"))
    assert (found, write) == (code, 1) and instruction >= 0xFFFFFFFFC0000000
    assert address < 0xFFFFFFFFC0000000
    if rule == R.WRITE_BEFORE_PAGE:
        assert address % 4096 == 4095


def test_special_pool_finds_at_the_free_what_was_written_near_a_block():
    code, block, where, _, kind = stop_of(break_rule(R.WRITE_NEAR_END, "verifier=all,special"))
    assert (code, kind, where - block) == (0xC1, 0x24, 104)
    code, block, where, _, kind = stop_of(break_rule(R.WRITE_BEFORE, "verifier=all,special"))
    assert (code, kind, block - where) == (0xC1, 0x23, 1)


def test_a_block_of_special_pool_has_pages_of_its_own():
    result = break_rule(R.LEAK, "verifier=all,special", after=["mem -j"])
    owners = {row["owner"]: row["pages"] for row in result.json(2)}
    assert owners.get("special pool", 0) >= 1
    result = break_rule(R.LEAK, "verifier=all", after=["mem -j"])
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
    code, kind, routine, before, after = stop_of(break_rule(R.ISR_KEEPS_IRQL))
    assert (code, kind, after) == (VIOLATION, 0x111, 14) and 3 <= before <= 11
    assert routine >= 0xFFFFFFFFC0000000


@pytest.mark.parametrize("rule, who", [(R.ISR_TAKES_LONG, "a service routine"),
                                       (R.DPC_TAKES_LONG, "a DPC"),
                                       (R.HOLD_LOCK_LONG, "a holder of a spin lock")])
def test_what_takes_too_long_is_named_once_and_counted(rule, who):
    result = break_rule(rule, after=["verifier -j"])
    assert result.verdict == SUCCESS, result.text
    warned = [line for line in result.log if f"verifier: rules.sys+0x" in line and who in line]
    assert len(warned) == 1
    kind = {R.ISR_TAKES_LONG: "isr", R.DPC_TAKES_LONG: "dpc", R.HOLD_LOCK_LONG: "lock"}[rule]
    assert any(row["too long"] >= 1 and row["longest ns"] >= 5_000_000 and row["runs"] >= 2
               for row in result.json(2)
               if row["kind"] == kind and row["routine"].startswith("rules.sys"))


def test_an_interrupt_left_connected_stops_the_machine_verified_or_not():
    """CIE-LIFE-14"""
    for append in ("verifier=all", "verifier=none"):
        result = break_rule(R.STAY_CONNECTED, append)
        code, kind, routine, *_ = stop_of(result)
        assert (code, kind) == (0x121, 4) and routine >= 0xFFFFFFFFC0000000
        assert "irq: rules.sys+0x" in result.text and "is still connected to" in result.text


def test_an_irp_completed_twice_stops_the_machine_verified_or_not():
    for append in ("verifier=all", "verifier=none"):
        assert stop_of(break_rule(R.COMPLETE_TWICE, append))[0] == 0x44


@pytest.mark.parametrize("append", ["verifier=none", "verifier=edu-line.sys,other.sys"])
@pytest.mark.parametrize("rule", [R.POOL_OF_NO_BYTES, R.LEAK, R.ISR_TAKES_LONG, R.ORDER_REVERSED,
                                  R.NORMAL])
def test_a_driver_that_is_not_verified_is_left_alone(rule, append):
    result = break_rule(rule, append)
    assert result.verdict == SUCCESS and "verifier:" not in result.text


@pytest.mark.parametrize("rule", [
    R.NORMAL, R.ISR_LOCK_ORDER_KEPT, R.COMPLETION_NORMAL, R.ORDER_KEPT, R.ORDER_OF_FREED,
    R.CANCEL_NORMAL, R.READER_WRITER_NORMAL, R.MUTEXES_NORMAL, R.MEMORY_NORMAL,
    R.REGISTRATIONS_NORMAL, R.REMOVE_LOCK_NORMAL])
def test_a_driver_that_keeps_the_rules_passes_all_of_them(rule):
    result = break_rule(rule, "verifier=all")
    assert result.verdict == SUCCESS and "error" not in result.text


def test_the_name_of_a_driver_is_compared_without_case_among_others():
    result = break_rule(R.POOL_OF_NO_BYTES, "verifier=edu-line.sys,RULES.SYS")
    assert stop_of(result)[0] == VIOLATION


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


# ---- the IRQL of each export --------------------------------------------------------------------

CALL_BY_NAME = 0x222404
DDI_RULE = 0x20000  # from here on parameter 2 is a text (DV-18)

# Whose limit depends on their arguments, which are the address of zeros, or on more: one stop each.
BY_ARGUMENTS = [
    ("ExAcquireFastMutexUnsafe", 0, VIOLATION, 0x39),
    ("ExReleaseFastMutexUnsafe", 0, VIOLATION, 0x3A),
    ("ExAcquireFastMutexUnsafe", 2, VIOLATION, 0x39),
    ("ExReleaseFastMutexUnsafe", 2, VIOLATION, 0x3A),
    ("ExAllocatePool", 3, VIOLATION, 0x02),
    ("ExAllocatePool2", 3, VIOLATION, 0x02),
    ("ExAllocatePool3", 3, VIOLATION, 0x02),
    ("ExAllocatePoolWithTag", 3, VIOLATION, 0x02),
    ("ExAllocatePoolWithTagPriority", 3, VIOLATION, 0x02),
    ("ExFreePool", 3, VIOLATION, 0x12),
    ("ExFreePool2", 3, VIOLATION, 0x12),
    ("ExFreePoolWithTag", 3, VIOLATION, 0x12),
    ("IofCallDriver", 3, IO_VIOLATION, 0x10),
    ("IofCompleteRequest", 3, IO_VIOLATION, 0x0E),
    ("KeLowerIrql", 1, VIOLATION, 0x31),
    ("KeRaiseIrql", 1, VIOLATION, 0x30),
    ("KfLowerIrql", 1, VIOLATION, 0x31),
    ("KfRaiseIrql", 1, VIOLATION, 0x30),
    ("KeReleaseSemaphore", 1, VIOLATION, 0xE5),
    ("KeWaitForMultipleObjects", 3, VIOLATION, 0x120),
    ("KeWaitForMutexObject", 3, VIOLATION, 0x120),
    ("KeWaitForSingleObject", 3, VIOLATION, 0x120),
    ("PoSetPowerState", 2, VIOLATION, 0xE5),
    ("PoSetPowerState", 3, VIOLATION, 0xE5),
]


def exports():
    with open(os.path.join(qemu.BUILD, "exports.txt"), encoding="utf-8") as file:
        return file.read().split()


def any_irql():
    path = os.path.join(qemu.ROOT, "tests", "verifier", "any-irql.txt")
    with open(path, encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("#")]


def call_by_name(name, irql):
    return f"dev ioctl rules0 {CALL_BY_NAME:#x} {irql:02x}{name.encode().hex()}"


@pytest.fixture(scope="module", name="rules")
def irql_rules():
    return run_commands(["verifier rules -j"]).json(1)


def test_each_export_has_its_irql_checked_or_a_reason_why_not(rules):
    """One that is new gets a row in kernel/verifier/irql.c or a line in any-irql.txt."""
    checked = [row["routine"] for row in rules] + [name for name, *_ in BY_ARGUMENTS]
    known = set(checked) | set(any_irql())
    assert sorted(set(exports()) - known) == [], "exports that nobody thought about"
    assert sorted(known - set(exports())) == [], "no exports any more"
    assert sorted(set(any_irql()) & set(checked)) == [], "checked, and a reason why not"


def test_each_export_at_a_wrong_irql_is_found_and_does_nothing_else(rules):
    """Below its limits and above them, each in turn: one finding, and the call is not made."""
    calls = [(row, irql) for row in rules for irql in (row["from"] - 1, row["to"] + 1)
             if 0 <= irql <= 15]
    commands = [call_by_name(row["routine"], irql) for row, irql in calls]
    result = run_commands([*commands, "verify irq", "driver remove rules"], timeout=240,
                          devices=["edu"], drivers=["rules"], folder="verifier",
                          append="verifier=rules.sys,skip")
    assert result.verdict == SUCCESS, result.text[-3000:]
    findings = [line.partition(" calls ")[2] for line in result.log if "error: verifier:" in line]
    expected = [(row["routine"], irql, row["code"]) for row, irql in calls]
    found = re.compile(r"(\w+) at IRQL (\d+) \(rule \w+\): skipped, else 0xC4 \(0x(\w+), \.\.\.\)")
    assert len(calls) > 300
    assert [(m[1], int(m[2]), int(m[3], 16)) for m in map(found.match, findings)] == expected


@pytest.mark.parametrize("name, irql, code, first", BY_ARGUMENTS)
def test_an_export_whose_limit_depends_on_more_stops_the_machine(name, irql, code, first):
    result = run_commands([call_by_name(name, irql)], devices=["edu"], drivers=["rules"],
                          folder="verifier", append="verifier=rules.sys")
    assert stop_of(result)[:2] == [code, first]
