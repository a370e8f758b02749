"""waitress: one process with a pool of threads, and a limit of open connections. PURE."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from loadtests.model.plan import WorkerModel
from loadtests.model.tested.in_force import ServerProcess
from loadtests.servers import entry
from loadtests.servers.server import KeepAlive, Seen, Server, Trouble, pool_of_threads
from loadtests.servers.words import number

CONNECTIONS = 8192
"""Open connections. At waitress's default of 100 it accepts no more until one is closed."""

DEFAULT_CONNECTIONS = 97
"""What the default leaves for clients: waitress counts its own three among the 100."""

OWN_CONNECTIONS = 3

IDLE_S = 75
"""Longer than the proxy keeps an idle connection, so that the proxy closes first."""

DEFAULT_IDLE_S = 120

DEFAULT_THREADS = 4

WORKER_MODELS = (WorkerModel(name="waitress", server="waitress", processes=1, threads=4, slots=4),)


def argv(python: str, worker: WorkerModel, *, bind: str, module: str) -> tuple[str, ...]:
    """Return the command that serves a module's ``application``."""
    return (
        *(python, "-m", "waitress"),
        f"--listen={bind}",
        f"--threads={worker.threads}",
        f"--connection-limit={CONNECTIONS}",
        "--asyncore-use-poll",  # select() fails from 1024 connections on
        f"--channel-timeout={IDLE_S}",
        "--backlog=2048",
        *worker.options,
        f"{module}:{entry.NAME}",
    )


def keep_alive(worker: WorkerModel) -> KeepAlive:
    """Return what it does with connections, as its options say."""
    limit = number(worker.options, "--connection-limit")
    return KeepAlive(
        idle_s=number(worker.options, "--channel-timeout") or IDLE_S,
        connections=None if limit is None else limit - OWN_CONNECTIONS,
    )


_SERVING = re.compile(
    r"\bwaitress\b.*Serving on http://|Serving on http://.*\bwaitress\b", re.IGNORECASE
)
"""With its logger's name. Other programs write the words alone, and have no pool of threads."""


def look(_log: str, processes: Sequence[ServerProcess]) -> Seen:
    """Read the threads from the command line; where it names none, count those of the process.

    Its log names neither a mode nor the threads, and it starts all of them at once. Threads of the
    application's own are counted with them.
    """
    serving = [process for process in processes if "waitress" in process.command] or processes
    return pool_of_threads(serving, own_threads=1)


SERVER = Server(
    name="waitress",
    about="threads, in pure Python",
    worker_models=WORKER_MODELS,
    command=partial(entry.command, argv),
    container=partial(entry.container, argv),
    modules=lambda _: ("waitress",),
    most_processes=1,
    install="waitress",
    keep_alive=keep_alive,
    programs=("waitress-serve", "waitress"),
    says=_SERVING,
    look=look,
    troubles=(
        Trouble(
            pattern=re.compile(r"total open connections reached the connection limit"),
            means="it accepted no more connections",
        ),
    ),
    backlog=2048,
    queue='"Task queue depth is N" in its log: requests that were accepted and wait for a thread',
)
