"""Bug checks: what is reported below code and parameters, and how the machine ends; NMIs.

The driver is the group `faults` of the conformance suite, whose stops the suite judges by code and
parameters; here it is what stands below them.
"""
import os
import re
import subprocess

import pytest

from harness import suite
from harness.guest import BUGCHECK, Guest, run_commands
from hostlib import qemu

ACCESS_AT_DISPATCH, WRITE_AT_HIGH_LEVEL, IN_DPC, IN_ISR, ASKED = 0, 1, 4, 5, 20
IMAGE_BASE = 0x140000000  # what mk/drivers.mk links for

FRAME = re.compile(r"^dirql:   #(\d+) +([0-9a-f]{16}) (\S+)$", re.M)


def options(number, **more):
    run = suite.Run({"group": "faults", "devices": ["edu"]}, 1, number)
    return dict(run.options(), commands=[suite.request("faults", suite.STOP_CODE, number)], **more)


def stop(number, cpus=1, **more):
    result = run_commands(**dict(options(number, **more), cpus=cpus))
    assert result.verdict == BUGCHECK, result.text
    return result


def stop_line(text):
    """(code, [four parameters]) of the one bug check in a transcript."""
    found = suite.STOP.findall(text)
    assert len(found) == 1, text
    code, *parameters = (int(word, 16) for word in found[0])
    return code, parameters


def register(text, name):
    return int(re.search(rf"^dirql: .*\b{name} +([0-9a-f]{{16}})\b", text, re.M).group(1), 16)


def driver_functions():
    """[(offset in the image, name)] of faults.sys, ascending."""
    prefix = os.environ.get("MINGW", "x86_64-w64-mingw32-")
    path = os.path.join(suite.BUILT, "faults.sys.debug")
    done = subprocess.run([f"{prefix}nm", path], capture_output=True, text=True, check=True)
    symbols = [line.split() for line in done.stdout.splitlines()]
    return sorted((int(words[0], 16) - IMAGE_BASE, words[2]) for words in symbols
                  if len(words) == 3 and words[1] in "tT")


def function_at(offset):
    return [name for start, name in driver_functions() if start <= offset][-1]


def frames(text):
    """The backtrace: kernel functions by name, those of faults.sys by the names nm gives them."""
    names = []
    for index, (number, _, place) in enumerate(FRAME.findall(text)):
        assert int(number) == index
        image, offset = place.split("+")
        # Above the first line stand return addresses: the call is before them.
        offset = int(offset, 16)
        names.append(function_at(offset) if image == "faults.sys" else image)
    return names


def test_the_backtrace_names_each_function_of_a_chain_in_the_driver_and_the_kernel_below_it():
    names = frames(stop(ACCESS_AT_DISPATCH).text)
    assert names[:4] == ["ReadByte", "ChainInner", "ChainMiddle", "ChainOuter"]
    assert "DispatchControl" in names and "io_irp_call_and_wait" in names
    assert names.index("DispatchControl") < names.index("io_irp_call_and_wait")


@pytest.mark.parametrize("number, below", [(IN_DPC, "ke_dispatch_loop"), (IN_ISR, "irq_dispatch")],
                         ids=["DPC", "ISR"])
def test_the_backtrace_of_a_callback_goes_on_in_the_kernel(number, below):
    names = frames(stop(number).text)
    assert names[0] == "ReadByte" and below in names


@pytest.mark.skipif(not qemu.find_newer(), reason="no QEMU 10: tools/setup-qemu10 fetches it")
@pytest.mark.parametrize("mode, below", [("xapic", "irq_dispatch"), ("x2apic", "irq_dispatch_x2")])
def test_the_backtrace_of_an_isr_goes_on_through_the_interrupted_code(mode, below):
    names = frames(stop(IN_ISR, append=f"verifier=none apic={mode}",
                        emulator=qemu.find_newer()).text)
    assert names.index(below) < names.index("DispatchControl") < names.index("io_irp_call_and_wait")


def test_the_report_shows_the_registers_of_the_fault():
    text = stop(WRITE_AT_HIGH_LEVEL).text
    _, (address, irql, _, instruction) = stop_line(text)
    assert register(text, "rip") == instruction
    assert register(text, "cr2") == register(text, "rcx") == address
    assert f"irql {irql} " in text
    assert register(text, "cr0") >> 16 & 1, "write protection is off"
    assert register(text, "cr3") and register(text, "cr4")


def test_one_processor_of_four_reports_and_the_others_stand():
    code, parameters = stop_line(stop(ASKED, cpus=4).text)
    assert (code, parameters) == (0x0BADD00D, [1, 0x22, 0x333, 2**64 - 1])


def test_the_backtrace_of_a_stop_that_was_asked_for_begins_at_the_call():
    assert frames(stop(ASKED).text)[:3] == ["KeBugCheckEx", "AskWithParameters", "DispatchControl"]


def test_the_report_says_what_the_parameters_mean():
    text = stop(ACCESS_AT_DISPATCH).text
    _, (address, irql, _, _) = stop_line(text)
    meaning = rf"faults\.sys\+0x[0-9a-f]+ used {address:#x} at IRQL {irql:#x}, where no memory is"
    assert re.search(rf"^dirql: \*\*\* {meaning}$", text, re.M)


def test_bugcheck_reboot_resets_the_machine():
    with Guest(**options(ASKED, append="bugcheck=reboot")) as guest:
        assert guest.wait() is None  # QEMU runs with -no-reboot
        assert guest.process.returncode == 0
        stop_line(guest.text)


def test_bugcheck_halt_leaves_the_machine_standing():
    with Guest(**options(ASKED, append="bugcheck=halt"), monitor=True) as guest:
        guest.expect(r"\*\*\* STOP 0x0BADD00D")
        guest.expect(r"^dirql:   #\d+ +[0-9a-f]{16} \w*boot\w*")
        for _ in range(100):
            if "HLT=1" in guest.monitor.command("info registers"):
                break
        else:
            guest.fail("the processor does not stand")
        assert not guest.ended


def test_a_stop_asks_the_registered_callbacks_for_their_data():
    """KeRegisterBugCheckCallback, KeRegisterBugCheckReasonCallback: at HIGH_LEVEL, in the order of
    registration, each of the latter for the size first; it shows the data."""
    run = suite.Run({"group": "ke", "devices": ["edu"]}, 1, 30)
    text = run_commands([suite.request("ke", suite.STOP_CODE, 30)], **run.options()).text
    assert "# ke plain is called at IRQL 15\n" in text
    asked = re.findall(r"^# ke (\w+ is asked for its .*)$", text, re.M)
    assert asked == [f"{which} is asked for its {what} at IRQL 15"
                     for which in ("first", "second") for what in ("size", "data")]
    for name, first in [("first", 0xA0), ("second", 0xB0)]:
        data = "".join(f"{first + i:02x}" for i in range(40))
        assert f"*** ke {name}: 40 bytes of its own\ndirql: ***   {data[:64]}\n" \
               f"dirql: ***   {data[64:]}\n" in text


@pytest.mark.parametrize("cpus", [1, 4])
def test_an_nmi_from_outside_is_reported_as_a_hardware_failure(cpus):
    with Guest(cpus=cpus, monitor=True) as guest:
        guest.wait_for_prompt()
        guest.monitor.command("nmi")
        assert guest.wait() == BUGCHECK
        code, parameters = stop_line(guest.text)
        assert (code, parameters[0]) == (0x80, 0x4F4454)
