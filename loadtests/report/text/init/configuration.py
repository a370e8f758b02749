"""The text of a configuration file for what was found in a folder. PURE."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from loadtests.analysis.shared.statuses import REFUSED
from loadtests.model.tested.surroundings import (
    FoundLocustfile,
    FoundRoute,
    FoundService,
    Surroundings,
)

HEALTH = ("/healthz", "/health", "/livez", "/readyz", "/ping", "/status", "/up", "/_health")
"""Usual paths that say whether an application is ready, the commonest first."""

MOST_REQUESTS = 8
MOST_COMMENTS = 20
MOST_OTHERS = 5
MOST_CHARS = 40
"""Characters of a workload's name."""

SLOW_S = 1.0
"""A request that takes longer alone is left for the user to choose."""

READ = 200
REDIRECTED = 300
FAILED = 500

WORKLOAD = "requests"
ROOT = "/"

_HEALTH = re.compile(r"(?:^|[/_.-])health(?:z|y|[-_]?checks?)?(?:/(?:live|ready)\w*)?/?$")
"""The end of a path that tells whether an application is ready; ``/health-tips`` is a page."""

_PARAMETER = re.compile(r"<(?:(?P<kind>\w+)(?:\([^)]*\))?:)?(?P<name>\w+)>")


def render(found: Surroundings) -> str:
    """Return the file: what runs as it is, and in comments what else there is."""
    return "\n".join([*_head(found), *_variants(found), *_load(found), *_checks(), ""])


def summary(found: Surroundings, file: str) -> str:
    """Return what was found, and the next command, as lines of text."""
    chosen, _ = requests(found.routes)
    lines = [f"Target     {found.target} ({found.why})"]
    others = [f"Also       {other} ({why})" for other, why in _others(found)]
    lines += others[:MOST_OTHERS]
    lines += [f"Note       {_indented(note)}" for note in _notes(found)]
    usable = _usable(found.locustfiles)
    if usable is not None:
        lines.append(f"Load       {usable.file}")
    else:
        lines.append(f"Load       {', '.join(f'GET {route}' for route in chosen)}")
    return "\n".join([*lines, "", *_next_steps(found, file)])


def _next_steps(found: Surroundings, file: str) -> Iterator[str]:
    """Give the commands that come next: first those without which the file does not run."""
    application = found.application
    if application is not None and application.name == found.target and application.trouble:
        yield f"Wrote {file}. It does not run yet: mend what the note says, then look again:"
        yield ""
        yield "    twofold init --force"
        return
    yield f"Wrote {file}. Look it over, then:"
    yield ""
    for name in found.unset:
        yield f"    export {name}=...  # the file has its name only"
    yield from ("    twofold plan", "    twofold run")


def _trouble(found: Surroundings) -> str | None:
    """Return why the application does not import, where no service is tested instead."""
    is_service = found.target in map(str, found.services)
    return found.application.trouble if found.application and not is_service else None


def _notes(found: Surroundings) -> Iterator[str]:
    trouble = _trouble(found)
    if trouble is not None:
        yield trouble
    for route in found.routes:
        if route.status is not None and route.status >= FAILED and not route.lacks_store:
            yield f"GET {route.path} answered {route.status}. Does it need data, or a variable?"
    yield from found.notes


def _indented(text: str) -> str:
    return text.replace("\n", "\n           ")


def requests(routes: Sequence[FoundRoute]) -> tuple[list[str], list[FoundRoute]]:
    """Return the paths that are asked, and the routes that are not.

    A path is asked if it is read by GET without a parameter, and its answer is one of success
    within a second, or an error for want of the store. Where no answer is known, only one path is
    asked.
    """
    ready = health(routes)
    plain = [route for route in routes if _is_plain(route)]
    answered = [route.path for route in plain if _has_answered(route) and route.path != ready]
    paths = answered[:MOST_REQUESTS]
    if not paths:
        known = [route.path for route in plain if route.path != ready] or [ready or ROOT]
        paths = [ROOT if ROOT in known else known[0]]
    asked = {*paths, ready}
    others = [
        route
        for route in routes
        if (route.path not in asked or not _is_plain(route)) and not _is_static(route)
    ]
    return paths, others


def _is_static(route: FoundRoute) -> bool:
    return route.path.endswith("<path:filename>")


def _is_plain(route: FoundRoute) -> bool:
    return "GET" in route.methods and "<" not in route.path


def _has_answered(route: FoundRoute) -> bool:
    if route.lacks_store:
        return True
    if route.status is None or not READ <= route.status < REDIRECTED:
        return False
    return route.seconds is None or route.seconds < SLOW_S


def health(routes: Sequence[FoundRoute]) -> str | None:
    """Return the path that says whether the application is ready, if it has a usual one."""
    paths = [route.path for route in routes if _is_plain(route)]
    usual = (path for path in HEALTH if path in paths)
    return next(usual, None) or next(filter(_HEALTH.search, paths), None)


def _others(found: Surroundings) -> Iterator[tuple[str, str]]:
    """Give the other targets that could be named."""
    if found.application is not None and found.application.name != found.target:
        yield found.application.name, f"an application in {found.application.file}"
    for service in found.likely_services:
        if str(service) != found.target:
            yield str(service), _about(service)
    for file in found.dockerfiles:
        target = "." if file == "Dockerfile" else file
        if target != found.target:
            yield target, f"what {file} builds"


def _about(service: FoundService) -> str:
    needs = f" with {', '.join(service.needs)}" if service.needs else ""
    return f"a service of the Compose file{needs}"


