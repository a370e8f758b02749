"""What the test harness needs to know about a web server. PURE."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from loadtests.model.plan import WorkerModel
from loadtests.model.tested.in_force import ServerProcess


@dataclass(frozen=True, kw_only=True)
class ReplicaOrder:
    """The settings of one replica: its Python, its application, its address and its store.

    ``bind`` is an address with a port. ``folder`` is the user's project, from which ``application``
    is imported: its working folder. Without one, it is the sample application with its own
    configuration; its ``secret_key`` has to be equal on all replicas, otherwise they reject each
    other's sessions. A user's application gets neither a key nor a store from the harness.
    ``versions`` are those of the modules in ``python``, by name, where they are known. ``scratch``
    is a writable folder of the replica's own.
    """

    python: str
    application: str
    worker: WorkerModel
    name: str
    bind: str
    secret_key: str = ""
    database_url: str | None = None
    folder: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    scratch: str = "/tmp"  # noqa: S108  a container's own; processes get another

    @property
    def host(self) -> str:
        """The address without the port."""
        return self.bind.rpartition(":")[0]

    @property
    def port(self) -> str:
        """The port alone."""
        return self.bind.rpartition(":")[2]


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command line and its environment variables.

    ``files`` are written into the replica's ``scratch`` folder before the start, by their names.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class KeepAlive:
    """How a server treats connections between requests.

    ``idle_s`` is how long it keeps an idle one; 0: it closes after each answer; None: not known.
    ``connections`` is how many it has open at once; None: more than a proxy needs, or not known.
    """

    idle_s: float | None = None
    connections: int | None = None


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a server's log or its processes say of it; None where they do not say."""

    version: str | None = None
    mode: str | None = None
    processes: int | None = None
    threads: int | None = None
    unlimited: bool = False
    """Whether the mode has no limit of slots, as with greenlets."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A line of a server's log that tells of a time-out, a kill or a full queue."""

    pattern: re.Pattern[str]
    means: str


def _nothing_seen(_log: str, _processes: Sequence[ServerProcess]) -> Seen:
    return Seen()


@dataclass(frozen=True, kw_only=True)
class Server:
    """A web server: its worker models, how to start it, and how to see what it does.

    ``about`` is the short description in ``--help`` and ``doctor``.
    """

    name: str
    about: str
    worker_models: tuple[WorkerModel, ...]
    command: Callable[[ReplicaOrder], Command]
    container: Callable[[WorkerModel], Command]
    """Command of a replica's container; with an empty ``argv`` the image's own command runs."""
    modules: Callable[[WorkerModel], tuple[str, ...]] = lambda _: ()
    """The modules that a worker model needs in the application's Python, the server's own first;
    each is also the name to install it by."""
    install: str = ""
    """The words after ``pip install`` that install the server."""
    keep_alive: Callable[[WorkerModel], KeepAlive] = lambda _: KeepAlive()
    """What a worker model does with connections, as far as its command line decides it."""
    recognises: re.Pattern[str] | None = None
    """A pattern that only this server's log or command line has."""
    look: Callable[[str, Sequence[ServerProcess]], Seen] = _nothing_seen
    """What the beginning of its log and its processes say of the mode in force."""
    troubles: tuple[Trouble, ...] = ()
    backlog: int | None = None
    """Connections that may wait to be accepted, as the server is started here."""
    queue: str = ""
    """How to see its listen queue, in a clause."""
    in_image: bool = True
    """Whether the sample application's image can have it."""


def troubles_in(server: Server, log: str) -> tuple[str, ...]:
    """Return what a server's log tells of time-outs and kills: how often, what, the last line."""
    sentences = []
    for trouble in server.troubles:
        lines = [line.strip() for line in log.splitlines() if trouble.pattern.search(line)]
        if lines:
            times = f"{len(lines)} times" if len(lines) > 1 else "once"
            sentences.append(f"{server.name} wrote {times}: {trouble.means} ({lines[-1]})")
    return tuple(sentences)
