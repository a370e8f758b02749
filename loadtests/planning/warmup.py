"""The length of the warm-up before a trial's window. PURE.

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
