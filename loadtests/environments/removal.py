"""What `twofold down` removes, whatever the backend: what runs have left."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from loadtests.environments.protocol import Say
from loadtests.model.errors import EnvironmentFailure


class KeptBySystem(Exception):
    """A part stays, but does not run and is in nobody's way; the message says which, and why."""


@dataclass(frozen=True, kw_only=True)
class Remains:
    """What one run has on this machine: its name, and whether the run may still be going on."""

    name: str
    living: bool
    remove: Callable[[], None]
    """Removes it. Raises ``EnvironmentFailure`` or :class:`KeptBySystem` where a part stays."""


@dataclass(frozen=True, kw_only=True)
class Removed:
    """How many runs' remains are gone, and why others are not."""

    runs: int
    failures: tuple[str, ...]


def remove(remains: Iterable[Remains], say: Say) -> Removed:
    """Remove each; what cannot be removed stops none of the others."""
    runs, failures = 0, []
    for run in remains:
        say(f"Removing {run.name}" + ("" if run.living else ", which a run that died has left"))
        try:
            run.remove()
            runs += 1
        except KeptBySystem as error:
            say(str(error))
        except EnvironmentFailure as error:
            failures.append(str(error))
    return Removed(runs=runs, failures=tuple(failures))


def remove_dead(remains: Iterable[Remains], say: Say) -> None:
    """Remove what dead runs have left; what cannot be removed is said, and stops nothing."""
    for failure in remove((run for run in remains if not run.living), say).failures:
        say(failure)
