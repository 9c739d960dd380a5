"""Reads KTAP (and TAP) out of a console transcript.

Only lines that are KTAP are looked at, so that kernel log lines may stand between them.
"""
import re

RESULT = re.compile(r"^\s*(ok|not ok) (\d+)(?: -)?\s*(.*?)(?:\s*# ?(SKIP|TODO)\b:?\s*(.*))?$")
PLAN = re.compile(r"^\s*1\.\.(\d+)")


class Case:
    def __init__(self, passed, number, name, directive, reason):
        self.passed, self.number, self.name = passed, number, name
        self.skipped = (directive or "").upper() == "SKIP"
        self.reason = reason or ""


class Report:
    """The cases of a transcript, in order, and whether the plans were kept."""

    def __init__(self, text):
        self.cases, self.planned = [], 0
        self.bailed = None
        for line in text.split("\n"):
            line = line.rstrip("\r")
            plan, result = PLAN.match(line), RESULT.match(line)
            if plan:
                self.planned += int(plan.group(1))
            elif line.startswith("Bail out!"):
                self.bailed = line
            elif result:
                status, number, name, directive, reason = result.groups()
                self.cases.append(Case(status == "ok", int(number), name, directive, reason))

    @property
    def failures(self):
        return [case for case in self.cases if not case.passed and not case.skipped]

    def check(self):
        """Raises AssertionError unless every planned case ran and passed."""
        assert not self.bailed, self.bailed
        assert self.cases, "no KTAP result was printed"
        assert not self.failures, "failed: " + "; ".join(case.name for case in self.failures)
        assert self.planned in (0, len(self.cases)), \
            f"{self.planned} cases were planned, {len(self.cases)} reported"
        return self
