from dataclasses import replace
from typing import Any

import pytest

from loadtests.analysis.latency import checks
from loadtests.model.open_trial import OpenTrial, Times
from loadtests.model.trial import GeneratorHealth, HostUse
from loadtests.model.vocabulary import RuleState
from tests.loadtests.analysis.latency.builders import open_plan, open_spec, open_trial
from tests.loadtests.builders import make_cell

PLAN = open_plan()
HEALTHY = GeneratorHealth(cpu_ratio=0.1, lag_p99_ms=0.8, lag_max_ms=2.0)


def judged(*trials: OpenTrial, **how: bool) -> tuple[str, str]:
    return checks.judge(PLAN, make_cell(), trials, **how)


def with_generator(**fields: Any) -> OpenTrial:
    trial = open_trial()
    return replace(trial, measured=replace(trial.measured, generator=replace(HEALTHY, **fields)))


def test_sound_trials_count() -> None:
    assert judged(open_trial(), open_trial()) == ("valid", "")


def test_no_trial_is_no_latency() -> None:
    assert judged() == ("missing", "It was not measured.")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"cpu_ratio": 0.9}, "used 90% of its core"),
        ({"lag_p99_ms": 55.0}, "55 ms late"),
        ({"lost_workers": 1}, "ended early"),
    ],
)
def test_a_generator_that_could_not_keep_up_has_no_verdict(fields: Any, why: str) -> None:
    state, reason = judged(with_generator(**fields))

    assert state == "invalid"
    assert why in reason


def test_one_request_in_a_thousand_may_be_dropped_and_no_more() -> None:
    fast = open_spec(rate_rps=1250.0)
    few = open_trial(spec=fast, dropped=5, offered_rps=4995 / 4)
    many = open_trial(spec=fast, dropped=6, offered_rps=4994 / 4)

    assert judged(few)[0] == "valid"
    state, reason = judged(many)
    assert state == "invalid"
    assert "6 of 5000" in reason


def test_a_search_takes_what_was_dropped_for_an_answer() -> None:
    dropping = open_trial(dropped=40, offered_rps=15.0, late=40)

    assert judged(dropping)[0] == "invalid"
    assert judged(dropping, may_drop=True) == ("valid", "")


def test_a_rate_that_was_not_reached_is_not_that_rate() -> None:
    state, reason = judged(open_trial(offered_rps=24.0))

    assert state == "invalid"
    assert "96.0% of the planned rate" in reason


def test_a_request_at_the_windows_edge_is_no_missed_rate() -> None:
    assert judged(open_trial(offered_rps=24.8))[0] == "valid"


@pytest.mark.parametrize(
    ("late_ms", "p99_ms", "state"),
    [(4.9, 20.0, "valid"), (5.1, 20.0, "invalid"), (19.0, 200.0, "valid")],
)
def test_a_generator_that_sends_late_would_measure_itself(
    late_ms: float, p99_ms: float, state: str
) -> None:
    times = Times(p50_ms=1.0, p90_ms=2.0, p99_ms=p99_ms, p999_ms=None, max_ms=None)

    assert judged(open_trial(late_p99_ms=late_ms, response=times))[0] == state


def test_other_programs_in_the_windows_take_a_levels_figures_away() -> None:
    trial = open_trial()
    host = HostUse(steal_ratio=0.0, foreign_ratio=0.3)
    disturbed = replace(trial, measured=replace(trial.measured, host=host))

    state, reason = judged(disturbed)

    assert state == "invalid"
    assert "Other programs took 30.0%" in reason


def test_a_lost_process_of_the_generator_breaks_the_run() -> None:
    (finding,) = checks.lost([open_trial(), with_generator(lost_workers=1)])

    assert (finding.state, finding.cell, finding.figure) == (RuleState.BROKEN, None, 1)
    assert checks.lost([open_trial()]) == ()
