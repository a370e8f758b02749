"""Measures the trials of a round, and repeats disturbed ones at its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

REPEATED_PART = 4
"""At most every fourth trial of a round is repeated; more disturbances are typical of the
machine."""

Spec = TypeVar("Spec")
Spec_contra = TypeVar("Spec_contra", contravariant=True)


class Measured(Protocol):
    """A finished closed-loop or open-loop trial."""

    @property
    def set_aside(self) -> str | None:
        """Why the trial does not count and is repeated, or None if it counts."""


class Measure(Protocol[Spec_contra]):
    """Measures and saves one trial; sets a disturbed one aside if it ``may_repeat``."""

    def __call__(self, spec: Spec_contra, /, *, may_repeat: bool) -> Measured:
        """Return the measured trial."""


def measure_round(
    specs: Sequence[Spec],
    measure: Measure[Spec],
    renamed: Callable[[Spec, str], Spec],
    *,
    goes_on: Callable[[], bool] = lambda: True,
) -> None:
    """Measure each of ``specs`` once, then repeat those that were set aside.

    ``renamed`` returns a spec with a suffix to its name. The rest is left out when ``goes_on``
    returns False before a trial.
    """
    repeated: list[Spec] = []
    for spec in specs:
        if not goes_on():
            return
        may_repeat = len(repeated) < max(1, len(specs) // REPEATED_PART)
        if measure(spec, may_repeat=may_repeat).set_aside:
            repeated.append(renamed(spec, "-again"))
    for spec in repeated:
        if not goes_on():
            return
        measure(spec, may_repeat=False)
