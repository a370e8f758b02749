"""What stores answer about their sessions during a run: at each look, and in sentences at its end.

A store that does not answer is asked a few more times. Then it is left alone, and the reason stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from loadtests.model.errors import ProcessFailure
from loadtests.model.tested.shared import StoreSessions
from loadtests.tools.stores import StoreProgram

FIRST_LIMIT_S = 5.0
"""Seconds that a store has for its first answer, which comes before any window."""

LOOK_LIMIT_S = 0.4
"""Seconds for each further one. A look is at the edge of a window, which lasts some seconds."""

MOST_MISSED = 3
"""A store that missed so many looks in a row is not asked again."""

REASON_CHARS = 200


class AskStore(Protocol):
    """Asks a store's client in its container."""

    def __call__(self, member: str, program: StoreProgram, *, limit_s: float) -> str:
        """Return the answer; raise :class:`ProcessFailure` with the reason where there is none."""


class AskedStores:
    """The stores of one stack that are asked; ``ask`` is how."""

    def __init__(self, ask: AskStore) -> None:
        self._ask = ask
        self._first: dict[str, StoreSessions] = {}
        self._last: dict[str, StoreSessions] = {}
        self._missed: dict[str, tuple[int, str]] = {}
        self._names: dict[str, str] = {}

    def look(
        self, member: str, program: StoreProgram, addresses: Mapping[str, str]
    ) -> StoreSessions | None:
        """Return a store's sessions of this moment; None where it did not answer in time."""
        self._names[member] = program.name
        missed, _ = self._missed.get(member, (0, ""))
        if missed >= MOST_MISSED:
            return None
        limit_s = LOOK_LIMIT_S if member in self._first else FIRST_LIMIT_S
        try:
            answer = self._ask(member, program, limit_s=limit_s)
            seen = program.parse(member, answer, addresses)
        except (ProcessFailure, ValueError) as error:
            self._missed[member] = (missed + 1, str(error).strip()[:REASON_CHARS])
            return None
        self._missed.pop(member, None)
        self._first.setdefault(member, seen)
        self._last[member] = seen
        return seen

    def notes(self) -> tuple[str, ...]:
        """Return what was refused or given up, and which stores are not checked, in sentences."""
        unchecked = [
            f"Not checked: the connections and locks of {member} ({self._names[member]}):"
            f" {reason.rstrip('.')}."
            for member, (missed, reason) in self._missed.items()
            if missed >= MOST_MISSED or member not in self._last
        ]
        return (*unchecked, *self._counted())

    def _counted(self) -> list[str]:
        sentences = []
        for member, last in self._last.items():
            first, name = self._first[member], f"{member} ({last.program})"
            if refused := (last.refused or 0) - (first.refused or 0):
                limit = f", which accepts {last.most}" if last.most else ""
                sentences.append(f"{name}{limit}, refused {refused} connections.")
            if deadlocks := (last.deadlocks or 0) - (first.deadlocks or 0):
                sentences.append(f"{name} found {deadlocks} deadlocks.")
        return sentences
