"""Registry values that come with the boot archive, as a .reg file."""
import subprocess
import sys

from harness.guest import SUCCESS, run_commands
from hostlib import qemu

HEAD = "Windows Registry Editor Version 5.00\r\n\r\n"
MESSAGES = (r"[HKEY_LOCAL_MACHINE\SYSTEM\ControlSet001\Enum\PCI"
            r"\VEN_1234&DEV_11E8&SUBSYS_11001AF4&REV_10\3&0&0&20\Device Parameters"
            r"\Interrupt Management\MessageSignaledInterruptProperties]" "\r\n")


def run_with(text, encoding="ascii"):
    return run_commands(["irq -j"], devices=["edu,addr=4"], drivers=["edu-message"],
                        extra_members=[("lab.reg", (HEAD + text).encode(encoding))])


def mode(result):
    assert result.verdict == SUCCESS, result.text
    return next(row["mode"] for row in result.json(1) if "edu-message.sys" in row["drivers"])


def test_a_value_of_a_reg_file_stands_against_the_inf():
    assert mode(run_with("")) == "latched"
    assert mode(run_with(MESSAGES + '"MSISupported"=dword:00000000\r\n')) == "level"
    assert mode(run_with(MESSAGES + '"MSISupported"=dword:00000000\r\n', "utf-16")) == "level"


def test_a_malformed_reg_file_is_named_with_its_line_and_the_rest_runs():
    result = run_with(MESSAGES + '"MSISupported"=dword:0\r\n"A"=qword:1\r\n')
    assert mode(result) == "level"
    assert any("lab.reg: value at offset" in line and "line 5" in line for line in result.log)


def test_the_host_command_takes_a_reg_file(tmp_path):
    path = tmp_path / "lab.reg"
    path.write_text(HEAD + MESSAGES + '"MSISupported"=dword:0\r\n', encoding="ascii")
    done = subprocess.run([sys.executable, f"{qemu.ROOT}/tools/dirql", "run",
                           f"{qemu.BUILD}/drivers/edu-message.sys", str(path), "--device",
                           "edu,addr=4", "--exec", "irq"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "connected by CONNECT_LINE_BASED" in done.stdout
