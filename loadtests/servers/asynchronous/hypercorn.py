"""hypercorn: an event loop in each process. It is recognised, without a worker model. PURE."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from loadtests.model.plan import WorkerModel
from loadtests.model.tested.in_force import ServerProcess
from loadtests.servers import entry
from loadtests.servers.server import ANY_INTERFACE, Seen, Server, not_built_in
from loadtests.servers.words import command_words, number

_WORKER = re.compile(r"multiprocessing\.(?:spawn|forkserver) import")
"""What hypercorn starts for each of its workers."""


def argv(python: str, worker: WorkerModel, *, bind: str, module: str) -> tuple[str, ...]:
    """Return the command that serves a module's ``application``."""
    return (
        *(python, "-m", "hypercorn"),
        *("--bind", bind),
        *worker.options,
        f"{module}:{entry.NAME}",
    )


def look(_log: str, processes: Sequence[ServerProcess]) -> Seen:
    """Read the processes from the command line, and else count them.

    Its slots are not known: a WSGI application runs in a pool of threads.
    """
    workers = [process for process in processes if _WORKER.search(process.command)]
    return Seen(
        mode="event loop",
        processes=number(command_words(processes), "--workers", "-w") or len(workers) or None,
        notes=(not_built_in("hypercorn"),),
    )


SERVER = Server(
    name="hypercorn",
    about="an event loop in each process; recognised, not built in",
    worker_models=(),
    command=partial(entry.command, argv),
    container=partial(entry.container, argv),
    modules=lambda _: ("hypercorn",),
    serves=lambda _: ANY_INTERFACE,
    install="hypercorn",
    programs=("hypercorn",),
    says=re.compile(r"Running on https?://\S+ \(CTRL \+ C to quit\)"),
    look=look,
    queue="the accept queue of its socket, in `ss -ltn`",
)
