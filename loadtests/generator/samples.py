"""The samples of a trial as the generator sends them: columns, and tables of names."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from loadtests.generator.examples import Example
from loadtests.generator.http.outcome import Outcome

MOST_ENTRIES = 10_000
"""Entries of a table; its indices are 16-bit numbers."""

OTHERS = "(others)"
"""Stands for all entries beyond these, such as addresses that an application makes up."""

Columns = Mapping[str, npt.NDArray[np.signedinteger]]


@dataclass(frozen=True, kw_only=True)
class Samples:
    """One row per request; ``replica`` and ``name`` are indices into the tables, −1 for none.

    ``redirects`` counts the followed redirects by replica; "" is one that nobody named.
    ``examples`` are a few answers, where some failed.
    """

    columns: Columns
    replicas: tuple[str, ...]
    names: tuple[str, ...]
    redirects: Mapping[str, int] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()

    def count(self, outcome: Outcome) -> int:
        """Return how many rows have ``outcome``."""
        return int((self.columns["outcome"] == outcome).sum())

    @property
    def sent(self) -> int:
        """How many requests were sent, with each redirect that was followed."""
        rows = len(self.columns["outcome"])
        return rows - self.count(Outcome.DROPPED) + sum(self.redirects.values())

    @property
    def answered(self) -> int:
        """How many requests got a whole answer, of any status."""
        whole = (Outcome.OK, Outcome.STATUS, Outcome.REJECTED)
        return sum(self.count(outcome) for outcome in whole) + sum(self.redirects.values())


def merge(parts: Sequence[Samples]) -> Samples:
    """Merge the samples of several processes, ordered by due time."""
    replicas = table(part.replicas for part in parts)
    names = table(part.names for part in parts)
    columns = {
        key: np.concatenate([part.columns[key] for part in parts]) for key in parts[0].columns
    }
    columns["replica"] = np.concatenate(
        [renumbered(part.columns["replica"], part.replicas, replicas) for part in parts]
    )
    columns["name"] = np.concatenate(
        [renumbered(part.columns["name"], part.names, names) for part in parts]
    )
    redirects: Counter[str] = Counter()
    for part in parts:
        redirects.update(part.redirects)
    return Samples(
        columns=by_due(columns),
        replicas=replicas,
        names=names,
        redirects=dict(redirects),
        examples=tuple(example for part in parts for example in part.examples),
    )


def renamed(samples: Samples, names: Sequence[str]) -> Samples:
    """Return ``samples`` with other ``names`` in their table; equal names become one."""
    new = table([names])
    if new == samples.names:
        return samples
    column = renumbered(samples.columns["name"], names, new)
    called = dict(zip(samples.names, names, strict=True))
    return replace(
        samples,
        names=new,
        columns={**samples.columns, "name": column},
        examples=tuple(
            {**example, "name": called.get(example["name"], example["name"])}
            for example in samples.examples
        ),
    )


def by_due(columns: Columns) -> Columns:
    """Return ``columns`` with their rows ordered by due time."""
    order = np.argsort(columns["due_us"], kind="stable")
    return {key: values[order] for key, values in columns.items()}


def table(tables: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Return the entries of all ``tables`` without duplicates, in order of first appearance.

    From the limit on, one entry stands for all others.
    """
    entries = tuple(dict.fromkeys(entry for entries in tables for entry in entries))
    if len(entries) <= MOST_ENTRIES:
        return entries
    return (*(entry for entry in entries[:MOST_ENTRIES] if entry != OTHERS), OTHERS)


def renumbered(
    column: npt.NDArray[np.signedinteger], old: Sequence[str], new: Sequence[str]
) -> npt.NDArray[np.signedinteger]:
    """Convert a column of indices into ``old`` to indices into ``new``; −1 stays −1."""
    index = {entry: number for number, entry in enumerate(new)}
    # An extra last entry, because the index −1 reads the last one.
    others = index.get(OTHERS, -1)
    numbers = np.array([*(index.get(entry, others) for entry in old), -1], dtype=np.int16)
    return numbers.take(column, mode="wrap")


def pack(columns: Columns) -> bytes:
    """Return ``columns`` as the bytes of a compressed ``.npz`` file."""
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **columns)
    return packed.getvalue()


def unpack(packed: bytes) -> Columns:
    """Return the columns that ``pack`` packed."""
    with np.load(io.BytesIO(packed), allow_pickle=False) as columns:
        return {key: columns[key] for key in columns.files}
