"""tools/dirql: its exit statuses, and what it passes on."""
import os
import subprocess
import sys

from harness.guest import BUILD
from hostlib import qemu

DIRQL = os.path.join(qemu.ROOT, "tools", "dirql")
EDU_LINE = os.path.join(BUILD, "drivers", "edu-line.sys")


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


def test_imports_lists_what_a_driver_needs():
    done = dirql("imports", EDU_LINE)
    assert done.returncode == 0, done.stdout
    assert "ntoskrnl.exe!IoConnectInterruptEx" in done.stdout
