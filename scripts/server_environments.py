"""The environments of ``scripts/servers.py``: servers and the sample application on each Python."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from loadtests.model.errors import ProcessFailure
from loadtests.tools import files, proc

PROJECT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = PROJECT / ".cache/servers"
LOCKS = ("harness.txt", "servers.txt")

INSTALL_LIMIT_S = 900.0

APPLICATION = ("flask", "gunicorn", "packaging")
EVERY_SERVER = ("gevent", "psycopg[binary,pool]", "pyuwsgi", "waitress", "granian", "cheroot")
ON_PYPY = ("psycopg[pool]",)
"""PyPy has no wheels of psycopg's C part; the pure one needs the system's libpq."""

INTERPRETERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "cpython-3.13": ("python3.13", EVERY_SERVER),
    "cpython-3.11": ("python3.11", EVERY_SERVER),
    "pypy-3": ("pypy3", ON_PYPY),
}
"""The environments: which interpreter makes each, and what it gets beside the application's."""

UNPINNED = frozenset({"pypy-3"})
"""A distribution's PyPy may speak an older Python than the locked versions need; it gets the newest
that it can run."""

PIN = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)")


def set_up(programs: Mapping[str, str]) -> int:
    """Make the environments whose interpreters this machine has, and say which are left out.

    ``programs`` has the paths of some, by the names of the environments.
    """
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    constraints = ENVIRONMENTS / "constraints.txt"
    texts = [(PROJECT / "requirements" / name).read_text() for name in LOCKS]
    files.write(constraints, "".join(f"{name}=={pin}\n" for name, pin in pins(texts)))
    made = 0
    for name, (usual, packages) in INTERPRETERS.items():
        program, folder = programs.get(name, usual), ENVIRONMENTS / name
        if (folder / "made").exists():
            made += 1
            continue
        if proc.which(program) is None:
            print(f"{name}: left out, because {program} is not on PATH.")
            continue
        try:
            shutil.rmtree(folder, ignore_errors=True)
            # This environment's pip installs there: a distribution's Python may have none.
            bare = (program, "-m", "venv", "--without-pip", str(folder))
            proc.run(bare, timeout_s=INSTALL_LIMIT_S)
            pinned = () if name in UNPINNED else ("--constraint", str(constraints))
            there = ("--python", str(folder / "bin/python"))
            pip = (sys.executable, "-m", "pip", *there, "install", "--quiet")
            proc.run((*pip, *pinned, *APPLICATION, *packages), timeout_s=INSTALL_LIMIT_S)
        except ProcessFailure as error:
            print(f"{name}: left out. {error}\n{error.output[-1000:]}")
            continue
        files.write(folder / "made", "")
        made += 1
        print(f"{name}: {folder}")
    return 0 if made else 1


def pins(locks: Sequence[str]) -> list[tuple[str, str]]:
    """Return the names and versions that lock files pin; the first file decides."""
    found: dict[str, str] = {}
    for text in locks:
        for line in text.splitlines():
            if match := PIN.match(line):
                found.setdefault(match[1], match[2].rstrip("\\").strip())
    return sorted(found.items())
