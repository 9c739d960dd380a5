"""tools/dirql: its exit statuses, and what it passes on."""
import os
import re
import subprocess
import sys

import pexpect
import pytest

from harness import suite
from harness.guest import BUILD
from hostlib import qemu

DIRQL = os.path.join(qemu.ROOT, "tools", "dirql")
EDU_LINE = os.path.join(BUILD, "drivers", "edu-line.sys")
MINGW_DDK = "/usr/share/mingw-w64/include/ddk"
FACTORIAL_OF_10 = "dev ioctl edu-line0 0x222000 0A000000 4"


def dirql(*arguments):
    return subprocess.run([sys.executable, DIRQL, *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=120, check=False)


def test_a_run_whose_commands_succeed_exits_with_0():
    done = dirql("run", "--no-examples", "--exec", "cpus")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_run_with_a_failing_command_exits_with_1():
    assert dirql("run", "--no-examples", "--exec", "no-such-command").returncode == 1


def test_a_driver_that_is_no_file_exits_with_2_and_says_so():
    done = dirql("run", "nowhere.sys")
    assert done.returncode == 2 and "nowhere.sys: no such file" in done.stderr


def test_a_device_qemu_does_not_have_exits_with_2():
    assert dirql("run", "--device", "no-such-device", "--exec", "cpus").returncode == 2


def test_a_qemu_that_is_not_there_exits_with_2_and_says_what_to_install():
    done = dirql("run", "--qemu", "no-such-qemu", "--exec", "cpus")
    assert done.returncode == 2 and "install" in done.stderr


def test_a_driver_without_inf_or_match_exits_with_2(tmp_path):
    driver = tmp_path / "lonely.sys"
    driver.write_bytes(b"MZ")
    done = dirql("run", str(driver))
    assert done.returncode == 2 and "--match" in done.stderr


def test_a_run_that_ends_in_a_bug_check_exits_with_3():
    driver = os.path.join(suite.BUILT, "faults.sys")
    done = dirql("run", driver, os.path.join(suite.BUILT, "faults-message.inf"), "--no-examples",
                 "--device", "edu", "--exec", suite.request("faults", suite.STOP_CODE, 20))
    assert done.returncode == 3, done.stdout + done.stderr
    assert "*** STOP 0x0BADD00D" in done.stdout


STOPS = """
#include <ntddk.h>
static NTSTATUS Broken(PDRIVER_OBJECT Driver)
{
    return *(volatile NTSTATUS *)~(ULONG_PTR)Driver;
}
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING Path)
{
    (void)Path;
    return Broken(Driver);
}
"""


LEAKS = """
#include <ntddk.h>
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING Path)
{
    (void)Driver;
    (void)Path;
    return ExAllocatePoolWithTag(NonPagedPool, 64, 1) ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
}
"""


def compiled(folder, text, *flags):
    """A driver made by mingw; its path."""
    source, driver = folder / "stops.c", folder / "stops.sys"
    source.write_text(text)
    subprocess.run(["x86_64-w64-mingw32-gcc", "-O0", *flags, "-isystem", MINGW_DDK, "-nostdlib",
                    "-shared", "-Wl,--subsystem,native", "-Wl,--entry,DriverEntry", "-o", driver,
                    source, "-lntoskrnl"], check=True)
    return driver


@pytest.mark.parametrize("options, verified", [
    ([], True), (["--append", "verifier=all"], True), (["--append", "verifier=none"], False)],
    ids=["by itself", "as all are", "not if so wished"])
def test_a_named_driver_is_verified(tmp_path, options, verified):
    driver = compiled(tmp_path, LEAKS)
    done = dirql("run", str(driver), "--match", r"PCI\VEN_1234&DEV_11E8", "--device", "edu",
                 "--no-examples", "--exec", "cpus", *options)
    assert done.returncode == (3 if verified else 5), done.stdout + done.stderr
    assert ("verifier: stops.sys" in done.stdout) == verified


@pytest.mark.parametrize("flags, named", [(["-g"], True), (["-s"], False)],
                         ids=["with its symbols", "without"])
def test_addresses_of_a_driver_are_named_by_what_its_build_left(tmp_path, flags, named):
    driver = compiled(tmp_path, STOPS, *flags)
    done = dirql("run", str(driver), "--match", r"PCI\VEN_1234&DEV_11E8", "--device", "edu",
                 "--no-examples", "--exec", "cpus")
    assert done.returncode == 3, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if "  #0" in line)
    assert "stops.sys+0x" in lines[at]
    found = re.findall(r"^dirql:      stops\.sys\+0x[0-9a-f]+ is (.*)$", done.stdout, re.M)
    assert found[-2:] == (["Broken (stops.c:5)", "DriverEntry (stops.c:10)"] if named else [])


