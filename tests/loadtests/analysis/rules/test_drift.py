from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from loadtests.analysis.core_speed import at_mean_speed
from loadtests.analysis.rules.drift import drifts, wear
from loadtests.model.plan import TrialSpec
from loadtests.model.trial import Trial
from tests.loadtests.builders import make_plan, make_trials, noisy_rps

PLAN = make_plan(workers=("gthread", "sync"), replica_counts=(1, 2), rounds=6)


def lined_up(*, slope: float, spread: float) -> tuple[Trial, ...]:
    """Trials of which gthread's factors lie on a line, and sync's scatter as they do."""

    def rps(spec: TrialSpec) -> float:
        if spec.cell.worker == "sync":
            return noisy_rps(seed=3, spread=spread)(spec)
        return 100.0 * spec.cell.replicas * (1 + slope * spec.round * (spec.cell.replicas == 2))

    return make_trials(PLAN, rps=rps)


def test_points_on_a_line_by_chance_are_held_against_the_scatter_of_all() -> None:
    gthread, _ = drifts(PLAN, lined_up(slope=0.02, spread=0.05))

    assert gthread.ratio == pytest.approx(0.098, abs=0.01)
    assert gthread.chance > 0.05


def test_the_same_line_where_little_scatters_is_a_drift() -> None:
    gthread, _ = drifts(PLAN, lined_up(slope=0.02, spread=0.002))

    assert gthread.chance < 0.001


def test_no_scatter_at_all_makes_a_line_certain_and_a_level_one_none() -> None:
    sloping, level = drifts(PLAN, lined_up(slope=0.02, spread=0.0))

    assert sloping.chance < 0.001
    assert level.chance == 1.0


def test_a_doubling_that_ended_earlier_has_the_drift_of_its_own_rounds() -> None:
    """Worker models may end in different rounds."""
    trials = [
        trial
        for trial in lined_up(slope=0.02, spread=0.05)
        if trial.spec.cell.worker == "sync" or trial.spec.round <= 4
    ]

    gthread, sync = drifts(PLAN, trials)

    assert gthread.ratio == pytest.approx(1.08 / 1.02 - 1, abs=0.002)
    assert gthread.chance > 0.05  # held against the scatter of sync's six rounds
    assert sync.ratio == drifts(PLAN, lined_up(slope=0.02, spread=0.05))[1].ratio


def test_fewer_than_four_rounds_have_no_drift() -> None:
    trials = [trial for trial in lined_up(slope=0.1, spread=0.0) if trial.spec.round < 4]

    assert drifts(PLAN, trials) == ()


def worn(per_round: float, spread: float) -> tuple[Trial, ...]:
    """Trials that all become faster or slower alike, and scatter."""

    def rps(spec: TrialSpec) -> float:
        return noisy_rps(spread=spread)(spec) * (1 + per_round * (spec.round - 1))

    return make_trials(PLAN, rps=rps)


def test_what_all_cells_share_is_the_wear_of_the_run() -> None:
    found = wear(worn(-0.06, 0.01))

    assert found is not None
    assert found.ratio == pytest.approx(-0.31, abs=0.04)
    assert found.chance < 0.001


def on_a_core(
    speed: Callable[[TrialSpec], float], *, per_round: float = 0.0, spread: float = 0.03
) -> tuple[Trial, ...]:
    """Trials whose throughput follows the core's speed, and the rounds."""

    def rps(spec: TrialSpec) -> float:
        own = noisy_rps(seed=5, spread=spread)(spec)
        return own * speed(spec) * (1 + per_round * (spec.round - 1))

    return tuple(
        replace(trial, core_speed=speed(trial.spec)) for trial in make_trials(TWELVE, rps=rps)
    )


TWELVE = make_plan(workers=("gthread",), replica_counts=(1, 2), rounds=12)


def faster_later(spec: TrialSpec) -> float:
    """As captured: half the speed and its scatter at first, all of it from the fifth round on."""
    scatter = Random(f"{spec.id} speed").lognormvariate(0.0, 0.1)
    return scatter * (0.5 if spec.round < 5 else 1.0)


def test_a_system_that_slows_down_is_seen_while_its_core_grows_faster() -> None:
    trials = at_mean_speed(on_a_core(faster_later, per_round=-0.035))

    found = wear(trials)

    assert found is not None
    assert found.ratio == pytest.approx(-0.385, abs=0.08)
    assert found.chance < 0.001


def test_a_core_that_grows_faster_is_no_wear() -> None:
    found = wear(at_mean_speed(on_a_core(faster_later)))

    assert found is not None
    assert abs(found.ratio) < 0.1
    assert found.chance > 0.001


def test_a_core_whose_speed_says_nothing_of_the_system_is_left_out() -> None:
    """Slots hold it: the slope on speed would be below 0 by chance, and is taken as 0."""
    trials = [
        replace(trial, core_speed=1 / trial.throughput_rps**0.1)
        for trial in make_trials(TWELVE, rps=noisy_rps(seed=2, spread=0.02))
    ]

    found = wear(trials)

    assert found is not None
    assert found.chance > 0.001


@pytest.mark.parametrize("seed", range(20))
def test_scatter_alone_is_no_wear(seed: int) -> None:
    found = wear(make_trials(PLAN, rps=noisy_rps(seed=seed, spread=0.05)))

    assert found is not None
    assert found.chance > 0.001


def test_wear_needs_more_trials_than_cells() -> None:
    assert wear(make_trials(PLAN, rounds=1)) is None
