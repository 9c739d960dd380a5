"""The serial console: editing, history, completion, other ports, requests to devices."""
import json

import pytest

from harness.guest import COMMAND_FAILED, SUCCESS, Guest, run_commands

LEFT, UP, HOME, END, DELETE = "\x1b[D", "\x1b[A", "\x1b[H", "\x1b[F", "\x1b[3~"
CTRL_A, CTRL_D, CTRL_E, CTRL_K, CTRL_U, CTRL_W = "\x01", "\x04", "\x05", "\x0b", "\x15", "\x17"

#: Commands that can be given without arguments and print no table.
NO_TABLE = ("log", "reboot", "poweroff", "test", "bugcheck")
TABLES_WITH_ARGUMENTS = ["mem pool", "irq vectors", "route 00:04.0", "msi 00:04.0", "apic 0",
                         "idt 0", "verify irq", "dev ioctl edu-line0 0x222000 0A000000 4"]
NEVER_EMPTY = ("help", "about", "boottime", "drivers", "devices", "lspci", "irq", "cpus", "mem",
               "mem pool", "irq vectors", "route 00:04.0", "apic", "ioapic", "idt", "prt", "madt")


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


def test_every_command_that_prints_a_table_prints_json_lines():
    with Guest(devices=["edu,addr=4"], drivers=["edu-line"]) as guest:
        guest.wait_for_prompt()
        rows = guest.json("help -j")
        assert len(rows) > 20
        bare = [row["command"] for row in rows if row["arguments"][:1] in ("", "[")]
        for command in [name for name in bare if name not in NO_TABLE] + TABLES_WITH_ARGUMENTS:
            lines = guest.command(f"{command} -j")
            assert lines or command not in NEVER_EMPTY, command
            for line in lines:
                assert isinstance(json.loads(line), dict), (command, line)


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
