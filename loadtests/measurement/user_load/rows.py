"""Which rows of its lists the users of a trial keep, such as their accounts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from loadtests.model.generator_records import Load
from loadtests.model.plan import TrialSpec


def of_users(spec: TrialSpec, load: Load, ending: Collection[tuple[str, str]] = ()) -> Load:
    """Return the load of a trial with the rows of its users.

    ``ending`` are the worker models and workloads where a second login ends the first session. The
    users of other cells have the same accounts, so there those of each trial log in anew.
    """
    is_fresh = load.is_users and (spec.cell.worker, spec.cell.workload) in ending
    return replace(load, first_row=first_row(spec, load), fresh_users=True if is_fresh else None)


def first_row(spec: TrialSpec, load: Load) -> int | None:
    """Return the row that the first user of a trial keeps; None where no user keeps one.

    Each replica has its own users, whatever its cell: so a cell of one has the accounts of all
    others, once each replica had its turn.
    """
    if not load.start or load.users is None:
        return None
    return (min(spec.members) - 1) * load.users // len(spec.members)
