"""Rows of the collection of cases by what a run would have recorded: verdict, cause, remedy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from loadtests.analysis.failures import shape
from loadtests.analysis.rules import registry
from loadtests.model.failures import AnswerExample, FailureShape, RequestOutcomes
from loadtests.model.plan import TrialSpec
from loadtests.model.result import RunResult
from loadtests.model.tested.shared import SharedUse
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import Bottleneck, RuleCode, Verdict
from tests.loadtests.analysis.shared.looks import locked, looked, sessions
from tests.loadtests.builders import make_calibration, make_plan, make_result, make_usage

PLAN = make_plan(replica_counts=(1, 2, 4), rounds=6)
PER_REPLICA = 200
"""Requests of one replica in one window."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the application and its log say where a request fails."""

    kind: str
    body: str = ""
    log_line: str | None = None
    name: str = "GET /item"


def failing(trial: Trial, failed: int, told: Told) -> Trial:
    """Return the trial with so many failed requests of its own number."""
    total = PER_REPLICA * trial.spec.cell.replicas
    status = int(told.kind.removeprefix("status "))
    example = AnswerExample(
        name=told.name,
        outcome="status",
        status=status,
        replica="gthread-1",
        body_start=told.body,
        log_line=told.log_line,
    )
    outcomes = RequestOutcomes(
        name=told.name,
        completed=total - failed,
        failed=failed,
        kinds={told.kind: failed} if failed else {},
        failed_by={"gthread-1": failed} if failed else {},
    )
    return replace(
        trial,
        requests=(outcomes,),
        completed=total - failed,
        failed=failed,
        failures=outcomes.kinds,
        examples=(example,) if failed else (),
        identities={"proxy": "the same"},
    )


def result_of(
    *,
    rps: Callable[[TrialSpec], float],
    looks: Callable[[TrialSpec], tuple[SharedUse, ...]] = lambda _: (),
    fails: Callable[[int], int] = lambda _: 0,
    told: Told | None = None,
) -> RunResult:
    """Return what a run concludes that recorded this."""
    trials = [
        failing(trial, fails(trial.spec.cell.replicas), told or Told(kind="status 500"))
        for trial in looked(PLAN, looks, rps=rps)
    ]
    failures = shape.results(PLAN, trials, finished=True)
    findings = registry.check(PLAN, trials, (make_calibration(),), failures)
    return make_result(PLAN, trials, findings=findings, failures=failures)


def growing(spec: TrialSpec) -> float:
    return 80.0 * spec.cell.replicas * (1 + 0.004 * (spec.round % 3))


def level(spec: TrialSpec) -> float:
    return 80.0 * (1 + 0.004 * (spec.round % 3)) + spec.cell.replicas / 10


def doublings(result: RunResult) -> list[Verdict]:
    return [doubling.verdict for doubling in result.doublings]


def text_of(result: RunResult) -> str:
    details = [failure.detail for failure in result.failures]
    remedies = [failure.remedy for failure in result.failures]
    return "\n".join([result.reason, *details, *remedies])


# -- the store ---------------------------------------------------------------------------------


def eight_each(spec: TrialSpec) -> tuple[SharedUse, ...]:
    wanted = 8 * spec.cell.replicas
    named = {f"gthread-{number}": 8 for number in spec.members[:2]}
    return (sessions(connections=min(20, wanted), most=20, by_replica=named),)


def test_connections_scale_to_two_replicas_and_break_at_four_with_the_arithmetic() -> None:
    refused = Told(
        kind="status 500",
        log_line="psycopg.OperationalError: FATAL: sorry, too many clients already",
    )

    result = result_of(
        rps=growing, looks=eight_each, fails=lambda count: 80 * (count == 4), told=refused
    )

    assert doublings(result) == [Verdict.SCALES, Verdict.BREAKS]
    assert "The store refuses connections: 20 of 20 in use, 32 wanted" in text_of(result)
    assert "max_connections" in text_of(result)


def test_pools_that_idle_replicas_keep_do_not_hide_that_four_want_too_many() -> None:
    def kept(spec: TrialSpec) -> tuple[SharedUse, ...]:
        named = {f"gthread-{number}": 8 for number in (1, 2)}
        return (sessions(connections=20, most=20, by_replica=named),)

    refused = Told(
        kind="status 500", log_line="psycopg.OperationalError: FATAL: too many clients already"
    )

    result = result_of(rps=growing, looks=kept, fails=lambda count: 20 * count, told=refused)

    assert doublings(result) == [Verdict.INVALID, Verdict.BREAKS]
    assert "20 of 20 in use, 32 wanted (8 for each of 4 replicas)" in text_of(result)


@pytest.mark.parametrize("most_seen", [20, 18])
def test_one_replica_that_exhausts_the_store_by_itself_is_invalid_and_no_break(
    most_seen: int,
) -> None:
    def opened_for_each_request(spec: TrialSpec) -> tuple[SharedUse, ...]:
        each = most_seen // spec.cell.replicas
        named = {f"gthread-{number}": each for number in spec.members}
        return (sessions(connections=most_seen, most=20, by_replica=named),)

    refused = Told(
        kind="status 500", log_line="psycopg.OperationalError: FATAL: too many clients already"
    )

    result = result_of(
        rps=growing, looks=opened_for_each_request, fails=lambda count: 180 * count, told=refused
    )

    assert doublings(result) == [Verdict.INVALID, Verdict.INVALID]
    assert [failure.shape for failure in result.failures] == [FailureShape.ALIKE]
    assert "The store refuses connections" in text_of(result)


