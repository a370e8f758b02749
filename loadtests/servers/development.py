"""Werkzeug's development server (``flask run``): recognised, so that a report can say so. PURE."""

from __future__ import annotations

import re
from collections.abc import Sequence

from loadtests.model.plan import WorkerModel
from loadtests.model.tested.in_force import ServerProcess
from loadtests.servers import entry
from loadtests.servers.server import Command, ReplicaOrder, Seen, Server

_WARNING = re.compile(r"WARNING: This is a development server")
ONE_AT_A_TIME = "--without-threads"
_RELOADER = re.compile(r"Restarting with (?:stat|watchdog)")


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
    notes = [
        "This is Flask's development server, which is not made for load. Measure the server that"
        " production has."
    ]
    if _RELOADER.search(log):
        notes.append(
            "Its reloader is on: it polls all files of the application, also while a replica is"
            " idle. Start it without --debug."
        )
    if any(ONE_AT_A_TIME in process.command.split() for process in processes):
        return Seen(mode="single-threaded", processes=1, threads=1, notes=tuple(notes))
    return Seen(mode="threads", processes=1, unlimited=True, notes=tuple(notes))


SERVER = Server(
    name="development",
    about="Flask's development server, not for production",
    worker_models=(),
    command=command,
    container=lambda worker: Command(
        argv=argv("/venv/bin/python", worker, bind="0.0.0.0:8000", module=entry.SAMPLE_MODULE),
        env=entry.sample_settings(worker),
    ),
    modules=lambda _: ("flask",),
    install="flask",
    recognises=re.compile(rf"{_WARNING.pattern}|\bflask\b.* run\b|\bwerkzeug\b"),
    look=look,
    serves_any=False,  # it looks for an object of Flask's
    queue="the accept queue of its socket, in `ss -ltn`",
)
