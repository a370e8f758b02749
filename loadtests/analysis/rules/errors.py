"""Did requests fail for another reason than the number of servers? PURE."""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.analysis.failures import shape
from loadtests.analysis.failures.counting import added
from loadtests.analysis.failures.shape import ERROR_LIMIT_RATIO
from loadtests.analysis.rules.finding import found
from loadtests.model.failures import FailureResult, FailureShape
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Finding
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import RuleCode

MOST_KINDS = 3


def errors(
    plan: Plan,  # noqa: ARG001
    cell: Cell,
    trials: Sequence[Trial],
    *,
    failures: Sequence[FailureResult] = (),
) -> Finding:
    """Check that at most one request in a thousand failed.

    Failures that there are only with as many replicas are the application's answer, and not counted
    here: the verdict is then ``breaks``.
    """
    # A redirect to a login is a good answer to the generator.
    failed = max(sum(trial.failed for trial in trials), _refused(failures, cell))
    ended = sum(trial.failed + trial.completed for trial in trials)
    if not ended:
        return _found(cell, None, "No request ended inside a window.")
    kinds = added(trial.failures for trial in trials)
    commonest = ", ".join(f"{kind} {count}" for kind, count in list(kinds.items())[:MOST_KINDS])
    sentence = f"{failed} of {ended} requests failed{f' ({commonest})' if commonest else ''}."
    breaking = [result for result in failures if _breaks(result, cell)]
    unexplained = max(0, failed - _explained(breaking, cell, failed))
    sentences = [sentence]
    if breaking:
        sentences.append(
            f"{failed - unexplained} of them fail only with {cell.replicas} replicas or more, which"
            " is the application's answer and no fault of the measurement."
        )
    elif failed / ended >= ERROR_LIMIT_RATIO:
        sentences += _shapes(failures, cell)
    return _found(cell, unexplained / ended, " ".join(sentences))


def _refused(failures: Sequence[FailureResult], cell: Cell) -> int:
    """Return how many requests of a cell were of users who had lost their sessions."""
    return sum(
        count.failed
        for result in failures
        if (result.worker, result.workload, result.name) == (cell.worker, cell.workload, None)
        and result.shape is FailureShape.SHARED_ACCOUNTS
        for count in result.counts
        if count.replicas == cell.replicas
    )


def _found(cell: Cell, ratio: float | None, detail: str) -> Finding:
    return found(
        RuleCode.ERRORS,
        cell,
        broken=ratio is None or ratio >= ERROR_LIMIT_RATIO,
        figure=ratio,
        limit=ERROR_LIMIT_RATIO,
        detail=detail,
    )


def _breaks(result: FailureResult, cell: Cell) -> bool:
    return shape.is_break(
        result, worker=cell.worker, workload=cell.workload, counts=(cell.replicas,)
    )


def _explained(breaking: Sequence[FailureResult], cell: Cell, failed: int) -> int:
    if any(result.name is None for result in breaking):
        return failed
    return sum(
        count.failed
        for result in breaking
        for count in result.counts
        if count.replicas == cell.replicas
    )


def _shapes(failures: Sequence[FailureResult], cell: Cell) -> list[str]:
    """Return how the failures change with the replicas, where that is known."""
    return [
        result.detail
        for result in failures
        if (result.worker, result.workload, result.name) == (cell.worker, cell.workload, None)
        and result.shape is not FailureShape.NONE
    ]
