"""cheroot: CherryPy's server, one process with a pool of threads. PURE."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from loadtests.model.plan import WorkerModel
from loadtests.model.tested.in_force import ServerProcess
from loadtests.servers import entry
from loadtests.servers.server import KeepAlive, Seen, Server, pool_of_threads
from loadtests.servers.words import number

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
    """Read the threads from the command line; where it names none, count those of the process.

    cheroot logs nothing, and starts all threads at once. Threads of the application's own are
    counted with them.
    """
    serving = [process for process in processes if "cheroot" in process.command] or processes
    return pool_of_threads(serving, own_threads=OWN_THREADS)


SERVER = Server(
    name="cheroot",
    about="threads, in pure Python",
    worker_models=WORKER_MODELS,
    command=partial(entry.command, argv),
    container=partial(entry.container, argv),
    modules=lambda _: ("cheroot",),
    most_processes=1,
    install="cheroot",
    keep_alive=lambda worker: KeepAlive(idle_s=number(worker.options, "--timeout") or IDLE_S),
    programs=("cheroot",),
    says=re.compile(r"ENGINE Serving on http"),  # CherryPy, which has cheroot inside
    look=look,
    backlog=2048,
    queue="the accept queue of its socket, in `ss -ltn`",
)
