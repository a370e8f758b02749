"""Imports an application in a child process with its own Python, and returns what it is."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from loadtests.model.errors import ProcessFailure, UsageError
from loadtests.model.tested.target import Interface
from loadtests.targets.application import failure
from loadtests.targets.application.folders import check_readable
from loadtests.targets.discovery import flask_source
from loadtests.targets.dockerfile import NAMES as DOCKERFILES
from loadtests.tools import proc, temporary
from loadtests.tools.proc import Completed

LIMIT_S = 60.0
"""How long an import may take; a longer limit of a replica's start is that of its import, too."""

SLACK_S = 10.0
"""Seconds beyond the limit until the child is killed; it ends itself, and says where it was."""

PROGRAM = Path(__file__).with_name("inspector")
PACKAGE = "loadtests/targets/application/inspector"
"""Where its modules lie in the archive, so that they can be imported by their usual name."""

MAIN = "__main__.py"


@dataclass(frozen=True, kw_only=True)
class Route:
    """A rule of a Flask application's routes, such as ``/items/<int:id>``."""

    path: str
    methods: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """An application as it was imported.

    ``application`` is a full import string, ``source`` the folder below the project's from which
    it is imported (empty for itself). ``also`` are other applications of its module. ``modules``
    has the versions of the modules that were asked for, None for those that are not there.
    ``gunicorn`` are the settings of the folder's ``gunicorn.conf.py``. ``interface`` is how servers
    call it. ``in_threads`` are routes of an asynchronous one that run in a pool of threads.
    """

    python: str
    implementation: str
    executable: str
    application: str
    source: str
    what: str
    framework: str | None
    version: str | None
    modules: Mapping[str, str | None]
    also: tuple[str, ...] = ()
    gunicorn: Mapping[str, Any] = field(default_factory=dict)
    debug: bool = False
    interface: Interface = Interface.WSGI
    in_threads: int = 0
    routes: tuple[Route, ...] = ()


_INSPECTION = TypeAdapter(Inspection)


def inspect(
    application: str,
    *,
    python: str,
    folder: Path,
    env: Mapping[str, str],
    modules: Sequence[str],
    limit_s: float = LIMIT_S,
) -> Inspection:
    """Return what an import string names in a folder; an empty one is found as Flask finds it.

    ``env`` is added to this process's environment. Raises :class:`UsageError` if the application
    cannot be imported or is none, with its own lines of the traceback.
    """
    check_readable(folder)
    with temporary.folder("inspector") as place:
        archive = place / "inspector.pyz"
        archive.write_bytes(packed())
        argv = (python, str(archive), job(application, modules, limit_s=limit_s))
        try:
            done = proc.run(argv, cwd=folder, env=env, timeout_s=limit_s + SLACK_S, check=False)
        except ProcessFailure as error:
            raise UsageError(failure.no_python(python, str(error))) from error
    return parse(done, asked=application, where=python, folder=folder)


def limit_of(start_limit_s: float) -> float:
    """Return how long an import may take where a replica may take ``start_limit_s`` to start."""
    return max(LIMIT_S, start_limit_s)


def job(application: str, modules: Sequence[str], *, limit_s: float = LIMIT_S) -> str:
    """Return the argument of the inspector."""
    return json.dumps({"application": application, "modules": [*modules], "limit_s": limit_s})


def packed() -> bytes:
    """Return the inspector as one archive that any Python can run."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for part in sorted(PROGRAM.glob("*.py")):
            name = part.name if part.name == MAIN else f"{PACKAGE}/{part.name}"
            file.writestr(name, part.read_text(encoding="utf-8"))
        for parent in Path(PACKAGE).parents[:-1]:
            file.writestr(f"{parent}/__init__.py", "")
    return archive.getvalue()


NOT_FOUND = frozenset({"none", "nothing"})
"""Failures of an import string that names no application; the source may show one."""

NO_ANSWER = (ValueError, ValidationError, AttributeError, LookupError, TypeError, RecursionError)
"""What an output raises that the inspector has not written: an application may write its own."""


def parse(
    done: Completed, *, asked: str, where: str, folder: Path, install: str = failure.INSTALL
) -> Inspection:
    """Return what the inspector wrote; raise :class:`UsageError` for a failure.

    ``where`` names the interpreter for people. ``install`` says how it gets a module that it lacks.
    """
    try:
        answer = json.loads(done.stdout)
        trouble = answer.get("failure") or failure.of_object(answer)
        if trouble is None:
            return _INSPECTION.validate_python(answer)
        context = failure.Context(
            asked=asked,
            where=where,
            folder=str(folder),
            missing=answer["missing"],
            listed=_listed_variables(folder),
            install=install,
            has_dockerfile=any((folder / name).is_file() for name in DOCKERFILES),
            output=done.stderr,
            applications=_shown(folder) if trouble["kind"] in NOT_FOUND else (),
        )
        told = failure.message(trouble, context)
    except NO_ANSWER:
        output = done.stderr or done.stdout
        told = failure.no_answer(asked, where=where, code=done.code, output=output)
    raise UsageError(told)


def _shown(folder: Path) -> tuple[str, ...]:
    return tuple(source.name for source in flask_source.find_any(folder))


def _listed_variables(folder: Path) -> frozenset[str]:
    """Return the names in the folder's ``.env``, which Flask's command loads and servers do not."""
    try:
        lines = (folder / ".env").read_text(errors="replace", encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    names = (line.removeprefix("export ").partition("=")[0].strip() for line in lines)
    return frozenset(name for name in names if name.isidentifier())
