"""What the test harness needs to know about a web server. PURE."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from loadtests.model.plan import WorkerModel
from loadtests.model.stack import LogLines
from loadtests.model.tested.in_force import ServerProcess
from loadtests.model.tested.target import Interface
from loadtests.servers.words import command_words, number, starts

WSGI_ONLY = frozenset({Interface.WSGI})
ASGI_ONLY = frozenset({Interface.ASGI})
ANY_INTERFACE = frozenset(Interface)


@dataclass(frozen=True, kw_only=True)
class ReplicaOrder:
    """The settings of one replica: its Python, its application, its address and its store.

    ``bind`` is an address with a port. ``folder`` is the user's project, from which ``application``
    is imported: its working folder. Without one, it is the sample application with its own
    configuration; its ``secret_key`` has to be equal on all replicas, otherwise they reject each
    other's sessions. A user's application gets neither a key nor a store from the harness.
    ``versions`` are those of the modules in ``python``, by name, where they are known. ``scratch``
    is a writable folder of the replica's own. ``program`` is the server's own program where it was
    looked for, else it lies beside the interpreter. ``free_threaded`` tells whether ``python`` is
    known to be a build without a GIL. ``queue_most`` is how many connections the system lets wait
    for a server (``net.core.somaxconn``), where it is known. ``interface`` is how the application
    is called, where it is known. ``start_limit_s`` is the limit of its
    start; None where the application itself says how long a worker may be silent.
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
    program: str | None = None
    free_threaded: bool = False
    queue_most: int | None = None
    start_limit_s: float | None = None
    interface: Interface | None = None

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
    counted: bool = False
    """Whether the threads were counted in the process, with those of the application among them."""
    unlimited: bool = False
    """Whether the mode has no limit of slots, as with greenlets."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A line of a server's log that tells of a time-out, a kill or a full queue.

    Where the pattern has a group ``pid`` that matched, the lines of one process count once.
    """

    pattern: re.Pattern[str]
    means: str
    unless: re.Pattern[str] | None = None
    """A line that tells why already; it has a group ``pid``, too."""


def pool_of_threads(processes: Sequence[ServerProcess], *, own_threads: int) -> Seen:
    """Return what the processes of a server show that starts its pool of threads at once.

    The command line decides. ``own_threads`` serve no requests.
    """
    named = number(command_words(processes), "--threads")
    if named is not None:
        return Seen(mode="threads", processes=1, threads=named)
    counted = max((process.threads - own_threads for process in processes), default=0)
    if counted <= 0:
        return Seen(mode="threads", processes=1)
    return Seen(mode="threads", processes=1, threads=counted, counted=True)


def not_built_in(name: str) -> str:
    """Return the note on a server that is only recognised."""
    return (
        f"{name} is recognised, and no worker model of Twofold's: how many requests it serves at"
        " once is not known, so worker slots are never named as what is full. A variant with a"
        " command and `slots` can say it."
    )


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
    serves: Callable[[WorkerModel], frozenset[Interface]] = lambda _: WSGI_ONLY
    """The interfaces of the applications that a worker model serves."""
    most_processes: int | None = None
    """Processes that a replica can have; None where it has as many as are asked for."""
    one_thread: tuple[str, ...] = ()
    """Kinds of workers that have one thread, however many are asked for."""
    other_kinds: tuple[str, ...] = ()
    """Further kinds of workers of this server, of which nothing else is known here."""
    other_modules: tuple[str, ...] = ()
    """Modules that variants need which are not built in."""
    instead: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Other modules, or distributions without one, that do instead of a module."""
    program: str = ""
    """The server's own program, where the interpreter does not start it."""
    install: str = ""
    """The words after ``pip install`` that install the server."""
    keep_alive: Callable[[WorkerModel], KeepAlive] = lambda _: KeepAlive()
    """What a worker model does with connections, as far as its command line decides it."""
    programs: tuple[str, ...] = ()
    """Names of its programs and modules; of two words, the second one comes later in a command."""
    says: re.Pattern[str] | None = None
    """What only this server writes into a log as it starts."""
    look: Callable[[str, Sequence[ServerProcess]], Seen] = _nothing_seen
    """What the beginning of its log and its processes say of the mode in force."""
    troubles: tuple[Trouble, ...] = ()
    backlog: int | None = None
    """Connections that may wait to be accepted, as the server is started here."""
    queue: str = ""
    """How to see its listen queue, in a clause."""
    serves_any: bool = True
    """Whether its command serves any application of its interface: it can have an idle control."""
    in_image: bool = True
    """Whether the sample application's image can have it."""

    def is_run_by(self, command: str) -> bool:
        """Return whether a command line starts this server."""
        return any(starts(command, program) for program in self.programs)

    def modules_asked(self, worker: WorkerModel) -> tuple[str, ...]:
        """Return the modules of a worker model with those that do instead."""
        names = self.modules(worker)
        return (*names, *(self.instead[name] for name in names if name in self.instead))

    def lacking(self, worker: WorkerModel, there: Collection[str]) -> tuple[str, ...]:
        """Return the modules of a worker model that are not there, nor what does instead."""
        return tuple(
            name
            for name in self.modules(worker)
            if name not in there and self.instead.get(name) not in there
        )

    def words_for(self, lacking: Collection[str]) -> tuple[str, ...]:
        """Return the words after ``pip install`` that install modules of a worker model."""
        others = tuple(name for name in lacking if name in self.other_modules)
        if len(others) == len(lacking) or not self.install:
            return tuple(lacking)
        return (self.install, *others)


def troubles_in(server: Server, log: LogLines) -> tuple[str, ...]:
    """Return what a server's log tells of time-outs and kills: how often, what, the last line."""
    sentences = []
    for trouble in server.troubles:
        found = _lines_of(trouble, log)
        if found:
            last = [*found.values()][-1]
            often = _often(len(found), log)
            sentences.append(f"{server.name} wrote {often}: {trouble.means} ({last})")
    return tuple(sentences)


def _lines_of(trouble: Trouble, log: LogLines) -> dict[str, str]:
    """Return the lines that tell of a trouble: the last one of each process, or each line."""
    found: dict[str, str] = {}
    told: set[str] = set()
    for index, line in enumerate(log.lines):
        if trouble.unless is not None and (why := trouble.unless.search(line)):
            told.add(why["pid"])
        elif match := trouble.pattern.search(line):
            pid = match.groupdict().get("pid")
            if pid is None or pid not in told:
                key = f"line {index}" if pid is None else pid
                found.pop(key, None)  # so that the last line of all stands last
                found[key] = line.strip()
    return found


def _often(times: int, log: LogLines) -> str:
    words = "once" if times == 1 else f"{times} times"
    return words if log.is_whole else f"at least {words}, in the last lines of its log"
