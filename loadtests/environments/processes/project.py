"""The user's application as replicas on this machine: its interpreter, its modules, its paths."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from loadtests.environments.child_python import NOTHING_FROM_HERE
from loadtests.environments.processes import lent
from loadtests.environments.replica_environment import IMPORT_PATH, joined_places
from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.model.plan import START_LIMIT_S
from loadtests.model.tested.target import Interface, Target, TargetKind
from loadtests.servers import gunicorn, own_command
from loadtests.servers import registry as servers
from loadtests.servers.server import ReplicaOrder, Server
from loadtests.tools import proc

if TYPE_CHECKING:
    from loadtests.targets.application.inspection import Inspection

ASK_LIMIT_S = 30.0

_FREE = "import sysconfig; print(sysconfig.get_config_var('Py_GIL_DISABLED') or 0)"

_VERSIONS = """
import importlib.metadata, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = importlib.metadata.version(name)
    except ImportError:
        found[name] = None
print(json.dumps(found))
"""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A target that was imported here; ``lends`` says that its gunicorn is Twofold's own."""

    tested: Target
    lends: bool = False


def prepare(tested: Target, *, start_limit_s: float = START_LIMIT_S) -> Prepared:
    """Import a target's application with its interpreter, and return the target with what is seen.

    Raises :class:`~loadtests.model.errors.UsageError` if it cannot be imported.
    """
    # Late: the sample application needs none of it.
    from loadtests.targets.application import examination, interpreter

    python = interpreter.find(tested.python, Path(tested.folder or "."))
    seen = examination.seen_by(tested, python, start_limit_s=start_limit_s)
    described = examination.described(tested, seen, python)
    is_async = seen.interface is Interface.ASGI  # gunicorn alone does not serve it
    if is_async or seen.modules.get(lent.MODULE) is not None or not lent.fits(seen.python):
        return Prepared(tested=described)
    version = lent.version()
    note = (
        f"{python.path} has no gunicorn; Twofold lends its own, {version}. Install the one that you"
        " deploy to measure that."
    )
    modules = {**(described.modules or {}), lent.MODULE: version}
    return Prepared(
        tested=replace(described, modules=modules, notes=(*described.notes, note)), lends=True
    )


def seen_in(tested: Target, python: str, *, start_limit_s: float = START_LIMIT_S) -> Inspection:
    """Return what an import of a target's application by another interpreter shows.

    Raises :class:`~loadtests.model.errors.UsageError` if it cannot be imported there.
    """
    from loadtests.targets.application import examination, interpreter

    found = interpreter.find(python, Path(tested.folder or "."))
    return examination.seen_by(tested, found, start_limit_s=start_limit_s)


@cache
def versions_in(python: str, modules: tuple[str, ...]) -> Mapping[str, str | None]:
    """Return the versions of an interpreter's modules; None for one that it does not tell.

    Another interpreter may have another gunicorn, which takes other options.
    """
    with suppress(ProcessFailure, ValueError):
        argv = (python, "-c", _VERSIONS, *modules)
        done = proc.run(argv, env=NOTHING_FROM_HERE, timeout_s=ASK_LIMIT_S)
        found: dict[str, str | None] = json.loads(done.stdout)
        return found
    return {}


@cache
def is_free_threaded(python: str) -> bool:
    """Return whether an interpreter is a build without a GIL (PEP 703), as far as it says so."""
    with suppress(ProcessFailure):
        argv = (python, "-c", _FREE)
        done = proc.run(argv, env=NOTHING_FROM_HERE, timeout_s=ASK_LIMIT_S)
        return done.stdout.strip() == "1"
    return False


@dataclass(frozen=True, kw_only=True)
class Start:
    """How a replica is started: its command, its variables and its working folder.

    ``files`` are written into its scratch folder first.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    folder: Path
    files: Mapping[str, str] = field(default_factory=dict)


def program_of(server: Server, python: str) -> str | None:
    """Return a server's own program: beside the interpreter, or else on PATH; None without one."""
    if not server.program:
        return None
    return beside(python, server.program) or proc.which(server.program)


def beside(python: str, program: str) -> str | None:
    """Return a program that lies beside an interpreter, or None; PATH mostly lacks that folder."""
    return proc.which(str(Path(python).with_name(program)))


def _with_program(order: ReplicaOrder) -> ReplicaOrder:
    """Return an order with the program that starts its server, where that is to be looked for."""
    server = servers.of(order.worker)
    if server is not own_command.SERVER:
        return replace(order, program=program_of(server, order.python))
    named = own_command.program_name(order.worker)
    return replace(order, program=named and beside(order.python, named))


def start_of(order: ReplicaOrder, tested: Target, *, root: Path, lent: Path | None = None) -> Start:
    """Return how to start a replica of a target.

    ``order`` is that of the sample application, whose folder is ``root``. A user's application gets
    no secret key and no store, so a key that it makes itself shows as it would in production.
    ``lent`` is a folder with modules that its interpreter lacks.
    """
    server = servers.of(order.worker)
    if tested.kind is not TargetKind.IMPORT_STRING:
        command = server.command(_with_program(order))
        env = dict(command.env)
        return Start(argv=command.argv, env=env, folder=root, files=command.files)
    modules: Mapping[str, str | None] = tested.modules or {}
    if order.worker.python is not None:  # the order has its path
        modules = versions_in(order.python, tuple(server.modules(order.worker)))
    own = replace(
        order,
        python=order.python if order.worker.python else tested.python or order.python,
        application=tested.application or "",
        secret_key="",
        database_url=None,
        folder=tested.folder,
        interface=tested.interface,
        versions={name: text for name, text in modules.items() if text},
        start_limit_s=gunicorn.import_limit_s(order.start_limit_s, tested, order.worker),
    )
    own = replace(own, free_threaded=is_free_threaded(own.python))
    command = server.command(_with_program(own))
    last = str(lent) if lent and order.worker.python is None else ""  # another has its own
    first = (command.env.get(IMPORT_PATH), order.worker.env.get(IMPORT_PATH))
    places = _places(tested, first=first, last=last)
    return Start(
        argv=command.argv,
        env={**tested.env, **command.env, IMPORT_PATH: places},
        folder=Path(tested.folder or root),
        files=command.files,
    )


def _places(tested: Target, *, first: Sequence[str | None], last: str) -> str:
    """Return the places to import a user's application from, with others before and after.

    Its folder is among them for every server, as it is for gunicorn. The target's own variable
    stands in place of this process's, as it does for the inspection.
    """
    own = str(Path(tested.folder or ".") / tested.source)
    given = tested.env.get(IMPORT_PATH, os.environ.get(IMPORT_PATH))
    return joined_places(*first, own, given, last)


def check_sample(root: Path) -> None:
    """Raise where the sample application, or what it is made of, is not here."""
    if not (root / gunicorn.CONFIG).is_file():
        raise EnvironmentFailure(
            f"There is no {gunicorn.CONFIG} in {root}. Start twofold in a checkout of the project."
        )
    missing = gunicorn.missing_modules()
    if missing:
        raise EnvironmentFailure(
            f"This Python has no {', '.join(missing)}, which the replicas need."
            " Install them: `make set-up` in a checkout, or `pip install 'gunicorn[gevent]' flask"
            " 'psycopg[binary,pool]'`."
        )
