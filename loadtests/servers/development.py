"""Development servers, of Flask and Django: recognised, so that a report can say so. PURE."""

from __future__ import annotations

import re
from collections.abc import Sequence

from loadtests.model.plan import WorkerModel
from loadtests.model.tested.in_force import ServerProcess
from loadtests.servers import entry
from loadtests.servers.server import Command, ReplicaOrder, Seen, Server
from loadtests.servers.words import (
    RELOADER_IS_ON,
    command_words,
    programs_in,
    reloader_notes,
)

_SAYS = re.compile(r"WARNING: This is a development server|Starting development server at http")
ONE_AT_A_TIME = frozenset({"--without-threads", "--nothreading"})
_RELOADER = re.compile(r"Restarting with (?:stat|watchdog)|Watching for file changes with \w+")
"""What Flask's and Django's write at the start, if they look for changes."""
_FLASKS = re.compile(r"Serving Flask app")


def argv(python: str, worker: WorkerModel, *, bind: str, module: str) -> tuple[str, ...]:
    """Return the command that serves a module's ``application``."""
    host, _, port = bind.rpartition(":")
    return (
        *(python, "-m", "flask"),
        *("--app", module),
        *("run", "--host", host),
        *("--port", port),
        *worker.options,
    )


def command(order: ReplicaOrder) -> Command:
    """Return the command of one replica."""
    return Command(
        argv=argv(order.python, order.worker, bind=order.bind, module=entry.module(order)),
        env=entry.environment(order),
        files=entry.files(order),
    )


def look(log: str, processes: Sequence[ServerProcess]) -> Seen:
    """Say what it is: a thread for each request, in one process, or one request at a time."""
    is_flasks = _FLASKS.search(log) or any(
        "flask" in programs_in(process.command) for process in processes
    )
    whose = "Flask's" if is_flasks else "a"
    notes = [
        f"This is {whose} development server, which is not made for load. Measure the server that"
        " production has."
    ]
    if _RELOADER.search(log) and not reloader_notes(processes):
        without = "without --debug" if is_flasks else "with --noreload"
        notes.append(f"{RELOADER_IS_ON} Start it {without}.")
    if not ONE_AT_A_TIME.isdisjoint(command_words(processes)):
        return Seen(mode="single-threaded", processes=1, threads=1, notes=tuple(notes))
    return Seen(mode="threads", processes=1, unlimited=True, notes=tuple(notes))


SERVER = Server(
    name="development",
    about="Flask's or Django's development server, not for production",
    worker_models=(),
    command=command,
    container=lambda worker: Command(
        argv=argv("/venv/bin/python", worker, bind="0.0.0.0:8000", module=entry.SAMPLE_MODULE),
        env=entry.sample_settings(worker),
    ),
    modules=lambda _: ("flask",),
    install="flask",
    programs=(
        "flask run",
        *(f"{program} runserver" for program in ("manage.py", "django-admin", "django")),
        "manage.py runserver_plus",
    ),
    says=_SAYS,
    look=look,
    serves_any=False,  # it looks for an object of Flask's
    queue="the accept queue of its socket, in `ss -ltn`",
)
