"""What the harness has to know of a web server. PURE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from loadtests.model.plan import WorkerModel


@dataclass(frozen=True, kw_only=True)
class ReplicaOrder:
    """One replica to be served: by which Python, which application, and its own settings.

    ``secret_key`` has to be the same for all replicas, or a session begun on one is unknown to the
    others. ``bind`` is an address with its port.
    """

    python: str
    application: str
    worker: WorkerModel
    name: str
    bind: str
    secret_key: str
    database_url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Command:
    """A program's command line, and the variables that it gets."""

    argv: tuple[str, ...]
    env: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Server:
    """A web server: its worker models, each with processes, threads and slots, and how to start it.

    ``about`` is what ``--help`` and ``doctor`` say of it, in a few words.
    """

    name: str
    about: str
    worker_models: tuple[WorkerModel, ...]
    command: Callable[[ReplicaOrder], Command]
    container: Callable[[WorkerModel], Command]
    """What a replica's container is given; without a command line it runs its image's own."""
