"""Turns a request (machine, firmware, devices, archive) into a QEMU command line.

One Machine is one guest. Everything it needs for a single run (archive, ISO, disk) lies in a
temporary folder that close() removes. No process is started here but xorriso.
"""
import ctypes
import functools
import os
import re
import shutil
import signal
import subprocess
import tempfile

from . import archive

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build")
KERNEL = os.path.join(BUILD, "dirql.elf")
ISO = os.path.join(BUILD, "dirql.iso")

EXIT_PORT = 0xF4
# Without MONITOR: with several CPUs TCG makes MWAIT a spin, and UEFI firmware parks CPUs in it.
CPU = "max,monitor=off"
SECTOR = 512
DISKS = ("nvme", "ide-hd")  # devices that get a small disk of their own
DISK_SECTORS = 8192

OVMF_PAIRS = (
    ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
    ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
    ("/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"),
)


class SetupError(Exception):
    """Something outside the guest is missing; the text says what to do."""


def die_with_parent():
    """For Popen's preexec_fn: no QEMU outlives who started it, however that one ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def disk_sector(number):
    """Contents of a sector of a disk that backs one of DISKS: its number, over and over."""
    return number.to_bytes(8, "little") * (SECTOR // 8)


def find_ovmf():
    for pair in OVMF_PAIRS:
        if all(os.path.exists(path) for path in pair):
            return pair
    raise SetupError("no UEFI firmware found: install the package ovmf (tools/setup does)")


def cache():
    """Where tools/setup-qemu10 and tools/setup-bochs put what they fetch."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("CACHE") or os.path.join(home, "dirql")


@functools.cache
def version(program):
    """(major, minor) of a QEMU, or None where it does not run."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    match = re.search(r"version (\d+)\.(\d+)", done.stdout)
    return (int(match.group(1)), int(match.group(2))) if match else None


def find_newer():
    """A QEMU of version 10 or later: the default one, or tools/setup-qemu10's; None: neither."""
    for program in (os.environ.get("QEMU") or "qemu-system-x86_64",
                    os.path.join(cache(), "qemu10", "qemu-system-x86_64")):
        if (version(program) or (0, 0)) >= (10, 0):
            return program
    return None


class Machine:
    """The options of `dirql run`, and the command line they come to."""

    def __init__(self, machine="q35", cpus=1, memory=None, firmware="bios", boot="direct",
                 devices=(), qemu=None, qemu_args=(), append="", members=(),
                 kernel=KERNEL, iso=ISO):
        self.machine, self.cpus, self.firmware, self.boot = machine, cpus, firmware, boot
        self.memory = memory or ("256" if firmware == "uefi" else "128")
        self.devices, self.qemu_args = list(devices), list(qemu_args)
        self.append, self.members = append, list(members)
        self.kernel, self.iso = kernel, iso
        name = qemu or os.environ.get("QEMU") or "qemu-system-x86_64"
        self.qemu = shutil.which(name)
        if not self.qemu:
            raise SetupError(f"{name} not found: install the package qemu-system-x86 "
                             "(tools/setup does) or name another by --qemu")
        self.folder = tempfile.mkdtemp(prefix="dirql-")

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def path(self, name):
        return os.path.join(self.folder, name)

    def command(self):
        """QEMU's argument list. COM1 is on standard input and output."""
        line = [self.qemu, "-machine", self.machine, "-cpu", CPU, "-accel", "tcg",
                "-m", str(self.memory), "-smp", str(self.cpus),
                "-display", "none", "-monitor", "none", "-net", "none", "-no-reboot",
                "-chardev", "stdio,id=com1,signal=off", "-serial", "chardev:com1",
                "-device", f"isa-debug-exit,iobase={EXIT_PORT:#x}"]
        if self.firmware == "uefi":
            code, variables = find_ovmf()
            line += ["-drive", f"if=pflash,format=raw,readonly=on,file={code}",
                     "-drive", f"if=pflash,format=raw,snapshot=on,file={variables}"]
        line += self._boot_arguments()
        for index, device in enumerate(self.devices):
            line += self._device_arguments(device, index)
        return line + self.qemu_args

    def _boot_arguments(self):
        if self.boot == "direct":
            self._require(self.kernel, "make")
            initrd = self.path("drivers.tar")
            archive.write(initrd, self.members)
            # QEMU splits -initrd at commas, taking them for a list of modules.
            arguments = ["-kernel", self.kernel, "-initrd", initrd.replace(",", ",,")]
            return arguments + (["-append", self.append] if self.append else [])
        if self.boot == "usb":
            return ["-drive", "if=none,id=stick,format=raw,snapshot=on,file=" + self.make_iso(),
                    "-device", "qemu-xhci", "-device", "usb-storage,drive=stick,bootindex=0"]
        return ["-cdrom", self.make_iso()]

    def make_iso(self):
        """The built ISO with this run's archive and command line mapped over its own."""
        initrd = self.path("drivers.tar")
        archive.write(initrd, self.members)
        self._require(self.iso, "make iso")
        if not shutil.which("xorriso"):
            raise SetupError("xorriso not found: install the package xorriso (tools/setup does)")
        options = self.path("options.cfg")
        quoted = self.append.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
        with open(options, "w", encoding="utf-8") as stream:
            stream.write(f'set dirql_options="{quoted}"\n')
        image = self.path("dirql.iso")
        done = subprocess.run(
            ["xorriso", "-indev", self.iso, "-outdev", image,
             "-boot_image", "any", "replay", "-map", initrd, "/boot/drivers.tar",
             "-map", options, "/boot/options.cfg"],
            stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode or not os.path.exists(image):
            raise SetupError("xorriso could not write the ISO:\n"
                             + done.stderr.decode("utf-8", "replace"))
        return image

    def _device_arguments(self, device, index):
        words = device.split(",")
        if words[0] in DISKS and not any(w.startswith("drive=") for w in words):
            disk, name = self.path(f"disk{index}.img"), f"disk{index}"
            with open(disk, "wb") as stream:
                for number in range(DISK_SECTORS):
                    stream.write(disk_sector(number))
            if not any(w.startswith("serial=") for w in words):
                device += f",serial=dirql{index}"
            return ["-drive", f"if=none,id={name},format=raw,file={disk}",
                    "-device", f"{device},drive={name}"]
        return ["-device", device]

    @staticmethod
    def _require(path, goal):
        if not os.path.exists(path):
            raise SetupError(f"{os.path.relpath(path)} is not built: run `{goal}` first")
