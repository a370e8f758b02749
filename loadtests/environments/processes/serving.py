"""Which servers the interpreters on this machine have, and the processes that serve a replica."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import sys
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

from loadtests.environments.child_python import NOTHING_FROM_HERE
from loadtests.environments.processes import project
from loadtests.model.errors import ProcessFailure, UsageError
from loadtests.model.plan import START_LIMIT_S, WorkerModel
from loadtests.model.tested.in_force import ServerProcess
from loadtests.model.tested.target import SAMPLE, Target, TargetKind
from loadtests.servers import own_command, registry
from loadtests.servers.interpreter import by_program
from loadtests.servers.server import Server
from loadtests.tools import proc, procfs
from loadtests.tools.procfs import programs

SAMPLE_MODULES = ("flask", "psycopg")
"""What the sample application imports, whatever serves it."""

INTERPRETERS = (
    *(f"python3.{minor}{kind}" for minor in range(11, 17) for kind in ("", "t")),
    "pypy3",
)
"""Names of interpreters on PATH; a ``t`` has no GIL."""

ASK_LIMIT_S = 30.0

_ASK = """
import importlib.util, json, platform, sys, sysconfig
def is_there(name):
    if importlib.util.find_spec(name) is not None:
        return True
    try:  # a distribution may have a program and no module of its name
        from importlib import metadata
        metadata.version(name)
    except ImportError:
        return False
    return True
free = " free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
print(json.dumps([platform.python_implementation(), platform.python_version() + free,
 [name for name in sys.argv[1:] if not is_there(name)]]))
"""


def check(
    workers: Iterable[WorkerModel],
    tested: Target = SAMPLE,
    *,
    root: Path | None = None,
    limit_s: float = START_LIMIT_S,
) -> None:
    """Raise :class:`UsageError` if an interpreter lacks what a worker model needs.

    Of a command of the user's own, only the program is looked for. The interpreter of a
    user's application was asked when the application was imported; here it is imported by those of
    single variants, for ``limit_s`` at most, like a replica's start. ``root`` is the sample
    application's working folder.
    """
    for worker in workers:
        server = registry.of(worker)
        python = interpreter(worker, tested)
        if server is own_command.SERVER:
            is_ours = worker.python is not None or tested.kind is TargetKind.SAMPLE
            own = python if is_ours else tested.python or python
            _check_program(worker, Path(tested.folder or root or "."), own)
        if tested.kind is TargetKind.SAMPLE:
            absent = missing(python, (*server.modules_asked(worker), *SAMPLE_MODULES))
            lacking = server.lacking(worker, {*server.modules_asked(worker)} - {*absent})
            lacking += tuple(name for name in SAMPLE_MODULES if name in absent)
        elif worker.python is not None:
            seen = project.seen_in(tested, python, start_limit_s=limit_s)
            lacking = server.lacking(worker, [name for name in seen.modules if seen.modules[name]])
        else:
            python, lacking = tested.python or python, ()
        if lacking:
            raise UsageError(_lacks(worker, server, python, lacking))
        if server.program and project.program_of(server, python) is None:
            raise UsageError(
                f"The variant {worker.name} needs the program {server.program}, which is neither"
                f" beside {python} nor on PATH. Install it: `{python} -m pip install"
                f" {server.install}`."
            )


def _lacks(worker: WorkerModel, server: Server, python: str, lacking: Collection[str]) -> str:
    of_server = [name for name in lacking if name in server.modules(worker)]
    others = [name for name in lacking if name not in of_server]
    words = (*server.words_for(of_server), *others)
    all_servers = "" if worker.python else ", or all servers: `pip install 'twofold[servers]'`"
    return (
        f"The variant {worker.name} needs {', '.join(lacking)}, which {python} does not have."
        f" Install it: `{python} -m pip install {' '.join(words)}`{all_servers}."
    )


def _check_program(worker: WorkerModel, folder: Path, python: str) -> None:
    """Raise :class:`UsageError` without a command's program; a path starts from ``folder``.

    A name is looked for beside ``python`` first, and then on PATH.
    """
    own_command.check(worker.options)
    program, named = worker.options[0], own_command.program_name(worker)
    if program in own_command.PYTHON_WORDS or (named and project.beside(python, named)):
        return
    is_path = "/" in program
    if proc.which(str(folder / program) if is_path else program) is None:
        where = f"no program in {folder}" if is_path else f"not beside {python}, and not on PATH"
        raise UsageError(
            f"The variant {worker.name} starts {program!r}, which is {where}. Install it, or give"
            " its path."
        )


def interpreter(worker: WorkerModel, tested: Target = SAMPLE) -> str:
    """Return the path of a worker model's interpreter.

    Raises :class:`UsageError` where there is no Python by the name or path that a variant asks for.
    """
    if worker.python is None:
        return sys.executable
    # Late: runs without another interpreter need none of it.
    from loadtests.targets.application.interpreter import find

    asker = f"the variant {worker.name}"
    return find(worker.python, Path(tested.folder or "."), asker=asker).path


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
        if server.lacking(worker, [*filter(_is_here, server.modules_asked(worker))])
    }


def _is_here(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None or bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


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
    """Return an interpreter's implementation and version, such as ``CPython 3.13.5``.

    A build without a GIL has ``interpreter.FREE_THREADED`` behind it.
    """
    implementation, version, _ = _asked(python, ())
    return f"{implementation} {version}"


@cache
def implementation_of(python: str) -> str | None:
    """Return an interpreter's implementation, such as ``PyPy``; None where it does not say."""
    with contextlib.suppress(UsageError):
        return _asked(python, ())[0]
    return None


def _asked(python: str, modules: Collection[str]) -> tuple[str, str, list[str]]:
    try:
        argv = (python, "-c", _ASK, *modules)
        done = proc.run(argv, env=NOTHING_FROM_HERE, timeout_s=ASK_LIMIT_S)
        implementation, version, lacking = json.loads(done.stdout)
    except (ProcessFailure, ValueError) as error:
        raise UsageError(
            f"The interpreter {python!r} cannot be asked: {error}. Name the path of a Python whose"
            " environment has the application and its server, such as .venv/bin/python."
        ) from error
    return implementation, version, lacking


def processes_of(pid: int, python: str | None = None) -> tuple[ServerProcess, ...]:
    """Return a replica's processes with their threads and command lines, the first one first.

    ``python`` is the interpreter that it was started with. Its word counts where the files that
    the processes run do not tell.
    """
    family = procfs.family(pid)
    seen = {facts.pid: by_program(programs.program_of(facts.pid) or "") for facts in family}
    asked = None if python is None or any(seen.values()) else implementation_of(python)
    return tuple(
        ServerProcess(
            pid=facts.pid,
            parent=facts.parent,
            threads=procfs.threads_of(facts.pid),
            command=procfs.command_of(facts.pid),
            implementation=seen[facts.pid] or asked,
        )
        for facts in family
    )


def write_files(scratch: Path, files: Mapping[str, str]) -> None:
    """Write a replica's own files into its folder."""
    scratch.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (scratch / name).write_text(text, encoding="utf-8")
