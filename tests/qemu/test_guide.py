"""docs/guide.md, "Your first interrupt service routine": built and run as it stands."""
import os
import re
import subprocess

import pytest

from hostlib import qemu

GUIDE = os.path.join(qemu.ROOT, "docs", "guide.md")
FILE = re.compile(r"`(\w+\.(?:c|h|inf))`[:,](?:(?!\n```).)*?\n```\w+\n(.*?)\n```", re.S)
SHELL = re.compile(r"```sh\n(.*?)\n```", re.S)


def chapter():
    with open(GUIDE, encoding="utf-8") as stream:
        text = stream.read()
    return text.split("\n## Your first interrupt service routine\n")[1].split("\n## ")[0]


def files():
    """{name: contents}: a block belongs to the file whose name begins its paragraph."""
    return {name: text + "\n" for name, text in FILE.findall(chapter())}


def follow(folder, case, messages, append=""):
    """Does what the guide says in an empty folder; returns what was printed."""
    for name, text in files().items():
        if name == "first.inf" and messages:
            text = text.replace("MSISupported, 0x00010001, 0", "MSISupported, 0x00010001, 1")
        (folder / name).write_text(text)
    script, = SHELL.findall(chapter())
    script = script.replace("tools/dirql run", f"tools/dirql run --timeout 60 {append}")
    done = subprocess.run(["sh", "-e", "-c", script], cwd=folder, stdin=subprocess.DEVNULL,
                          env=dict(os.environ, DIRQL=qemu.ROOT, CASE=case), capture_output=True,
                          text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stderr, done.stderr
    return done.stdout


def test_the_guide_has_all_its_files():
    assert sorted(files()) == ["first.c", "first.h", "first.inf", "line.c", "message.c",
                               "messages.c", "passive.c"]


@pytest.mark.parametrize("case, messages, append, says, mode", [
    ("line", False, "", "", "level"),
    ("line", False, "--append inject=share,00:04.0", "", "level"),
    ("message", True, "", "first: messages", "latched"),
    ("message", True, "--append inject=messages,00:04.0,0", "first: the line", "level"),
    ("message", False, "", "first: the line", "level"),
    ("messages", True, "", "first: message 0 of 1: vector", "latched"),
    ("passive", False, "", "", "level"),
])
def test_the_guides_driver_takes_its_interrupts(tmp_path, case, messages, append, says, mode):
    shown = follow(tmp_path, case, messages, append)
    assert shown.count("0000: 01 00 00 00") == 1, shown
    assert shown.count("0000: 02 00 00 00") == 1, shown  # counted on after stop and start
    row = next(line for line in shown.splitlines() if "first.sys" in line and "0x6" in line)
    assert mode in row and says in shown
