"""uWSGI: processes, threads or greenlets, without its own HTTP router. PURE.

``--http-socket`` is for a server behind a proxy. It closes each connection after the answer and
does not say so, so a header says it (``--add-header``). Both the proxy and the generator then open
one for each request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import PurePosixPath

from loadtests.model.plan import WorkerModel
from loadtests.model.tested.in_force import ServerProcess
from loadtests.servers import entry
from loadtests.servers.server import Command, KeepAlive, ReplicaOrder, Seen, Server, Trouble
from loadtests.servers.words import RELOADER_IS_ON, command_words, reloader_notes

PROGRAM = "uwsgi"

BACKLOG = 1024
"""Connections that may wait. uWSGI's default of 100 is fewer than a saturated replica may have
users. uWSGI does not start with more than the system's ``net.core.somaxconn`` (4096 since Linux
5.4, 128 before), so it gets no more than that where it is known."""

GREENLETS = 1000
"""More than a trial has users, so that greenlets are no limit."""

CLOSING = ("--add-header", "Connection: close")
"""A client that knows nothing of uWSGI would send its next request into the closing connection."""

WORKER_MODELS = (
    WorkerModel(
        name="uwsgi-processes", server="uwsgi", mode="processes", processes=4, threads=1, slots=4
    ),
    WorkerModel(
        name="uwsgi-threads", server="uwsgi", mode="threads", processes=1, threads=4, slots=4
    ),
    WorkerModel(
        name="uwsgi-gevent", server="uwsgi", mode="gevent", processes=1, threads=1, slots=None
    ),
)

MODES = {
    "single process": "processes",
    "preforking": "processes",
    "threaded": "threads",
    "preforking+threaded": "threads",
    "async": "async",
    "preforking+async": "async",
}
"""Our word for each of uWSGI's own."""


def argv(
    program: str, worker: WorkerModel, *, bind: str, module: str, backlog: int = BACKLOG
) -> tuple[str, ...]:
    """Return the command that serves a module's ``application``; ``backlog`` is its queue."""
    return (
        program,
        *("--http-socket", bind),
        "--master",
        *("--processes", str(worker.processes)),
        *_concurrency(worker),
        # Each worker loads the application itself, so connections are not shared over a fork.
        "--lazy-apps",
        "--need-app",  # otherwise it answers 500 to everything where the import fails
        "--die-on-term",
        "--disable-logging",  # a line for each request would be work that grows with the rate
        *("--listen", str(backlog)),
        *(CLOSING if keep_alive(worker).idle_s == 0 else ()),
        *("--module", f"{module}:{entry.NAME}"),
        *worker.options,
    )


def _concurrency(worker: WorkerModel) -> tuple[str, ...]:
    if worker.mode == "gevent":
        return ("--gevent", str(GREENLETS), "--gevent-monkey-patch")
    if worker.threads > 1:
        return ("--threads", str(worker.threads))
    return ("--enable-threads",)  # for threads of the application's own


def command(order: ReplicaOrder) -> Command:
    """Return the command of one replica; the program mostly lies beside the interpreter."""
    program = order.program or str(PurePosixPath(order.python).with_name(PROGRAM))
    backlog = BACKLOG if order.queue_most is None else min(BACKLOG, order.queue_most)
    return entry.command(partial(argv, backlog=backlog), order, program=program)


def modules(worker: WorkerModel) -> tuple[str, ...]:
    """Return the modules that serve a worker model."""
    return ("pyuwsgi", "gevent") if worker.mode == "gevent" else ("pyuwsgi",)


def keep_alive(worker: WorkerModel) -> KeepAlive:
    """Return what it does with connections: it closes them, unless an option says otherwise."""
    kept = any(word.startswith(("--http11-socket", "--http-keepalive")) for word in worker.options)
    return KeepAlive() if kept else KeepAlive(idle_s=0)


