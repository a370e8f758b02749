"""Which worker model to run for which workload, in a sentence with the figures behind it.

PURE. A worker model counts as faster only if the interval of the ratio excludes 1.
"""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.model.result import ComparisonResult, Estimate
from loadtests.report.rounding import factor, interval


def recommendations(comparisons: Sequence[ComparisonResult]) -> list[str]:
    """Return a sentence for each workload, at the most replicas that were compared."""
    workloads = dict.fromkeys(comparison.workload for comparison in comparisons)
    return [_recommend([c for c in comparisons if c.workload == name]) for name in workloads]


def ratio_of(comparisons: Sequence[ComparisonResult], worker: str, against: str) -> Estimate | None:
    """Return the ratio of one worker model to another, whichever way round it was computed."""
    for comparison in comparisons:
        if (comparison.worker, comparison.against) == (worker, against):
            return comparison.ratio
        if (comparison.worker, comparison.against) == (against, worker):
            return inverse(comparison.ratio)
    return None


def inverse(ratio: Estimate) -> Estimate:
    """Return 1/ratio with its interval."""
    return Estimate(
        estimate=1 / ratio.estimate if ratio.estimate else None,
        low=1 / ratio.high if ratio.high else None,
        high=1 / ratio.low if ratio.low else None,
    )


def _recommend(comparisons: Sequence[ComparisonResult]) -> str:
    most = max(comparison.replicas for comparison in comparisons)
    largest = [comparison for comparison in comparisons if comparison.replicas == most]
    workload = largest[0].workload
    at = f"at {most} replica{'s' if most > 1 else ''}"
    if any(comparison.ratio.low is None for comparison in largest):
        return f"For {workload} no worker model is shown to be faster {at}: there is no interval."
    best, others = _best(largest)
    ahead = [(name, ratio) for name, ratio in others if (ratio.low or 0) > 1]
    level = [(name, ratio) for name, ratio in others if (ratio.low or 0) <= 1]
    times = ", ".join(f"{interval(ratio, factor)} times {name}" for name, ratio in ahead)
    if not level:
        return f"For {workload} run {best}: {times}, {at}."
    tied = " or ".join([best, *(name for name, _ in level)])
    ratios = ", ".join(f"{interval(ratio, factor)} times {name}" for name, ratio in level)
    gain = f"; {best} gives {times}" if ahead else ""
    return f"For {workload} run {tied}: {best} gives {ratios}, which may be chance{gain}, {at}."


def _best(comparisons: Sequence[ComparisonResult]) -> tuple[str, list[tuple[str, Estimate]]]:
    """Return the fastest worker model and its ratio to each of the others."""
    names = dict.fromkeys(
        name for comparison in comparisons for name in (comparison.against, comparison.worker)
    )
    ratios = {
        name: [
            (other, ratio)
            for other in names
            if other != name and (ratio := ratio_of(comparisons, name, other)) is not None
        ]
        for name in names
    }
    best = max(ratios, key=lambda name: min(ratio.estimate or 0 for _, ratio in ratios[name]))
    return best, ratios[best]
