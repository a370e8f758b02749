"""Placeholders in requests: ``{1..1000}``, ``{a|b|c}`` and ``{word}``. PURE.

In a path every brace belongs to a placeholder. Elsewhere braces are usual (JSON, templates), so
only the three forms count, and a word that is no name of values stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from loadtests.config.names import did_you_mean

_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")
_WORD = re.compile(r"[A-Za-z_]\w*")
_FLASK = re.compile(r"<(?:\w+:)?\w+>")

FORMS = "{1..1000}, {red|green} or {word} with a list values.word"


def faults_in_path(path: str, names: Iterable[str]) -> Iterator[str]:
    """Give what is wrong with the placeholders of a path; ``names`` are those of values."""
    choices = tuple(names)
    if _FLASK.search(path):
        yield f"{path!r} has the place of a Flask route. Write {FORMS}."
    if set("{}") & set(_BRACES.sub("", path)):
        yield f"{path!r} has a brace without its other. A placeholder is {FORMS}."
    for inner in _BRACES.findall(path):
        yield from _faults(inner, choices)


def faults_in_text(text: str, names: Iterable[str]) -> Iterator[str]:
    """Give what is wrong with the placeholders of a body, a header or a form's value."""
    choices = tuple(names)
    for inner in _BRACES.findall(text):
        is_near = _WORD.fullmatch(inner) and inner not in choices and did_you_mean(inner, choices)
        if is_near or _RANGE.fullmatch(inner):
            yield from _faults(inner, choices)


def _faults(inner: str, names: Sequence[str]) -> Iterator[str]:
    bounds = _RANGE.fullmatch(inner)
    if bounds is not None:
        if int(bounds[1]) > int(bounds[2]):
            yield f"{{{inner}}} is an empty range. Write the smaller number first."
    elif "|" in inner:
        if not all(inner.split("|")):
            yield f"{{{inner}}} has an empty choice. Write {{a|b|c}}."
    elif not _WORD.fullmatch(inner):
        yield f"{{{inner}}} is no placeholder. Write {FORMS}."
    elif inner not in names:
        known = f" Known: {', '.join(names)}." if names else ""
        yield (
            f"{{{inner}}} has no values: there is no list values.{inner}."
            f"{did_you_mean(inner, names)}{known}"
        )


def example(text: str, values: Mapping[str, Sequence[str]]) -> str:
    """Return a text with the first value of each placeholder."""
    return _BRACES.sub(lambda match: _first(match[1], values) or match[0], text)


def _first(inner: str, values: Mapping[str, Sequence[str]]) -> str | None:
    bounds = _RANGE.fullmatch(inner)
    if bounds is not None:
        return bounds[1]
    if "|" in inner:
        return inner.split("|", maxsplit=1)[0]
    return next(iter(values.get(inner, ())), None)
