"""Which kinds of answers a version gives, by request: head's have to be among base's. PURE.

An answer with a status below 400 is a good one, and a redirect to a login costs next to nothing. A
head that gives one in the place of base's page would look fast.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from loadtests.analysis import samples
from loadtests.model.generator_records import LoadDone

Kind = tuple[str, int]
"""A request's name, and the first digit of a status that it was answered with."""

CLASSES = 10


def kinds_of(done: LoadDone) -> frozenset[Kind]:
    """Return the kinds of all good answers to a load."""
    columns, names = samples.read_columns(done.samples), done.finished.names
    good = samples.has_outcome(columns, done.finished.outcomes, "ok")
    codes = np.unique(columns.name[good] * CLASSES + columns.status[good] // 100)
    return frozenset((names[code // CLASSES], code % CLASSES) for code in codes.tolist())


def unlike(columns: samples.Columns, names: list[str], known: Collection[Kind]) -> samples.Flags:
    """Tell which answers are of a kind that is not known, to a request that is.

    ``names`` is the table of the names of requests.
    """
    allowed = np.ones((len(names), CLASSES), dtype=bool)
    for index, name in enumerate(names):
        classes = [number for asked, number in known if asked == name]
        if classes:
            allowed[index] = np.isin(np.arange(CLASSES), classes)
    flags: samples.Flags = ~allowed[columns.name, columns.status // 100 % CLASSES]
    return flags
