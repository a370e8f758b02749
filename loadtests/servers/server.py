"""What the test harness needs to know about a web server. PURE."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from loadtests.model.plan import WorkerModel


@dataclass(frozen=True, kw_only=True)
class ReplicaOrder:
    """The settings of one replica: its Python, its application, its address and its store.

    ``bind`` is an address with a port. ``folder`` is the user's project, from which ``application``
    is imported: its working folder. Without one, it is the sample application with its own
    configuration; its ``secret_key`` has to be equal on all replicas, otherwise they reject each
    other's sessions. A user's application gets neither a key nor a store from the harness.
    ``versions`` are those of the modules in ``python``, by name, where they are known.
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
    modules: Callable[[WorkerModel], tuple[str, ...]] = lambda _: ()
    """The modules that a worker model needs in the application's Python, the server's own first;
    each is also the name to install it by."""
