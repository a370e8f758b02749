"""Which servers the interpreters on this machine have, and the processes that serve a replica."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from loadtests.environments.processes import project
from loadtests.model.errors import ProcessFailure, UsageError
from loadtests.model.plan import WorkerModel
from loadtests.model.tested.in_force import ServerProcess
from loadtests.model.tested.target import SAMPLE, Target, TargetKind
from loadtests.servers import own_command, registry
from loadtests.servers.server import Server
from loadtests.tools import proc, procfs

SAMPLE_MODULES = ("flask", "psycopg")
"""What the sample application imports, whatever serves it."""

INTERPRETERS = (
    *(f"python3.{minor}{kind}" for minor in range(11, 17) for kind in ("", "t")),
    "pypy3",
)
"""Names of interpreters on PATH; a ``t`` has no GIL."""

ASK_LIMIT_S = 30.0

_ASK = (
    "import importlib.util, json, platform, sys;"
    "print(json.dumps([platform.python_implementation(), platform.python_version(),"
    " [name for name in sys.argv[1:] if importlib.util.find_spec(name) is None]]))"
)


def check(workers: Iterable[WorkerModel], tested: Target = SAMPLE) -> None:
    """Raise :class:`UsageError` if an interpreter lacks what a worker model needs.

    Of a command of the user's own, only the program is looked for. The interpreter of a
    user's application was asked when the application was imported; here it is imported by those of
    single variants.
    """
    for worker in workers:
        server = registry.of(worker)
        if server is own_command.SERVER:
            _check_program(worker)
        if tested.kind is TargetKind.SAMPLE:
            python = interpreter(worker)
            lacking = missing(python, (*server.modules(worker), *SAMPLE_MODULES))
        elif worker.python is not None:
            python = interpreter(worker)
            seen = project.seen_in(tested, python)
            lacking = tuple(name for name in server.modules(worker) if not seen.modules.get(name))
        else:
            continue
        if lacking:
            raise UsageError(_lacks(worker, server, python, lacking))


def _lacks(worker: WorkerModel, server: Server, python: str, lacking: Collection[str]) -> str:
    install = dict.fromkeys(server.modules(worker), server.install)
    words = dict.fromkeys(install.get(name) or name for name in lacking)
    all_servers = "" if worker.python else ", or all servers: `pip install 'twofold[servers]'`"
    return (
        f"The variant {worker.name} needs {', '.join(lacking)}, which {python} does not have."
        f" Install it: `{python} -m pip install {' '.join(words)}`{all_servers}."
    )


def _check_program(worker: WorkerModel) -> None:
    own_command.check(worker.options)
    program = worker.options[0]
    if program not in own_command.PYTHON_WORDS and proc.which(program) is None:
        raise UsageError(
            f"The variant {worker.name} starts {program!r}, which is not on PATH. Install it, or"
            " give its path."
        )


def interpreter(worker: WorkerModel) -> str:
    """Return the interpreter of a worker model: a path as seen from here, else found on PATH."""
    if worker.python is None:
        return sys.executable
    if "/" in worker.python:
        return str(Path(worker.python).expanduser().absolute())
    return proc.which(worker.python) or worker.python


def missing(python: str, modules: Collection[str]) -> tuple[str, ...]:
    """Return the modules that an interpreter cannot find.

    Raises :class:`UsageError` if it is no Python.
    """
    return tuple(_asked(python, modules)[2])


def lacking_servers() -> dict[str, str]:
    """Return the servers that this Python lacks, each with the words that pip installs it by."""
    return {
        server.name: server.install
        for server in registry.SERVERS.values()
        for worker in server.worker_models[:1]
        if any(importlib.util.find_spec(name) is None for name in server.modules(worker))
    }


def pythons() -> tuple[str, ...]:
    """Return the interpreters on PATH with their paths and versions, in words."""
    found = {}
    for name in INTERPRETERS:
        path = proc.which(name)
        if path is not None:
            with contextlib.suppress(UsageError):  # a shim for an interpreter that is not there
                found[path] = f"{about(path)} ({path})"
    return tuple(found.values())


def about(python: str) -> str:
    """Return an interpreter's implementation and version, such as ``CPython 3.13.5``."""
    implementation, version, _ = _asked(python, ())
    return f"{implementation} {version}"


def _asked(python: str, modules: Collection[str]) -> tuple[str, str, list[str]]:
    try:
        done = proc.run((python, "-c", _ASK, *modules), timeout_s=ASK_LIMIT_S)
        implementation, version, lacking = json.loads(done.stdout)
    except (ProcessFailure, ValueError) as error:
        raise UsageError(
            f"The interpreter {python!r} cannot be asked: {error}. Name the path of a Python whose"
            " environment has the application and its server, such as .venv/bin/python."
        ) from error
    return implementation, version, lacking


def processes_of(pid: int) -> tuple[ServerProcess, ...]:
    """Return a replica's processes with their threads and command lines, the first one first."""
    return tuple(
        ServerProcess(
            pid=facts.pid,
            parent=facts.parent,
            threads=procfs.threads_of(facts.pid),
            command=procfs.command_of(facts.pid),
        )
        for facts in procfs.family(pid)
    )


def write_files(scratch: Path, files: Mapping[str, str]) -> None:
    """Write a replica's own files into its folder."""
    scratch.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (scratch / name).write_text(text)
