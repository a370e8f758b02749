"""How a deployment that runs already is scaled and read: commands of the user's. PURE."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """The commands for a deployment, as argument lists that run without a shell.

    ``scale`` sets the number of replicas; ``{replicas}`` in its words stands for it. ``replicas``
    prints the names of those that serve, one a line. ``ready`` ends with code 0 when the deployment
    is ready. ``counters`` prints one line a replica: its name, its CPU-seconds so far, and if
    known the seconds for which it was throttled. ``reset`` runs before each round. Each may take
    ``limit_s``. ``header`` names the response header with the replica's name. ``ready_limit_s`` is
    how long the deployment may take to have its new number.
    """

    scale: tuple[str, ...] = ()
    replicas: tuple[str, ...] = ()
    ready: tuple[str, ...] = ()
    counters: tuple[str, ...] = ()
    reset: tuple[str, ...] = ()
    header: str | None = None
    limit_s: float = 60.0
    ready_limit_s: float = 300.0
