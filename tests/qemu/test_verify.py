"""`verify irq` names each difference between belief and hardware; its neighbours show the parts."""
import pytest

from harness.guest import COMMAND_FAILED, SUCCESS, run_commands
from harness.meddler import Meddler

COMMAND, INTX_DISABLE = 4, 1 << 10
EDU, NVME = 4, 7
DEVICES = {"devices": [f"edu,addr={EDU}", f"nvme,addr={NVME}"], "drivers": ["edu-line", "nvme"]}


@pytest.fixture(name="guest")
def fixture_guest():
    with Meddler(**DEVICES) as guest:
        guest.wait_for_prompt()
        assert guest.differences() == {}
        yield guest


def edu_pin(guest):
    return next(row for row in guest.json("route 0:4.0 -j") if row["step"] == "GSI")["what"]


def test_a_redirection_entry_that_was_changed_is_named(guest):
    pin = int(edu_pin(guest).split(",")[0])
    low = guest.ioapic(0x10 + 2 * pin)
    guest.ioapic_set(0x10 + 2 * pin, low ^ 1)
    where = f"ioapic0 pin {pin}"
    found = guest.differences()
    assert found[where, "vector"] == (low & 0xFF, (low & 0xFF) ^ 1)
    assert found[where, "redirection entry"][0] ^ found[where, "redirection entry"][1] == 1
    guest.ioapic_set(0x10 + 2 * pin, low)
    guest.ioapic_set(0x10 + 2 * 3, 0x55)
    assert set(guest.differences()) == {("ioapic0 pin 3", "redirection entry"),
                                        ("ioapic0 pin 3", "masked, since nobody uses it")}


@pytest.mark.parametrize("bit, name", [(13, "polarity"), (15, "trigger")])
def test_a_pin_that_asks_otherwise_is_named(guest, bit, name):
    pin = int(edu_pin(guest).split(",")[0])
    low = guest.ioapic(0x10 + 2 * pin)
    guest.ioapic_set(0x10 + 2 * pin, low ^ 1 << bit)
    assert set(guest.differences()) == {(f"ioapic0 pin {pin}", name),
                                        (f"ioapic0 pin {pin}", "redirection entry")}


@pytest.mark.parametrize("bit, name, values", [(31, "MSI-X enable", (1, 0)),
                                               (30, "MSI-X function mask", (0, 1))])
def test_an_msix_capability_that_was_changed_is_named(guest, bit, name, values):
    offset = guest.json("msi 0:7.0 -j")[0]["offset"]
    guest.config_set(NVME, offset, guest.config(NVME, offset) ^ 1 << bit)
    assert guest.differences() == {("00:07.0", name): values}


def test_a_function_whose_intx_is_disabled_behind_our_back_is_named(guest):
    guest.config_set(EDU, COMMAND, guest.config(EDU, COMMAND) | INTX_DISABLE)
    assert guest.differences() == {("00:04.0", "INTx disable"): (0, 1)}


def test_an_msix_entry_that_was_changed_is_named(guest):
    table = (guest.config(NVME, 0x10) & ~0xF) + 0x2000
    row = [row for row in guest.json("msi 0:7.0 -j") if row.get("entry") == 3][0]
    guest.qtest.writel(table + 3 * 16 + 8, row["data"] + 1)
    guest.qtest.writel(table + 2 * 16 + 12, 1)
    found = guest.differences()
    assert found["msix 00:07.0 entry 3", "data"] == (row["data"], row["data"] + 1)
    assert found["msix 00:07.0 message 3", "vector"] == (row["vector"], row["vector"] + 1)
    assert found["msix 00:07.0 entry 2", "masked"] == (0, 1)
    assert len(found) == 3


def test_an_msi_capability_that_was_changed_is_named():
    with Meddler(devices=[f"edu,addr={EDU}"], drivers=["edu-message"]) as guest:
        guest.wait_for_prompt()
        capability, message = guest.json("msi 0:4.0 -j")
        assert message["masked"] is False and message["handler"].startswith("edu-message.sys")
        address = capability["offset"] + 4
        guest.config_set(EDU, address, message["address"] ^ 1 << 12)
        assert set(guest.differences()) == {("msi 00:04.0 message 0", "address"),
                                            ("msi 00:04.0 message 0", "APIC")}
        guest.config_set(EDU, address, message["address"])
        control = guest.config(EDU, capability["offset"])
        guest.config_set(EDU, capability["offset"], control & ~(1 << 16))
        assert guest.differences() == {("00:04.0", "MSI enable"): (1, 0)}


def test_8259s_that_were_opened_are_named(guest):
    guest.qtest.outb(0x21, 0xFE)
    guest.qtest.outb(0xA1, 0x7F)
    assert guest.differences() == {("8259 master", "mask"): (0xFF, 0xFE),
                                   ("8259 slave", "mask"): (0xFF, 0x7F)}


def test_a_difference_fails_the_command(guest):
    guest.qtest.outb(0x21, 0)
    guest.command("verify irq")
    assert "error: verify irq: 1 differences" in guest.text


def test_route_walks_from_the_pin_to_the_driver():
    result = run_commands(["route 0:4.0 -j", "ioapic -j", "irq -j"], cpus=2, **DEVICES)
    assert result.verdict == SUCCESS, result.text
    steps = {row["step"]: row["what"] for row in result.json(1)}
    gsi = int(steps["GSI"].split(",")[0])
    pin = next(row for row in result.json(2) if row["gsi"] == gsi)
    row = next(row for row in result.json(3) if "edu-line.sys" in row["drivers"])
    assert steps["_PRT"].startswith("\\_SB.PCI0._PRT: 0004.FFFF A")
    assert int(steps["vector"], 16) == row["vector"] == pin["vector"] == pin["entry"] & 0xFF
    assert steps["CPU"].startswith(f"{row['cpu']}, APIC {pin['apic']}")
    assert int(steps["IRQL"]) == row["irql"] == row["vector"] >> 4
    assert steps["handler"].startswith("edu-line.sys+0x")
    assert not pin["masked"] and pin["trigger"] == "level"


def test_route_walks_from_a_message_to_the_driver():
    result = run_commands(["route 0:7.0 -j", "msi 0:7.0 -j"], cpus=2, **DEVICES)
    assert result.verdict == SUCCESS, result.text
    steps = [(row["step"], row["what"]) for row in result.json(1)]
    capability, *entries = result.json(2)
    assert capability["capability"] == "msix" and len(entries) == capability["messages"] == 65
    vectors = [int(what, 16) for step, what in steps if step == "vector"]
    assert vectors == [entry["vector"] for entry in entries[:capability["granted"]]]
    handlers = [what for step, what in steps if step == "handler"]
    assert len(handlers) == capability["granted"]
    assert all(what.startswith("nvme.sys+0x") for what in handlers)


def test_apic_and_idt_show_every_cpu():
    result = run_commands(["apic -j", "apic 2 -j", "idt 2 -j", "apic 3"], cpus=3, **DEVICES)
    assert result.verdict == COMMAND_FAILED
    assert [row["apic"] for row in result.json(1)] == [0, 1, 2]
    registers = {row["register"]: row for row in result.json(2)}
    assert registers["ID"]["held"] == 2 << 24
    assert registers["spurious"]["held"] == int(registers["spurious"]["set"], 16) == 0x1FF
    gates = {row["vector"]: row for row in result.json(3)}
    assert gates[2]["ist"] == 1 and gates[8]["ist"] == 2 and gates[0x2F]["user"] == "DPC"
    assert all(row["gate"] for row in gates.values())
