"""Guest tests: shared set-up. The harness is in harness/, the machines are in matrix.toml."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(ROOT, "tools")]

from harness.parallel import (  # noqa: E402,F401
    pytest_addoption, pytest_collection_modifyitems, pytest_runtestloop)
