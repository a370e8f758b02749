"""Computes when the requests of an open loop are due. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Moments = npt.NDArray[np.float64]


def constant_arrivals(rate_rps: float, span_s: float) -> Moments:
    """Return ``rate_rps × span_s`` (rounded) evenly spaced moments in [0, span_s), in seconds."""
    return np.arange(round(rate_rps * span_s)) / rate_rps


def poisson_arrivals(rate_rps: float, span_s: float, rng: np.random.Generator) -> Moments:
    """Return ``rate_rps × span_s`` (rounded) moments of a Poisson process in [0, span_s).

    Given their number, the arrivals of a Poisson process in a span are independent and uniform in
    it (Ross, *Introduction to Probability Models*, 5.3.5). With a fixed number, the offered rate is
    exact (at 50 a second over 10 s, it would vary by 4.5 %).
    """
    return np.sort(rng.uniform(0.0, span_s, size=round(rate_rps * span_s)))


def arrivals(
    kind: str, rate_rps: float, spans_s: tuple[float, ...], *, seed: int, shift_s: float = 0.0
) -> Moments:
    """Return the moments of ``kind`` (``poisson`` or ``constant``) for consecutive spans.

    Each span has exactly its number of arrivals, so the rate is exact in the window too. All
    arrivals are ``shift_s`` later; those that would leave their span wrap around to its beginning.
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
