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
    nearest = difflib.get_close_matches(value.lower(), tuple(names), n=1)
    return f" Did you mean {nearest[0]}?" if nearest else ""
