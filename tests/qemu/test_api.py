"""docs/api.md and tests/documented, and the export table they are about; no guest is started."""
import os
import subprocess
import sys

from hostlib import qemu


def run_tool(name, *arguments):
    tool = os.path.join(qemu.ROOT, "tools", name)
    return subprocess.run([sys.executable, tool, *arguments], capture_output=True, text=True,
                          timeout=120, check=False)


def make_api(*arguments):
    return run_tool("make-api", *arguments)


def test_the_page_of_exported_routines_is_current():
    done = make_api("--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_name_that_public_drivers_import_is_exported():
    done = make_api("--list", "missing")
    assert done.returncode == 0, done.stderr
    *missing, counts = done.stdout.splitlines()
    assert [name for name in missing if name] == [], counts


def test_each_documented_result_and_irql_of_each_export_has_its_row():
    """That the cases which the rows name pass is `make conformance`'s part."""
    done = run_tool("documented")
    assert done.returncode == 0, done.stdout + done.stderr