_VERSION = re.compile(r"Starting uWSGI (\d+\.\d[\w.+-]*)")
_MODE = re.compile(r"\*\*\* Operational MODE: (.+?) \*\*\*")
_SPAWNED = re.compile(r"spawned uWSGI worker (\d+) .*cores: (\d+)\)")
_MAPPED = re.compile(r"mapped \d+ bytes \(.*\) for (\d+) cores")
_GEVENT = "*** running gevent loop engine"


def look(log: str, processes: Sequence[ServerProcess]) -> Seen:
    """Read mode, workers and cores from the log; a router's process is not among the workers.

    With ``--cheaper``, the number of processes follows the load, so it is None.
    """
    version, mode = _VERSION.search(log), _MODE.search(log)
    spawned = {worker: int(cores) for worker, cores in _SPAWNED.findall(log)}
    name = MODES.get(mode[1], mode[1]) if mode else None
    unlimited = name == "async" or _GEVENT in log
    most = _most_processes(log, spawned)
    cheaper = most > len(spawned) or any(
        word.startswith("--cheaper") for word in command_words(processes)
    )
    return Seen(
        version=version[1] if version else None,
        mode="gevent" if _GEVENT in log else name,
        processes=None if cheaper else len(spawned) or None,
        threads=1 if unlimited else max(spawned.values(), default=None),
        unlimited=unlimited,
        notes=(
            *_notes(log, first=len(spawned), most=most if cheaper else 0),
            *_reloader_in(log, processes),
        ),
    )


def _most_processes(log: str, spawned: Mapping[str, int]) -> int:
    """Return how many processes it has made room for: their cores over those of one."""
    mapped = _MAPPED.search(log)
    return int(mapped[1]) // max(spawned.values()) if mapped and spawned else 0


def _notes(log: str, *, first: int, most: int) -> Iterator[str]:
    if most:
        yield (
            f"uWSGI's cheaper is on: {first} process{'es' * (first > 1)} at the start, up to {most}"
            " under load. Fix the number (leave --cheaper out), or warm up."
        )
    if "spawned uWSGI http " in log:
        yield "uWSGI's HTTP router runs beside the workers; its CPU is the replica's."


def _reloader_in(log: str, processes: Sequence[ServerProcess]) -> Iterator[str]:
    """Tell of a reloader that a configuration file asks for; an option is told for all servers."""
    if "Python auto-reloader enabled" in log and not reloader_notes(processes):
        yield f"{RELOADER_IS_ON} Start it without py-autoreload."


SERVER = Server(
    name="uwsgi",
    about="processes, threads or greenlets, in C",
    worker_models=WORKER_MODELS,
    command=command,
    container=partial(entry.container, argv, program="/venv/bin/uwsgi"),
    modules=modules,
    instead={"pyuwsgi": "uwsgi"},
    one_thread=("gevent",),
    program=PROGRAM,
    install="pyuwsgi",
    keep_alive=keep_alive,
    programs=("uwsgi", "uwsgi-core", "pyuwsgi"),
    says=_VERSION,
    look=look,
    troubles=(
        Trouble(
            pattern=re.compile(r"HARAKIRI ON WORKER"),
            means="a request took longer than --harakiri and its worker was killed",
        ),
        Trouble(
            pattern=re.compile(r"DAMN ! worker \d+ .* died"),
            means="a worker died and was started again",
        ),
        Trouble(
            pattern=re.compile(
                r"The work of process (?P<pid>\d+) is done.*Seeya!|worker \d+ lifetime reached"
            ),
            means="a worker was replaced, as --max-requests, --max-worker-lifetime or"
            " --reload-on-rss asks for",
        ),
        Trouble(
            pattern=re.compile(r"uWSGI listen queue of socket .* full"),
            means="its listen queue was full, so new connections had to wait or were refused",
        ),
    ),
    backlog=BACKLOG,
    queue="a line in its log when it is full, and the accept queue in `ss -ltn`",
)
