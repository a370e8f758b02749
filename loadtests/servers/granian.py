"""granian: a server in Rust, with a pool of Python threads in each process. PURE."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from loadtests.model.plan import WorkerModel
from loadtests.model.tested.in_force import ServerProcess
from loadtests.model.tested.target import Interface
from loadtests.servers import entry
from loadtests.servers.server import ASGI_ONLY, WSGI_ONLY, KeepAlive, Seen, Server, Trouble
from loadtests.servers.words import command_words, number, option

BACKLOG = 8192
"""It also sets how many connections each worker has open at once (``--backpressure``). The default
of 1024 is fewer than several cells may keep idle."""

IDLE_S = 30
"""How long granian waits for the next request's headers: the default of
``--http1-header-read-timeout``, whose highest value is 60 s."""

WORKER_MODELS = (WorkerModel(name="granian", server="granian", processes=1, threads=4, slots=4),)


ASYNC = frozenset({"asgi", "asginl", "rsgi"})
"""Interfaces in which a process serves any number of requests at once, in its event loop."""


def argv(python: str, worker: WorkerModel, *, bind: str, module: str) -> tuple[str, ...]:
    """Return the command that serves a module's ``application``."""
    host, _, port = bind.rpartition(":")
    return (
        *(python, "-m", "granian"),
        *("--interface", "wsgi"),
        *("--host", host),
        *("--port", port),
        *("--workers", str(worker.processes)),
        *("--blocking-threads", str(worker.threads)),
        *("--backlog", str(BACKLOG)),
        "--no-ws",
        *worker.options,
        f"{module}:{entry.NAME}",
    )


def serves(worker: WorkerModel) -> frozenset[Interface]:
    """Return the interfaces that it serves, as its option says.

    Of RSGI, its own, nothing is known here; frameworks that have it are ASGI applications, too.
    """
    named = (option(worker.options, "--interface") or "").lower()
    return ASGI_ONLY if named in ASYNC else WSGI_ONLY


def keep_alive(worker: WorkerModel) -> KeepAlive:
    """Return what it does with connections, as its options say."""
    milliseconds = number(worker.options, "--http1-header-read-timeout")
    idle_s = IDLE_S if milliseconds is None else milliseconds / 1000
    if "--no-http1-keep-alive" in worker.options:
        idle_s = 0
    each = number(worker.options, "--backpressure")
    return KeepAlive(idle_s=idle_s, connections=None if each is None else each * worker.processes)


_WORKER = re.compile(r"Spawning worker-(\d+) with PID: \d+")


def look(log: str, processes: Sequence[ServerProcess]) -> Seen:
    """Read the workers from the log; the threads only from the command line, which may not say.

    An async application does not run in the threads, so they are no limit there. The interface may
    be a variable, or a program's own: then nothing is known of the mode.
    """
    words = command_words(processes)
    workers = set(_WORKER.findall(log))
    named = (option(words, "--interface") or "").lower()
    return Seen(
        mode=named if named in ASYNC else "threads" if named else None,
        processes=len(workers) or number(words, "--workers"),
        threads=number(words, "--blocking-threads"),
        unlimited=named in ASYNC,
    )


SERVER = Server(
    name="granian",
    about="processes and threads, in Rust",
    worker_models=WORKER_MODELS,
    command=partial(entry.command, argv),
    container=partial(entry.container, argv),
    modules=lambda _: ("granian",),
    serves=serves,
    install="granian",
    keep_alive=keep_alive,
    programs=("granian",),
    says=re.compile(r"Starting granian \(main PID"),
    look=look,
    troubles=(
        Trouble(
            pattern=re.compile(r"(?i)unexpected exit from worker|killing worker-\d+"),
            means="a worker ended by itself, or did not end when it should",
        ),
    ),
    backlog=BACKLOG,
    queue="the accept queue of its socket, in `ss -ltn`",
)
