"""Pure: when the requests of an open loop are due."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Moments = npt.NDArray[np.float64]


def constant_arrivals(rate_rps: float, span_s: float) -> Moments:
    """Return ``rate_rps × span_s`` (rounded) moments in [0, span_s), all equally far apart."""
    return np.arange(round(rate_rps * span_s)) / rate_rps


def poisson_arrivals(rate_rps: float, span_s: float, rng: np.random.Generator) -> Moments:
    """Return ``rate_rps × span_s`` (rounded) moments in [0, span_s), as of a Poisson process.

    Given how many arrivals of a Poisson process fall into a span, they are independent and uniform
    in it (Ross, *Introduction to Probability Models*, 5.3.5). Giving their number takes the chance
    out of the offered rate (at 50 a second over 10 s it would vary by 4.5 %), and leaves the times
    between arrivals as they are.
    """
    return np.sort(rng.uniform(0.0, span_s, size=round(rate_rps * span_s)))


def arrivals(
    kind: str, rate_rps: float, spans_s: tuple[float, ...], *, seed: int, shift_s: float = 0.0
) -> Moments:
    """Return the moments of ``kind`` (``poisson`` or ``constant``) for spans one after another.

    Each span has its own full number of arrivals, so the rate is exact in the window too. All are
    ``shift_s`` later than without; what would come after its span comes at the span's beginning.
    """
    rng = np.random.default_rng(seed)
    parts = []
    begins = 0.0
    for span_s in spans_s:
        moments = (
            poisson_arrivals(rate_rps, span_s, rng)
            if kind == "poisson"
            else constant_arrivals(rate_rps, span_s)
        )
        parts.append(begins + np.sort((moments + shift_s) % span_s))
        begins += span_s
    return np.concatenate(parts)
