"""What a command of the user's own has in braces: the places that Twofold fills in. PURE."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from string import Formatter

from loadtests.config.names import did_you_mean

PLACES = ("bind", "host", "port", "python", "app", "module", "name")
"""What a command may have in braces: the address, its parts, the interpreter, the import string,
the module that has the application as ``application``, and the replica's name."""

ADDRESSES = frozenset({"bind", "port"})
"""Of these a command needs one, so that each replica has an address of its own."""


def names_in(words: Sequence[str]) -> tuple[str, ...]:
    """Return the names in the braces of a command's words; raises ValueError for a single brace."""
    return tuple(name for name, _ in _fields(words))


def faults_in(words: Sequence[str]) -> Iterator[str]:
    """Give what is wrong with what a command's words have in braces."""
    try:
        fields = _fields(words)
    except ValueError:
        yield "A brace is single. A placeholder is {bind}; {{ and }} are braces."
        return
    for name, has_more in fields:
        if name in PLACES and has_more:
            yield (
                f"There is more than a name in the braces of {{{name}}}. A placeholder has"
                " nothing else in its braces. Write {module}:application, for example."
            )
    names = {name for name, _ in fields}
    for name, _ in fields:
        if name not in PLACES:
            known = ", ".join(f"{{{place}}}" for place in PLACES)
            yield f"Nobody fills in {{{name}}}.{did_you_mean(name, PLACES)} Known: {known}."
    # An unknown name may be a misspelt address, and is a mistake already.
    if names <= {*PLACES} and not names & ADDRESSES:
        yield (
            "Each replica needs its own address. Put {bind} (host and port) or {port} where the"
            " server takes it."
        )


def _fields(words: Sequence[str]) -> list[tuple[str, bool]]:
    """Return each name in braces, and whether there is more than the name."""
    parsed = (field for word in words for field in Formatter().parse(word))
    return [
        (name, bool(behind or conversion))
        for _, name, behind, conversion in parsed
        if name is not None
    ]