def test_a_run_that_takes_too_long_exits_with_4():
    assert dirql("run", "--qemu-arg", "-S", "--timeout", "1", "--exec", "cpus").returncode == 4


def test_a_named_driver_whose_device_is_missing_exits_with_5():
    done = dirql("run", EDU_LINE, "--no-examples", "--exec", "cpus")
    assert done.returncode == 5, done.stdout + done.stderr


def test_a_named_driver_that_is_no_image_exits_with_5(tmp_path):
    driver = tmp_path / "broken.sys"
    driver.write_bytes(b"MZ" + bytes(1000))
    done = dirql("run", str(driver), "--match", r"PCI\VEN_1234&DEV_11E8", "--device", "edu",
                 "--no-examples", "--exec", "cpus")
    assert done.returncode == 5, done.stdout + done.stderr


def test_a_driver_without_an_inf_is_bound_by_match(tmp_path):
    driver = tmp_path / "renamed.sys"
    with open(EDU_LINE, "rb") as stream:
        driver.write_bytes(stream.read())
    done = dirql("run", str(driver), "--match", r"PCI\VEN_1234&DEV_11E8", "--device", "edu",
                 "--no-examples", "--exec", "devices")
    assert done.returncode == 0, done.stdout + done.stderr


def test_two_drivers_and_their_infs_named_at_once_both_start():
    nvme = os.path.join(BUILD, "drivers", "nvme")
    done = dirql("run", EDU_LINE, f"{nvme}.sys", f"{nvme}.inf", EDU_LINE[:-4] + ".inf",
                 "--no-examples", "--device", "edu", "--device", "nvme",
                 "--exec", FACTORIAL_OF_10, "--exec", "dev read nvme0 512")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "edu-line0: connected" in done.stdout and "nvme0: connected" in done.stdout
    assert "0000: 00 5f 37 00" in done.stdout  # 3628800


def _inf(service_binary, copied):
    """edu-line's INF, naming its driver otherwise, or not at all."""
    with open(EDU_LINE[:-4] + ".inf", encoding="utf-8") as stream:
        lines = stream.read().splitlines()
    changed = []
    for line in lines:
        if line.startswith("ServiceBinary"):
            line = f"ServiceBinary = %12%\\{service_binary}"
        elif line == "edu-line.sys":
            line = copied or ""
        if copied or not line.startswith("CopyFiles"):
            changed.append(line)
    return "\n".join(changed) + "\n"


@pytest.mark.parametrize("file, inf, binary, copied", [
    ("one.sys", "other.inf", "one.sys", None),
    ("one.sys", "other.inf", "absent.sys", "one.sys"),
    ("one.sys", "one.inf", "absent.sys", "absent.sys"),
], ids=["service binary", "copied file", "own base name"])
def test_an_inf_finds_its_driver_by(tmp_path, file, inf, binary, copied):
    driver = tmp_path / file
    with open(EDU_LINE, "rb") as stream:
        driver.write_bytes(stream.read())
    (tmp_path / inf).write_text(_inf(binary, copied))
    done = dirql("run", str(driver), str(tmp_path / inf), "--no-examples", "--device", "edu",
                 "--exec", FACTORIAL_OF_10)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0000: 00 5f 37 00" in done.stdout


