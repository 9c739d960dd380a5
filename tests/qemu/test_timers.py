"""Timers and the other devices of every PC: HPET, real-time clock, keyboard; the clock's rates."""
import re
import struct

import pytest

from harness import matrix
from harness.guest import COMMAND_FAILED, SUCCESS, Guest, run_commands

IOCTL_RUN = 0x222000
RUNS = 200
FOLDERS = pytest.mark.parametrize("folder", ["drivers", "drivers-mingw"])


def run_command(device, answer, *words):
    data = struct.pack(f"<{len(words)}I", *words).hex()
    return f"dev -j ioctl {device} {IOCTL_RUN:#x} {data} {answer * 4}"


def answer(result, number):
    data = bytes.fromhex(result.json(number)[0]["data"])
    return struct.unpack(f"<{len(data) // 4}I", data)


def rows_of(result, number, driver):
    return [row for row in result.json(number) if f"{driver}.sys" in row["drivers"]]


# ---- HPET ---------------------------------------------------------------------------------------


LATE = 2  # ticks that a busy host may let pass before the service routine stops the counter


def hpet_run(timer, microseconds, count):
    return run_command("hpet0", 4, timer, microseconds, count)


def ticks_of(result, number, messages, wanted, microseconds):
    """How many a run took: what was wanted, each one counted, and the DPC queued once."""
    got, taken, dpcs, passed = answer(result, number)
    assert (got, dpcs) == (messages, 1) and passed >= microseconds * wanted
    assert wanted <= taken <= wanted + LATE
    return taken


@FOLDERS
def test_the_hpet_interrupts_periodically_by_a_line(folder):
    result = run_commands([hpet_run(0, 500, RUNS), "irq -j", hpet_run(0, 1000, 10), "irq -j"],
                          drivers=["hpet"], folder=folder)
    assert result.verdict == SUCCESS, result.text
    first = ticks_of(result, 1, 0, RUNS, 500)
    second = ticks_of(result, 3, 0, 10, 1000)
    for number, total in ((2, first), (4, first + second)):
        row, = rows_of(result, number, "hpet")
        assert (row["chip"], row["mode"]) == ("ioapic", "level")
        assert (row["claims"], row["unclaimed"]) == ([total], 0)


@FOLDERS
@matrix.each("quick")
def test_the_hpet_interrupts_periodically_by_messages(machine, folder):
    timers = range(8)
    commands = [hpet_run(timer, 200, RUNS + timer) for timer in timers] + ["irq -j"]
    result = run_commands(commands, **machine, drivers=["hpet"], folder=folder,
                          qemu_args=["-global", "hpet.msi=on", "-global", "hpet.timers=8"])
    assert result.verdict == SUCCESS, result.text
    rows = {row["source"]: row for row in rows_of(result, len(commands), "hpet")}
    for timer in timers:
        taken = ticks_of(result, timer + 1, 8, RUNS + timer, 200)
        row = rows[f"hpet0 timer {timer}"]
        assert (row["chip"], sum(row["counts"]), row["claims"]) == ("hpet", taken, [taken])


def test_a_message_of_the_hpet_moves_and_its_timer_goes_on():
    with Guest(cpus=2, drivers=["hpet"], qemu_args=["-global", "hpet.msi=on"]) as guest:
        guest.wait_for_prompt()
        guest.command(f'job start "{hpet_run(1, 1000, 100)}" 0')
        for number in range(12):
            assert guest.command(f'irq move "hpet0 timer 1" {number % 2}')
        job = guest.json("job stop -j")[0]
        assert job["failed"] == 0 and job["runs"] > 0
        row, = [row for row in guest.json("irq -j") if row["source"] == "hpet0 timer 1"]
        assert all(row["counts"]) and sum(row["counts"]) == row["claims"][0]


def test_the_hpet_refuses_what_it_cannot_do():
    wrong = [hpet_run(3, 1000, 1), hpet_run(1, 1000, 1), hpet_run(0, 1000, 0), hpet_run(0, 1, 1),
             hpet_run(0, 1000000, 1000000)]
    result = run_commands(wrong, drivers=["hpet"])
    assert result.verdict == COMMAND_FAILED
    assert sum("INVALID_PARAMETER" in line for line in result.log) == len(wrong)


