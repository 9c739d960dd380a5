"""Bochs: another emulator, whose APICs, timers and chipset were written by other people.

    result = bochs.run(["cpus -j"], cpus=2, drivers=["rtc"])
    assert result.verdict == SUCCESS

It boots the ISO, has a PC's own devices and those of `devices` (lines of its configuration), and
writes COM1 to a file, so that a run is commands of the archive and what they printed. It has no
exit status of the guest's: the verdict is what the log says of the commands.
"""
import os
import re
import shutil
import subprocess

from hostlib import archive, qemu

from .guest import (BUGCHECK, COMMAND_FAILED, SUCCESS, VERIFY, GuestError, Result, check_verify,
                    driver_files, parse_json)

TIMEOUT = 180

CONFIGURATION = """\
config_interface: textconfig
display_library: rfb, options="timeout=0"
sound: driver=dummy
cpu: model={model}, count={cpus}, ips=50000000, reset_on_triple_fault=0
megs: 256
romimage: file={share}/bochs/BIOS-bochs-latest
vgaromimage: file={share}/vgabios/vgabios.bin
ata0-master: type=cdrom, path={iso}, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev={folder}/com1
log: {folder}/log
"""

E1000 = "e1000: enabled=1, mac=52:54:00:12:34:56, ethmod=null"  # frames go, none come
XHCI = "usb_xhci: enabled=1, port3=mouse"


def find():
    """(program, folder of its BIOSes): Debian's package, or what tools/setup-bochs fetched."""
    fetched = os.path.join(qemu.cache(), "bochs")
    if os.access(os.path.join(fetched, "bochs"), os.X_OK):
        return os.path.join(fetched, "bochs"), os.path.join(fetched, "usr", "share")
    installed = shutil.which("bochs-bin")
    return (installed, "/usr/share") if installed else None


def _verdict(text, count):
    endings = re.findall(r"^dirql: exec: \d+ (ok|failed)", text, re.M)
    if "*** STOP" in text:
        return BUGCHECK
    if len(endings) != count:
        raise GuestError(f"{len(endings)} of {count} commands ran\n{text[-3000:]}")
    return COMMAND_FAILED if "failed" in endings else SUCCESS


def run(commands, cpus=1, model="corei7_haswell_4770", drivers=(), append="",
        devices=(), timeout=TIMEOUT):
    """Boots, runs the commands, has interrupts verified; the result, as run_commands() gives it."""
    program, share = find()
    files = driver_files(drivers)
    named = [os.path.basename(name) for name in files if name.endswith(".sys")]
    members = archive.compose(files, named, (), [*commands, VERIFY])
    with qemu.Machine(boot="iso", append=f"bugcheck=exit {append}".strip(),
                      members=members) as machine:
        with open(machine.path("rc"), "w", encoding="utf-8") as stream:
            stream.write(CONFIGURATION.format(model=model, cpus=cpus, share=share,
                                              iso=machine.make_iso(), folder=machine.folder))
            stream.writelines(f"{line}\n" for line in devices)
        with open(machine.path("debugger"), "w", encoding="utf-8") as stream:
            stream.write("c\n")
        try:
            subprocess.run([program, "-q", "-f", machine.path("rc"), "-rc",
                            machine.path("debugger")], stdin=subprocess.DEVNULL,
                           cwd=machine.folder, capture_output=True, timeout=timeout, check=False,
                           preexec_fn=qemu.die_with_parent)
        except subprocess.TimeoutExpired:
            pass  # what was printed tells how far it came
        with open(machine.path("com1"), encoding="utf-8", errors="replace") as stream:
            text = stream.read().replace("\r", "")
    result = Result(_verdict(text, len(commands) + 1), text)
    check_verify(parse_json(result.outputs.pop(len(commands) + 1)), text)
    return result
