"""Looks around in a folder, and says what is tested best there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from loadtests.model.errors import UsageError
from loadtests.model.plan import START_LIMIT_S
from loadtests.model.tested.surroundings import (
    FoundApplication,
    FoundRoute,
    FoundService,
    Surroundings,
)
from loadtests.model.tested.target import Interface, Target, TargetKind
from loadtests.targets import import_string
from loadtests.targets.application import inspection, interpreter
from loadtests.targets.compose_file import files
from loadtests.targets.discovery import (
    asking,
    compose_files,
    flask_source,
    locustfiles,
    source_files,
)
from loadtests.targets.discovery.flask_source import Source
from loadtests.targets.import_string import FLASK_APP
from loadtests.tools import proc

DOCKERFILES = ("Dockerfile", "Containerfile", "docker/Dockerfile", "*/Dockerfile")
ASKED = frozenset({"django", "flask"})
"""WSGI frameworks whose routes an import shows, so that they can be asked."""

NAMED = "the target that you named"
FAILED = 500
"""The first status of a server's errors."""

MOST_BELOW = 5
"""Folders that a message names."""

MOST_IMPORTED = 3
"""Applications that are imported until one is; each may take the limit of an import."""


def look(
    folder: Path,
    target: Target | None = None,
    *,
    python: str | None,
    env: Mapping[str, str],
    ask: bool,
) -> Surroundings:
    """Return what a folder has; an application is imported in a child process.

    ``target`` is what the user named; without it the likeliest is taken. ``python`` is the
    interpreter that was asked for. With ``ask``, each route that is read without a parameter is
    asked once. Raises :class:`UsageError` where nothing can be tested.
    """
    sources = flask_source.find_any(folder)
    if target is not None and target.kind is TargetKind.IMPORT_STRING:
        named = Source(name=target.application or "", file=target.given)
        program = interpreter.find(python, folder).path
        application: FoundApplication | None = _imported(named, folder, program, env, ask=ask)
    else:
        application = _application(folder, sources, python, env, ask=ask)
    services, notes = compose_files.find(folder, _named_files(target, folder))
    dockerfiles = tuple(
        dict.fromkeys(
            str(file.relative_to(folder))
            for pattern in DOCKERFILES
            for file in sorted(folder.glob(pattern))
        )
    )
    found = Surroundings(
        folder=str(folder),
        target="",
        why="",
        application=application,
        services=services,
        dockerfiles=dockerfiles,
        locustfiles=locustfiles.find(folder),
        notes=notes,
    )
    return _with_target(found, sources) if target is None else _as_named(found, target, sources)


def _named_files(target: Target | None, folder: Path) -> tuple[str, ...]:
    """Return the Compose files that the user named; none for another target."""
    if target is None or target.kind is not TargetKind.SERVICE:
        return ()
    return files.split(target.given.rpartition(":")[0], folder)


def _as_named(found: Surroundings, target: Target, sources: Sequence[Source]) -> Surroundings:
    """Return the surroundings with the target that the user named, and its routes."""
    application = found.application
    if target.kind is TargetKind.IMPORT_STRING and application is not None:
        if application.trouble is not None:
            raise UsageError(application.trouble)
        return replace(found, target=application.name, why=NAMED, routes=application.routes)
    service = next((each for each in found.services if str(each) == target.given), None)
    if service is not None:
        return replace(_with_stores(found, service, sources), why=NAMED)
    routes = _routes_of_image(found) if target.dockerfile is not None else ()
    return replace(found, target=target.given, why=NAMED, routes=routes)


def _application(
    folder: Path,
    sources: Sequence[Source],
    python: str | None,
    env: Mapping[str, str],
    *,
    ask: bool,
) -> FoundApplication | None:
    """Return the application as Flask finds it, or as the source shows it; None without one."""
    named = env.get(FLASK_APP) or import_string.find(".", folder).application
    if named:
        sources = [Source(name=named, file=f"what {FLASK_APP} names"), *sources]
    if not sources:
        return _guessed(folder, python, env, ask=ask)
    program = interpreter.find(python, folder).path
    failed: FoundApplication | None = None
    for source in sources[:MOST_IMPORTED]:
        found = _imported(source, folder, program, env, ask=ask)
        if found.trouble is None:
            return found
        failed = failed or found
    return failed


def _guessed(
    folder: Path, python: str | None, env: Mapping[str, str], *, ask: bool
) -> FoundApplication | None:
    """Return what is an application though its source does not show it; None for anything else."""
    guesses = flask_source.find_guesses(folder)[:MOST_IMPORTED]
    program = interpreter.find(python, folder).path if guesses else ""
    found = (_imported(source, folder, program, env, ask=ask) for source in guesses)
    return next((application for application in found if application.trouble is None), None)


def _imported(
    source: Source, folder: Path, python: str, env: Mapping[str, str], *, ask: bool
) -> FoundApplication:
    """Return an application as its import shows it, or with the reason why it does not import."""
    try:
        seen = inspection.inspect(
            source.name,
            python=python,
            folder=folder,
            env=env,
            modules=(),
            limit_s=inspection.limit_of(START_LIMIT_S),
        )
    except UsageError as error:
        return FoundApplication(
            name=source.name, file=source.file, routes=source.routes, trouble=str(error)
        )
    rules = dict.fromkeys((rule.path, rule.methods) for rule in seen.routes)
    routes = tuple(FoundRoute(path=path, methods=methods) for path, methods in rules)
    is_async = seen.interface is Interface.ASGI
    if ask and (is_async or seen.framework in ASKED):
        routes = asking.asked(
            routes,
            application=seen.application,
            source=seen.source,
            python=python,
            folder=folder,
            env=env,
            is_async=is_async,
        )
    return FoundApplication(
        name=seen.application,
        file=source.file,
        framework=seen.framework,
        is_async=is_async,
        python=python,
        routes=routes or source.routes,
    )