def test_the_hpet_stops_and_starts_again():
    result = run_commands([hpet_run(0, 200, 20), "driver stop hpet", "verify irq",
                           "driver start hpet", hpet_run(0, 200, 30)], drivers=["hpet"],
                          qemu_args=["-global", "hpet.msi=on"])
    assert result.verdict == SUCCESS, result.text
    assert (answer(result, 1)[1], answer(result, 5)[1]) == (20, 30)


# ---- real-time clock ----------------------------------------------------------------------------


@FOLDERS
@matrix.each("quick")
def test_the_real_time_clock_interrupts_by_irq_8(machine, folder):
    """An edge that comes while the interrupt is switched on or off finds nothing set."""
    result = run_commands([run_command("rtc0", 3, 6, RUNS), run_command("rtc0", 3, 3, RUNS),
                           "irq -j"], **machine, drivers=["rtc"], folder=folder)
    assert result.verdict == SUCCESS, result.text
    late = 0
    for number in (1, 2):
        taken, calls, dpcs = answer(result, number)
        assert (taken, dpcs) == (RUNS, 1) and calls - taken in (0, 1, 2)
        late += calls - taken
    row, = rows_of(result, 3, "rtc")
    assert (row["source"], row["mode"]) == ("ioapic0 pin 8", "latched")
    assert (row["claims"], row["calls"]) == ([2 * RUNS], [2 * RUNS + late])


# ---- keyboard -----------------------------------------------------------------------------------

KEYS = ["h", "e", "l", "l", "o", "spc", "shift-w", "shift-1", "minus", "7", "ret", "f1", "up"]
SHOWN = ["'h'", "'e'", "'l'", "'l'", "'o'", "' '", "'W'", "'!'", "'-'", "'7'", "0x1C", "0x3B",
         "0xE0 0x48"]


@FOLDERS
@matrix.each("quick")
def test_keys_that_are_typed_come_out_at_the_console(machine, folder):
    with Guest(**machine, drivers=["i8042"], folder=folder, monitor=True) as guest:
        guest.wait_for_prompt()
        for key, shown in zip(KEYS, SHOWN):
            guest.monitor.command(f"sendkey {key}")
            guest.expect(rf"^i8042: key {re.escape(shown)}$")
        guest.type("\r")
        guest.wait_for_prompt()
        assert len(re.findall("^i8042: key", guest.text, re.M)) == len(KEYS)
        row, = [row for row in guest.json("irq -j") if "i8042.sys" in row["drivers"]]
        assert row["source"] == "ioapic0 pin 1" and row["claims"][0] >= len(KEYS)


def test_the_keyboard_stops_and_starts_again():
    with Guest(drivers=["i8042"], monitor=True) as guest:
        guest.wait_for_prompt()
        guest.command("driver stop i8042")
        guest.monitor.command("sendkey x")
        guest.command("driver start i8042")
        guest.monitor.command("sendkey y")
        guest.expect("^i8042: key 'y'$")
        assert "key 'x'" not in guest.text


# ---- the clock ----------------------------------------------------------------------------------


@pytest.mark.parametrize("options, reference", [
    ({}, "hpet"),
    ({"machine": "q35,hpet=off"}, "acpi-pm"),
    ({"machine": "microvm,acpi=off,pit=on"}, "pit"),
], ids=["HPET", "ACPI timer", "PIT"])
def test_the_local_apic_timer_is_calibrated(options, reference):
    """QEMU's local APIC timer counts at 1 GHz; a busy host may stretch the measure a little."""
    result = run_commands(["cpus"], **options)
    assert result.verdict == SUCCESS, result.text
    rate = re.search(rf"apic timer (\d+) kHz by {reference}$", "\n".join(result.log), re.M)
    assert rate and 970000 < int(rate.group(1)) < 1030000, result.log
