"""The names that registries give to a configuration file's checks. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Known:
    """The registered names; this package does not import the registries.

    ``servers`` maps a server to the names of its kinds of workers, ``variants`` are the built-in
    ones, and ``workloads`` those of the sample application.
    """

    backends: tuple[str, ...] = ()
    servers: Mapping[str, tuple[str, ...]]
    variants: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()
