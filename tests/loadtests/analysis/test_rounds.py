import pytest

from loadtests.analysis.estimates import doublings
from loadtests.analysis.rounds import complete_rounds, precision, unfinished
from loadtests.model.plan import TrialSpec
from tests.loadtests.builders import make_cell, make_plan, make_trials, noisy_rps

PAIR = make_plan(replica_counts=(1, 2), rounds=12)


def test_the_precision_is_the_widest_half_width() -> None:
    trials = make_trials(plan := make_plan(rounds=6), rps=noisy_rps(spread=0.05))
    found = doublings(plan, trials)
    widths = [doubling.half_width_ratio for doubling in found]

    assert precision(found) == max(width for width in widths if width is not None)


def test_there_is_no_precision_while_a_doubling_has_none() -> None:
    assert precision(doublings(PAIR, make_trials(PAIR, rounds=1))) is None


@pytest.mark.parametrize(("rounds", "stops"), [(1, False), (5, False), (6, True)])
def test_precise_rounds_are_enough_from_the_first_look_on(rounds: int, stops: bool) -> None:
    assert (not unfinished(PAIR, make_trials(PAIR, rounds=rounds))) is stops


def test_rounds_go_on_while_a_doubling_is_not_precise_and_end_at_the_most() -> None:
    rps = noisy_rps(spread=0.5)

    assert unfinished(PAIR, make_trials(PAIR, rounds=11, rps=rps))
    assert not unfinished(PAIR, make_trials(PAIR, rounds=12, rps=rps))


def test_a_fixed_number_of_rounds_is_enough_however_wide_the_intervals() -> None:
    plan = make_plan(rounds=4, rounds_min=4, rounds_max=4)

    assert not unfinished(plan, make_trials(plan, rps=noisy_rps(spread=0.5)))


def test_whether_rounds_are_enough_does_not_depend_on_the_verdict() -> None:
    spread = noisy_rps(spread=0.03)
    flat = make_trials(PAIR, rounds=6, rps=lambda s: spread(s) / s.cell.replicas)
    steep = make_trials(PAIR, rounds=6, rps=spread)

    widths = [precision(doublings(PAIR, these)) for these in (flat, steep)]
    assert widths[0] == pytest.approx(widths[1])
    assert unfinished(PAIR, flat) == unfinished(PAIR, steep)


def test_rounds_go_to_the_worker_models_that_need_them() -> None:
    plan = make_plan(workers=("gthread", "sync"), replica_counts=(1, 2), rounds=12)
    calm, noisy = noisy_rps(spread=0.001), noisy_rps(spread=0.5)

    def rps(spec: TrialSpec) -> float:
        return (calm if spec.cell.worker == "gthread" else noisy)(spec)

    left = unfinished(plan, make_trials(plan, rounds=6, rps=rps))

    assert {cell.worker for cell in left} == {"sync"}
    assert len(unfinished(plan, make_trials(plan, rounds=5, rps=rps))) == 4
    assert not unfinished(plan, make_trials(plan, rounds=12, rps=rps))


def test_an_unfinished_round_is_not_counted() -> None:
    assert complete_rounds(PAIR, make_trials(PAIR, rounds=3)[:-1]) == 2


def test_without_a_doubling_the_least_rounds_are_enough() -> None:
    plan = make_plan(replica_counts=(1,), rounds=4)

    assert not unfinished(plan, make_trials(plan))
    assert make_cell() in plan.cells
