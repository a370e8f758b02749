from typing import Any

import pytest

from loadtests.analysis.verdict import (
    conclude,
    exit_code,
    judge_doubling,
    judge_run,
    minutes_to_settle,
)
from loadtests.model.consistency import ProbeResult, ProbeState
from loadtests.model.plan import Cell
from loadtests.model.result import DoublingResult, Estimate
from loadtests.model.vocabulary import Bottleneck, Role, RuleCode, RuleState, Verdict
from tests.loadtests.builders import (
    make_budget,
    make_cell,
    make_doubling,
    make_facts,
    make_finding,
    make_machine,
    make_plan,
    make_probe,
    make_result,
    make_trials,
    make_usage,
)


def measured(low: float | None, high: float | None, **fields: Any) -> DoublingResult:
    middle = (low * high) ** 0.5 if low and high else 2.0
    return make_doubling(
        factor=Estimate(estimate=middle, low=low, high=high),
        verdict=Verdict.INCONCLUSIVE,
        reason="",
        **fields,
    )


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (1.94, 2.02, Verdict.SCALES),
        (1.80, 1.90, Verdict.SCALES),
        (1.79, 2.10, Verdict.INCONCLUSIVE),
        (1.70, 1.80, Verdict.INCONCLUSIVE),
        (1.70, 1.79, Verdict.FALLS_SHORT),
        (1.09, 1.10, Verdict.FALLS_SHORT),
        (0.97, 1.09, Verdict.NO_GAIN),
        (0.40, 0.60, Verdict.NO_GAIN),
    ],
)
def test_a_doubling_is_judged_by_its_interval(low: float, high: float, verdict: Verdict) -> None:
    assert judge_doubling(measured(low, high), target=1.8).verdict is verdict


def test_the_target_can_be_set() -> None:
    assert judge_doubling(measured(1.7, 1.79), target=1.6).verdict is Verdict.SCALES


def test_one_round_cannot_tell_however_good() -> None:
    found = judge_doubling(measured(None, None, rounds=1), target=1.8)

    assert (found.verdict, found.reason) == (
        Verdict.INCONCLUSIVE,
        "One round gives no interval.",
    )


@pytest.mark.parametrize(
    ("cell", "verdict"),
    [
        (None, Verdict.INVALID),
        (make_cell(replicas=1), Verdict.INVALID),
        (make_cell(replicas=2), Verdict.INVALID),
        (make_cell(replicas=4), Verdict.SCALES),
        (make_cell(worker="sync"), Verdict.SCALES),
    ],
)
def test_a_broken_rule_takes_away_the_verdicts_that_it_touches(
    cell: Cell | None, verdict: Verdict
) -> None:
    broken = make_finding(state=RuleState.BROKEN, cell=cell, detail="Replica 2 got nothing.")

    found = judge_doubling(measured(1.94, 2.02), target=1.8, findings=[broken])

    assert found.verdict is verdict
    assert (found.reason == "Replica 2 got nothing.") is (verdict is Verdict.INVALID)


@pytest.mark.parametrize("state", [RuleState.HOLDS, RuleState.UNCHECKED])
def test_a_rule_that_holds_or_was_not_checked_takes_nothing_away(state: RuleState) -> None:
    found = judge_doubling(measured(1.94, 2.02), target=1.8, findings=[make_finding(state=state)])

    assert found.verdict is Verdict.SCALES


def test_an_inconclusive_doubling_says_how_long_would_settle_it() -> None:
    # half-width 0.1 in the logarithm after 4 rounds; 2 lies 0.1054 above 1.8, so the next is enough
    wide = measured(2.0 * 0.895, 2.0 / 0.895, rounds=4)

    found = judge_doubling(wide, target=1.8, round_minutes=0.5)

    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.settle_minutes == 0.5


def test_the_minutes_grow_as_the_estimate_nears_the_target() -> None:
    near = minutes_to_settle(measured(1.7, 1.96), target=1.8, round_minutes=1.0)
    nearer = minutes_to_settle(measured(1.7, 1.93), target=1.8, round_minutes=1.0)

    assert near is not None
    assert nearer is not None
    assert nearer > near


def test_an_estimate_at_the_target_is_settled_by_no_number_of_rounds() -> None:
    at = measured(1.8 / 1.1, 1.8 * 1.1)

    assert minutes_to_settle(at, target=1.8, round_minutes=1.0) is None


@pytest.mark.parametrize(
    ("verdicts", "run"),
    [
        ((Verdict.SCALES, Verdict.SCALES), Verdict.SCALES),
        ((Verdict.SCALES, Verdict.INCONCLUSIVE), Verdict.INCONCLUSIVE),
        ((Verdict.INCONCLUSIVE, Verdict.FALLS_SHORT), Verdict.FALLS_SHORT),
        ((Verdict.FALLS_SHORT, Verdict.NO_GAIN), Verdict.NO_GAIN),
        ((Verdict.NO_GAIN, Verdict.BREAKS), Verdict.BREAKS),
    ],
)
def test_a_run_is_as_good_as_its_worst_doubling(
    verdicts: tuple[Verdict, ...], run: Verdict
) -> None:
    doublings = [make_doubling(verdict=verdict) for verdict in verdicts]

    assert judge_run(doublings, [], finished=True)[0] is run


