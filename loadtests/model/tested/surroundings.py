"""What lies in a project's folder that can be tested, or used for a test. PURE."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FoundRoute:
    """A route of an application, such as ``/items/<int:id>``.

    ``status`` and ``seconds`` are those of one request to it inside a child process; None where it
    was not asked. ``lacks_store`` says that it failed there because only the service has its store.
    """

    path: str
    methods: tuple[str, ...] = ("GET",)
    status: int | None = None
    seconds: float | None = None
    lacks_store: bool = False


@dataclass(frozen=True, kw_only=True)
class FoundApplication:
    """A WSGI or ASGI application by its import string.

    ``file`` is where its code was found. ``python`` is the interpreter that imported it.
    ``trouble`` says why none could. ``is_async`` tells an ASGI application.
    """

    name: str
    file: str
    framework: str | None = None
    is_async: bool = False
    python: str | None = None
    routes: tuple[FoundRoute, ...] = ()
    trouble: str | None = None


@dataclass(frozen=True, kw_only=True)
class FoundService:
    """A service of a Compose file; ``needs`` are those that have to run with it.

    ``context`` is the folder that its image is built from, relative to the project's; None for a
    service with an image of others. ``publishes`` says whether it has ports. ``beside`` are the
    stores of the file that nothing says anybody needs, ``unset`` the variables without a value.
    """

    file: str
    name: str
    context: str | None = None
    publishes: bool = False
    needs: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.file}:{self.name}"


@dataclass(frozen=True, kw_only=True)
class FoundLocustfile:
    """A locustfile, and the modules that it imports and that are not installed here."""

    file: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """All that was found in a folder, and the target that is tested best.

    ``why`` says for what reason. ``routes`` are those of the target. ``notes`` are further
    sentences. ``variables`` and ``python`` were given for the import; ``unset`` are those of the
    variables that the shell does not have.
    """

    folder: str
    target: str
    why: str
    routes: tuple[FoundRoute, ...] = ()
    application: FoundApplication | None = None
    services: tuple[FoundService, ...] = ()
    dockerfiles: tuple[str, ...] = ()
    locustfiles: tuple[FoundLocustfile, ...] = ()
    notes: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()
    python: str | None = None

    @property
    def likely_services(self) -> tuple[FoundService, ...]:
        """The services that may be the application: built or with ports, and no other's store."""
        needed = {name for service in self.services for name in (*service.needs, *service.beside)}
        return tuple(
            service
            for service in self.services
            if service.context is not None or (service.publishes and service.name not in needed)
        )
