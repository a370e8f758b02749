from dataclasses import replace

import pytest

from loadtests.analysis.ceilings import generator_ceiling
from loadtests.model.generator_records import LoadDone
from loadtests.model.latency import Ceiling
from loadtests.model.vocabulary import RuleCode, RuleState
from tests.loadtests.analysis.raw_trials import a_raw_trial
from tests.loadtests.builders import (
    make_calibration,
    make_cell,
    make_plan,
    make_result,
    make_trials,
)
from tests.loadtests.fakes import sample_bytes

PLAN = make_plan()
TRIALS = make_trials(PLAN)


def a_ceiling(rps: float, lost_workers: int = 0) -> Ceiling:
    return Ceiling(
        throughput_rps=rps,
        cpu_ratio=0.8,
        users=16,
        window_s=1.0,
        processes=1,
        lost_workers=lost_workers,
    )


def test_the_ceiling_is_what_succeeded_in_the_window() -> None:
    data = sample_bytes(done_us=[-1, 0, 1_999_999, 2_000_000, 5], outcome=[0, 0, 0, 0, 2])
    finished = a_raw_trial(data, finished={"cpu_s": 1.5}).finished

    found = generator_ceiling.reduce(LoadDone(finished=finished, samples=data), users=16)

    assert (found.throughput_rps, found.cpu_ratio, found.users) == (1.0, 0.75, 16)


def test_each_cell_is_told_what_share_of_the_ceiling_it_needed() -> None:
    cells = generator_ceiling.with_shares(make_result(PLAN, TRIALS).cells, a_ceiling(1000.0))

    assert [each.ceiling_ratio for each in cells] == pytest.approx([0.05, 0.1, 0.2])


def test_without_a_ceiling_no_share_is_told() -> None:
    cells = make_result(PLAN, TRIALS).cells

    for unknown in (None, a_ceiling(0.0)):
        assert [each.ceiling_ratio for each in generator_ceiling.with_shares(cells, unknown)] == [
            None
        ] * 3


def test_a_cell_that_needs_most_of_the_ceiling_is_broken_and_no_other() -> None:
    found = generator_ceiling.check(PLAN, TRIALS, a_ceiling(200 / 0.86))

    assert {each.code for each in found} == {RuleCode.GENERATOR_SATURATED}
    assert [each.state for each in found] == [*(RuleState.HOLDS, RuleState.HOLDS, RuleState.BROKEN)]
    assert found[2].cell == make_cell(replicas=4)
    assert found[2].figure == pytest.approx(0.86)
    assert "Use a machine with more cores" in found[2].detail


def test_just_below_the_limit_the_rule_holds() -> None:
    found = generator_ceiling.check(PLAN, TRIALS, a_ceiling(200 / 0.84))

    assert {each.state for each in found} == {RuleState.HOLDS}


def test_a_ceiling_that_was_not_measured_is_not_called_held() -> None:
    (found,) = generator_ceiling.check(PLAN, TRIALS, None)

    assert (found.state, found.cell) == (RuleState.UNCHECKED, None)
    assert generator_ceiling.check(PLAN, (), None) == ()


def test_processes_that_went_missing_before_the_rounds_are_told() -> None:
    sound = make_calibration()
    steps = tuple(
        type(step)(**vars(step) | {"lost_workers": number == 1})
        for number, step in enumerate(sound.steps)
    )

    assert generator_ceiling.lost(PLAN, [sound], a_ceiling(1.0)) == ()
    (early,) = generator_ceiling.lost(PLAN, [sound], a_ceiling(1.0, lost_workers=1))
    (later,) = generator_ceiling.lost(PLAN, [make_calibration(steps=steps)], a_ceiling(1.0))
    assert early.state is later.state is RuleState.BROKEN


@pytest.mark.parametrize(
    ("cpu_ratio", "lag_ms", "broken"),
    [(0.05, 95.0, True), (0.19, 20.1, True), (0.05, 2.0, False), (0.35, 60.0, False)],
)
def test_a_generator_that_is_held_to_a_part_of_a_core_is_seen_at_its_ceiling(
    cpu_ratio: float, lag_ms: float, broken: bool
) -> None:
    found = generator_ceiling.throttled(
        replace(a_ceiling(500.0), cpu_ratio=cpu_ratio, lag_p99_ms=lag_ms)
    )

    assert [each.state for each in found] == [RuleState.BROKEN] * broken
    assert generator_ceiling.throttled(None) == ()
