"""Bochs: boot, two CPUs, both APIC modes, IOAPIC lines, timers - on hardware by another hand."""
import re
import struct

import pytest

from harness import bochs
from harness.guest import SUCCESS

pytestmark = pytest.mark.skipif(not bochs.find(),
                                reason="Bochs is not there: tools/setup-bochs fetches it")

MODES = pytest.mark.parametrize("mode, model", [("xapic", "corei7_haswell_4770"),
                                                ("x2apic", "corei7_icelake_u")])
HPET_RUN = "dev -j ioctl hpet0 0x222000 {} 16".format(struct.pack("<3I", 0, 1000, 20).hex())
RTC_RUN = "dev -j ioctl rtc0 0x222000 {} 12".format(struct.pack("<2I", 6, 20).hex())


def words(result, number):
    data = bytes.fromhex(result.json(number)[0]["data"])
    return struct.unpack(f"<{len(data) // 4}I", data)


def claims(rows, name):
    return rows[name]["claims"][rows[name]["drivers"].index(name)]


@MODES
def test_two_cpus_start_in_either_mode(mode, model):
    result = bochs.run(["about -j", "cpus -j", "apic -j"], cpus=2, model=model,
                       append=f"apic={mode}")
    assert result.verdict == SUCCESS
    about = {row["what"]: row["value"] for row in result.json(1)}
    assert about["APIC mode"].lower() == mode
    assert [(row["apic"], row["online"]) for row in result.json(2)] == [(0, True), (1, True)]
    assert [row["mode"].lower() for row in result.json(3)] == [mode, mode]


@MODES
def test_lines_of_the_ioapic_are_taken_exactly(mode, model):
    result = bochs.run([HPET_RUN, RTC_RUN, "irq -j"], cpus=2, drivers=["hpet", "rtc"], model=model,
                       append=f"apic={mode}")
    assert result.verdict == SUCCESS
    assert words(result, 1)[:3] == (0, 20, 1)
    taken, calls, dpcs = words(result, 2)
    assert (taken, dpcs) == (20, 1) and calls - taken in (0, 1)
    rows = {row["drivers"][0]: row for row in result.json(3) if row["drivers"]}
    assert (rows["hpet.sys"]["mode"], rows["hpet.sys"]["claims"]) == ("level", [20])
    assert (rows["rtc.sys"]["mode"], rows["rtc.sys"]["claims"]) == ("latched", [20])


@MODES
def test_intx_takes_its_way_through_links_and_the_ioapic(mode, model):
    frames = [f"dev write e1000e0 {bytes(60).hex()}"] * 20
    result = bochs.run([*frames, "route 00:02.0", "driver stop xhci", "driver start xhci",
                        "route 00:03.0", "irq -j"], cpus=2, drivers=["e1000e", "xhci"],
                       devices=[bochs.E1000, bochs.XHCI], model=model, append=f"apic={mode}")
    assert result.verdict == SUCCESS
    rows = {name: row for row in result.json(25) for name in row["drivers"]}
    for name, number, entry in (("e1000e.sys", 21, "0002.FFFF A"), ("xhci.sys", 24, "0003.FFFF D")):
        row = rows[name]
        assert (row["mode"], row["chip"]) == ("level", "ioapic")
        route = "\n".join(result.outputs[number])
        gsi, = re.findall(r"link +\S+ to GSI (\d+)", route)
        assert f"_PRT: {entry}" in route and f"ioapic0 pin {gsi} " in route
        assert row["source"] == f"ioapic0 pin {gsi}"
    assert claims(rows, "e1000e.sys") == 20  # one a frame
    assert claims(rows, "xhci.sys") == 1     # the command that ends a start


def test_the_clock_runs_by_the_tsc_deadline():
    result = bochs.run(["apic 1 -j", "irq -j"], cpus=2, drivers=["rtc"])
    assert result.verdict == SUCCESS
    assert "apic: x2APIC mode, firmware left xAPIC" in result.log  # nobody asked: it is there
    assert re.search("by hpet, tsc deadline$", "\n".join(result.log), re.M)
    registers = {row["register"]: row["held"] for row in result.json(1)}
    assert registers["LVT timer"] >> 17 & 3 == 2  # SDM 3A figure 11-8: TSC-deadline mode
    clock, = [row for row in result.json(2) if row["source"] == "clock"]
    assert sum(clock["counts"]) > 0
