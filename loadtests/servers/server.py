"""What the test harness needs to know about a web server. PURE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from loadtests.model.plan import WorkerModel


@dataclass(frozen=True, kw_only=True)
class ReplicaOrder:
    """The settings of one replica: its Python, its application, its address and its store.

    ``secret_key`` has to be equal on all replicas; otherwise they reject each other's sessions.
    ``bind`` is an address with a port.
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
    """A command line and its environment variables."""

    argv: tuple[str, ...]
    env: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Server:
    """A web server: its worker models, and how to start it.

    ``about`` is the short description in ``--help`` and ``doctor``.
    """

    name: str
    about: str
    worker_models: tuple[WorkerModel, ...]
    command: Callable[[ReplicaOrder], Command]
    container: Callable[[WorkerModel], Command]
    """Command of a replica's container; with an empty ``argv`` the image's own command runs."""
