"""What the test harness needs to know about a form in which targets are named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from loadtests.model.tested.target import Target, TargetKind


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form's entry in the registry.

    ``option`` is the explicit command-line option, ``metavar`` an example of its value, and
    ``about`` the short description in ``--help``. ``recognises`` tells whether a text names such a
    target in the folder; ``find`` returns the target, or raises
    :class:`~loadtests.model.errors.UsageError` if it cannot be used.
    """

    kind: TargetKind
    option: str
    metavar: str
    about: str
    recognises: Callable[[str, Path], bool]
    find: Callable[[str, Path], Target]
