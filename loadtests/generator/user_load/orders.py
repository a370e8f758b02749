"""The parts of a user's own load, parsed from an order and checked."""

from __future__ import annotations

import json as json_format
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from loadtests.generator.order import BadOrder, UserLoad, demand
from loadtests.generator.session.names import without_secrets

Texts = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class RequestOrder:
    """One request of a list; texts may have placeholders. ``files`` maps fields to paths here."""

    method: str = "GET"
    path: str = "/"
    weight: int = 1
    name: str = ""
    query: Texts = field(default_factory=dict)
    headers: Texts = field(default_factory=dict)
    form: Texts | None = None
    json: Any = None
    body: str | None = None
    files: Texts = field(default_factory=dict)
    status: int | None = None
    contains: str | None = None


@dataclass(frozen=True, kw_only=True)
class FileOrder:
    """A user's locustfile at ``path``, and the way to use it.

    ``modules`` is a folder of modules that it imports. ``env`` are its environment variables.
    """

    path: str
    tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    keep_waits: bool = False
    env: Texts = field(default_factory=dict)
    modules: str | None = None


@dataclass(frozen=True, kw_only=True)
class LoadOrder:
    """A load of the user's own; ``key`` tells one from another."""

    key: str
    requests: tuple[RequestOrder, ...] = ()
    start: tuple[RequestOrder, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    headers: Texts = field(default_factory=dict)
    locustfile: FileOrder | None = None


def read_load(order: UserLoad) -> LoadOrder:
    """Return the load that ``order`` carries; raises ``BadOrder``."""
    if order.locustfile is None:
        demand(bool(order.requests), "requests", order.requests, "a list with a request")
    parts = (order.requests, order.start, order.values, order.locustfile, order.headers)
    return LoadOrder(
        key=json_format.dumps(parts, sort_keys=True),
        requests=tuple(map(read_request, order.requests or ())),
        start=tuple(map(read_request, order.start or ())),
        values={name: words("values", values) for name, values in (order.values or {}).items()},
        headers=texts("headers", order.headers or {}),
        locustfile=None if order.locustfile is None else read_file(order.locustfile),
    )


def read_request(entry: Any) -> RequestOrder:
    """Return one request of a list; raises ``BadOrder``."""
    if not isinstance(entry, dict):
        raise BadOrder(f"requests has {entry!r}; each must be an object.")
    given = {name: value for name, value in entry.items() if value is not None}
    expected = given.get("expect", {})
    demand(isinstance(expected, dict), "expect", expected, "an object")
    method, path = given.get("method", "GET"), given.get("path", "/")
    demand(isinstance(method, str) and method.isalpha(), "method", method, "a word such as GET")
    demand(isinstance(path, str) and path.startswith("/"), "path", path, "a text such as /")
    weight = given.get("weight", 1)
    demand(isinstance(weight, int) and weight >= 1, "weight", weight, "a whole number from 1")
    return RequestOrder(
        method=method.upper(),
        path=path,
        weight=weight,
        name=given.get("name") or f"{method.upper()} {without_secrets(path)}",
        query=texts("query", given.get("query", {})),
        headers=texts("headers", given.get("headers", {})),
        form=texts("form", given["form"]) if "form" in given else None,
        json=given.get("json"),
        body=given.get("body"),
        files=texts("files", given.get("files", {})),
        status=expected.get("status"),
        contains=expected.get("contains"),
    )


def read_file(entry: dict[str, Any]) -> FileOrder:
    """Return the locustfile of an order; raises ``BadOrder``."""
    demand(isinstance(entry.get("path"), str), "path", entry.get("path"), "a path")
    return FileOrder(
        path=entry["path"],
        tags=words("tags", entry.get("tags") or ()),
        exclude_tags=words("exclude_tags", entry.get("exclude_tags") or ()),
        classes=words("classes", entry.get("classes") or ()),
        keep_waits=bool(entry.get("keep_waits")),
        env=texts("env", entry.get("env") or {}),
        modules=entry.get("modules"),
    )


def texts(name: str, value: Any) -> dict[str, str]:
    """Return ``value`` as a mapping of texts; raises ``BadOrder``."""
    demand(isinstance(value, dict), name, value, "an object")
    fits = all(isinstance(text, str | int | float) for text in value.values())
    demand(fits, name, value, "an object of texts")
    return {key: str(text) for key, text in value.items()}


def words(name: str, value: Any) -> tuple[str, ...]:
    """Return ``value`` as texts; raises ``BadOrder``."""
    demand(isinstance(value, list | tuple), name, value, "a list of texts")
    return tuple(map(str, value))