def test_what_an_inf_would_include_is_ignored_and_said(tmp_path):
    with open(EDU_LINE[:-4] + ".inf", encoding="utf-8") as stream:
        text = stream.read()
    section = re.search(r"^\[(\S+)\]\n(?:[^\[]*\n)?CopyFiles", text, re.M)
    inf = tmp_path / "edu-line.inf"
    inf.write_text(text.replace(f"[{section[1]}]\n",
                                f"[{section[1]}]\nInclude = machine.inf\nNeeds = PCI_DRV, More\n"))
    done = dirql("run", EDU_LINE, str(inf), "--no-examples", "--device", "edu",
                 "--exec", FACTORIAL_OF_10)
    assert done.returncode == 0, done.stdout + done.stderr
    note = f"dirql: pnp: edu-line.inf: [{section[1]}]: %s is ignored: there are no other INFs"
    lines = done.stdout.splitlines()
    assert note % "Include = machine.inf" in lines and note % "Needs = PCI_DRV" in lines


def test_what_a_driver_prints_comes_out_as_it_is_and_log_lines_have_a_prefix():
    done = dirql("run", EDU_LINE, "--no-examples", "--device", "edu", "--exec", FACTORIAL_OF_10)
    lines = done.stdout.splitlines()
    assert "edu-line0: connected by CONNECT_LINE_BASED: line, vector 0x60, DIRQL 6" in lines
    assert any(line.startswith("dirql: clock: ") for line in lines)


def test_imports_lists_what_a_driver_needs():
    done = dirql("imports", EDU_LINE)
    assert done.returncode == 0, done.stdout
    assert "ntoskrnl.exe!IoConnectInterruptEx" in done.stdout


@pytest.mark.parametrize("options", [
    ["--machine", "pc", "--cpus", "2", "--memory", "64"],
    ["--boot", "iso", "--append", "bugcheck=halt"],
    ["--firmware", "uefi", "--cpus", "2", "--memory", "512"],
], ids=["pc", "iso", "uefi"])
def test_a_run_takes_machine_firmware_boot_cpus_memory_and_command_line(options):
    done = dirql("run", EDU_LINE, "--no-examples", "--device", "edu,addr=4", *options,
                 "--qemu-arg", "-name test", "--exec", FACTORIAL_OF_10, "--exec", "about",
                 "--exec", "mem", "--exec", "cpus")
    assert done.returncode == 0, done.stdout + done.stderr
    words = dict(zip(options[::2], options[1::2]))
    assert "0000: 00 5f 37 00" in done.stdout
    assert len(re.findall(r"^ *\d+ .*\b(?:yes|online|true)\b", done.stdout, re.M)) == int(
        words.get("--cpus", 1)), done.stdout
    assert words.get("--append", "") in done.stdout


def test_uefi_without_an_iso_exits_with_2():
    done = dirql("run", "--firmware", "uefi", "--boot", "direct", "--exec", "cpus")
    assert done.returncode == 2 and "--boot iso" in done.stderr


def terminal(*command):
    return pexpect.spawn(sys.executable, list(command), cwd=qemu.ROOT, timeout=60,
                         encoding="utf-8")


def test_on_a_terminal_a_run_is_the_console_until_the_machine_is_switched_off():
    with terminal(DIRQL, "run", EDU_LINE, "--no-examples", "--device", "edu") as session:
        session.expect("dirql> ")
        session.send(FACTORIAL_OF_10 + "\r")
        session.expect("0000: 00 5f 37 00")
        session.expect("dirql> ")
        session.send("poweroff\r")
        session.expect(pexpect.EOF)
    assert session.exitstatus == 0


def test_a_key_leaves_the_console():
    with terminal(DIRQL, "run", "--no-examples") as session:
        session.expect("dirql> ")
        session.send("\x1d")
        session.expect(pexpect.EOF)
    assert session.exitstatus == 0


def test_the_demonstration_ends_at_the_console_on_a_terminal():
    with terminal(os.path.join(qemu.ROOT, "tools", "demo")) as session:
        session.expect("edu-line0: connected")
        session.expect(r"dirql> irq\r")  # its last command
        session.expect(r"edu-line\.sys")
        session.expect("dirql> ")
        session.send("poweroff\r")
        session.expect(pexpect.EOF)
    assert session.exitstatus == 0
