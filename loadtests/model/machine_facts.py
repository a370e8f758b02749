"""What a look at a machine has found, for ``doctor`` to judge. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from loadtests.model.machine import Machine


class EngineState(StrEnum):
    """How the Docker engine is met."""

    ANSWERS = "answers"
    ABSENT = "absent"
    DOWN = "down"
    DENIED = "denied"


@dataclass(frozen=True, kw_only=True)
class Nginx:
    """The nginx of this machine; ``counts`` says whether it can count its requests."""

    path: str
    version: str
    counts: bool


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """The PostgreSQL of this machine; ``trouble`` says why it cannot be used, None: it can."""

    path: str
    version: str
    trouble: str | None = None


@dataclass(frozen=True, kw_only=True)
class Engine:
    """The Docker engine: how it is met, its version or what it says instead, and what it offers.

    ``machine`` is None where it or Compose does not answer.
    """

    state: EngineState
    detail: str
    compose_version: str | None
    machine: Machine | None = None
    leftovers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ProcessesFacts:
    """What a stack of processes needs, as it is here."""

    machine: Machine
    budgets: str
    """How CPU budgets are set for processes, or why they cannot be."""
    nginx: Nginx | None
    missing_modules: tuple[str, ...]
    taken_ports: tuple[int, ...]
    postgres: Postgres | None = None
    lacking_servers: Mapping[str, str] = field(default_factory=dict)
    """The servers that this Python does not have, each with the words that pip installs it by."""
    pythons: tuple[str, ...] = ()
    """The interpreters on PATH, in words."""


@dataclass(frozen=True, kw_only=True)
class MachineFacts:
    """What every run needs of this machine, whatever its backend."""

    machine: Machine
    results: str
    results_error: str | None
    """What the system says of writing there, None where it can be written."""
    free_bytes: int
    free_where: str
