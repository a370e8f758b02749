"""The order of things with weights: each window of it has nearly their exact shares. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def smooth_order(weights: Sequence[float]) -> Iterator[int]:
    """Yield indices into ``weights`` for ever, each as often as its weight says, well spread.

    This is nginx's smooth weighted round robin: after each full cycle the shares are exact, and
    what has a small weight never comes twice in a row unless it must.
    """
    total = sum(weights)
    current = [0.0] * len(weights)
    while True:
        best = 0
        for index, weight in enumerate(weights):
            current[index] += weight
            if current[index] > current[best] + 1e-9:
                best = index
        current[best] -= total
        yield best
