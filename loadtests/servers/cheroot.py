"""cheroot: CherryPy's server, one process with a pool of threads. PURE."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from loadtests.model.plan import WorkerModel
from loadtests.model.tested.in_force import ServerProcess
from loadtests.servers import entry
from loadtests.servers.server import KeepAlive, Seen, Server
from loadtests.servers.words import command_words, number

IDLE_S = 75
"""Longer than the proxy keeps an idle connection; cheroot's default is 10 s. It keeps ten idle ones
and says ``Connection: close`` to the others."""

OWN_THREADS = 2
"""The first thread, and the one that watches idle connections."""

WORKER_MODELS = (WorkerModel(name="cheroot", server="cheroot", processes=1, threads=4, slots=4),)


def argv(python: str, worker: WorkerModel, *, bind: str, module: str) -> tuple[str, ...]:
    """Return the command that serves a module's ``application``."""
    return (
        *(python, "-m", "cheroot"),
        *("--bind", bind),
        *("--threads", str(worker.threads)),
        *("--max-threads", str(worker.threads)),
        *("--timeout", str(IDLE_S)),
        *("--request-queue-size", "2048"),
        *worker.options,
        f"{module}:{entry.NAME}",
    )


def look(_log: str, processes: Sequence[ServerProcess]) -> Seen:
    """Read the threads from the processes: cheroot starts all of them at once, and logs nothing."""
    serving = [process for process in processes if "cheroot" in process.command] or processes
    threads = max((process.threads - OWN_THREADS for process in serving), default=0)
    named = number(command_words(processes), "--threads")
    return Seen(mode="threads", processes=1, threads=threads if threads > 0 else named)


SERVER = Server(
    name="cheroot",
    about="threads, in pure Python",
    worker_models=WORKER_MODELS,
    command=partial(entry.command, argv),
    container=partial(entry.container, argv),
    modules=lambda _: ("cheroot",),
    install="cheroot",
    keep_alive=lambda worker: KeepAlive(idle_s=number(worker.options, "--timeout") or IDLE_S),
    recognises=re.compile(r"\bcheroot\b"),
    look=look,
    backlog=2048,
    queue="the accept queue of its socket, in `ss -ltn`",
)
