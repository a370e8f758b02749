"""How long a trial settles before its window opens. Pure.

All users ask at once when load is put on, and slots that begin all at once answer all at once. So a
window that always opened at the same moment would count one answer of each slot too many or too
few, in all rounds alike: six rounds of such a system gave [1.694, 1.708] where 1.692 is true. A
part of one answer's time is added, another in each round of a cell, so that all rounds together see
all of an answer.
"""

from __future__ import annotations

import math
from random import Random

ANSWERS = 2
"""Mean times to an answer for which load is dropped before the window opens. Until users have their
first answers nobody has been let go: the first half of windows read 15 % less than the second where
one answer takes longer than the settling."""

MOST_S = 4.0
"""Longer is not waited: the rule ``steady`` tells a trend that is left."""

MOST_PART_S = 1.0
"""Added at most, so that no run takes much longer than was said."""

GOLDEN_RATIO = (math.sqrt(5) - 1) / 2
"""Steps of this part of a circle always fall into its largest gap, however many there will be (T.
van Ravenstein, "The three gap theorem", J. Austral. Math. Soc. A 45, 1988). Six drawn parts leave a
gap of a third of the circle in 73 % of runs; six of these never one of a quarter."""


def part(seed: int, what: object, nth: int) -> float:
    """Give the part (0 to 1) of one answer's time for the ``nth`` window of ``what`` (a cell).

    Where each begins is drawn, so the mean over all seeds is that of a part drawn evenly.
    """
    begin = Random(f"{seed} {what} settling").random()
    return (begin + nth * GOLDEN_RATIO) % 1


def settle_s(answer_s: float, planned_s: float, *, part: float) -> float:
    """Give the seconds of settling: as planned, or longer where an answer takes ``answer_s``."""
    settled_s = max(planned_s, min(MOST_S, ANSWERS * answer_s))
    return settled_s + part * min(MOST_PART_S, answer_s)
