"""The commands of the README beside run and test: set-up, tool chains, flash, debug."""
import os
import re
import shutil
import socket
import subprocess

import pytest

from hostlib import qemu

ISO_SIZE = 1000003
MIB = 1 << 20


def call(*command, text="", path="", **variables):
    """Runs a command in the checkout; `path` goes first in PATH. As make's child it is none."""
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES",
                                   "DIRQL_SETUP_DONE", "CROSS_COMPILE")}
    environment["PATH"] = os.pathsep.join([str(path)] * bool(path) + [environment["PATH"]])
    return subprocess.run(command, cwd=qemu.ROOT, env=dict(environment, **variables), input=text,
                          capture_output=True, text=True, timeout=120, check=False)


def script(folder, name, body):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


# ---- set-up -------------------------------------------------------------------------------------

def test_set_up_prints_one_line_that_installs_what_is_missing_and_stops(tmp_path):
    script(tmp_path, "dpkg-query", 'for p; do :; done; [ "$p" = mtools ] || echo "ii "')
    script(tmp_path, "apt-get", "echo apt-get was called >&2; exit 1")
    done = call("tools/setup", path=tmp_path, NO_INSTALL="1")
    assert done.returncode == 2
    assert re.fullmatch(r"(sudo )?apt-get update && (sudo )?env DEBIAN_FRONTEND=noninteractive "
                        r"apt-get install --no-install-recommends -y mtools\n", done.stdout)
    assert "apt-get was called" not in done.stderr


def test_set_up_does_nothing_where_all_is_there(tmp_path):
    script(tmp_path, "dpkg-query", 'echo "ii "')
    done = call("tools/setup", path=tmp_path, NO_INSTALL="1")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("goal", ["run", "test"])
def test_run_and_test_stop_at_once_when_packages_are_missing(tmp_path, goal):
    script(tmp_path, "dpkg-query", 'for p; do :; done; [ "$p" = xorriso ] || echo "ii "')
    done = call("make", goal, path=tmp_path, NO_INSTALL="1")
    assert done.returncode != 0 and "-y xorriso" in done.stdout
    assert "CC" not in done.stdout and "== unit ==" not in done.stdout


# ---- tool chains --------------------------------------------------------------------------------

@pytest.mark.parametrize("target, words", [
    ("x86_64-w64-mingw32", "makes x86_64-w64-mingw32 objects; the kernel needs x86-64 ELF"),
    ("arm-none-eabi", "targets arm-none-eabi; the kernel needs x86-64 ELF"),
])
def test_a_tool_chain_for_something_else_is_refused_in_words(tmp_path, target, words):
    script(tmp_path, "other-gcc", f"echo {target}")
    done = call("make", "CROSS_COMPILE=other-", path=tmp_path)
    assert done.returncode != 0
    assert words in done.stderr and "other-gcc" in done.stderr


def test_a_tool_chain_that_is_not_there_is_named():
    done = call("make", "CROSS_COMPILE=nowhere-")
    assert done.returncode != 0
    assert 'no compiler "nowhere-gcc"' in done.stderr and "CROSS_COMPILE=" in done.stderr


