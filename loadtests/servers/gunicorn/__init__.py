"""gunicorn: its worker models, its command line and its environment variables. PURE."""

from __future__ import annotations

import importlib.util
import math
import re
import shlex
from collections.abc import Sequence

from loadtests.model.plan import WorkerModel
from loadtests.model.tested.target import Interface, Target
from loadtests.servers import entry
from loadtests.servers.gunicorn import seen
from loadtests.servers.server import (
    ANY_INTERFACE,
    ASGI_ONLY,
    WSGI_ONLY,
    Command,
    KeepAlive,
    ReplicaOrder,
    Server,
)
from loadtests.servers.words import number, version_numbers

CONFIG = "app/gunicorn.conf.py"
"""The configuration of the sample application, relative to the working directory of gunicorn."""

WORKER_MODELS = (
    # Threads and processes both have four slots, for a fair comparison. They are few enough that
    # `io` fills the slots before the CPU of the smallest budget (4 ÷ 50 ms × 0.6 ms ≈ 5 %).
    WorkerModel(name="gthread", processes=1, threads=4, slots=4),
    WorkerModel(name="sync", processes=4, threads=1, slots=4),
    WorkerModel(name="gevent", processes=1, threads=1, slots=None),
)
"""``app/gunicorn.conf.py`` imports nothing from here and repeats these figures; a test compares
them."""

CONNECTIONS = 8192
"""Connections per worker process: more than users and the proxy have, since gunicorn accepts no
more at its limit (1000 by default)."""

KEEP_ALIVE_S = 75
"""Longer than the proxy keeps an idle connection, so that the proxy closes first."""

GRACEFUL_S = 5

TIMEOUT_S = 30
"""gunicorn's default: how long a worker may be silent before it is killed."""

OTHER_KINDS = ("asgi", "eventlet", "tornado")

OF_PACKAGES = {
    "eventlet": ("eventlet",),
    "tornado": ("tornado",),
    "uvicorn": ("uvicorn",),
    "uvicorn_worker": ("uvicorn", "uvicorn_worker"),
}
"""What a kind of worker of this name, or a class of this package, needs beside gunicorn."""

_ASYNC_CLASS = re.compile(r"uvicorn|asgi", re.IGNORECASE)
"""Worker classes of asynchronous applications, such as ``uvicorn_worker.UvicornWorker``."""

_CONFIG = re.compile(r"-c.*|--config(?:=.*)?")
_TIMEOUT = re.compile(r"-t\d*|--timeout(?:=.*)?")

PID_FILE = "gunicorn.pid"

ARGUMENTS = "GUNICORN_CMD_ARGS"
"""The variable whose options gunicorn takes over those of its configuration file."""

CONTROL_SOCKET_SINCE = (25, 1)
"""The version of gunicorn that brought ``--no-control-socket``; older ones refuse the option."""


