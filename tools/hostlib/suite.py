"""The data of the conformance suite: INF variants and runs, as tests/conformance holds them."""
import glob
import os
import tomllib

from . import qemu

FOLDER = os.path.join(qemu.ROOT, "tests", "conformance")


def load():
    """({variant: its table}, [run]); a run has its "group" besides its row."""
    variants, runs = {}, []
    for path in [os.path.join(FOLDER, "suite.toml")] + sorted(
            glob.glob(os.path.join(FOLDER, "*", "runs.toml"))):
        with open(path, "rb") as stream:
            data = tomllib.load(stream)
        group = os.path.basename(os.path.dirname(path))
        for name, variant in data.get("inf", {}).items():
            if name in variants:
                raise ValueError(f"{path}: INF variant {name} stands in two files")
            variants[name] = variant
        runs += [dict(row, group=group) for row in data.get("run", [])]
    return variants, runs
