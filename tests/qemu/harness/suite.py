"""The conformance suite: its runs, one guest each, and what a run's console says.

    for run in suite.runs(): ...
    cases = suite.execute(run)

A case is (passed, name, why it was skipped or None). Cases are also written to
build/conformance/results/<title>.ktap, where tools/conformance-table finds them.
"""
import os
import re

from hostlib import qemu, suite

from . import ktap
from .guest import BUGCHECK, SUCCESS, Guest, run_commands

FOLDER = suite.FOLDER
BUILT = os.path.join(qemu.BUILD, "conformance")
RESULTS = os.path.join(BUILT, "results")

STOP_CODE, STEP_CODE = 0x222804, 0x222808
EXPECTED = re.compile(r"^expect stop (0x[0-9A-F]{8}) (\S+) (\S+) (\S+) (\S+) - (.*)$", re.M)
STOP = re.compile(r"dirql: \*\*\* STOP (0x[0-9A-F]{8}) \((\w+),(\w+),(\w+),(\w+)\)")

TIMEOUT = 120


class Run:
    """One row of a runs.toml with one number of CPUs, and one stop if it has any."""

    def __init__(self, row, cpus, stop):
        self.group, self.inf = row["group"], row.get("inf", "message")
        self.cpus, self.stop, only = cpus, stop, row.get("only")
        self.row = row
        words = [self.group] + ([self.inf] if self.inf != "message" else [])
        words += [only] if only else []
        words += [f"stop {self.stop}"] if self.stop is not None else []
        self.title = " ".join(words) + f", {cpus} CPU{'s' if cpus > 1 else ''}"

    def options(self):
        """Keyword arguments for a Guest."""
        name = f"{self.group}-{self.inf}.inf"
        with open(os.path.join(BUILT, name), "rb") as stream:
            members = [(name, stream.read())]
        append = self.row.get("append", "")
        if self.stop is not None and "verifier=" not in append:
            # it would be there first, with a code of its own
            append = f"verifier=none {append}"
        return {"machine": self.row.get("machine", "q35"), "cpus": self.cpus,
                "devices": self.row.get("devices", []), "append": append,
                "drivers": [self.group], "folder": "conformance", "extra_members": members}

    def guest(self, **more):
        """A guest at whose prompt the run's driver can be told what to do: see step."""
        return Guest(**dict(self.options(), **more))


def runs():
    return [Run(row, cpus, stop) for row in suite.load()[1] for cpus in row.get("cpus", [1, 4])
            for stop in _stops(row)]


def _stops(row):
    stop = row.get("stop")
    return stop if isinstance(stop, list) else [stop]


def request(group, code, number):
    """The console command that sends a numbered request."""
    return f"dev ioctl {group}-test {code:#x} {number.to_bytes(4, 'little').hex()}"


def step(guest, group, number, timeout=TIMEOUT):
    """Runs a numbered step of the driver; returns the cases it printed."""
    start = guest.position
    guest.command(request(group, STEP_CODE, number), timeout)
    return cases_of(guest.text[start:guest.position])


def cases_of(text):
    return [(case.passed, case.name, case.reason if case.skipped else None)
            for case in ktap.Report(text).cases]


def stop_cases(text):
    """The case of a run that ends in a bug check: the one its driver expects."""
    expected, stop = EXPECTED.search(text), STOP.search(text)
    if not expected:
        return [(False, "the driver says which bug check it expects", None)]
    code, *parameters, name = expected.groups()
    passed = bool(stop) and int(stop.group(1), 16) == int(code, 16) and all(
        want == "*" or int(want, 16) == int(got, 16)
        for want, got in zip(parameters, stop.groups()[1:]))
    return [(passed, name, None)]


def execute(run, **more):
    """Boots a guest, runs the group's cases or its stop; returns the cases. `more`: of Guest's
    options; such a run says nothing of the suite's, and is not recorded."""
    commands = ["test"]
    if run.stop is not None:  # some stops come only when the driver goes
        commands = [request(run.group, STOP_CODE, run.stop), f"driver remove {run.group}"]
    result = run_commands(commands, timeout=TIMEOUT, **dict(run.options(), **more))
    if run.stop is not None:
        cases = stop_cases(result.text)
        wanted = BUGCHECK
    else:
        cases = cases_of(result.text)
        wanted = SUCCESS
        report = ktap.Report(result.text)
        if not report.cases or report.planned != len(report.cases):
            cases.append((False, f"{run.title}: the driver ends its report", None))
        cases += [(bool(re.search(pattern, result.text, re.M)), f"the console shows: {pattern}",
                   None) for pattern in run.row.get("shows", [])]
    if result.verdict != wanted and all(passed for passed, _, _ in cases):
        cases.append((False, f"{run.title}: the run ends with verdict {wanted:#x}", None))
    if not more:
        record(run.title, cases)
    return cases, result.text


def record(title, cases):
    """Writes cases to where the table is made from."""
    os.makedirs(RESULTS, exist_ok=True)
    lines = ["KTAP version 1"]
    for index, (passed, name, skipped) in enumerate(cases, 1):
        ending = f" # SKIP {skipped}" if skipped is not None else ""
        lines.append(f"{'ok' if passed else 'not ok'} {index} - {name}{ending}")
    lines.append(f"1..{len(cases)}")
    path = os.path.join(RESULTS, title.replace("/", " ") + ".ktap")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n")


def judge(title, cases, text=""):
    """Prints the cases; raises AssertionError if one failed."""
    for passed, name, skipped in cases:
        print("ok" if passed else "not ok", name, f"# SKIP {skipped}" if skipped else "")
    failed = [name for passed, name, skipped in cases if not passed and skipped is None]
    assert cases, f"{title}: no case ran\n{text[-3000:]}"
    assert not failed, f"{title}: failed: " + "; ".join(failed) + "\n" + text[-3000:]
