"""Removes what runs have left, for ``twofold down`` and every backend."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from loadtests.environments.protocol import Say
from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import temporary


class KeptBySystem(Exception):
    """A harmless part could not be removed; the message says which, and why."""


@dataclass(frozen=True, kw_only=True)
class Remains:
    """What one run has left on this machine; ``living`` if the run may still be active."""

    name: str
    living: bool
    remove: Callable[[], None]
    """Removes it; raises ``EnvironmentFailure`` or :class:`KeptBySystem` if a part remains."""


@dataclass(frozen=True, kw_only=True)
class Removed:
    """The number of runs cleaned up, and the failures of the others."""

    runs: int
    failures: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Listed:
    """What runs have left, and the failures of what could not be listed."""

    runs: tuple[Remains, ...]
    failures: tuple[str, ...] = ()


def remove(remains: Iterable[Remains], say: Say) -> Removed:
    """Remove all remains; a failure does not stop the others."""
    runs, failures = 0, []
    for run in remains:
        say(f"Removing {run.name}" + ("" if run.living else ", left by a dead run"))
        try:
            run.remove()
            runs += 1
        except KeptBySystem as error:
            say(str(error))
        except (EnvironmentFailure, OSError) as error:
            failures.append(str(error))
    return Removed(runs=runs, failures=tuple(failures))


def remove_dead(remains: Iterable[Remains], say: Say) -> None:
    """Remove what dead runs have left, and their temporary folders; failures are only reported."""
    for failure in remove((run for run in remains if not run.living), say).failures:
        say(failure)
    for failure in temporary.remove_abandoned():
        say(failure)
