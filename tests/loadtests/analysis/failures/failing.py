"""Trials in which requests fail, by the number of replicas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from loadtests.analysis.failures import shape
from loadtests.model.failures import FailureResult, RequestOutcomes
from loadtests.model.plan import Plan
from loadtests.model.trial import Trial
from tests.loadtests.builders import make_plan, make_trials

PLAN = make_plan(rounds=6)
PER_REPLICA = 200
"""Requests of one replica in one window."""

Fails = Callable[[int], int]
"""How many requests fail in one window, by the number of replicas."""


def outcomes(
    failed: int, *, replicas: int, name: str = "GET /me", kind: str = "status 401"
) -> RequestOutcomes:
    total = PER_REPLICA * replicas
    return RequestOutcomes(
        name=name,
        completed=total - failed,
        failed=failed,
        statuses={200: total - failed},
        kinds={kind: failed} if failed else {},
        failed_by={"gthread-2": failed} if failed else {},
    )


def with_requests(
    outcomes_at: Callable[[int], RequestOutcomes], plan: Plan = PLAN
) -> tuple[Trial, ...]:
    """Give the trials of a plan with these requests in a window, by the number of replicas."""

    def changed(trial: Trial) -> Trial:
        one = outcomes_at(trial.spec.cell.replicas)
        return replace(
            trial,
            requests=(one,),
            failed=one.failed,
            completed=one.completed,
            failures=one.kinds,
            identities={"proxy": "the same"},
        )

    return tuple(changed(trial) for trial in make_trials(plan))


def failing(fails: Fails, *, plan: Plan = PLAN, **fields: Any) -> tuple[Trial, ...]:
    """Give the trials of a plan in which so many requests of one name fail."""
    return with_requests(lambda count: outcomes(fails(count), replicas=count, **fields), plan)


def results(trials: Sequence[Trial], **fields: Any) -> tuple[FailureResult, ...]:
    return shape.results(PLAN, trials, **{"finished": False} | fields)


def the_result(fails: Fails, **fields: Any) -> FailureResult:
    (result,) = results(failing(fails, **fields))
    return result


def none(_: int) -> int:
    return 0