def test_a_broken_rule_anywhere_makes_the_run_invalid_even_one_that_fell_short() -> None:
    broken = make_finding(state=RuleState.BROKEN, code=RuleCode.ERRORS, detail="9 % failed.")

    found = judge_run([make_doubling(verdict=Verdict.NO_GAIN)], [broken], finished=True)

    assert found == (Verdict.INVALID, "Rule errors is broken: 9 % failed.")


def test_an_unfinished_run_is_inconclusive_at_best() -> None:
    verdict, reason = judge_run([make_doubling()], [], finished=False)

    assert verdict is Verdict.INCONCLUSIVE
    assert reason == "The run did not finish, so its trials decide nothing yet."


def test_a_run_without_doublings_answers_nothing() -> None:
    assert judge_run([], [], finished=True)[0] is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.SCALES, 0),
        (Verdict.FALLS_SHORT, 1),
        (Verdict.NO_GAIN, 1),
        (Verdict.BREAKS, 1),
        (Verdict.INCONCLUSIVE, 3),
        (Verdict.INVALID, 3),
    ],
)
def test_each_verdict_has_its_exit_code_of_the_contract(verdict: Verdict, code: int) -> None:
    assert exit_code(verdict) == code


def test_the_whole_run_is_concluded_from_its_trials() -> None:
    plan = make_plan(workers=("gthread", "sync"), rounds=6)

    result = make_result(plan, make_trials(plan, rounds=5))

    assert (result.verdict, result.rounds, result.measured_s) == (Verdict.SCALES, 5, 75.0)
    assert (len(result.cells), len(result.doublings), len(result.comparisons)) == (6, 4, 3)
    assert [law.name for law in result.laws] == ["amdahl", "amdahl"]


def test_a_run_that_died_at_once_still_has_a_result() -> None:
    result = make_result(make_plan(), (), facts=make_facts(finished=False), findings=())

    assert result.verdict is Verdict.INCONCLUSIVE
    assert [doubling.factor.estimate for doubling in result.doublings] == [None, None]


# -- wrong answers -----------------------------------------------------------------------------


def probed(worker: str = "gthread", state: ProbeState = ProbeState.BREAKS) -> ProbeResult:
    return make_probe(worker=worker, state=state, detail="GET /x got 404 from gthread-2.")


def test_wrong_answers_win_over_a_good_factor_and_name_the_request() -> None:
    found = judge_doubling(measured(1.94, 2.02), target=1.8, probes=[probed()])

    assert (found.verdict, found.reason) == (
        Verdict.BREAKS,
        "GET /x got 404 from gthread-2.",
    )


def test_wrong_answers_win_over_a_rule_that_is_broken() -> None:
    broken = make_finding(state=RuleState.BROKEN, cell=None)

    found = judge_doubling(measured(1.94, 2.02), target=1.8, findings=[broken], probes=[probed()])

    assert found.verdict is Verdict.BREAKS
    verdict, reason = judge_run([found], [broken], finished=False)
    assert verdict is Verdict.BREAKS
    assert reason == (
        "With more than one server the answers are wrong: gthread. GET /x got 404 from gthread-2."
    )


@pytest.mark.parametrize(
    "probe",
    [
        probed(worker="sync"),
        probed(state=ProbeState.OK),
        probed(state=ProbeState.UNCHECKED),
    ],
)
def test_answers_of_others_and_those_that_were_not_wrong_change_nothing(
    probe: ProbeResult,
) -> None:
    found = judge_doubling(measured(1.94, 2.02), target=1.8, probes=[probe])

    assert found.verdict is Verdict.SCALES


def test_one_worker_model_that_breaks_is_the_runs_verdict_and_leaves_the_others_theirs() -> None:
    plan = make_plan(workers=("gthread", "sync"), replica_counts=(1, 2))
    result = conclude(
        make_facts(), make_machine(), plan, make_trials(plan), (), (), (probed(worker="sync"),)
    )

    assert result.verdict is Verdict.BREAKS
    assert exit_code(result.verdict) == 1
    assert {d.worker: d.verdict for d in result.doublings} == {
        "gthread": Verdict.SCALES,
        "sync": Verdict.BREAKS,
    }
    assert result.probes == (probed(worker="sync"),)


def test_a_store_that_is_full_is_the_reason_that_servers_did_not_help() -> None:
    plan = make_plan(replica_counts=(1, 2), budget=make_budget(store_cpus=0.2))
    busy = make_usage(
        member="store",
        role=Role.STORE,
        cpu_s=0.49,
        span_s=2.5,
        budget_cpus=0.2,
        throttled_ratio=0.8,
        completed=None,
    )
    idle = make_usage(cpu_s=0.1, throttled_ratio=0.1)
    trials = make_trials(plan, rps=lambda _: 60.0, usages=(idle, busy))

    result = conclude(make_facts(), make_machine(), plan, trials, (), ())

    (doubling,) = result.doublings
    assert doubling.verdict is Verdict.NO_GAIN
    assert result.cells[-1].bottleneck is Bottleneck.STORE
    assert doubling.reason == (
        "The whole interval is below 1.1. At 2 replicas: PostgreSQL used 0.196 of its 0.2 CPU,"
        " throttled in 80% of CPU periods, and more servers will not change that."
    )
