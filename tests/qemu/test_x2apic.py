"""x2APIC mode: entered on every CPU, chosen or refused, ids past 8 bits. QEMU has it from 9 on."""
import pytest

from harness import suite
from harness.guest import SUCCESS, Guest, run_commands
from hostlib import qemu

EMULATOR = qemu.find_newer()
needed = pytest.mark.skipif(not EMULATOR, reason="no QEMU 10 here: tools/setup-qemu10 fetches it")

X2_ENABLED = 1 << 10
HIGH_ID = 299
HIGH_CPU = ["-smp", "2,maxcpus=300,sockets=300,cores=1,threads=1", "-device",
            f"max-x86_64-cpu,socket-id={HIGH_ID},core-id=0,thread-id=0"]


def run(commands, **options):
    result = run_commands(commands, emulator=EMULATOR, **options)
    assert result.verdict == SUCCESS, result.text
    return result


@needed
@pytest.mark.parametrize("append, mode", [("", "x2APIC"), ("apic=x2apic", "x2APIC"),
                                          ("apic=xapic", "xAPIC")])
def test_every_cpu_is_put_into_the_mode(append, mode):
    result = run(["about -j", "apic -j"], cpus=4, append=append)
    assert {"what": "APIC mode", "value": mode} in result.json(1)
    for row in result.json(2):
        assert row["mode"] == mode and bool(row["base"] & X2_ENABLED) == (mode == "x2APIC")


def test_a_cpu_without_x2apic_says_so_and_uses_xapic():
    result = run_commands(["about -j"], append="apic=x2apic", qemu_args=["-cpu", "max,-x2apic"])
    assert result.verdict == SUCCESS, result.text
    assert {"what": "APIC mode", "value": "xAPIC"} in result.json(1)
    assert "apic: this CPU has no x2APIC mode" in result.text


@needed
@pytest.mark.parametrize("group", ["apic", "connect-line", "connect-message", "isr", "messages",
                                   "registers"])
def test_conformance_is_the_same_in_x2apic_mode(group):
    run = [run for run in suite.runs() if run.group == group and run.stop is None
           and "only" not in run.row][-1]
    cases, text = suite.execute(run, emulator=EMULATOR)
    assert "apic: x2APIC mode" in text
    suite.judge(run.title, cases, text)


@needed
def test_firmware_that_asks_for_xapic_is_obeyed_unless_told_otherwise(tmp_path):
    """A DMAR table whose flags say X2APIC_OPT_OUT (VT-d 8.1), and nothing else."""
    body = bytes([38, 0x02]) + bytes(10)
    header = bytearray(b"DMAR" + (36 + len(body)).to_bytes(4, "little") + bytes([1, 0])
                       + b"DIRQL TESTS   " + bytes(12))
    header += body
    header[9] = -sum(header) & 0xFF
    table = tmp_path / "dmar"
    table.write_bytes(header)
    arguments = ["-acpitable", f"file={table}"]
    assert {"what": "APIC mode", "value": "xAPIC"} in run(["about -j"], qemu_args=arguments).json(1)
    result = run(["about -j"], qemu_args=arguments, append="apic=x2apic")
    assert {"what": "APIC mode", "value": "x2APIC"} in result.json(1)


@needed
@pytest.mark.parametrize("driver", ["edu-line", "edu-message", "nvme"])
def test_interrupts_are_exact_in_x2apic_mode(driver):
    device = "nvme" if driver == "nvme" else "edu"
    command = "dev -j read nvme0 4096" if driver == "nvme" \
        else f"dev -j ioctl {driver}0 0x222008 {(500).to_bytes(4, 'little').hex()} 20"
    result = run([command, "irq -j"], cpus=4, devices=[device], drivers=[driver])
    rows = [row for row in result.json(2) if f"{driver}.sys" in row["drivers"]]
    assert sum(row["claims"][0] for row in rows) == sum(sum(row["counts"]) for row in rows) > 0
    if driver != "nvme":
        assert rows[0]["claims"][0] == 500


@needed
def test_a_cpu_with_an_id_past_8_bits_starts_and_gets_no_device_interrupts():
    result = run(["cpus -j", "irq -j"], qemu_args=HIGH_CPU, devices=["edu"] * 3 + ["nvme"],
                 drivers=["edu-message", "nvme"])
    rows = result.json(1)
    assert [row["apic"] for row in rows] == [0, 1, HIGH_ID]
    assert all(row["online"] for row in rows) and rows[2]["ipi"] > 0
    assert not [row for row in result.json(2) if row["cpu"] == 2 and row["drivers"]]


@needed
@pytest.mark.parametrize("append, mode, ids", [("", "x2APIC", [0, 1, HIGH_ID]),
                                               ("apic=xapic", "xAPIC", [0, 1])])
def test_firmware_that_hands_over_x2apic_is_followed_or_left(append, mode, ids):
    """UEFI turns it on where an id demands it; xAPIC mode is reached from there by way of off."""
    result = run(["apic -j"], boot="iso", firmware="uefi", qemu_args=HIGH_CPU, append=append)
    assert f"apic: {mode} mode, firmware left x2APIC" in result.log
    assert [(row["apic"], row["mode"]) for row in result.json(1)] == [(i, mode) for i in ids]


@needed
def test_288_cpus_start_and_the_first_255_get_device_interrupts():
    raised = (200).to_bytes(4, "little").hex()
    result = run(["cpus -j", f"dev ioctl edu-line0 0x222008 {raised} 20", "irq -j"], cpus=288,
                 memory=1024, timeout=600, devices=["edu", "nvme"], drivers=["edu-line", "nvme"])
    rows = result.json(1)
    assert [row["apic"] for row in rows] == list(range(288)) and all(row["online"] for row in rows)
    drivers = [row for row in result.json(3) if row["drivers"] not in ([], ["kernel"])]
    assert all(row["cpu"] < 255 for row in drivers)
    line, = [row for row in drivers if row["chip"] == "ioapic"]
    assert line["claims"] == [200]


@needed
def test_xapic_mode_leaves_such_a_cpu_alone():
    result = run(["cpus -j"], qemu_args=HIGH_CPU, append="apic=xapic")
    assert [row["apic"] for row in result.json(1)] == [0, 1]


@needed
def test_a_line_moves_in_x2apic_mode():
    with Guest(cpus=4, emulator=EMULATOR, devices=["edu"], drivers=["edu-line"]) as guest:
        guest.wait_for_prompt()
        row, = [row for row in guest.json("irq -j") if "edu-line.sys" in row["drivers"]]
        for cpu in (1, 2, 3, 0):
            assert f"CPU {cpu}" in guest.command(f'irq move "{row["source"]}" {cpu}')[0]
            guest.verify()
