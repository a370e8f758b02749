"""Two servers whose starts differ are told apart as often as an interval may err, and not more."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random

import pytest

from loadtests.analysis import estimates
from loadtests.analysis.intervals import geometric_mean
from loadtests.analysis.shared import start_spread
from loadtests.analysis.shared.start_spread import ASSUMED, Part
from loadtests.model.plan import Plan, TrialSpec
from loadtests.model.result import ComparisonResult
from loadtests.report.text.comparison import recommendations
from tests.loadtests.builders import make_plan, make_trials

RUNS = 200
"""Simulated runs: a share of 5 % is then met within ±3 % in 19 of 20 cases."""

MANY_RUNS = 1000
"""A share of 5 % is then met within ±1.4 % in 19 of 20 cases."""

START_SD = 0.03
ROUND_SD = 0.01


def simulated(
    plan: Plan, *, seed: int, faster: float = 1.0, drift: float = 0.0
) -> tuple[ComparisonResult, ...]:
    """Return the comparisons of one run whose starts differ; the first variant is ``faster``.

    With ``drift``, all become slower from round to round, by that logarithm over the whole run.
    """
    random = Random(seed)
    starts = {
        (worker.name, member): random.gauss(0, START_SD)
        for worker in plan.workers
        for member in range(1, plan.replica_counts[-1] + 1)
    }
    first = plan.workers[0].name

    def rps(spec: TrialSpec) -> float:
        own = [math.exp(starts[spec.cell.worker, member]) for member in spec.members]
        speed = 50.0 * (faster if spec.cell.worker == first else 1.0)
        shared = -drift * (spec.round - 1) / (len(plan.rounds) - 1)
        return speed * sum(own) * math.exp(random.gauss(0, ROUND_SD) + shared)

    return estimates.comparisons(plan, make_trials(plan, rps=rps))


def runs(
    plan: Plan, *, faster: float = 1.0, drift: float = 0.0, count: int = RUNS
) -> Iterator[list[ComparisonResult]]:
    for seed in range(count):
        compared = simulated(plan, seed=seed, faster=faster, drift=drift)
        yield [ratio for ratio in compared if ratio.replicas == plan.replica_counts[-1]]


@pytest.mark.parametrize("drift", [0.0, 0.15])
@pytest.mark.parametrize("counts", [(1, 2), (1, 2, 4)])
def test_two_equal_variants_differ_in_one_run_of_twenty_at_the_most(
    counts: tuple[int, ...], drift: float
) -> None:
    plan = make_plan(workers=("gthread", "sync"), replica_counts=counts, rounds=8)

    outside = 0
    for (ratio,) in runs(plan, drift=drift, count=MANY_RUNS):
        assert ratio.ratio.low is not None
        assert ratio.ratio.high is not None
        outside += not ratio.ratio.low <= 1 <= ratio.ratio.high

    assert outside <= 0.065 * MANY_RUNS


def test_one_of_five_equal_variants_is_recommended_alone_in_hardly_any_run() -> None:
    plan = make_plan(
        workers=("gthread", "sync", "gevent", "waitress", "granian"),
        replica_counts=(1, 2, 4),
        rounds=8,
    )

    said = [recommendations(compared)[0] for compared in runs(plan)]

    assert sum("may be chance" not in sentence for sentence in said) <= 0.01 * RUNS
    assert sum("; " in sentence for sentence in said) <= 0.08 * RUNS  # better than any of them


def test_a_variant_that_is_faster_by_more_than_starts_differ_is_still_recommended() -> None:
    plan = make_plan(workers=("gthread", "sync", "gevent"), replica_counts=(1, 2, 4), rounds=8)

    said = [recommendations(compared)[0] for compared in runs(plan, faster=1.25)]

    assert sum(sentence.startswith("For cpu run gthread: ") for sentence in said) >= 0.95 * RUNS


def test_the_variance_of_a_server_is_its_own_or_the_mean_of_all() -> None:
    spreads = start_spread.between_starts(
        {
            "even": {(1,): {1: 0.0, 2: 0.02}, (2,): {3: 0.01}},
            "odd": {(1,): {4: 0.0}, (2,): {5: 0.2}, (3,): {6: 0.1}},
            "alone": {(1,): {7: 0.0}},
        }
    )

    pooled = pytest.approx(0.02 / 3)
    assert {name: part.variance for name, part in spreads.items()} == {
        "even": pooled,
        "odd": pytest.approx(0.01),
        "alone": pooled,
    }
    assert {part.degrees for part in spreads.values()} == {3}


def test_what_all_servers_of_a_round_share_is_no_difference_between_starts() -> None:
    plan = make_plan(workers=("gthread", "sync"), replica_counts=(1, 2, 4), rounds=4)
    trials = make_trials(plan, rps=lambda spec: 50.0 * 0.95**spec.round * spec.cell.replicas)

    (ratio,) = [ratio for ratio in estimates.comparisons(plan, trials) if ratio.replicas == 4]

    assert ratio.ratio.low == pytest.approx(1.0)
    assert ratio.ratio.high == pytest.approx(1.0)


def test_a_drift_leaves_the_interval_as_it_is() -> None:
    plan = make_plan(workers=("gthread", "sync", "gevent"), replica_counts=(1, 2, 4), rounds=4)

    steady, slower = (simulated(plan, seed=3, drift=drift) for drift in (0.0, 0.15))

    assert [ratio.ratio.low for ratio in slower] == [
        pytest.approx(ratio.ratio.low) for ratio in steady
    ]


def test_fitted_rounds_cost_their_degrees_of_freedom_and_no_variance() -> None:
    apart = {"a": (0.0, 0.06, 0.03, 0.03), "b": (0.0, 0.0, 0.0, 0.0)}
    measured: start_spread.Logs = {
        name: {(number,): {number: log + 0.1 * number} for number, log in enumerate(logs, 1)}
        for name, logs in apart.items()
    }
    spreads = start_spread.between_starts(measured)

    # Half the variance of the difference, which has no drift in it.
    assert [part.variance for part in spreads.values()] == [pytest.approx(0.0006 / 2)] * 2
    assert [part.degrees for part in spreads.values()] == [pytest.approx(3)] * 2


def test_a_round_without_the_other_servers_tells_nothing_of_starts() -> None:
    drift = {number: 0.1 * number for number in range(1, 9)}
    of: start_spread.Logs = {
        "a": {(start,): {n: drift[n] for n in (start, start + 4)} for start in (1, 2, 3, 4)},
        "b": {(start,): {start: drift[start]} for start in (1, 2, 3, 4)},
    }

    assert [part.variance for part in start_spread.between_starts(of).values()] == [
        pytest.approx(0.0, abs=1e-12)
    ] * 2


def test_without_two_starts_measured_alone_their_spread_is_assumed() -> None:
    assert start_spread.between_starts({"a": {}, "b": {(1,): {1: 0.0}}}) == {
        "a": ASSUMED,
        "b": ASSUMED,
    }


def test_rounds_that_agree_still_leave_what_starts_differ_by() -> None:
    of = Part(variance=0.0004, degrees=math.inf)

    found = start_spread.ratio([0.1] * 6, [(of, 4), (of, 4)])

    assert found.low is not None
    assert math.log(found.low) == pytest.approx(0.1 - 1.96 * math.sqrt(0.0002), abs=1e-4)


def test_without_a_spread_of_starts_it_is_the_interval_of_the_rounds() -> None:
    logs = [0.1, 0.12, 0.09, 0.15]
    none = Part(variance=0.0, degrees=3)

    found = start_spread.ratio(logs, [(none, 4)])
    plain = geometric_mean(logs)

    assert found.low == pytest.approx(plain.low)
    assert found.high == pytest.approx(plain.high)


def test_an_error_that_all_rounds_share_is_added_in_quadrature() -> None:
    logs = [0.1, 0.12, 0.09, 0.15]
    none = Part(variance=0.0, degrees=3)

    found = start_spread.ratio([0.1, 0.1, 0.1, 0.1], [(none, 4)], shared=0.05)
    narrow, wide = (start_spread.ratio(logs, [(ASSUMED, 4)], shared=of) for of in (0.0, 0.05))

    assert found.low == pytest.approx(math.exp(0.05))
    assert wide.low is not None
    assert narrow.low is not None
    assert wide.low < narrow.low


def test_more_pairs_make_each_interval_wider() -> None:
    logs = [0.1, 0.12, 0.09, 0.15]

    single, among_ten = (start_spread.ratio(logs, [(ASSUMED, 4)], pairs=n) for n in (1, 10))

    assert single.low is not None
    assert among_ten.low is not None
    assert among_ten.low < single.low


def test_one_round_has_no_interval() -> None:
    assert start_spread.ratio([0.1], [(ASSUMED, 4)]).low is None
