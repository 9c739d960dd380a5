"""docs/api.md and the export table it is made from; no guest is started."""
import os
import subprocess
import sys

from hostlib import qemu


def make_api(*arguments):
    tool = os.path.join(qemu.ROOT, "tools", "make-api")
    return subprocess.run([sys.executable, tool, *arguments], capture_output=True, text=True,
                          timeout=120, check=False)


def test_the_page_of_exported_routines_is_current():
    done = make_api("--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_name_that_public_drivers_import_is_exported():
    done = make_api("--list", "missing")
    assert done.returncode == 0, done.stderr
    *missing, counts = done.stdout.splitlines()
    assert [name for name in missing if name] == [], counts
