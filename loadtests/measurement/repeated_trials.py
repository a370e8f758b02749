"""Measures the trials of a round, and those again at its end that other programs disturbed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

REPEATED_PART = 4
"""At most every fourth trial of a round is measured again; more is no accident but the machine."""

Spec = TypeVar("Spec")
Spec_contra = TypeVar("Spec_contra", contravariant=True)


class Measured(Protocol):
    """A finished trial of a closed or of an open loop."""

    @property
    def set_aside(self) -> str | None:
        """Why it does not count and is measured again, or None for one that counts."""


class Measure(Protocol[Spec_contra]):
    """Measures one trial and writes it down; sets it aside where it ``may_repeat`` and has to."""

    def __call__(self, spec: Spec_contra, /, *, may_repeat: bool) -> Measured:
        """Give the trial that was measured."""


def measure_round(
    specs: Sequence[Spec],
    measure: Measure[Spec],
    renamed: Callable[[Spec, str], Spec],
) -> None:
    """Measure each of ``specs`` once, then those again that were set aside.

    ``renamed`` gives a spec with this suffix to its name.
    """
    repeated: list[Spec] = []
    for spec in specs:
        may_repeat = len(repeated) < max(1, len(specs) // REPEATED_PART)
        if measure(spec, may_repeat=may_repeat).set_aside:
            repeated.append(renamed(spec, "-again"))
    for spec in repeated:
        measure(spec, may_repeat=False)
