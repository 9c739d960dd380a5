"""Damaged, lacking and foreign driver files: a clear line, and the rest of the system runs."""
import os

from harness.guest import BUILD, COMMAND_FAILED, NOT_STARTED, run_commands

EDU_ID = "PCI\\VEN_1234&DEV_11E8"
STEP = 64


def read_driver(name):
    with open(os.path.join(BUILD, "drivers", f"{name}.sys"), "rb") as stream:
        return stream.read()


def test_a_sys_cut_at_any_64_byte_boundary_never_brings_the_kernel_down():
    whole = read_driver("edu-line")
    cuts = range(0, len(whole), STEP)
    members = [(f"cut{length}.sys", whole[:length]) for length in cuts]
    commands = [f"driver start cut{length}" for length in cuts] + ["cpus -j"]
    result = run_commands(commands, extra_members=members, devices=["edu"], timeout=120)
    assert result.verdict == COMMAND_FAILED, result.text[-3000:]
    assert len(result.outputs) == len(commands)
    assert result.json(len(commands)), "the console did not answer after the last damaged file"
    explained = [line for line in result.log if "cut" in line and "offset 0x" in line]
    assert len(explained) >= len(cuts), "a damaged file was refused without field and offset"


def test_all_missing_imports_are_listed_at_once_and_the_rest_runs():
    damaged = read_driver("edu-line").replace(b"IoConnectInterruptEx", b"IoConnectInterruptXx") \
        .replace(b"KeSetEvent\0", b"KeSetXxxxx\0")
    result = run_commands(["cpus -j"], extra_members=[("lacking.sys", damaged)],
                          named=["lacking.sys", "nvme.sys"], matches=[f"{EDU_ID}\tlacking.sys"],
                          devices=["edu", "nvme"], drivers=["nvme"])
    assert result.verdict == NOT_STARTED
    line = next(line for line in result.log if "IoConnectInterruptXx" in line)
    assert "KeSetXxxxx" in line
    assert result.json(1)


def test_a_32_bit_driver_is_refused_by_its_machine_field():
    foreign = bytearray(read_driver("edu-line"))
    header = int.from_bytes(foreign[0x3C:0x40], "little")
    foreign[header + 4:header + 6] = (0x14C).to_bytes(2, "little")
    result = run_commands(["cpus"], extra_members=[("foreign.sys", bytes(foreign))],
                          named=["foreign.sys"], matches=[f"{EDU_ID}\tforeign.sys"],
                          devices=["edu"])
    assert result.verdict == NOT_STARTED
    assert any("foreign.sys" in line and "achine" in line for line in result.log)
