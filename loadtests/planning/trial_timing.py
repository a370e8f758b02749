"""The lengths of a trial's warm-up and of its window. PURE.

All users send their first request at once, so slow requests end in waves. A window that always
opened at the same moment of a wave would count one answer per slot too many or too few, in every
round. So a part of the mean response time is added to the warm-up. It differs from round to round,
and together the rounds cover a whole response time evenly.
"""

from __future__ import annotations

import math
from random import Random

ANSWERS = 2
"""Least length of the warm-up in mean response times. No request ends before the first answers, so
with a shorter warm-up the first half of a window has fewer answers than the second."""

MOST_S = 4.0
"""Longest warm-up; the rule ``steady`` finds a trend that is left."""

MOST_PART_S = 1.0
"""Longest added part, so that no run takes much longer than planned."""

GOLDEN_RATIO = (math.sqrt(5) - 1) / 2
"""Steps of this part of a circle always fall into the largest gap so far (T. van Ravenstein, "The
three gap theorem", J. Austral. Math. Soc. A 45, 1988). Six random parts leave a gap of a third of
the circle in 73 % of runs. Six of these steps never leave a gap of a quarter."""


ANSWERS_PER_S = 25.0
"""A window of the planned length has at least as many answers as at this rate. With fewer, one
answer more or less at its edges is most of what differs between rounds."""

MOST_RATIO = 3.0
"""The longest window, in planned ones, so that a run takes at most about three times as long."""


def part(seed: int, what: object, nth: int) -> float:
    """Return the part (0 to 1) of a response time for the ``nth`` window of ``what``, a cell.

    The start is random by seed and cell, so over all seeds the parts are evenly distributed.
    """
    begin = Random(f"{seed} {what} settling").random()
    return (begin + nth * GOLDEN_RATIO) % 1


def settle_s(answer_s: float, planned_s: float, *, part: float) -> float:
    """Return the warm-up in seconds: as planned, or longer where answers take ``answer_s``."""
    warmup_s = max(planned_s, min(MOST_S, ANSWERS * answer_s))
    return warmup_s + part * min(MOST_PART_S, answer_s)


def window_s(planned_s: float, rps: float) -> float:
    """Return the length of a window in seconds, for a replica that gives ``rps`` answers/s."""
    slowness = ANSWERS_PER_S / rps if rps else MOST_RATIO
    return planned_s * min(MOST_RATIO, max(1.0, slowness))
