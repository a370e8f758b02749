import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import least_squares

from loadtests.analysis import scaling_laws
from loadtests.model.plan import TrialSpec
from loadtests.model.result import DoublingResult, LawResult
from tests.loadtests.builders import make_doubling, make_plan, make_trials, noisy_rps


def following(
    *, sigma: float, kappa: float = 0.0, spread: float = 0.0, seed: int = 1
) -> Callable[[TrialSpec], float]:
    noise = noisy_rps(seed=seed, spread=spread)

    def rps(spec: TrialSpec) -> float:
        ideal = scaling_laws.speedup(spec.cell.replicas, sigma=sigma, kappa=kappa)
        return noise(spec) * ideal / spec.cell.replicas

    return rps


def fit_one(*counts: int, rounds: int = 6, sigma: float, kappa: float = 0.0) -> LawResult:
    plan = make_plan(replica_counts=counts, rounds=rounds)
    (law,) = scaling_laws.fit(plan, make_trials(plan, rps=following(sigma=sigma, kappa=kappa)))
    return law


def test_the_usl_without_its_second_loss_is_amdahls_law() -> None:
    # Amdahl 1967: a tenth that cannot be divided leaves 1 / (0.1 + 0.9/4) of four
    assert scaling_laws.speedup(4, sigma=0.1) == pytest.approx(1 / (0.1 + 0.9 / 4))


def test_three_counts_give_amdahl_and_say_why_not_more() -> None:
    law = fit_one(1, 2, 4, sigma=0.1)

    assert (law.name, law.kappa) == ("amdahl", None)
    assert law.sigma.estimate == pytest.approx(0.1, abs=1e-6)
    assert law.bound == pytest.approx(10.0, rel=1e-4)
    assert law.note.startswith(
        "The Universal Scalability Law needs four replica counts, and this run has 3."
    )


def test_four_counts_give_both_parameters_of_the_usl_and_its_peak() -> None:
    law = fit_one(1, 2, 4, 8, sigma=0.05, kappa=0.01)

    assert law.name == "usl"
    assert law.kappa is not None
    assert law.sigma.estimate == pytest.approx(0.05, abs=1e-5)
    assert law.kappa.estimate == pytest.approx(0.01, abs=1e-5)
    assert law.bound == pytest.approx(scaling_laws.speedup(9.747, sigma=0.05, kappa=0.01), rel=1e-4)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("counts", [(1, 2), (1, 2, 4), (1, 2, 4, 8), (1, 2, 4, 8, 16)])