def serve_argv(
    python: str, *, config: str, application: str, options: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the command that serves ``application`` with a configuration file.

    ``options`` win over the file.
    """
    return (python, "-m", "gunicorn", "--config", config, *options, application)


def settings_argv(
    worker: WorkerModel,
    *,
    bind: str,
    version: str | None,
    scratch: str,
    start_limit_s: float | None = None,
) -> tuple[str, ...]:
    """Return the options that put a worker model into force.

    They win over the user's own ``gunicorn.conf.py``, which gunicorn loads from its working folder;
    the rest of that file stays in force. ``version`` is gunicorn's, None if it is not known.
    ``scratch`` is a folder of the replica's own. A worker is silent while it imports, for
    ``start_limit_s`` at most; None leaves the time-out to the file.
    """
    return (
        *("--bind", bind),
        *("--worker-class", _worker_class(worker)),
        *("--workers", str(worker.processes)),
        *("--threads", str(worker.threads)),  # with several, gunicorn makes sync a gthread
        *("--worker-connections", str(CONNECTIONS)),
        *("--keep-alive", str(KEEP_ALIVE_S)),
        *("--graceful-timeout", str(GRACEFUL_S)),
        *("--error-log", "-"),
        # A second replica would not start with the first one's file.
        *("--pid", f"{scratch}/{PID_FILE}"),
        # All replicas would share one socket in the user's home.
        *(("--no-control-socket",) if _has_control_socket(version) else ()),
        *_timeout(worker, start_limit_s),
        *worker.options,
    )


def _timeout(worker: WorkerModel, start_limit_s: float | None) -> tuple[str, ...]:
    """Return the option that lets a worker import for that long, unless a file of its own rules."""
    if start_limit_s is None or any(_CONFIG.fullmatch(word) for word in worker.options):
        return ()
    return ("--timeout", str(math.ceil(max(TIMEOUT_S, start_limit_s))))


def import_limit_s(limit_s: float | None, tested: Target, worker: WorkerModel) -> float | None:
    """Return how long a worker may import; None where the user's own time-out is to rule.

    It may stand in the folder's configuration file, or in the variable, over which a command line
    would win.
    """
    arguments = {**tested.env, **worker.env}.get(ARGUMENTS, "").split()
    rules = any(_CONFIG.fullmatch(word) or _TIMEOUT.fullmatch(word) for word in arguments)
    return None if rules or tested.sets_timeout else limit_s


def _worker_class(worker: WorkerModel) -> str:
    return worker.mode or worker.name


def _has_control_socket(version: str | None) -> bool:
    return version_numbers(version) >= CONTROL_SOCKET_SINCE


def worker_settings(worker: WorkerModel) -> dict[str, str]:
    """Return the variables that set the worker model, its processes and its threads."""
    return {
        "WORKER_MODEL": _worker_class(worker),
        "WEB_CONCURRENCY": str(worker.processes),
        "THREADS": str(worker.threads),
    }


def environment(
    worker: WorkerModel, *, name: str, bind: str, secret_key: str, database_url: str | None = None
) -> dict[str, str]:
    """Return the variables that ``app/gunicorn.conf.py`` and the application read.

    ``secret_key`` has to be equal on all replicas; otherwise they reject each other's sessions.
    """
    return {
        **worker_settings(worker),
        "WORKER_CONNECTIONS": str(CONNECTIONS),
        "BIND": bind,
        "REPLICA": name,
        "SECRET_KEY": secret_key,
        # Always set, so that the value in this process's environment is not inherited.
        "DATABASE_URL": database_url or "",
    }


def command(order: ReplicaOrder) -> Command:
    """Return the command and the variables of one replica."""
    if order.folder is not None:
        version = order.versions.get(SERVER.name)
        settings = settings_argv(
            order.worker,
            bind=order.bind,
            version=version,
            scratch=order.scratch,
            start_limit_s=order.start_limit_s,
        )
        own_env = {**order.worker.env, "REPLICA": order.name}
        if order.free_threaded:  # the module looks under load whether the GIL is on
            return Command(
                argv=(order.python, "-m", "gunicorn", *settings, f"{entry.MODULE}:{entry.NAME}"),
                env=own_env | entry.environment(order),
                files=entry.files(order),
            )
        return Command(
            argv=(order.python, "-m", "gunicorn", *settings, order.application), env=own_env
        )
    return Command(
        argv=serve_argv(
            order.python,
            config=CONFIG,
            application=order.application,
            options=order.worker.options,
        ),
        env=dict(order.worker.env)
        | environment(
            order.worker,
            name=order.name,
            bind=order.bind,
            secret_key=order.secret_key,
            database_url=order.database_url,
        ),
    )


def container(worker: WorkerModel) -> Command:
    """Return the variables of a replica's container, whose image starts gunicorn itself."""
    options = {ARGUMENTS: shlex.join(worker.options)} if worker.options else {}
    return Command(argv=(), env={**worker.env, **worker_settings(worker), **options})


def modules(worker: WorkerModel) -> tuple[str, ...]:
    """Return the modules that serve a worker model."""
    kind = _worker_class(worker)
    # gunicorn's own gevent worker imports packaging.
    greenlets = ("gevent", "packaging") if kind == "gevent" else ()
    return ("gunicorn", *greenlets, *OF_PACKAGES.get(kind.partition(".")[0], ()))


def serves(worker: WorkerModel) -> frozenset[Interface]:
    """Return the interfaces that a worker model serves; a class of somebody's own may serve any."""
    kind = _worker_class(worker)
    if _ASYNC_CLASS.search(kind):
        return ASGI_ONLY
    return ANY_INTERFACE if {".", ":"} & set(kind) else WSGI_ONLY


def keep_alive(worker: WorkerModel) -> KeepAlive:
    """Return what a worker model does with connections; sync says that it closes each.

    gunicorn reads options from a variable, too, so nothing is known of a model that sets it.
    """
    if ARGUMENTS in worker.env:
        return KeepAlive()
    seconds = number(worker.options, "--keep-alive")
    return KeepAlive(
        idle_s=KEEP_ALIVE_S if seconds is None else seconds,
        connections=number(worker.options, "--worker-connections"),
    )


def forced_environment(worker: WorkerModel) -> dict[str, str]:
    """Return the variables that put a worker model into force in an image that starts gunicorn.

    gunicorn reads them after its configuration file and before its command line, so an option in
    the image's command wins. ``look`` shows whether they took effect.
    """
    words = (
        *("--worker-class", _worker_class(worker)),
        *("--workers", str(worker.processes)),
        *("--threads", str(worker.threads)),
        *("--worker-connections", str(CONNECTIONS)),
        *("--keep-alive", str(KEEP_ALIVE_S)),
        *worker.options,
    )
    return {**worker.env, ARGUMENTS: shlex.join(words)}


SERVER = Server(
    name=seen.NAME,
    about="threads, processes or greenlets",
    worker_models=WORKER_MODELS,
    command=command,
    container=container,
    modules=modules,
    serves=serves,
    one_thread=("sync", "gevent"),
    other_kinds=OTHER_KINDS,
    other_modules=tuple(dict.fromkeys(name for needed in OF_PACKAGES.values() for name in needed)),
    install="'gunicorn[gevent]'",
    keep_alive=keep_alive,
    programs=("gunicorn",),
    says=seen.STARTING,
    look=seen.look,
    troubles=seen.TROUBLES,
    backlog=2048,
    queue="the accept queue of its socket, in `ss -ltn`",
)


def missing_modules(
    modules: tuple[str, ...] = ("gunicorn", "flask", "gevent", "psycopg"),
) -> tuple[str, ...]:
    """Return the modules that a replica needs and this Python lacks."""
    return tuple(name for name in modules if importlib.util.find_spec(name) is None)
