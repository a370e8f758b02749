"""daphne: an event loop of Twisted. It is recognised, without a worker model. PURE."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from loadtests.model.plan import WorkerModel
from loadtests.model.tested.in_force import ServerProcess
from loadtests.servers import entry
from loadtests.servers.server import ASGI_ONLY, Seen, Server, not_built_in


def argv(python: str, worker: WorkerModel, *, bind: str, module: str) -> tuple[str, ...]:
    """Return the command that serves a module's ``application``."""
    host, _, port = bind.rpartition(":")
    return (
        *(python, "-m", "daphne"),
        *("--bind", host),
        *("--port", port),
        *worker.options,
        f"{module}:{entry.NAME}",
    )


def look(_log: str, _processes: Sequence[ServerProcess]) -> Seen:
    """Say what it is: one process. Its slots are not known: views without async have threads."""
    return Seen(mode="event loop", processes=1, notes=(not_built_in("daphne"),))


SERVER = Server(
    name="daphne",
    about="an event loop in one process; recognised, not built in",
    worker_models=(),
    command=partial(entry.command, argv),
    container=partial(entry.container, argv),
    modules=lambda _: ("daphne",),
    serves=lambda _: ASGI_ONLY,
    most_processes=1,
    install="daphne",
    programs=("daphne",),
    says=re.compile(r"Starting server at (?:tcp|ssl|unix|fd):\S"),
    look=look,
    queue="the accept queue of its socket, in `ss -ltn`",
)