def _with_target(found: Surroundings, sources: Sequence[Source]) -> Surroundings:
    """Return the surroundings with the target that is tested best."""
    application = found.application
    service = _service(found, sources)
    has_docker = proc.which("docker") is not None or proc.which("docker-compose") is not None
    if service is not None and (service.needs or service.beside) and has_docker:
        return _with_stores(found, service, sources)
    if application is not None and application.trouble is None:
        why = f"an application in {application.file}"
        return replace(found, target=application.name, why=why, routes=application.routes)
    if service is not None:
        why = f"a service of {service.file}"
        return replace(found, target=str(service), why=why, routes=_routes(found, service, sources))
    if found.dockerfiles:
        file = found.dockerfiles[0]
        target = "." if file == "Dockerfile" else file
        routes = _routes_of_image(found)
        return replace(found, target=target, why=f"what {file} builds", routes=routes)
    if application is not None:
        why = f"an application in {application.file}, which does not run as it is"
        return replace(found, target=application.name, why=why, routes=application.routes)
    below = _below(Path(found.folder))
    place = f"one of {', '.join(below)}" if below else "the project's folder"
    notes = "".join(f" {note}" for note in found.notes)
    raise UsageError(
        f"Nothing was found in {found.folder} that can be tested: no WSGI or ASGI application, no"
        " Compose file with a service that is built or has ports, no Dockerfile. Start this in"
        f" {place}, or name the target: twofold run TARGET.{notes}"
    )


def _with_stores(
    found: Surroundings, service: FoundService, sources: Sequence[Source]
) -> Surroundings:
    """Return the surroundings with a service that has others to run with, and what it lacks."""
    notes = list(found.notes)
    routes = _routes(found, service, sources)
    if service.needs:
        needs = ", ".join(service.needs)
        routes = tuple(
            replace(route, lacks_store=True) if (route.status or 0) >= FAILED else route
            for route in routes
        )
        if failed := ", ".join(f"GET {route.path}" for route in routes if route.lacks_store):
            notes.append(
                f"The application alone failed at {failed}, perhaps for want of {needs}. The load"
                f" has them all the same: {service} brings it along."
            )
    if service.beside:
        stores = ", ".join(service.beside)
        notes.append(
            f"Nothing in {service.file} says that {service.name} needs {stores}, so a run starts it"
            f" without. If it needs that, write there: depends_on: [{stores}]."
        )
    if service.unset:
        notes.append(
            f"{service.file} gives {service.name} variables without a value:"
            f" {', '.join(service.unset)}. Set them here or in .env."
        )
    named = service.needs or service.beside
    why = f"a service of {service.file} {'that needs' if service.needs else 'beside'}"
    return replace(
        found,
        target=str(service),
        why=f"{why} {', '.join(named)}",
        routes=routes,
        notes=tuple(notes),
    )


def _below(folder: Path) -> list[str]:
    """Return the folders with applications, one or two levels below, as a monorepo has them."""
    below: list[Path] = []
    for path in (*sorted(folder.glob("*")), *sorted(folder.glob("*/*"))):
        place = path.relative_to(folder)
        is_of_tools = any(part[0] == "." or part in source_files.SKIPPED for part in place.parts)
        is_known = any(place.is_relative_to(other) for other in below)
        if not is_of_tools and not is_known and flask_source.find_any(path):
            below.append(place)
    return [str(place) for place in below[:MOST_BELOW]]


def _service(found: Surroundings, sources: Sequence[Source]) -> FoundService | None:
    """Return the service that is most likely the application: one with Flask, built, with ports.

    One with an async application goes before those in which none is seen.
    """

    def rank(service: FoundService) -> tuple[int, bool, bool]:
        own = _sources(found, service, sources) if service.context is not None else ()
        kind = 2 if not own else 1 if own[0].framework is not None else 0
        return (kind, service.context is None, not service.publishes)

    return min(found.likely_services, key=rank, default=None)


def _sources(
    found: Surroundings, service: FoundService, sources: Sequence[Source]
) -> Sequence[Source]:
    """Return the applications in the folder that a service is built from."""
    if service.context is None:
        return ()
    if service.context in {".", "./"} and sources:
        return sources
    return flask_source.find_any(Path(found.folder) / service.context)


def _routes_of_image(found: Surroundings) -> tuple[FoundRoute, ...]:
    """Return the routes of what a Dockerfile builds; an async application has a server there."""
    if found.application is not None:
        return found.application.routes
    seen = flask_source.find_any(Path(found.folder))
    return seen[0].routes if seen else ()


def _routes(
    found: Surroundings, service: FoundService, sources: Sequence[Source]
) -> tuple[FoundRoute, ...]:
    if found.application is not None and service.context in {".", "./"}:
        return found.application.routes
    seen = _sources(found, service, sources)
    return seen[0].routes if seen else ()
