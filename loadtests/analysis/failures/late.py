"""Which failures are those of a limit of time that the load itself has. PURE.

A locustfile may call an answer a failure because it was slow, or wait for less than a second. Twice
the users wait twice as long behind one hot row, so such failures come with more servers, and no
answer is wrong. What such a limit refuses is slower than all that it accepts, in every window. A
refused user's answer may be slow as well, behind a redirect to a login page: so a redirect where
accepted answers have none is never late.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from loadtests.analysis.failures.kinds import REJECTED_KIND, TIMEOUT_KIND, TOO_SLOW_KIND
from loadtests.analysis.shared.statuses import NOT_MODIFIED
from loadtests.model.failures import RequestOutcomes
from loadtests.model.generator_records import Load

OWN_LIMIT_RATIO = 0.9
"""Part of the generator's own time limit from which on a timeout is the generator's."""

GOOD_STATUSES = (*range(200, 300), NOT_MODIFIED)
"""A redirect is none: it may lead to a login page, and takes as long as two answers. Where accepted
answers of the request were redirected, too, it is as good as they are."""

SLACK_RATIO = 1.02
"""An accepted answer may seem to be this much slower than a refused one: the load's own clock is
read some milliseconds later than ours."""

LEAST_RATIO = 0.5
"""The slowest accepted answer of all windows takes at least this part of the limit: with twice the
users an answer takes about twice as long, and a window may then accept nothing."""

Integers = npt.NDArray[np.integer]


def late_ms(
    kind: str,
    statuses: Integers,
    waited_us: Integers,
    accepted: Integers,
    own_limit_s: float = Load.timeout_s,
) -> float | None:
    """Return the shortest time of the failures of one kind; None if they are no matter of time.

    ``statuses`` and ``waited_us``, from sending to the end, have a value for each of them, and
    ``accepted`` are the statuses of the request's good answers. Where there are none, other windows
    have to tell whether redirects are good.
    """
    if not waited_us.size:
        return None
    if kind == REJECTED_KIND:
        good = [*GOOD_STATUSES, *np.unique(accepted).tolist()]
        fits = np.isin(statuses, good) if accepted.size else statuses > 0
    elif kind == TIMEOUT_KIND:
        fits = waited_us < OWN_LIMIT_RATIO * own_limit_s * 1e6
    else:
        return None
    return float(waited_us.min()) / 1000 if fits.all() else None


def limits(requests: Iterable[RequestOutcomes]) -> dict[str, dict[str, float]]:
    """Return the kinds of failures by a limit of time, by the request's name, with that limit.

    ``requests`` are those of all windows of one load, with any number of replicas. A limit is in
    milliseconds.
    """
    by_name: dict[str, list[RequestOutcomes]] = {}
    for request in requests:
        by_name.setdefault(request.name, []).append(request)
    found: dict[str, dict[str, float]] = {}
    for name, windows in by_name.items():
        for kind in (REJECTED_KIND, TIMEOUT_KIND):
            limit_ms = _limit(kind, windows)
            if limit_ms is not None:
                found.setdefault(name, {})[kind] = limit_ms
    return found


def _limit(kind: str, windows: Sequence[RequestOutcomes]) -> float | None:
    """Return the limit by which all failures of a kind are explained, if one does."""
    slowest = [each.slowest_ms for each in windows if each.slowest_ms is not None]
    late = [each.late_ms.get(kind) for each in windows if each.kinds.get(kind)]
    fastest = [ms for ms in late if ms is not None]
    if not slowest or not fastest or len(fastest) < len(late):
        return None
    limit_ms = min(fastest)
    is_cut = LEAST_RATIO * limit_ms <= max(slowest) <= SLACK_RATIO * limit_ms
    return limit_ms if is_cut else None


def renamed(kinds: Mapping[str, int], late: Iterable[str]) -> dict[str, int]:
    """Return the counts of failures by kind, with those that are ``late`` as too slow."""
    own = set(late)
    slow = sum(count for kind, count in kinds.items() if kind in own)
    others = {kind: count for kind, count in kinds.items() if kind not in own}
    return others | ({TOO_SLOW_KIND: slow} if slow else {})
