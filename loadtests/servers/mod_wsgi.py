"""mod_wsgi: Apache with the application in daemon processes, started by mod_wsgi-express. PURE.

mod_wsgi-express does not start as root without another user that can read the Python environment.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from loadtests.model.plan import WorkerModel
from loadtests.model.tested.in_force import ServerProcess
from loadtests.servers import entry
from loadtests.servers.server import Command, KeepAlive, ReplicaOrder, Seen, Server, Trouble
from loadtests.servers.words import number

PROGRAM = "mod_wsgi-express"

IDLE_S = 75
"""Longer than the proxy keeps an idle connection; the default of mod_wsgi-express is 2 s."""

CLIENTS = 512
"""Connections that Apache serves at once: more than a trial has users."""

WORKER_MODELS = (WorkerModel(name="mod_wsgi", server="mod_wsgi", processes=1, threads=4, slots=4),)


def argv(
    program: str, worker: WorkerModel, *, bind: str, file: str, folder: str, root: str
) -> tuple[str, ...]:
    """Return the command that serves ``file``, imported with ``folder`` on the path.

    ``root`` is where mod_wsgi-express writes Apache's configuration.
    """
    host, _, port = bind.rpartition(":")
    return (
        *(program, "start-server", file),
        *("--host", host),
        *("--port", port),
        *("--processes", str(worker.processes)),
        *("--threads", str(worker.threads)),
        *("--keep-alive-timeout", str(IDLE_S)),
        *("--max-clients", str(CLIENTS)),
        *("--python-path", folder),
        *("--server-root", root),
        *("--log-to-terminal", "--startup-log"),
        *("--locale", "C.UTF-8"),
        *worker.options,
    )


def command(order: ReplicaOrder) -> Command:
    """Return the command of one replica; the program mostly lies beside the interpreter."""
    return Command(
        argv=argv(
            order.program or str(PurePosixPath(order.python).with_name(PROGRAM)),
            order.worker,
            bind=order.bind,
            file=entry.path(order),
            folder=order.folder or ".",
            root=f"{order.scratch}/mod_wsgi",
        ),
        env=entry.environment(order),
        files=entry.files(order),
    )


_CAPACITY = re.compile(r"Request Capacity\s*: \d+ \((\d+) process(?:es)? \* (\d+) threads?\)")
_VERSION = re.compile(r"\bmod_wsgi/(\d[\w.+-]*)")
_MODE = re.compile(r"Operating Mode\s*: ([\w-]+)")


def look(log: str, _processes: Sequence[ServerProcess]) -> Seen:
    """Read mode, processes and threads from what mod_wsgi-express says at its start."""
    capacity, version, mode = (found.search(log) for found in (_CAPACITY, _VERSION, _MODE))
    return Seen(
        version=version[1] if version else None,
        mode=mode[1] if mode else None,
        processes=int(capacity[1]) if capacity else None,
        threads=int(capacity[2]) if capacity else None,
    )


SERVER = Server(
    name="mod_wsgi",
    about="Apache with processes and threads",
    worker_models=WORKER_MODELS,
    command=command,
    container=lambda worker: Command(
        argv=argv(
            "/venv/bin/mod_wsgi-express",
            worker,
            bind="0.0.0.0:8000",
            file=entry.SAMPLE_FILE,
            folder="/srv",
            root="/tmp/mod_wsgi",  # noqa: S108  a container's own
        ),
        env=entry.sample_settings(worker),
    ),
    modules=lambda _: ("mod_wsgi",),
    program=PROGRAM,
    install="mod_wsgi",
    keep_alive=lambda worker: KeepAlive(
        idle_s=number(worker.options, "--keep-alive-timeout") or IDLE_S,
        connections=number(worker.options, "--max-clients"),
    ),
    programs=("mod_wsgi-express", "mod_wsgi"),
    says=re.compile(rf"{_VERSION.pattern}|{_MODE.pattern}"),
    look=look,
    troubles=(
        Trouble(
            pattern=re.compile(r"server reached MaxRequestWorkers|AH00484"),
            means="it accepted no more connections",
        ),
        Trouble(
            pattern=re.compile(r"(?i)request timeout|queue timeout occurred|AH00052"),
            means="a daemon process was ended or gave up a request",
        ),
    ),
    backlog=500,
    queue="the accept queue of its socket, in `ss -ltn`",
    in_image=False,
)