def test_the_fit_is_that_of_another_optimiser(counts: tuple[int, ...], seed: int) -> None:
    rng = np.random.default_rng(seed)
    losses = rng.uniform(-0.1, 1.0), rng.uniform(0.0, 0.1)
    truth = [scaling_laws.speedup(n, sigma=losses[0], kappa=losses[1]) for n in counts]
    logs = np.log(truth) + rng.normal(0, rng.choice((0.001, 0.05, 0.3)), (4, len(counts)))
    parameters = 2 if len(counts) >= scaling_laws.USL_COUNTS else 1

    def residuals(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Any:
        sigma, kappa = (*values, 0.0)[:2]
        misfit = logs.mean(axis=0) - [
            math.log(scaling_laws.speedup(n, sigma=sigma, kappa=kappa)) for n in counts
        ]
        return misfit - misfit.mean()

    other = least_squares(residuals, x0=np.zeros(parameters), x_scale=0.01, xtol=1e-12, ftol=1e-14)
    ours = scaling_laws._parameters(np.array(counts, dtype=np.float64), logs, parameters)

    assert np.sum(residuals(np.array(ours)) ** 2) <= 2 * other.cost + 1e-12
    assert ours == pytest.approx(other.x.tolist(), abs=1e-5)


def test_perfect_scaling_has_no_bound() -> None:
    law = fit_one(1, 2, 4, sigma=-0.01)

    assert law.bound is None


def test_one_round_fits_without_an_interval() -> None:
    law = fit_one(1, 2, 4, rounds=1, sigma=0.1)

    assert law.sigma.low is law.sigma.high is None


def test_an_interval_holds_the_truth_nearly_always_under_noise() -> None:
    held = 0
    for seed in range(40):
        plan = make_plan(replica_counts=(1, 2, 4), rounds=6)
        rps = following(sigma=0.1, spread=0.02, seed=seed)
        (law,) = scaling_laws.fit(plan, make_trials(plan, rps=rps))
        assert law.sigma.low is not None
        assert law.sigma.high is not None
        held += law.sigma.low <= 0.1 <= law.sigma.high

    assert held >= 35  # 38 expected; fewer than 35 of 40 has a chance of 1.4 %, and seeds are fixed


def dearer(*shares: float) -> list[DoublingResult]:
    """Give the doublings from one replica on, whose intervals reach further by these shares."""
    return [
        make_doubling(
            worker="gthread",
            workload="cpu",
            replicas_from=2**number,
            replicas_to=2 ** (number + 1),
            machine_share_ratio=share,
        )
        for number, share in enumerate(shares)
    ]


LOSING = {1: 50.0, 2: 50 * 1.96, 4: 50 * 1.96 * 1.94, 8: 50 * 1.96 * 1.94 * 1.94}
"""Doublings of 1.96, 1.94 and 1.94, as requests that grow dearer on shared cores give."""


def fit_losing(counts: tuple[int, ...], doublings: list[DoublingResult]) -> LawResult:
    plan = make_plan(replica_counts=counts, rounds=6)
    noise = noisy_rps(spread=0.002)

    def rps(spec: TrialSpec) -> float:
        replicas = spec.cell.replicas
        return noise(spec) / (50.0 * replicas) * LOSING[replicas]

    (law,) = scaling_laws.fit(plan, make_trials(plan, rps=rps), doublings)
    return law


@pytest.mark.parametrize("counts", [(1, 2, 4), (1, 2, 4, 8)])
def test_a_loss_that_may_be_the_shared_cores_bounds_nothing(counts: tuple[int, ...]) -> None:
    law = fit_losing(counts, dearer(0.02, 0.03, 0.03))
    by_itself = fit_losing(counts, dearer(0.0, 0.0, 0.0))

    assert by_itself.extrapolates
    assert by_itself.bound is not None
    assert law.bound is None
    assert not law.extrapolates
    assert law.note.endswith("So there is no bound and no extrapolation.")
    assert law.sigma.estimate == by_itself.sigma.estimate
    assert law.sigma.low is not None
    assert law.sigma.low <= 0 < law.sigma.estimate  # type: ignore[operator]


def test_a_loss_of_which_only_a_part_may_be_the_shared_cores_is_still_extrapolated() -> None:
    law = fit_losing((1, 2, 4), dearer(0.005, 0.005))

    assert law.extrapolates
    assert law.bound is not None


def test_a_loss_that_chance_explains_is_extrapolated_within_its_bounds() -> None:
    plan = make_plan(replica_counts=(1, 2, 4), rounds=6)
    trials = make_trials(plan, rps=following(sigma=0.01, spread=0.05))

    (law,) = scaling_laws.fit(plan, trials, dearer(0.03, 0.03))

    assert law.extrapolates
    assert law.bound is None


def test_cheaper_requests_widen_the_interval_of_the_loss_upwards() -> None:
    law, narrow = (fit_losing((1, 2, 4), dearer(share, share)) for share in (-0.03, 0.0))

    assert law.sigma.high is not None
    assert narrow.sigma.high is not None
    assert law.sigma.high > narrow.sigma.high + 0.02
    assert law.sigma.low == narrow.sigma.low
    assert law.extrapolates


@pytest.mark.parametrize("counts", [(1, 2, 4), (1, 2, 4, 8)])
def test_an_interval_holds_how_far_off_the_correction_of_the_core_speed_may_be(
    counts: tuple[int, ...],
) -> None:
    plan = make_plan(replica_counts=counts, rounds=6)
    trials = make_trials(plan, rps=following(sigma=0.05, spread=0.002))
    wrong = [
        replace(trial, speed_correction_margin=0.02 * math.log2(trial.spec.cell.replicas))
        for trial in trials
    ]
    shared = [replace(trial, speed_correction_margin=0.02) for trial in trials]

    (law,), (wide,), (same,) = (scaling_laws.fit(plan, of) for of in (trials, wrong, shared))

    assert wide.sigma.estimate == law.sigma.estimate
    assert width(wide) > width(law) + 0.02
    assert width(same) == pytest.approx(width(law))  # what all cells share is no loss


def width(law: LawResult) -> float:
    assert law.sigma.low is not None
    assert law.sigma.high is not None
    return law.sigma.high - law.sigma.low


def test_rounds_without_a_success_are_left_out() -> None:
    plan = make_plan(replica_counts=(1, 2), rounds=3)
    trials = make_trials(plan, rps=lambda s: 0.0 if s.round == 2 else 50.0 * s.cell.replicas)

    (law,) = scaling_laws.fit(plan, trials)

    assert law.sigma.estimate == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("counts", [(1,), (4,)])
def test_one_replica_count_has_no_law(counts: tuple[int, ...]) -> None:
    plan = make_plan(replica_counts=counts)

    assert scaling_laws.fit(plan, make_trials(plan)) == ()


def test_no_trials_have_no_law() -> None:
    assert scaling_laws.fit(make_plan(), ()) == ()
