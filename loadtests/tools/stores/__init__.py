"""Data stores that are asked what their sessions do, each by its own client in its container.

A store's script defines the shell function ``ask``, which gives one question to the client; the
container's own environment has the credentials. ``LOOP`` then reads one question a line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from loadtests.model.tested.shared import StoreSessions

END = "twofold-end"
"""The word before the number of a question and the client's exit code, after each answer."""

LOOP = f"""
while read -r number question; do
    ask "$question" 2>&1
    echo "{END} $number $?"
done
"""


@dataclass(frozen=True, kw_only=True)
class StoreProgram:
    """A kind of store. ``parse`` takes the member, the answer and the replicas by address.

    ``script`` defines how its client is asked in its container (``LOOP``), and
    ``question`` is what it is asked. ``parse`` raises ``ValueError`` for an answer that is none.
    """

    name: str
    is_server: Callable[[Iterable[str]], bool]
    script: str
    question: str
    parse: Callable[[str, str, Mapping[str, str]], StoreSessions]


def shell_argv(script: str) -> tuple[str, ...]:
    """Return the command that answers one question a line, from inside of the container.

    A question is its number, a space and what the client is asked. The answer ends with ``END``,
    the number and an exit code.
    """
    return ("sh", "-c", script + LOOP)


def end_in(line: str) -> tuple[int, int] | None:
    """Return the number of a question and the client's exit code, if a line ends its answer."""
    words = line.split()
    if len(words) != 3 or words[0] != END:
        return None
    return int(words[1]), int(words[2])
