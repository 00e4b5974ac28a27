"""What is logged of a failure: where it was, never the values that were at hand."""

import subprocess
import sys

import pytest

PROGRAM = """
import structlog
from latchwork.logs import set_up

def fail():
    typed = {"code": "7391" "7391"}
    raise ValueError(len(typed))

set_up("INFO", "%s")
try:
    fail()
except ValueError:
    structlog.get_logger().exception("it.failed")
"""


@pytest.mark.parametrize("style", ["console", "json"])
def test_a_traceback_holds_no_local_values(style: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM % style], capture_output=True, text=True, check=True
    )
    assert "in fail" in done.stderr
    assert "73917391" not in done.stderr
