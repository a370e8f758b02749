"""How far it scales, in one sentence."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.analysis.until import Ended, Step, conclude, exit_code, goes_on, step_of
from loadtests.model.consistency import ProbeState
from loadtests.model.result import Estimate
from loadtests.model.vocabulary import Verdict
from tests.loadtests.builders import make_plan, make_probe, make_result, make_trials


def rate(value: float) -> Estimate:
    return Estimate(estimate=value, low=0.95 * value, high=1.05 * value)


def a_step(count: int, verdict: Verdict = Verdict.SCALES, **fields: Any) -> Step:
    factor = {Verdict.SCALES: 1.98, Verdict.FALLS_SHORT: 1.5}.get(verdict, 1.02)
    defaults: dict[str, Any] = {
        "run_id": f"run-{count}",
        "replicas_from": count,
        "replicas_to": 2 * count,
        "factor": rate(factor),
        "verdict": verdict,
        "from_rps": rate(50.0 * count),
        "to_rps": rate(50.0 * count * factor),
        "why": "PostgreSQL used 0.495 of its 0.5 CPU.",
    }
    return Step(**defaults | fields)


def test_the_end_is_told_with_its_cause_and_its_throughput() -> None:
    answer = conclude([a_step(1), a_step(2), a_step(4), a_step(8, Verdict.NO_GAIN)])

    assert (answer.up_to, answer.ended, exit_code(answer)) == (8, Ended.FOUND, 0)
    assert answer.sentence == (
        "Up to 8 replicas, 396 requests/s; 16 gain almost nothing (factor 1.02, where 2 is"
        " perfect), because: PostgreSQL used 0.495 of its 0.5 CPU."
    )


def test_an_application_that_does_not_scale_at_all_ends_at_one() -> None:
    answer = conclude([a_step(1, Verdict.FALLS_SHORT)])

    assert (answer.up_to, exit_code(answer)) == (1, 1)
    assert answer.sentence.startswith("1 replica, 50.0 requests/s; 2 gain too little")


def test_a_machine_that_can_do_no_more_is_no_end_of_the_application() -> None:
    answer = conclude([a_step(1), a_step(2)], refusal="8 replicas need 2 cores.")

    assert (answer.up_to, answer.ended, exit_code(answer)) == (4, Ended.MACHINE, 0)
    assert answer.sentence == (
        "At least up to 4 replicas, 198 requests/s; more cannot be tested here: 8 replicas need 2"
        " cores."
    )


@pytest.mark.parametrize("verdict", [Verdict.INCONCLUSIVE, Verdict.INVALID])
def test_what_could_not_be_decided_is_never_an_end(verdict: Verdict) -> None:
    answer = conclude([a_step(1), a_step(2, verdict, why="Other programs ran.")])

    assert (answer.up_to, answer.ended, exit_code(answer)) == (2, Ended.UNKNOWN, 3)
    assert "whether 4 gain as much cannot be told: Other programs ran." in answer.sentence
    first = conclude([a_step(1, verdict, why="Other programs ran.")])
    assert first.sentence == "Cannot tell whether 2 replicas gain anything: Other programs ran."


def test_wrong_answers_end_it() -> None:
    answer = conclude([a_step(1, Verdict.BREAKS, why="Replica 2 refuses the cookie.")])

    assert exit_code(answer) == 1
    assert "with 2 answers are wrong or fail" in answer.sentence


def test_a_wanted_rate_needs_an_interval_that_is_all_above_it() -> None:
    steps = [a_step(1), a_step(2), a_step(4, Verdict.NO_GAIN)]

    enough = conclude(steps, for_rps=90.0)
    assert (enough.replicas_for, exit_code(enough)) == (2, 0)
    assert enough.sentence.endswith("2 replicas of this size are enough for 90 requests/s.")
    assert conclude(steps, for_rps=98.0).replicas_for == 4
    never = conclude(steps, for_rps=400.0)
    assert (never.replicas_for, exit_code(never)) == (None, 1)
    assert "No measured number of replicas is shown to reach 400 requests/s" in never.sentence


def test_a_rate_that_the_machine_cannot_show_is_not_answered_with_no() -> None:
    assert exit_code(conclude([a_step(1)], refusal="Too small.", for_rps=400.0)) == 3


def test_an_invalid_rate_is_enough_for_nothing() -> None:
    steps = [a_step(1, Verdict.INVALID)]

    assert conclude(steps, for_rps=10.0).replicas_for is None


def test_only_a_doubling_that_scales_goes_on() -> None:
    assert [verdict for verdict in Verdict if goes_on(a_step(1, verdict))] == [Verdict.SCALES]


def test_a_step_is_the_one_doubling_of_a_run() -> None:
    plan = make_plan(replica_counts=(2, 4))
    step = step_of(make_result(plan, make_trials(plan)))

    assert (step.replicas_from, step.replicas_to, step.verdict) == (2, 4, Verdict.SCALES)
    assert step.to_rps.estimate == pytest.approx(200.0)


@pytest.mark.parametrize("verdict", [Verdict.INVALID, Verdict.BREAKS])
def test_the_most_is_none_of_figures_that_do_not_count(verdict: Verdict) -> None:
    steps = [a_step(1), a_step(2, verdict, to_rps=rate(500.0))]

    said = conclude(steps, for_rps=400.0).sentence

    assert said.endswith("is shown to reach 400 requests/s; the most was 99.0.")


def test_an_invalid_doubling_alone_has_no_rate() -> None:
    alone = conclude([a_step(1, Verdict.INVALID)], for_rps=10.0).sentence

    assert alone.endswith("reach 10 requests/s; no measurement of a rate is valid.")


def test_a_rate_that_was_stated_is_not_denied_where_the_first_doubling_breaks() -> None:
    breaks = a_step(1, Verdict.BREAKS, from_rps=rate(90.0), why="Replica 2 refuses the cookie.")

    enough = conclude([breaks], for_rps=20.0)
    assert (enough.replicas_for, exit_code(enough)) == (None, 1)
    assert enough.sentence == (
        "1 replica, 90.0 requests/s; with 2 answers are wrong or fail, because: Replica 2 refuses"
        " the cookie. 1 replica gave 90.0 requests/s, which is enough by rate. But with 2 answers"
        " are wrong or fail, so the answer is no."
    )
    near = conclude([breaks], for_rps=88.0).sentence
    assert near.endswith("1 replica gave 90.0, but its interval begins at 85.5.")
    never = conclude([breaks], for_rps=200.0)
    assert exit_code(never) == 1
    assert never.sentence.endswith("is shown to reach 200 requests/s; the most was 90.0.")


def test_a_server_that_breaks_by_itself_has_no_rate_that_is_right() -> None:
    alone = a_step(1, Verdict.BREAKS, one_server=True, why="This fails with a single server, too.")

    answer = conclude([alone], for_rps=20.0)

    assert (answer.replicas_for, exit_code(answer)) == (None, 1)
    assert answer.sentence == (
        "1 replica; with 2 answers are wrong or fail, because: This fails with a single server,"
        " too. No measured number of replicas is shown to reach 20 requests/s; no measurement of a"
        " rate is valid."
    )


def test_one_replica_is_enough_in_the_singular() -> None:
    said = conclude([a_step(1)], for_rps=20.0).sentence

    assert said.endswith("1 replica of this size is enough for 20 requests/s.")


@pytest.mark.parametrize(
    ("fields", "one_server"),
    [
        ({"one_server": True}, True),
        ({"one_server": False}, False),
        ({"one_server": True, "worker": "another"}, False),
        ({"one_server": True, "workload": "another"}, False),
        ({"one_server": True, "state": ProbeState.OK}, False),
    ],
)
def test_a_step_knows_whether_a_single_server_breaks(
    fields: dict[str, Any], one_server: bool
) -> None:
    plan = make_plan(replica_counts=(1, 2))
    probe = make_probe(**{"worker": "gthread", "state": ProbeState.BREAKS} | fields)

    step = step_of(make_result(plan, make_trials(plan), probes=(probe,)))

    assert step.one_server is one_server


def test_a_rate_that_only_the_interval_misses_is_said_to_be_near() -> None:
    said = conclude([a_step(1)], for_rps=98.0).sentence

    assert said.endswith(
        "is shown to reach 98 requests/s: 2 replicas gave 99.0, but its interval begins at 94.0."
    )
    bare = Estimate(estimate=99.0, low=None, high=None)
    said = conclude([a_step(1, to_rps=bare)], for_rps=98.0).sentence
    assert said.endswith("2 replicas gave 99.0, but without an interval.")


def test_a_loss_of_requests_that_became_dearer_is_told_as_that() -> None:
    plan = make_plan(replica_counts=(1, 2))
    trials = make_trials(plan, rps=lambda spec: 50.0 + spec.cell.replicas)

    step = step_of(make_result(plan, trials))

    assert step.verdict is Verdict.NO_GAIN
    assert step.why == "CPU per request changed by +97% from 1 to 2 replicas."


def test_the_size_of_the_replicas_is_told_with_their_number() -> None:
    sized = [a_step(count, replica_cpus=0.05) for count in (1, 2)]

    assert conclude(sized, refusal="Too small.").sentence == (
        "At least up to 4 replicas of 0.05 CPU each, 198 requests/s; more cannot be tested here:"
        " Too small."
    )
    alone = conclude([a_step(1, Verdict.FALLS_SHORT, replica_cpus=0.05)])
    assert alone.sentence.startswith("1 replica of 0.05 CPU, 50.0 requests/s; 2 gain too little")


def test_a_failure_is_neither_the_machine_nor_an_end() -> None:
    answer = conclude([a_step(1), a_step(2)], failure="Replica 7 did not answer.")

    assert (answer.ended, exit_code(answer)) == (Ended.FAILED, 3)
    assert answer.sentence == (
        "Up to 4 replicas, 198 requests/s; 8 could not be measured: Replica 7 did not answer."
    )
    reached = conclude([a_step(1), a_step(2)], failure="It broke.", for_rps=90.0)
    assert exit_code(reached) == 0


def test_large_rates_are_told_with_plain_digits() -> None:
    fast = a_step(1, from_rps=rate(620.0), to_rps=rate(1234.5))
    lost = a_step(2, Verdict.NO_GAIN, from_rps=rate(1234.5), to_rps=rate(1250.0))

    assert conclude([fast, lost]).sentence.startswith("Up to 2 replicas, 1234 requests/s; 4 gain")
    assert "reach 12345.5 requests/s; the most was 1250." in (
        conclude([fast, lost], for_rps=12345.5).sentence
    )
    assert "reach 1249 requests/s: 4 replicas gave 1250, but its interval begins at 1188." in (
        conclude([fast, lost], for_rps=1249.0).sentence
    )
    assert (
        "for 1000000 requests/s." in conclude([a_step(1, to_rps=rate(2e6))], for_rps=1e6).sentence
    )
