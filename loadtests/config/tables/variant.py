"""A table of ``[tool.twofold.variants]``: one way to serve the target. PURE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from loadtests.config.file.known import Known
from loadtests.config.tables.fields import Text, Variables, Words, unknown_name
from loadtests.config.tables.table import Fault, Table

MAX_PROCESSES = 64
MAX_THREADS = 1024

PLACES = ("{bind}", "{port}")
"""Placeholders of which a command needs one, so that each replica has its own address."""


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
    """Another interpreter: a name on PATH, or a path."""
    options: Words = Field(default=[], examples=['"--backlog 64"'])
    """Further words of the server's command line."""
    env: Variables = Field(default={}, examples=['{PYTHONOPTIMIZE = "1"}'])
    """Environment variables for this variant."""
    command: Words | None = Field(
        default=None, examples=['"python -m bjoern_run {application} --bind {bind}"']
    )
    """The command of a server that Twofold does not know."""

    @classmethod
    def faults(cls, data: Mapping[str, Any], known: Known) -> Iterator[Fault]:
        """Give what is wrong between server, worker and command."""
        server, worker = data.get("server"), data.get("worker")
        if isinstance(server, str) and "command" not in data:
            yield from unknown_name(server, known.servers, what="server", at=("server",))
        modes = known.servers.get(server if isinstance(server, str) else "gunicorn", ())
        if isinstance(worker, str) and modes and not {".", ":"} & set(worker):
            yield from unknown_name(worker, modes, what="worker", at=("worker",))
        command = data.get("command")
        text = command if isinstance(command, str) else " ".join(map(str, command or ()))
        if command is not None and not any(place in text for place in PLACES):
            yield Fault(
                at=("command",),
                text="Each replica needs its own address. Put {bind} (host and port) or {port}"
                " where the server takes it.",
            )
