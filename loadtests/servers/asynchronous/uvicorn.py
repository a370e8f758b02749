"""uvicorn: an event loop in each process, for asynchronous (ASGI) applications. PURE."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

from loadtests.model.plan import WorkerModel
from loadtests.model.tested.in_force import ServerProcess
from loadtests.model.tested.target import Interface
from loadtests.servers import entry
from loadtests.servers.server import (
    ASGI_ONLY,
    WSGI_ONLY,
    Command,
    KeepAlive,
    ReplicaOrder,
    Seen,
    Server,
    Trouble,
)
from loadtests.servers.words import (
    RELOADER_IS_ON,
    command_words,
    number,
    option,
    reloader_notes,
    version_numbers,
)

BACKLOG = 2048
"""uvicorn's default."""

IDLE_S = 75
"""Longer than the proxy keeps an idle connection; uvicorn's default is 5 s."""

WORKER_MODELS = (
    # An event loop takes any number of requests at once. Endpoints without ``async`` run in a pool
    # of 40 threads (anyio's default), which limits those alone.
    WorkerModel(name="uvicorn", server="uvicorn", processes=1, threads=1, slots=None),
)


HEALTH_CHECK_S = 60
"""How long a process may not answer its parent until it is replaced. At uvicorn's default of 5 s,
a small CPU budget is enough for that, while the process imports the application."""

HEALTH_CHECK_SINCE = (0, 37)
"""The version that brought ``--timeout-worker-healthcheck``; older ones refuse the option."""


def argv(
    python: str, worker: WorkerModel, *, bind: str, module: str, version: str | None = None
) -> tuple[str, ...]:
    """Return the command that serves a module's ``application``.

    ``version`` is uvicorn's, None if it is not known. Of the log, only the lines of requests are
    left out: work that grows with the rate.
    """
    host, _, port = bind.rpartition(":")
    return (
        *(python, "-m", "uvicorn"),
        *("--host", host),
        *("--port", port),
        *("--workers", str(worker.processes)),
        *("--backlog", str(BACKLOG)),
        *("--timeout-keep-alive", str(IDLE_S)),
        *("--log-level", "info"),
        "--no-access-log",
        *(_patient() if worker.processes > 1 and _can_be_patient(version) else ()),
        *worker.options,
        f"{module}:{entry.NAME}",
    )


def _patient() -> tuple[str, ...]:
    return ("--timeout-worker-healthcheck", str(HEALTH_CHECK_S))


def _can_be_patient(version: str | None) -> bool:
    return version_numbers(version) >= HEALTH_CHECK_SINCE


def command(order: ReplicaOrder) -> Command:
    """Return the command of one replica."""
    return entry.command(partial(argv, version=order.versions.get("uvicorn")), order)


def serves(worker: WorkerModel) -> frozenset[Interface]:
    """Return what it serves: ASGI, unless an option asks for its wrapper around WSGI."""
    return WSGI_ONLY if option(worker.options, "--interface") == "wsgi" else ASGI_ONLY


def keep_alive(worker: WorkerModel) -> KeepAlive:
    """Return what it does with connections; idle ones count for ``--limit-concurrency``, too."""
    seconds = number(worker.options, "--timeout-keep-alive")
    limit = number(worker.options, "--limit-concurrency")
    return KeepAlive(
        idle_s=IDLE_S if seconds is None else seconds,
        connections=None if limit is None else limit * worker.processes,
    )


_STARTED = re.compile(r"Started server process \[(\d+)\]")
_ENDED = re.compile(r"(?:Finished server process|Child process) \[(\d+)\]")
_RELOADER = re.compile(r"Started reloader process \[\d+\]")


def look(log: str, processes: Sequence[ServerProcess]) -> Seen:
    """Read the processes from the log, and else from the command line.

    Threads are no limit: only endpoints without ``async`` run in them.
    """
    words = command_words(processes)
    serving = set(_STARTED.findall(log)) - set(_ENDED.findall(log))
    return Seen(
        mode="event loop",
        processes=len(serving) or number(words, "--workers"),
        unlimited=True,
        notes=tuple(_notes(log, processes, number(words, "--limit-concurrency"))),
    )


def _notes(log: str, processes: Sequence[ServerProcess], limit: int | None) -> Iterator[str]:
    if limit is not None:
        yield (
            f"uvicorn's --limit-concurrency is {limit}: a process with so many connections or"
            " requests answers 503 to further ones. Leave it out to see what the application can"
            " do."
        )
    if _RELOADER.search(log) and not reloader_notes(processes):
        yield f"{RELOADER_IS_ON} Start it without reload=True, or by `fastapi run`."


SERVER = Server(
    name="uvicorn",
    about="an event loop in each process, for ASGI",
    worker_models=WORKER_MODELS,
    command=command,
    container=partial(entry.container, argv),
    modules=lambda _: ("uvicorn",),
    serves=serves,
    one_thread=("uvicorn",),
    install="uvicorn",
    keep_alive=keep_alive,
    programs=("uvicorn", "fastapi run", "fastapi dev"),
    says=re.compile(r"Uvicorn running on (?:http|socket|unix)"),
    look=look,
    troubles=(
        Trouble(
            pattern=re.compile(r"Child process \[(?P<pid>\d+)\] died"),
            unless=re.compile(r"Finished server process \[(?P<pid>\d+)\]"),
            means="a worker died, or did not answer its parent in time, and was started again",
        ),
        Trouble(
            pattern=re.compile(r"Maximum request limit of \d+ exceeded"),
            means="a process ended, as --limit-max-requests asks for",
        ),
        Trouble(
            pattern=re.compile(r"Exceeded concurrency limit"),
            means="it answered 503, as --limit-concurrency asks for",
        ),
    ),
    backlog=BACKLOG,
    queue="the accept queue of its socket, in `ss -ltn`",
)
