"""setpriv (util-linux): ties a program to the life of this process, as the kernel sees it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

PROGRAM = "setpriv"


def tied(argv: Sequence[str]) -> tuple[str, ...]:
    """Return a command whose program gets SIGTERM when this process ends, however it ends.

    After SIGKILL, nobody else would end it. Where there is no setpriv, the command is as it was.
    """
    program = shutil.which(PROGRAM) if sys.platform == "linux" else None
    return (program, "--pdeathsig", "TERM", *argv) if program is not None else tuple(argv)
