"""The results folder, and the command line for a run's facts."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from loadtests.targets import checkout


def of(out: Path | None) -> Path:
    """Return the folder of ``--out``, or the default one; absolute, for programs elsewhere."""
    return (out if out is not None else checkout.results()).resolve()


def command_line() -> str:
    """Return the command as a person would type it."""
    return shlex.join(("twofold", *sys.argv[1:]))
