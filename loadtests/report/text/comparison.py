"""Which worker model to run for which workload, in a sentence with the figures behind it.

PURE. A worker model counts as faster only if the interval of the ratio excludes 1, which holds for
all pairs together: the best of many may be the best by chance. One whose
figures are not valid, or whose answers are wrong or fail with more replicas, is compared with none.
"""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.model.consistency import ProbeState
from loadtests.model.plan import Cell
from loadtests.model.result import ComparisonResult, Estimate, RunResult
from loadtests.report.rounding import factor, interval
from loadtests.report.text import story

MARK = "*"
"""Stands beside what cannot be trusted in a comparison, and before the sentence on it."""


def trusted(result: RunResult) -> list[ComparisonResult]:
    """Return the comparisons of two cells that can both be trusted."""
    return [
        comparison
        for comparison in result.comparisons
        if all(is_trusted(result, cell) for cell in cells_of(comparison))
    ]


def is_trusted(result: RunResult, cell: Cell) -> bool:
    """Return whether no rule is broken for a cell or the whole run, and its worker breaks nothing.

    A broken rule of one cell excludes only that cell, one of the whole run excludes all.
    """
    broken = {finding.cell for finding in result.broken}
    return not broken & {None, cell} and cell.worker not in inconsistent_workers(result)


def inconsistent_workers(result: RunResult) -> dict[str, str]:
    """Return the worker models whose answers are wrong or fail with more replicas, and how."""
    return {
        **{entry.worker: entry.detail for entry in result.failures if entry.breaks_at},
        **{
            check.worker: check.detail
            for check in result.probes
            if check.state is ProbeState.BREAKS
        },
    }


def recommended(result: RunResult) -> list[str]:
    """Return which worker model to run, of those that can be trusted, or that there are not two."""
    return recommendations(trusted(result)) or ["No two worker models can be compared."]


def marked(name: str, *, is_trusted: bool) -> str:
    """Return the name of what a row shows, with a mark where that cannot be trusted."""
    return name if is_trusted else f"{name} {MARK}"


def left_out(result: RunResult) -> list[str]:
    """Return what is compared with nothing and why, a marked sentence a worker model and a rule."""
    sentences = [
        f"{MARK} {worker} is left out: with more replicas its answers are wrong or fail. {detail}"
        for worker, detail in inconsistent_workers(result).items()
    ]
    for code, findings in story.by_rule(result.broken):
        cells = ", ".join(story.where(finding.cell) for finding in findings)
        sentences.append(
            f"{MARK} Left out, because the rule {code} is broken: {cells}. {findings[0].detail}"
        )
    return sentences


def cells_of(comparison: ComparisonResult) -> tuple[Cell, Cell]:
    """Return both cells of a comparison."""
    first, second = (
        Cell(worker=worker, workload=comparison.workload, replicas=comparison.replicas)
        for worker in (comparison.worker, comparison.against)
    )
    return first, second


def recommendations(comparisons: Sequence[ComparisonResult]) -> list[str]:
    """Return a sentence for each workload, at the most replicas that were compared."""
    workloads = dict.fromkeys(comparison.workload for comparison in comparisons)
    return [_recommend([c for c in comparisons if c.workload == name]) for name in workloads]


def ratio_of(comparisons: Sequence[ComparisonResult], worker: str, against: str) -> Estimate | None:
    """Return the ratio of one worker model to another, whichever way round it was computed.

    Its interval holds for all pairs together.
    """
    for comparison in comparisons:
        if (comparison.worker, comparison.against) == (worker, against):
            return among_all(comparison)
        if (comparison.worker, comparison.against) == (against, worker):
            return inverse(among_all(comparison))
    return None


def among_all(comparison: ComparisonResult) -> Estimate:
    """Return a ratio with the interval that holds for all pairs together, where there is one."""
    return comparison.all_pairs_ratio or comparison.ratio


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
