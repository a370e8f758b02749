"""What a backend is to the rest of the harness: its entry in the registry."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from loadtests.environments.protocol import Chosen, Say
from loadtests.environments.removal import Remains
from loadtests.planning.checks import BackendChecks


@dataclass(frozen=True, kw_only=True)
class BackendKind:
    """A backend's entry in the registry.

    ``about`` is what ``--help`` says of it, in a few words. ``auto_rank`` says when ``auto`` tries
    it, the lowest first; None means never. ``choose`` takes the folder of the application and
    raises :class:`~loadtests.model.errors.EnvironmentFailure` where the backend does not work here.
    ``examine`` is asked by ``doctor``. ``remains`` is asked by ``down``: what runs have left can be
    removed inside its block.
    """

    name: str
    about: str
    auto_rank: int | None
    choose: Callable[[Path], Chosen]
    examine: Callable[[], BackendChecks]
    remains: Callable[[Say], AbstractContextManager[tuple[Remains, ...]]]
