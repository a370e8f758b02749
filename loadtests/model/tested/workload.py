"""What users ask: a path, a list of requests, or a locustfile. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from loadtests.model.tested.variables import Body, Fields, Headers, Json, Lists, UrlPath, Variables


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What makes an answer correct. Without ``status``, every status below 400 is."""

    status: int | None = None
    contains: str | None = None


@dataclass(frozen=True, kw_only=True)
class RequestSpec:
    """One request of a workload's list.

    ``weight`` is its share among the list's requests. ``path`` starts with a slash and may have a
    query; it and all texts of ``query``, ``form``, ``json``, ``headers`` and ``body`` may contain
    placeholders: ``{1..1000}``, ``{a|b|c}``, or ``{word}`` of the workload's ``values``. ``files``
    maps a form field to a file's path. ``name`` groups it in reports; None means method and path.
    """

    method: str = "GET"
    path: UrlPath = "/"
    weight: int = 1
    name: str | None = None
    query: Fields = field(default_factory=dict)
    headers: Headers = field(default_factory=dict)
    form: Fields | None = None
    json: Json = None
    body: Body | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    expect: Expected = Expected()


@dataclass(frozen=True, kw_only=True)
class Locustfile:
    """A user's locustfile, and the way to use it.

    ``path`` is absolute. ``tags`` and ``exclude_tags`` choose tasks as Locust's options do.
    ``keep_waits`` keeps the users' waiting times. ``env`` are variables for the file.
    ``requirements`` is the path of a requirements file with the modules that it imports.
    ``sha256`` is that of its text when the command began; None in older files.
    """

    path: str
    tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    keep_waits: bool = False
    env: Variables = field(default_factory=dict)
    requirements: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A workload: a name, and one of a path, a list of requests or a locustfile.

    ``path`` (with query) is the only request. It is a label in sentences where there is a list, a
    user's locustfile or a ``scenario``: a built-in one in ``generator/locustfiles``. ``start``
    are the requests that each user sends once before the list, such as a login. ``values`` are the
    lists that placeholders take their values from. ``needs_store`` says that requests use the
    sample application's data store; ``waits``, that they hardly use CPU.
    """

    name: str
    path: UrlPath
    scenario: str | None = None
    needs_store: bool = False
    waits: bool = False
    requests: tuple[RequestSpec, ...] = ()
    start: tuple[RequestSpec, ...] = ()
    values: Lists = field(default_factory=dict)
    locustfile: Locustfile | None = None
    headers: Headers = field(default_factory=dict)
    """Headers of every request of a list or a locustfile."""

    @property
    def is_users(self) -> bool:
        """Whether it is the user's own: a list of requests, or a locustfile."""
        return bool(self.requests) or self.locustfile is not None
