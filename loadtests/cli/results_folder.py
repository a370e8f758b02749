"""Where results go, and the command that asked for them."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from loadtests.targets import checkout


def of(out: Path | None) -> Path:
    """Return the folder of ``--out``, or the default one; absolute, for programs elsewhere."""
    return (out if out is not None else checkout.results()).resolve()


def command_line() -> str:
    """Give the command as a person would type it."""
    return shlex.join(("twofold", *sys.argv[1:]))
