"""The registry entry of a backend."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from loadtests.environments.protocol import Chosen, Say
from loadtests.environments.removal import Remains
from loadtests.model.tested.target import Target, TargetKind
from loadtests.planning.checks import BackendChecks


@dataclass(frozen=True, kw_only=True)
class BackendKind:
    """A backend's entry in the registry.

    ``about`` is the short description in ``--help``. ``auto`` tries backends by ``auto_rank``, the
    lowest first; None means never. ``targets`` are the forms of target that it can run.

    ``choose`` takes the folder with ``compose/``, the target, and how many seconds a replica has
    until it answers, which an import has, too; it raises
    :class:`~loadtests.model.errors.EnvironmentFailure` if the backend does not work on this
    machine. ``doctor`` calls ``examine``; None means that nothing of this machine is needed.
    ``down`` calls ``remains``, and removes inside its block.
    """

    name: str
    about: str
    auto_rank: int | None
    targets: frozenset[TargetKind]
    choose: Callable[[Path, Target, float], Chosen]
    examine: Callable[[], BackendChecks] | None
    remains: Callable[[Say], AbstractContextManager[tuple[Remains, ...]]]
