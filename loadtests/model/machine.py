"""The machine that runs the experiment."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The facts of a machine that a result depends on."""

    cores: int
    core_ids: tuple[int, ...]
    memory_bytes: int
    cpu_model: str
    system: str
    python: str
    engine: str | None = None
    compose: str | None = None
    cgroup: str | None = None
    can_budget: bool = True
    """Whether a CPU budget can be set for a replica here."""
    can_pin: bool = True
    """Whether a process can be pinned to cores here."""
