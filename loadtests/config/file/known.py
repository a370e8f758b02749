"""The names that registries give to a configuration file's checks. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a server can have, whatever it is told.

    ``most_processes`` is None where it has as many as are asked for. ``one_thread`` are its kinds
    of workers that have a single thread. ``other_kinds`` are further kinds of workers, of which
    nothing else is known.
    """

    most_processes: int | None = None
    one_thread: tuple[str, ...] = ()
    other_kinds: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BuiltIn:
    """The server of a built-in variant, and its kind of workers."""

    server: str
    worker: str


@dataclass(frozen=True, kw_only=True)
class Known:
    """The registered names; this package does not import the registries.

    ``servers`` maps a server to the names of its kinds of workers, and ``limits`` to what it cannot
    have. ``variants`` are the built-in ones, of which ``built_in`` has the server. ``workloads``
    are those of the sample application.
    """

    backends: tuple[str, ...] = ()
    servers: Mapping[str, tuple[str, ...]]
    limits: Mapping[str, Limits] = field(default_factory=dict)
    variants: tuple[str, ...] = ()
    built_in: Mapping[str, BuiltIn] = field(default_factory=dict)
    workloads: tuple[str, ...] = ()
