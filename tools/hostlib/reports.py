"""The reports of the conformance suite's last run: build/conformance/results/<title>.ktap."""
import glob
import os
import re

from . import qemu

RESULTS = os.path.join(qemu.BUILD, "conformance", "results")

CASE = re.compile(r"^(ok|not ok) \d+ - (.*?)(?: # SKIP (.*))?$")


def read(folder):
    """{case: [passed, failed, skipped]}, {case: title of a report} of all reports in a folder."""
    cases, titles = {}, {}
    for path in sorted(glob.glob(os.path.join(folder, "*.ktap"))):
        with open(path, encoding="utf-8") as stream:
            for line in stream:
                match = CASE.match(line.rstrip("\n"))
                if not match:
                    continue
                status, name, skipped = match.groups()
                counts = cases.setdefault(name, [0, 0, 0])
                counts[2 if skipped is not None else 0 if status == "ok" else 1] += 1
                titles[name] = os.path.splitext(os.path.basename(path))[0]
    return cases, titles
