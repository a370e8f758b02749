"""The idle control: a variant's server with an empty application, which is asked nothing. Pure.

An idle server wakes up by itself, and on a slow core that can be as much as the rule ``idle_cost``
allows. The control is one more member of the stack, with the same server, worker model, Python and
budget as a replica. It has none of the user's options, variables and files, so what they let idle
replicas do is not subtracted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from loadtests.environments.replica_environment import IMPORT_PATH, joined_places
from loadtests.model.plan import WorkerModel
from loadtests.model.tested.target import Interface, Target, TargetKind
from loadtests.model.vocabulary import idle_control
from loadtests.servers import registry as servers
from loadtests.servers.server import ASGI_ONLY, ReplicaOrder

APPLICATION = "wsgiref.simple_server:demo_app"
"""The empty application of the standard library."""

ASYNC_MODULE = "twofold_empty"
ASYNC_APPLICATION = f"{ASYNC_MODULE}:application"
ASYNC_FILE = {
    f"{ASYNC_MODULE}.py": """\
async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"Hello world!"})
"""
}
"""The empty application of a server of ASGI; the standard library has none."""

OURS = frozenset({TargetKind.SAMPLE, TargetKind.IMPORT_STRING})
"""The targets whose servers our commands start."""

FILES = {"gunicorn.conf.py": "control_socket_disable = True\n"}
"""What gunicorn reads from its working folder. Replicas have no control socket either, and a
version without one ignores the name."""

IN_CONTAINER = "/tmp/twofold-idle"  # noqa: S108  a container's own
"""The folder of a control in a container."""

KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONHOME")
"""Variables that stay: what any program needs, and by which the watchdog finds a process."""

BOOT = (
    "import json, os, pathlib, sys; job = json.loads(sys.argv[1]);"
    "os.makedirs(job['folder'], exist_ok=True); os.chdir(job['folder']);"
    "[pathlib.Path(name).write_text(text) for name, text in job['files'].items()];"
    "env = {name: os.environ[name] for name in job['kept'] if name in os.environ};"
    "os.execvpe(job['argv'][0], job['argv'], {**env, **job['env']})"
)
"""Becomes the server in a folder of its own, without the variables that it was started with."""


def workers_of(workers: Sequence[WorkerModel], tested: Target) -> tuple[WorkerModel, ...]:
    """Return the worker models that have a control: those that our command starts.

    A control has no options, so there is none where an option decides what is served.
    """
    return tuple(
        worker
        for worker in workers
        if tested.kind in OURS
        and not worker.as_started
        and servers.of(worker).serves_any
        and servers.of(worker).serves(worker) == servers.of(worker).serves(_bare(worker))
    )


def _bare(worker: WorkerModel) -> WorkerModel:
    return replace(worker, options=(), env={})


def command(
    worker: WorkerModel,
    *,
    python: str,
    bind: str,
    folder: str,
    program: str | None = None,
    places: str | None = None,
    queue_most: int | None = None,
) -> tuple[str, ...]:
    """Return the command that serves the empty application as a worker model does.

    ``folder`` is the control's own, and need not be there yet. ``program`` is the server's own
    program, where it was looked for. ``places`` are further ones to import the server from.
    """
    is_async = servers.of(worker).serves(_bare(worker)) == ASGI_ONLY
    order = ReplicaOrder(
        python=python,
        application=ASYNC_APPLICATION if is_async else APPLICATION,
        worker=_bare(worker),
        name=idle_control(worker.name),
        bind=bind,
        folder=folder,
        scratch=folder,
        program=program,
        queue_most=queue_most,
        interface=Interface.ASGI if is_async else Interface.WSGI,
    )
    made = servers.of(worker).command(order)
    job = {
        "argv": made.argv,
        "env": {**made.env, IMPORT_PATH: joined_places(made.env.get(IMPORT_PATH), places)},
        "files": {**FILES, **(ASYNC_FILE if is_async else {}), **made.files},
        "folder": folder,
        "kept": KEPT,
    }
    return (python, "-I", "-S", "-c", BOOT, json.dumps(job))


def ended(worker: str) -> str:
    """Return the note on a worker model whose control was not started, or has ended."""
    name = idle_control(worker)
    return (
        f"The idle control {name} does not run: {worker} with an empty application. So the rule"
        f" idle_cost cannot tell what the server itself uses. See logs/{name}.log in the run's"
        " folder."
    )


class Watched:
    """The idle controls of a stack that run; ``runs`` says of a name whether that one does."""

    def __init__(self, workers: Sequence[WorkerModel], runs: Callable[[str], bool]) -> None:
        self._workers = tuple(workers)
        self._runs = runs
        self._notes: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence on each that was not started, or has ended."""
        return self._notes

    def names(self) -> tuple[str, ...]:
        """Return the names of those that run now; what has ended once is not looked at again."""
        running = tuple(each for each in self._workers if self._runs(idle_control(each.name)))
        self._notes += tuple(ended(each.name) for each in self._workers if each not in running)
        self._workers = running
        return tuple(idle_control(each.name) for each in running)