def test_a_pool_time_out_at_one_replica_is_invalid_and_never_super_linear() -> None:
    timeout = Told(
        kind="status 500", log_line="sqlalchemy.exc.TimeoutError: QueuePool limit of size 5"
    )

    result = result_of(rps=growing, fails=lambda count: 60 // count, told=timeout)

    assert result.verdict is Verdict.INVALID
    assert Verdict.SCALES not in doublings(result)
    assert "A replica's own connection pool is too small" in text_of(result)


def test_one_hot_row_is_no_gain_by_a_row_lock_while_the_stores_cpu_is_idle() -> None:
    def waits(spec: TrialSpec) -> tuple[SharedUse, ...]:
        active = 4 * spec.cell.replicas
        hot = "UPDATE stock SET n = n - 1 WHERE id = 1"
        look = sessions(active=active, waiting=active - 1, lock="row lock", statement=hot)
        return (look, look)

    result = result_of(rps=level, looks=waits)

    assert result.verdict is Verdict.NO_GAIN
    assert {cell.bottleneck for cell in result.cells} == {Bottleneck.STORE}
    assert "waited for a row lock (UPDATE stock SET n = n - 1 WHERE id = 1)" in (
        result.doublings[-1].reason
    )


def test_the_same_over_a_thousand_rows_scales() -> None:
    result = result_of(rps=growing, looks=lambda spec: (sessions(active=4 * spec.cell.replicas),))

    assert result.verdict is Verdict.SCALES


def test_one_sqlite_file_with_a_short_time_out_breaks() -> None:
    is_locked = Told(
        kind="status 500", log_line="sqlite3.OperationalError: database is locked", name="POST /n"
    )

    result = result_of(rps=level, fails=lambda count: 30 * (count > 1), told=is_locked)

    assert result.verdict is Verdict.BREAKS
    assert "database is locked" in text_of(result)
    assert "busy timeout" in text_of(result)


def test_one_sqlite_file_with_a_long_time_out_is_no_gain_by_its_lock() -> None:
    def holds(spec: TrialSpec) -> tuple[SharedUse, ...]:
        return tuple(locked(f"gthread-{number}") for number in (spec.members * 2)[:2])

    result = result_of(rps=level, looks=holds)

    assert result.verdict is Verdict.NO_GAIN
    largest = result.cells[-1]
    assert largest.bottleneck is Bottleneck.FILE_LOCK
    assert "/srv/shop.db was locked by a replica" in largest.bottleneck_detail


# -- state -------------------------------------------------------------------------------------


def test_a_limiter_in_memory_is_invalid_counted_per_process_and_never_scales() -> None:
    result = result_of(rps=growing, fails=lambda count: 80 * count, told=Told(kind="status 429"))

    assert result.verdict is Verdict.INVALID
    assert Verdict.SCALES not in doublings(result)
    assert "each process counts alone" in text_of(result)
    assert "storage_uri" in text_of(result)


def test_a_limiter_in_a_shared_store_is_invalid_all_users_come_from_one_address() -> None:
    result = result_of(
        rps=level, fails=lambda count: PER_REPLICA * count - 100, told=Told(kind="status 429")
    )

    assert result.verdict is Verdict.INVALID
    assert "all users come from one address" in text_of(result)


def idle(trial: Trial) -> tuple[str, ...]:
    names = [f"gthread-{number}" for number in (1, 2, 3, 4) if number not in trial.spec.members]
    return tuple(names)


def test_a_scheduler_in_each_process_is_work_that_runs_in_every_replica() -> None:
    trials = [
        replace(
            trial,
            idle_usages=tuple(make_usage(member=name, cpu_s=0.25) for name in idle(trial)),
        )
        for trial in looked(PLAN, lambda _: (), rps=growing)
    ]
    findings = registry.check(PLAN, trials, (make_calibration(),))

    result = make_result(PLAN, trials, findings=findings)

    assert result.verdict is Verdict.INVALID
    (told, *_) = [found.detail for found in result.broken if found.code is RuleCode.IDLE_COST]
    assert "work that runs in every replica, such as a scheduler's thread" in told


def test_a_reloader_that_polls_is_seen_the_same_way() -> None:
    trials = [
        replace(
            trial, idle_usages=tuple(make_usage(member=name, cpu_s=0.01) for name in idle(trial))
        )
        for trial in looked(PLAN, lambda _: (), rps=growing)
    ]

    broken = [
        found
        for found in registry.check(PLAN, trials, (make_calibration(),))
        if found.code is RuleCode.IDLE_COST and found.state == "broken"
    ]

    assert broken
    assert "a reloader that polls files" in broken[0].detail


# -- load balancers ----------------------------------------------------------------------------


def test_socket_io_without_stickiness_breaks_with_the_remedy() -> None:
    unknown = Told(
        kind="status 400",
        body='{"code":1,"message":"Session ID unknown"}',
        name="GET /socket.io/",
    )

    result = result_of(rps=level, fails=lambda count: PER_REPLICA * (count - 1), told=unknown)

    assert result.verdict is Verdict.BREAKS
    assert "must stay with the server that knows its session" in text_of(result)
    assert "Turn on sticky sessions" in text_of(result)


# -- PyPy --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gain", "verdict"), [(0.5, Verdict.INVALID), (0.0, Verdict.SCALES)])
def test_what_still_warms_up_in_the_rounds_is_unsteady(gain: float, verdict: Verdict) -> None:
    def warming(spec: TrialSpec) -> float:
        return growing(spec) * (1 + gain * spec.round / PLAN.rounds_min)

    result = result_of(rps=warming)

    assert result.verdict is verdict
    if gain:
        assert RuleCode.STEADY in {found.code for found in result.broken}
