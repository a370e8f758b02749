"""Checks names against a list of choices. PURE."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from loadtests.model.errors import UsageError


def check(what: str, values: Sequence[str], names: Iterable[str]) -> None:
    """Raise :class:`UsageError` for a value that is not in ``names``, or that is repeated."""
    choices = tuple(names)
    for value in values:
        if value not in choices:
            raise UsageError(
                f"Unknown {what} {value!r}. Known: {', '.join(choices)}."
                f"{did_you_mean(value, choices)}"
            )
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise UsageError(f"The {what} {repeated[0]!r} is given twice. Give each once.")


def did_you_mean(value: str, names: Iterable[str]) -> str:
    """Return `` Did you mean …?`` with the nearest name, or nothing if no name is near."""
    near = nearest(value, names)
    return f" Did you mean {near}?" if near else ""


def nearest(value: str, names: Iterable[str]) -> str | None:
    """Return the name that is most like a value, or None if no name is near.

    Names that one typing error leads to come first; :mod:`difflib` alone finds none in short words.
    """
    spelled = {name.lower(): name for name in names}
    word = value.lower()
    one_error_away = [name for name in spelled if is_one_error_away(word, name)]
    near = difflib.get_close_matches(
        word, one_error_away, n=1, cutoff=0.0
    ) or difflib.get_close_matches(word, spelled, n=1)
    return spelled[near[0]] if near else None


def is_one_error_away(word: str, name: str) -> bool:
    """Tell whether one letter is left out, added, wrong, or changed places with the next.

    Source: Damerau, A technique for computer detection and correction of spelling errors (1964).
    """
    start = next(
        (at for at, (a, b) in enumerate(zip(word, name, strict=False)) if a != b),
        min(len(word), len(name)),
    )
    rest, wanted = word[start:], name[start:]
    swapped = rest[1:2] + rest[:1] + rest[2:]
    return wanted in {rest[1:], swapped} or rest == wanted[1:] or rest[1:] == wanted[1:]
