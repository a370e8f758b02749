"""A few answers of a trial as examples of their kind, where some failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from loadtests.generator.http.head import final_head, headers_of
from loadtests.generator.http.outcome import Outcome

EACH = 2
"""Examples of each name, outcome and status."""

MOST = 24
"""Examples of a trial that are told."""

MOST_KEPT = 200
"""Examples that are kept while it runs."""

BODY_BYTES = 200

LOCATION_CHARS = 200

Example = Mapping[str, Any]
"""``name``, ``outcome``, ``status``, ``replica``, ``body_start`` and ``location``."""


class Examples:
    """The examples of one trial; ``shown`` has the names of which a success is kept."""

    def __init__(self) -> None:
        self.shown: set[int] = set()
        self._kept: dict[tuple[int, Outcome, int], list[tuple[int, bytes, bytes]]] = {}
        self._count = 0

    def clear(self) -> None:
        """Forget all of them."""
        self.shown.clear()
        self._kept.clear()
        self._count = 0

    def show(
        self, name: int, outcome: Outcome, status: int, replica: int, raw: bytes, body: bytes
    ) -> None:
        """Keep an answer, if there are too few of its kind."""
        if outcome is Outcome.OK:
            self.shown.add(name)
        kept = self._kept.setdefault((name, outcome, status), [])
        if len(kept) < EACH and self._count < MOST_KEPT:
            self._count += 1
            kept.append((replica, final_head(raw) or b"", body[:BODY_BYTES]))

    def told(self, names: Sequence[str], replicas: Sequence[str]) -> tuple[Example, ...]:
        """Return the examples of failures, then those of successes of the same names.

        None where nothing failed.
        """
        failed = [key for key in self._kept if key[1] is not Outcome.OK]
        failed_names = {key[0] for key in failed}
        right = [key for key in self._kept if key[1] is Outcome.OK and key[0] in failed_names]
        return tuple(
            _told(key, *one, names, replicas)
            for key in (*failed, *right)
            for one in self._kept[key]
        )


def chosen(examples: Iterable[Example]) -> list[Example]:
    """Return as many examples as are told, those of failures first."""
    return sorted(examples, key=lambda example: example["outcome"] == "ok")[:MOST]


def _told(
    key: tuple[int, Outcome, int],
    replica: int,
    head: bytes,
    body: bytes,
    names: Sequence[str],
    replicas: Sequence[str],
) -> Example:
    name, outcome, status = key
    fields = headers_of(head) if head else {}
    is_text = "content-encoding" not in fields
    return {
        "name": names[name] if 0 <= name < len(names) else "",
        "outcome": outcome.name.lower(),
        "status": status or None,
        "replica": replicas[replica] if 0 <= replica < len(replicas) else None,
        "body_start": body.decode("utf-8", "replace") if is_text else "",
        "location": fields["location"][:LOCATION_CHARS] if "location" in fields else None,
    }
