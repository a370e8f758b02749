"""Which failures are those of a limit of time that the load itself has. PURE.

A locustfile may call an answer a failure because it was slow, or wait for less than a second. Twice
the users wait twice as long behind one hot row, so such failures come with more servers, and no
answer is wrong. What such a limit refuses is slower than all that it accepts, in every window. And
where it refuses some and accepts others, the slowest of these come close to it. A refused user's
answer may be slow as well, such as a login page behind a redirect, but leaves a gap below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from loadtests.analysis.failures.kinds import REJECTED_KIND, TIMEOUT_KIND, TOO_SLOW_KIND
from loadtests.model.failures import RequestOutcomes
from loadtests.model.generator_records import Load

OWN_LIMIT_RATIO = 0.9
"""Part of the generator's own time limit from which on a timeout is the generator's."""

GOOD_STATUSES = (*range(200, 300), 304)
"""A redirect is none: it may lead to a login page, and takes as long as two answers."""

SLACK_RATIO = 1.02
"""An accepted answer may seem to be this much slower than a refused one: the load's own clock is
read some milliseconds later than ours."""

NEAR_RATIO = 0.9
"""In a window that refuses some answers and accepts others, the slowest accepted one takes at least
this part of the limit. Answers take all times below a limit, up to it. Those of a broken
application leave a gap: 0.57 to 0.71 in simulations of redirects to a login page."""

LEAST_RATIO = 0.5
"""The slowest accepted answer of all windows takes at least this part of the limit. It decides
alone where a window accepts nothing: with twice the users an answer takes about twice as long."""

Integers = npt.NDArray[np.integer]


def late_ms(
    kind: str, statuses: Integers, waited_us: Integers, own_limit_s: float = Load.timeout_s
) -> float | None:
    """Return the shortest time of the failures of one kind; None if they are no matter of time.

    ``statuses`` and ``waited_us``, from sending to the end, have a value for each of them.
    """
    if not waited_us.size:
        return None
    if kind == REJECTED_KIND:
        fits = np.isin(statuses, GOOD_STATUSES)
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


def _limit(kind: str, windows: Iterable[RequestOutcomes]) -> float | None:
    """Return the limit by which all failures of a kind are explained, if one does."""
    slowest, beside, late = [], [], []
    for window in windows:
        has_late = bool(window.kinds.get(kind))
        if has_late:
            late.append(window.late_ms.get(kind))
        if window.slowest_ms is not None:
            slowest.append(window.slowest_ms)
            beside += [window.slowest_ms] if has_late else []
    fastest = [ms for ms in late if ms is not None]
    if not slowest or not fastest or len(fastest) < len(late):
        return None
    limit_ms = min(fastest)
    is_cut = LEAST_RATIO * limit_ms <= max(slowest) <= SLACK_RATIO * limit_ms
    is_near = all(ms >= NEAR_RATIO * limit_ms for ms in beside)
    return limit_ms if is_cut and is_near else None


def renamed(kinds: Mapping[str, int], late: Iterable[str]) -> dict[str, int]:
    """Return the counts of failures by kind, with those that are ``late`` as too slow."""
    own = set(late)
    slow = sum(count for kind, count in kinds.items() if kind in own)
    others = {kind: count for kind, count in kinds.items() if kind not in own}
    return others | ({TOO_SLOW_KIND: slow} if slow else {})
