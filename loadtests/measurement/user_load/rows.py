"""Which rows of its lists the users of a trial keep, such as their accounts."""

from __future__ import annotations

from loadtests.model.generator_records import Load
from loadtests.model.plan import TrialSpec


def first_row(spec: TrialSpec, load: Load) -> int | None:
    """Return the row that the first user of a trial keeps; None where no user keeps one.

    Each replica has its own users, whatever its cell: so a cell of one has the accounts of all
    others, once each replica had its turn.
    """
    if not load.start or load.users is None:
        return None
    return (min(spec.members) - 1) * load.users // len(spec.members)
