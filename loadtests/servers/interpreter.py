"""What a Python interpreter writes into a server's log about itself. PURE."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from loadtests.model.tested.in_force import ServerProcess
from loadtests.servers.words import programs_in

_GIL = re.compile(
    r"The global interpreter lock \(GIL\) has been enabled to load module '(?P<module>[^']+)'"
)
"""The warning of a free-threaded CPython (PEP 703) when a module needs the lock."""

GIL_IS_ON = "twofold: the GIL of this worker is on"
"""What a worker of a free-threaded CPython writes that asked ``sys._is_gil_enabled()``."""

FREE_THREADED = "free-threaded"
"""What stands behind the version of a build without a GIL, in words for people."""

PYPY = "PyPy"

COMPILING = frozenset({PYPY})
"""What ``platform.python_implementation()`` calls interpreters that compile as they run."""

_JIT = re.compile(r"pypy[\d.]*(?:-c)?")
"""The name of its program, unless a virtual environment calls it python."""


def notes(log: str) -> tuple[str, ...]:
    """Return what a worker's log says of its interpreter: that the GIL came back."""
    modules = dict.fromkeys(match["module"] for match in _GIL.finditer(log))
    if not modules and GIL_IS_ON in log:
        return (
            "The GIL is on: sys._is_gil_enabled() says so inside a worker under load, though this"
            " is a free-threaded Python. Is PYTHON_GIL=1 or -X gil=1 set, or a warning switched"
            " off? Threads take turns as in an ordinary build.",
        )
    if not modules:
        return ()
    return (
        f"The GIL is on: {', '.join(modules)} is not marked to run without it, so this"
        " free-threaded Python turned it on at the import. Threads take turns as in an ordinary"
        " build.",
    )


_CPYTHON = re.compile(r"python[\d.]*t?")


def by_program(name: str) -> str | None:
    """Return what an interpreter calls itself by the name of its file, links followed, or None."""
    if _JIT.fullmatch(name):
        return PYPY
    return "CPython" if _CPYTHON.fullmatch(name) else None


def compiles_as_it_runs(
    python: str | None,
    processes: Sequence[ServerProcess],
    *,
    implementation: str | None = None,
) -> bool:
    """Return whether requests become cheaper as the interpreter compiles, as with PyPy.

    What the processes run decides, else the names of programs in their command lines.
    ``implementation``, the plan's word, comes last: in a virtual environment, PyPy is called
    python.
    """
    seen = {process.implementation for process in processes} - {None}
    if seen:
        return not seen.isdisjoint(COMPILING)
    commands = (python or "", *(process.command for process in processes))
    if any(_JIT.fullmatch(name) for command in commands for name in programs_in(command)):
        return True
    return implementation in COMPILING


_NO_PYTHONS = frozenset({"uwsgi", "uwsgi-core", "httpd", "apache2", "nginx", "node", "java"})
"""Programs that are no Python, whatever they have loaded."""


def may_be_python(command: str) -> bool:
    """Return whether a process with this command line may be a Python, or start one."""
    first, *_ = command.split() or [""]
    return bool(first) and PurePath(first).name.lower() not in _NO_PYTHONS


def among(files: Iterable[str]) -> str | None:
    """Return what the Python calls itself that is among files that run; PyPy before CPython."""
    seen = {by_program(PurePath(file).name) for file in files}
    return PYPY if PYPY in seen else next(iter(seen - {None}), None)