def _head(found: Surroundings) -> Iterator[str]:
    yield "# Written by `twofold init`. `twofold plan` says what it does, `twofold run` measures."
    yield ""
    yield "[tool.twofold]"
    yield f"target = {_quoted(found.target)}  # {found.why}"
    for other, why in _others(found):
        yield f"# target = {_quoted(other)}  # {why}"
    path = health(found.routes)
    if path is not None:
        yield f"health = {_quoted(path)}  # answers when a replica is ready"
    else:
        yield '# health = "/healthz"  # a path that answers when a replica is ready'
    if found.python is not None:
        yield f"python = {_quoted(found.python)}"
    yield '# env = {NAME = "value"}  # variables that the application needs'
    if found.variables:
        names = ", ".join(map(_quoted, found.variables))
        yield f"pass-env = [{names}]  # the same, with the values of the shell"
    else:
        yield '# pass-env = ["DATABASE_URL"]  # the same, with the values of the shell'
    if _is_async(found):
        yield 'workers = ["uvicorn"]  # serves an asynchronous application (ASGI)'
    usable = _usable(found.locustfiles)
    if usable is not None:
        name = _names_of(found.locustfiles)[usable.file]
        yield f"workload = {_quoted(name)}  # or {_quoted(WORKLOAD)}"


def _is_async(found: Surroundings) -> bool:
    """Tell whether what is tested is an asynchronous application by its import string."""
    application = found.application
    return application is not None and application.is_async and application.name == found.target


def _variants(found: Surroundings) -> Iterator[str]:
    yield ""
    yield "# Ways to serve it, beside the built-in ones:"
    yield "# [tool.twofold.variants]"
    if _is_async(found):
        yield '# uvicorn-2 = {server = "uvicorn", processes = 2}'
        return
    yield '# gthread-8 = {server = "gunicorn", worker = "gthread", threads = 8}'


def _load(found: Surroundings) -> Iterator[str]:
    paths, others = requests(found.routes)
    yield ""
    yield "# What users ask. The number is a share: 3 is asked three times as often as 1."
    yield f"[tool.twofold.workloads.{WORKLOAD}]"
    yield "requests = ["
    for path in paths:
        yield f"  {_quoted(f'1 GET {path}')},"
    for route in others[:MOST_COMMENTS]:
        yield f"  # {_comment(route)}"
    if len(others) > MOST_COMMENTS:
        yield f"  # … and {len(others) - MOST_COMMENTS} more routes"
    yield "]"
    names = _names_of(found.locustfiles)
    for locustfile in found.locustfiles:
        yield from _locustfile(locustfile, names[locustfile.file])


def _comment(route: FoundRoute) -> str:
    """Return a route as a request in a comment, with what is to be known of it."""
    path = _PARAMETER.sub(_placeholder, route.path)
    method = next(
        (name for name in ("GET", "POST", "PUT", "PATCH", "DELETE") if name in route.methods), "GET"
    )
    if method in {"POST", "PUT", "PATCH"}:
        request = f'{{method = "{method}", path = {_quoted(path)}, form = {{}}}},'
    else:
        request = f'"1 {method} {path}",'
    about = ""
    if route.lacks_store:
        about = "  # it failed without the store"
    elif route.status is not None and not READ <= route.status < REDIRECTED:
        about = f"  # it answered {route.status}"
        if route.status in REFUSED:
            about += ": log in with `start` (see the docs on own load)"
    elif route.seconds is not None and route.seconds >= SLOW_S:
        about = f"  # it took {route.seconds:.1f} s"
    elif path != route.path:
        about = f"  # {route.path}"
    elif route.status is None and method == "GET":
        about = "  # it was not asked"
    return request + about


def _placeholder(match: re.Match[str]) -> str:
    return "{1..100}" if match["kind"] == "int" else "{a|b}"


def _locustfile(found: FoundLocustfile, name: str) -> Iterator[str]:
    mark = "# " if found.missing else ""
    yield ""
    if found.missing:
        names = ", ".join(found.missing)
        yield f"# {found.file} imports {names}, which is not installed here. List it in a file of"
        yield "# requirements, and take the # away:"
    else:
        yield "# A locustfile, used as it is; its waiting times are left out."
    yield f"{mark}[tool.twofold.workloads.{name}]"
    yield f"{mark}locustfile = {_quoted(found.file)}"
    if found.missing:
        yield '# requirements = "requirements-load.txt"'


def _usable(found: Sequence[FoundLocustfile]) -> FoundLocustfile | None:
    return next((locustfile for locustfile in found if not locustfile.missing), None)


def _names_of(found: Sequence[FoundLocustfile]) -> dict[str, str]:
    """Return the name of each locustfile's workload, by its file; no two have the same."""
    names: dict[str, str] = {}
    for locustfile in found:
        path = PurePath(locustfile.file).with_suffix("")
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", str(path)).strip("-")[:MOST_CHARS]
        name, number = plain, 1
        while name in {WORKLOAD, *names.values()}:
            number += 1
            name = f"{plain[: MOST_CHARS - len(f'-{number}')]}-{number}"
        names[locustfile.file] = name
    return names


def _checks() -> Iterator[str]:
    yield ""
    yield "# What has to hold with any number of replicas: written through one, read through all."
    yield "# [[tool.twofold.checks]]"
    yield '# name = "a login is known to every replica"'
    yield '# write = {method = "POST", path = "/login", form = {user = "ada"}}'
    yield '# read = {path = "/me", expect = {status = 200, contains = "ada"}}'


def _quoted(text: str) -> str:
    """Return a text as a string of TOML; JSON's strings are such."""
    return json.dumps(text, ensure_ascii=False)
