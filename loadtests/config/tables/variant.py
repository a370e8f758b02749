"""A table of ``[tool.twofold.variants]``: one way to serve the target. PURE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from loadtests.config import command_places
from loadtests.config.file.known import Known, Limits
from loadtests.config.tables.fields import Text, Variables, Words, unknown_name
from loadtests.config.tables.table import Fault, Table

MAX_PROCESSES = 64
MAX_THREADS = 1024

DEFAULT_SERVER = "gunicorn"
"""The server of a variant that names none; a test holds it to the registry."""

DETACHING = {"gunicorn": ("--daemon", "-D"), "uwsgi": ("--daemonize", "--daemonize2", "-d")}
"""Options by which a server puts itself into the background."""


class VariantTable(Table):
    """One way to serve the target: a server with its settings, or a command."""

    server: Text | None = Field(default=None, examples=['"gunicorn"'])
    """The web server. A variant with a built-in one's name changes that one, and needs none."""
    worker: Text | None = Field(default=None, examples=['"gthread"'])
    """The server's own name for its kind of workers."""
    processes: Annotated[int, Field(ge=1, le=MAX_PROCESSES)] | None = Field(
        default=None, examples=["4"]
    )
    """Worker processes of one replica."""
    threads: Annotated[int, Field(ge=1, le=MAX_THREADS)] | None = Field(
        default=None, examples=["8"]
    )
    """Threads of each process."""
    slots: Annotated[int, Field(ge=1)] | None = Field(default=None, examples=["8"])
    """How many requests one replica serves at once, where processes × threads is not right."""
    python: Text | None = Field(default=None, examples=['"python3.13"'])
    """Another interpreter: a name on PATH, or a path from the file's folder."""
    options: Words = Field(default=[], examples=['"--backlog 64"'])
    """Further words of the server's command line."""
    env: Variables = Field(default={}, examples=['{PYTHONOPTIMIZE = "1"}'])
    """Environment variables for this variant."""
    command: Words | None = Field(default=None, examples=['"python -m bjoern_run {app} {bind}"'])
    """The command of a server that Twofold does not know. It is started in the target's folder."""

    @classmethod
    def faults(cls, data: Mapping[str, Any], known: Known) -> Iterator[Fault]:
        """Give what is wrong with server and command; :func:`faults_by_name` has the rest."""
        server = data.get("server")
        if isinstance(server, str) and "command" not in data:
            yield from unknown_name(server, known.servers, what="server", at=("server",))
        command = data.get("command")
        words = command if isinstance(command, list) else [command]
        texts = [word for word in words if isinstance(word, str)]
        if len(texts) == len(words):  # others are told by their type
            for text in command_places.faults_in(texts):
                yield Fault(at=("command",), text=text)


def faults_by_name(name: str, data: Mapping[str, Any], known: Known) -> Iterator[Fault]:
    """Give what a variant's server cannot have; paths start from the variant's own table.

    A built-in variant's name stands for its server and its kind of workers.
    """
    server, kind = _served(name, data, known)
    kinds, worker = known.servers.get(server, ()), data.get("worker")
    if isinstance(worker, str) and kinds and not {".", ":"} & set(worker):
        others = known.limits.get(server, Limits()).other_kinds
        yield from unknown_name(worker, (*kinds, *others), what="worker", at=("worker",))
    if "command" not in data:
        yield from _detaching(server, data.get("options"))
        yield from _beyond(server, kind, data, known)


def _served(name: str, data: Mapping[str, Any], known: Known) -> tuple[str, str]:
    """Return a variant's server and its kind of workers, which are those of the one it is like."""
    own, server, worker = known.built_in.get(name), data.get("server"), data.get("worker")
    if not isinstance(server, str):
        server = own.server if own is not None else DEFAULT_SERVER
    if isinstance(worker, str):
        return server, worker
    if own is not None and own.server == server:
        return server, own.worker
    return server, next(iter(known.servers.get(server, ())), "")


def _beyond(server: str, kind: str, data: Mapping[str, Any], known: Known) -> Iterator[Fault]:
    """Give the numbers that a server would not heed."""
    limits = known.limits.get(server, Limits())
    processes, threads = data.get("processes"), data.get("threads")
    kinds = known.servers.get(server, ())
    most = limits.most_processes
    if most is not None and isinstance(processes, int) and processes > most:
        yield Fault(
            at=("processes",),
            text=f"{server} serves in {most} process{'es' * (most > 1)}. Leave this out: replicas"
            " are further processes.",
        )
    if kind in limits.one_thread and isinstance(threads, int) and threads > 1:
        others = [f'"{each}"' for each in kinds if each not in limits.one_thread]
        instead = f", or take worker = {' or '.join(others)}" if others else ""
        yield Fault(
            at=("threads",),
            text=f"{server}'s {kind} has one thread in each process. Leave this out{instead}.",
        )


def _detaching(server: str, options: Any) -> Iterator[Fault]:
    """Give the options by which a server leaves the process that was started."""
    words = options.split() if isinstance(options, str) else options
    for word in words if isinstance(words, list) else ():
        name = str(word).partition("=")[0]
        if name in DETACHING.get(server, ()):
            yield Fault(
                at=("options",),
                text=f"{name} puts {server} into the background, where a replica cannot be"
                " watched, limited and ended. Leave it out.",
            )
