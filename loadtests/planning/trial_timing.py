"""The lengths of a trial's warm-up and of its window. PURE.

All users send their first request at once, so slow requests end in waves. A window that always
opened at the same moment of a wave would count one answer per slot too many or too few, in every
round. So a part of a wave is added to the warm-up. It differs from round to round, and together the
rounds cover a whole wave evenly.

A wave is as long as a request has a slot. Without a limit of slots that is the response time. With
one, most of the response time may be waiting for a slot, while the slots go on answering.
"""

from __future__ import annotations

import math
from random import Random

from loadtests.model.trial import Calibration

ANSWERS = 2
"""Least length of the warm-up in waves. No request ends before the first answers, so with a shorter
warm-up the first half of a window has fewer answers than the second."""

MOST_S = 4.0
"""Longest warm-up; the rule ``steady`` finds a trend that is left."""

MOST_PART_S = 20.0
"""Longest added part. A shorter one than a response time would leave the same number of waves in
each window, so that all rounds agree on a wrong throughput."""

GOLDEN_RATIO = (math.sqrt(5) - 1) / 2
"""Steps of this part of a circle always fall into the largest gap so far (T. van Ravenstein, "The
three gap theorem", J. Austral. Math. Soc. A 45, 1988). Six random parts leave a gap of a third of
the circle in 73 % of runs. Six of these steps never leave a gap of a quarter."""


ANSWERS_PER_S = 25.0
"""A window of the planned length has at least as many answers as at this rate. With fewer, one
answer more or less at its edges is most of what differs between rounds."""

MOST_RATIO = 3.0
"""The longest window, in planned ones, so that a run takes at most about three times as long."""

SERVICE_TIMES = 10
"""A window of slow requests has at least so many service times, where it may be as long. A wave
more or less is then a tenth."""

SLOW_RATIO = 0.25
"""Service time from which on requests are slow, in planned windows: 0.5 s. Shorter ones leave four
waves or more in such a window."""

FEWEST_SERVICE_TIMES = 2.9
"""With fewer service times in a window there is no verdict. It is about three: at two, all rounds
may agree on a throughput that is off by an eighth, and at three by a twelfth."""


def part(seed: int, what: object, nth: int) -> float:
    """Return the part (0 to 1) of a response time for the ``nth`` window of ``what``, a cell.

    The start is random by seed and cell, so over all seeds the parts are evenly distributed.
    """
    begin = Random(f"{seed} {what} settling").random()
    return (begin + nth * GOLDEN_RATIO) % 1


def settle_s(
    answer_s: float, planned_s: float, *, part: float, in_service_ratio: float = 1.0
) -> float:
    """Return the warm-up in seconds: as planned, or longer where answers take ``answer_s``.

    ``in_service_ratio`` is the part of that time for which a request has a slot. Up to ``MOST_S``
    each user has had an answer before the window opens, and so has its connection.
    """
    wave_s = answer_s * in_service_ratio
    warmup_s = max(planned_s, min(MOST_S, max(answer_s, ANSWERS * wave_s)))
    return warmup_s + part * min(MOST_PART_S, wave_s)


def in_service_ratio(slots: int | None, users: int) -> float:
    """Return the part of its response time for which a request has a slot.

    By Little's law, as many requests are in service as there are slots, and the rest wait.
    ``slots`` is None where nothing limits them, or where ``users`` may not keep them busy.
    """
    return 1.0 if slots is None else min(1.0, slots / users)


def window_s(planned_s: float, rps: float, *, service_s: float = 0.0) -> float:
    """Return the length of a window in seconds.

    ``rps`` are the answers of one replica a second, and ``service_s`` is how long a request takes
    without waiting for a slot.
    """
    slowness = ANSWERS_PER_S / rps if rps else MOST_RATIO
    is_slow = service_s >= SLOW_RATIO * planned_s
    waves = SERVICE_TIMES * service_s / planned_s if is_slow else 0.0
    return planned_s * min(MOST_RATIO, max(1.0, slowness, waves))


def window_of(planned_s: float, calibration: Calibration) -> float:
    """Return the length of a window in seconds for what one replica was calibrated to."""
    rps = calibration.steps[-1].throughput_rps
    return window_s(planned_s, rps, service_s=_service_s(calibration))


def in_words(planned_s: float, calibration: Calibration) -> str | None:
    """Return why windows are longer than planned, or too short; None where neither is so."""
    length_s, service_s = window_of(planned_s, calibration), _service_s(calibration)
    if FEWEST_SERVICE_TIMES * service_s > length_s:
        return (
            f"a request of one user alone takes {service_s:.1f} s, and windows take"
            f" {length_s:.1f} s at most. That may be too short for a verdict; to get one,"
            f" {remedy(planned_s)}"
        )
    if length_s <= planned_s:
        return None
    rps = calibration.steps[-1].throughput_rps
    if window_s(planned_s, rps) < length_s:
        return (
            f"a request of one user alone takes {service_s:.2f} s, so windows take {length_s:.1f} s"
        )
    answers = f"{rps:.1f} answers/s" if rps else "hardly any answer"
    return f"one replica gives {answers}, so windows take {length_s:.1f} s"


def remedy(planned_s: float) -> str:
    """Return what to do where requests are too slow for the longest window, in a clause."""
    most_s = MOST_RATIO * planned_s / FEWEST_SERVICE_TIMES
    return f"measure requests that take less than {most_s:.1f} s"


def _service_s(calibration: Calibration) -> float:
    return (calibration.service_ms or 0.0) / 1000
