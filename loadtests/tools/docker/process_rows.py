"""The rows of ``docker top``, in the order in which processes started each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

Row = Sequence[str]
"""A process: its id, its parent's, and what else was asked for."""


def parents_first(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with each process before those that it started; siblings by their ids.

    The engine sorts by id. Ids begin anew at the kernel's ``pid_max``, which may be 32,768. So the
    first process of a container may have a higher id than those that it started.
    """
    children: dict[str, list[Row]] = defaultdict(list)
    ids = {row[0] for row in rows}
    for row in sorted(rows, key=lambda row: int(row[0])):
        pid, parent = row[:2]
        children[parent if parent in ids and parent != pid else ""].append(row)

    def family(parent: str) -> Iterator[Row]:
        for row in children[parent]:
            yield row
            yield from family(row[0])

    return list(family(""))