def test_a_tool_chain_is_taken_by_its_prefix(tmp_path):
    for tool in ("gcc", "ld", "nm", "objcopy"):
        script(tmp_path, f"x86_64-elf-{tool}", f'exec {shutil.which(tool)} "$@"')
    built = tmp_path / "build"
    done = call("make", "V=1", f"B={built}", "CROSS_COMPILE=x86_64-elf-",
                f"ACPICA_SRC={os.path.abspath(os.path.join(qemu.BUILD, 'acpica', 'src'))}",
                f"{built}/obj/kernel/lib/string.o", f"{built}/obj/arch/x86_64/entry.S.o",
                path=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("x86_64-elf-gcc ") >= 2
    assert (built / "obj/kernel/lib/string.o").read_bytes()[:5] == b"\x7fELF\x02"


# ---- flash --------------------------------------------------------------------------------------

@pytest.fixture
def iso(tmp_path):
    path = tmp_path / "some.iso"
    path.write_bytes(os.urandom(ISO_SIZE))
    return path


@pytest.fixture
def disk(tmp_path):
    """(block device, the file behind it): a loop device, which is no removable one."""
    backing = tmp_path / "disk.img"
    backing.write_bytes(bytes(4 * MIB))
    done = subprocess.run(["losetup", "-f", "--show", str(backing)], capture_output=True,
                          text=True, check=False) if shutil.which("losetup") else None
    if not done or done.returncode:
        pytest.skip("no loop device can be set up here: that takes root")
    device = done.stdout.strip()
    yield device, backing
    subprocess.run(["losetup", "-d", device], check=True)


def test_flash_names_what_is_wrong_with_its_arguments(tmp_path, iso):
    assert "make flash DEV=" in call("tools/flash", str(iso)).stderr
    assert "is not built" in call("tools/flash", str(tmp_path / "no.iso"), "/dev/null").stderr
    done = call("tools/flash", str(iso), str(iso), FORCE="1")
    assert done.returncode == 2 and "is not a block device" in done.stderr


def test_flash_refuses_a_disk_that_is_not_removable(iso, disk):
    device, backing = disk
    done = call("tools/flash", str(iso), device, text="y\n")
    assert done.returncode == 2 and "is not removable (FORCE=1 overrides)" in done.stderr
    assert not any(backing.read_bytes())


def test_flash_refuses_a_mounted_disk(tmp_path, iso, disk):
    device, _ = disk
    folder = tmp_path / "mounted"
    folder.mkdir()
    if not shutil.which("mkfs.ext4"):
        pytest.skip("mkfs.ext4 is not installed")
    subprocess.run(["mkfs.ext4", "-q", device], check=True)
    mounted = subprocess.run(["mount", device, str(folder)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        done = call("tools/flash", str(iso), device, text="y\n")
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    assert done.returncode == 2 and f"is mounted at {folder}" in done.stderr


def test_flash_refuses_a_disk_that_is_too_small(tmp_path, disk):
    large = tmp_path / "large.iso"
    large.write_bytes(bytes(5 * MIB))
    done = call("tools/flash", str(large), disk[0], text="y\n", FORCE="1")
    assert done.returncode == 2 and "is smaller than" in done.stderr


def test_forced_flash_asks_once_writes_and_reads_back(iso, disk):
    device, backing = disk
    done = call("tools/flash", str(iso), device, text="y\n", FORCE="1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("[y/N]") == 1
    assert f"{ISO_SIZE} bytes written to {device} and read back the same" in done.stdout
    assert backing.read_bytes()[:ISO_SIZE] == iso.read_bytes()


@pytest.mark.parametrize("answer", ["n\n", "\n", ""], ids=["no", "empty line", "end of input"])
def test_flash_writes_nothing_unless_the_answer_is_yes(iso, disk, answer):
    device, backing = disk
    done = call("tools/flash", str(iso), device, text=answer, FORCE="1")
    assert done.returncode == 2 and "nothing was written" in done.stderr
    assert not any(backing.read_bytes())


def test_flash_tells_a_medium_that_keeps_nothing(tmp_path, iso, disk):
    script(tmp_path, "dd", "exit 0")
    done = call("tools/flash", str(iso), disk[0], text="y\n", path=tmp_path, FORCE="1")
    assert done.returncode == 1 and "does not read back what was written" in done.stderr


# ---- debug --------------------------------------------------------------------------------------

@pytest.mark.skipif(not shutil.which("gdb"), reason="gdb is not installed")
def test_debug_waits_for_gdb_which_finds_the_kernels_symbols():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = str(probe.getsockname()[1])
    environment = dict(os.environ, GDB_PORT=port)
    with subprocess.Popen(["tools/debug"], cwd=qemu.ROOT, env=environment, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as machine:
        try:
            assert f"QEMU waits at port {port}" in machine.stdout.readline()
            done = call("gdb", "-batch", "-nx", "-x", "tools/gdbinit", "-ex", "continue",
                        "-ex", "backtrace", "-ex", "info symbol ke_trap", GDB_PORT=port)
        finally:
            machine.terminate()
    assert re.search(r"#0 +kernel_main .* at (\./)?kernel/main\.c:\d+", done.stdout), \
        done.stdout + done.stderr
    assert "arch_start" in done.stdout and "ke_trap in section .text" in done.stdout
