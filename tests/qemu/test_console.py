"""The serial console: editing, history, completion, other ports, requests to devices."""
import json

import pytest

from harness.guest import COMMAND_FAILED, SUCCESS, Guest, run_commands

LEFT, UP, HOME, END, DELETE = "\x1b[D", "\x1b[A", "\x1b[H", "\x1b[F", "\x1b[3~"
CTRL_A, CTRL_D, CTRL_E, CTRL_K, CTRL_U, CTRL_W = "\x01", "\x04", "\x05", "\x0b", "\x15", "\x17"


@pytest.mark.parametrize("keys", [
    "cups" + LEFT * 2 + DELETE + LEFT + END + LEFT + CTRL_U + CTRL_K + "cpus",
    "pus" + CTRL_A + "c",
    "xcpus" + HOME + CTRL_D + CTRL_E,
    "cpus -j nonsense" + CTRL_W * 2,
    "no such command" + CTRL_U + "cpus",
    "cpuss\x7f",
    "cp\ts\t",
], ids=["delete-and-kill", "home", "delete-at-cursor", "delete-word", "delete-line", "backspace",
        "completion"])
def test_a_line_can_be_edited(keys):
    with Guest() as guest:
        guest.wait_for_prompt()
        assert guest.command(keys)[0].startswith("cpu ")


def test_the_last_line_comes_back_by_the_up_key():
    with Guest() as guest:
        guest.wait_for_prompt()
        guest.command("cpus -j")
        guest.command("mem")
        assert json.loads(guest.command(UP + UP)[0])["cpu"] == 0


def test_help_and_every_table_come_as_json_lines():
    commands = [f"{name} -j" for name in ("help", "about", "boottime", "drivers", "devices",
                                          "lspci", "irq", "cpus", "mem", "mem pool")]
    result = run_commands(commands, devices=["edu"], drivers=["edu-line"])
    assert result.verdict == SUCCESS
    for number in range(2, len(commands) + 1):  # before the first the driver prints, too
        assert result.outputs[number]
        assert all(json.loads(line) for line in result.outputs[number])


@pytest.mark.parametrize("console, port", [
    ("com2", ["-serial", "chardev:other"]),
    ("com2,9600", ["-serial", "chardev:other"]),
    ("pci:00:05.0", ["-device", "pci-serial,addr=5,chardev=other"]),
])
def test_the_console_moves_to_another_port(tmp_path, console, port):
    path = tmp_path / "other"
    result = run_commands(["cpus"], append=f"console={console}",
                          qemu_args=["-chardev", f"file,id=other,path={path}"] + port)
    assert result.verdict == SUCCESS
    assert "exec: 1 ok" not in result.text
    assert "exec: 1 ok" in path.read_text()


def test_a_console_port_that_is_not_there_leaves_it_on_com1():
    result = run_commands(["cpus"], append="console=pci:00:1e.7")
    assert result.verdict == SUCCESS
    assert any("console=" in line for line in result.log)


@pytest.mark.parametrize("command", [
    "dev read nowhere 16", "dev ioctl edu-line0 0x123", "dev ioctl edu-line0 0x222000 0", "dev",
    "driver stop nothing", "driver jump edu-line", "mem nonsense", "dev write edu-line0 zz",
])
def test_a_command_that_cannot_be_carried_out_fails(command):
    result = run_commands([command], devices=["edu"], drivers=["edu-line"])
    assert result.verdict == COMMAND_FAILED
    assert any("error: " in line for line in result.log)
