"""Whether each server counts a rate limit alone, by the answers to the checks. PURE."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from loadtests.analysis import remedies
from loadtests.analysis.consistency.judgement import Asked
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState, Seen

LIMITED = 429

COUNTS_ALONE = "Each server counts the rate limit alone"
"""How the sentence on a limit begins that two servers do not count together."""


def counting_alone(results: Iterable[ProbeResult]) -> frozenset[str]:
    """Return the worker models whose servers were seen to count a rate limit each for itself."""
    return frozenset(result.worker for result in results if counts_alone(result))


def counts_alone(result: ProbeResult) -> bool:
    """Return whether a result says that each server counts a rate limit alone."""
    return result.kind is ProbeKind.LIMIT and result.detail.startswith(COUNTS_ALONE)


def limits(asked: Asked, found: Sequence[Seen]) -> ProbeResult | None:
    """Return a note where each server counts a rate limit alone, by the headers of its answers.

    ``found`` are answers in the order in which they came. Where a server has more left than another
    had before, and that other one has less afterwards, they do not count together.
    """
    left = [seen for seen in found if seen.limit_left is not None]
    for before, between, after in zip(left, left[1:], left[2:], strict=False):
        counts = (before.limit_left or 0, between.limit_left or 0, after.limit_left or 0)
        same = before.replica == after.replica != between.replica
        if same and counts[1] > counts[0] >= counts[2]:
            return asked.result(
                ProbeKind.LIMIT,
                "rate limit",
                ProbeState.NOTE,
                f"{COUNTS_ALONE}: {before.replica} had {counts[0]}"
                f" requests left, then {between.replica} {counts[1]}, then {after.replica}"
                f" {counts[2]}. Two servers allow twice as much.",
                remedy=remedies.LIMITER.advice,
            )
    limited = Counter(seen.replica for seen in found if seen.status == LIMITED)
    if limited:
        return asked.result(
            ProbeKind.LIMIT,
            "rate limit",
            ProbeState.NOTE,
            f"The application limits the rate: {sum(limited.values())} of {len(found)} requests of"
            " the checks got 429.",
            remedy=remedies.LIMITER.advice,
        )
    return None
