"""One endpoint judged: what its verdicts need, how they mirror, and how often they are wrong."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri, stdtrit

from loadtests.gate.analysis import error_spending
from loadtests.gate.analysis.decision import Rule, judge
from loadtests.gate.model.vocabulary import GateVerdict

LOOKS = error_spending.looks((8, 12), 12)
RULE = Rule(margin=0.05, alpha=0.01, beta=0.05, tests=6, looks=LOOKS)
MIRRORED = {
    GateVerdict.REGRESSED: GateVerdict.IMPROVED,
    GateVerdict.IMPROVED: GateVerdict.REGRESSED,
}

SPENDINGS = pytest.mark.parametrize("spent", [error_spending.early, error_spending.late])

logs = st.lists(
    st.floats(-0.2, 0.2, allow_nan=False).map(lambda value: round(value, 6)),
    min_size=8,
    max_size=40,
)


def starts(mean: float, sd: float, count: int) -> list[float]:
    """Values with exactly this mean and standard deviation."""
    raw = np.resize([-1.0, 1.0], count)
    raw = raw - raw.mean()
    return list(mean + sd * raw / raw.std(ddof=1))


@SPENDINGS
def test_the_shares_of_all_looks_add_up_to_no_more_than_the_whole_error(
    spent: error_spending.Spending,
) -> None:
    looks = error_spending.looks((8, 12), 60)
    shares = [error_spending.share(look, looks, spent) for look in range(1, 61)]

    assert all(share > 0 for share in shares)
    assert math.fsum(shares) == pytest.approx(spent(60, looks))
    assert spent(60, looks) < 1


def test_most_of_pass_is_spent_early_and_most_of_regressed_late() -> None:
    assert error_spending.early(1000, LOOKS) == pytest.approx(1 - 1 / 1001)
    assert error_spending.level_at(1, LOOKS, 0.05, error_spending.early) == pytest.approx(
        0.9 * 0.05 / 2
    )
    assert error_spending.level_at(1, LOOKS, 0.01, error_spending.late) == pytest.approx(
        0.9 * 0.01 / 16
    )
    assert error_spending.late(4, LOOKS) == pytest.approx(1 / 4)


@SPENDINGS
@pytest.mark.parametrize("error", [0.05, 0.002])
def test_what_is_spent_at_a_look_is_the_chance_to_err_there_first(
    error: float, spent: error_spending.Spending
) -> None:
    rng = np.random.default_rng(3)
    looks = error_spending.looks((8, 12), 5)
    sums, before = np.zeros(400_000), 0
    erred = np.zeros(sums.size, dtype=bool)
    for number, look in enumerate(looks, start=1):
        sums += rng.normal(0.0, math.sqrt(look - before), sums.size)
        bound = -float(ndtri(error_spending.level_at(number, looks, error, spent)))
        first = ~erred & (sums / math.sqrt(look) > bound)
        erred |= first
        before = look
        expected = 0.9 * error * error_spending.share(number, looks, spent) * sums.size
        assert abs(int(first.sum()) - expected) < 4 * math.sqrt(expected)


@SPENDINGS
def test_students_t_at_these_levels_errs_no_more_than_it_may(
    spent: error_spending.Spending,
) -> None:
    rng = np.random.default_rng(4)
    looks, error = error_spending.looks((8, 12), 6), 0.01
    values = rng.normal(size=(100_000, looks[-1]))
    erred = np.zeros(len(values), dtype=bool)
    for number, look in enumerate(looks, start=1):
        seen = values[:, :look]
        t = seen.mean(axis=1) / seen.std(axis=1, ddof=1) * math.sqrt(look)
        erred |= t < stdtrit(look - 1, error_spending.level_at(number, looks, error, spent))

    assert erred.sum() <= error * len(values)


@SPENDINGS
def test_a_look_tests_at_more_than_its_share(spent: error_spending.Spending) -> None:
    assert all(
        error_spending.level_at(look, LOOKS, 0.05, spent)
        > 0.9 * 0.05 * error_spending.share(look, LOOKS, spent)
        for look in range(2, len(LOOKS) + 1)
    )


def test_what_can_pass_falls_from_look_to_look_and_what_can_alarm_rises() -> None:
    every, first = range(1, len(LOOKS) + 1), range(1, 5)
    passing = [error_spending.level_at(look, LOOKS, 0.05, error_spending.early) for look in every]
    alarming = [error_spending.level_at(look, LOOKS, 0.05, error_spending.late) for look in first]

    assert passing == sorted(passing, reverse=True)
    assert alarming == sorted(alarming)


def test_looks_go_on_for_as_long_as_anyone_asks_again() -> None:
    assert error_spending.looks((8, 12), 8) == (8, 12, 16, 24, 32, 48, 64, 96)
    assert error_spending.looks(error_spending.PAIR_LOOKS, 5) == (16, 24, 32, 48, 64)
    assert [error_spending.look_at(count, LOOKS) for count in (0, 7, 8, 11, 12, 400)] == [
        *(0, 0, 1, 1, 2, 12)
    ]


@pytest.mark.parametrize(
    ("mean", "sd", "count", "verdict"),
    [
        (0.0, 0.02, 8, GateVerdict.PASS),
        (-0.05, 0.015, 8, GateVerdict.REGRESSED),
        (0.05, 0.015, 8, GateVerdict.IMPROVED),
        (-0.02, 0.02, 24, GateVerdict.PASS),
        (-0.03, 0.06, 8, GateVerdict.INCONCLUSIVE),
        (-0.1, 0.03, 8, GateVerdict.REGRESSED),
    ],
)
def test_the_smallest_look_can_reach_every_verdict(
    mean: float, sd: float, count: int, verdict: GateVerdict
) -> None:
    assert judge(starts(mean, sd, count), RULE).verdict is verdict


@pytest.mark.parametrize(("mean", "sd"), [(-0.05, 0.02), (-0.1, 0.04)])
def test_a_loss_that_eight_starts_nearly_show_is_one_by_twelve(mean: float, sd: float) -> None:
    assert judge(starts(mean, sd, 8), RULE).verdict is GateVerdict.INCONCLUSIVE
    assert judge(starts(mean, sd, 12), RULE).verdict is GateVerdict.REGRESSED


def test_before_the_first_look_nothing_is_said() -> None:
    judged = judge([-0.5] * 7, RULE)

    assert judged.verdict is GateVerdict.INCONCLUSIVE
    assert judged.high is None
    assert judged.needed_units == 8


def test_a_loss_that_is_certain_but_below_half_the_margin_passes() -> None:
    assert judge(starts(-0.02, 0.001, 8), RULE).verdict is GateVerdict.PASS
    assert judge(starts(-0.026, 0.001, 8), RULE).verdict is GateVerdict.REGRESSED


def test_a_certain_loss_near_half_the_margin_asks_for_more_starts() -> None:
    assert judge(starts(-0.026, 0.01, 32), RULE).verdict is GateVerdict.INCONCLUSIVE
    assert judge(starts(-0.028, 0.01, 32), RULE).verdict is GateVerdict.REGRESSED
    assert judge(starts(-0.025, 0.01, 32), RULE).verdict is GateVerdict.PASS


def test_the_bounds_are_students_at_the_levels_of_the_look() -> None:
    judged = judge(starts(-0.01, 0.02, 12), RULE)
    error = 0.02 / math.sqrt(12)

    assert judged.look == 2
    assert judged.low == pytest.approx(
        -0.01 + stdtrit(11, error_spending.level_at(2, LOOKS, 0.05, error_spending.early)) * error
    )
    assert judged.high == pytest.approx(
        -0.01
        - stdtrit(11, error_spending.level_at(2, LOOKS, 0.01 / 6, error_spending.late)) * error
    )


def test_an_inconclusive_one_says_how_many_starts_would_settle_it() -> None:
    values = starts(-0.032, 0.04, 8)
    needed = judge(values, RULE).needed_units

    assert needed is not None
    assert judge(starts(-0.032, 0.04, needed), RULE).verdict is not GateVerdict.INCONCLUSIVE
    earlier = max(look for look in RULE.looks if look < needed)
    assert judge(starts(-0.032, 0.04, earlier), RULE).verdict is GateVerdict.INCONCLUSIVE


@given(logs)
def test_swapping_base_and_head_mirrors_the_verdict(values: list[float]) -> None:
    one, other = judge(values, RULE), judge([-value for value in values], RULE)

    assert one.mean is not None
    assert other.mean == pytest.approx(-one.mean, abs=1e-12)
    if one.verdict in MIRRORED or other.verdict in MIRRORED:
        assert other.verdict is MIRRORED[one.verdict]
    else:  # neither is shown to differ; the margin lies on the side of losses alone
        assert {one.verdict, other.verdict} <= {GateVerdict.PASS, GateVerdict.INCONCLUSIVE}


@given(logs, st.randoms(use_true_random=False))
def test_the_order_of_the_starts_does_not_matter(values: list[float], rng: Random) -> None:
    shuffled = list(values)
    rng.shuffle(shuffled)

    assert judge(shuffled, RULE) == judge(values, RULE)


@given(logs, st.floats(-0.05, 0.05))
def test_a_better_head_is_never_judged_worse(values: list[float], shift: float) -> None:
    rank = [
        GateVerdict.REGRESSED,
        GateVerdict.INCONCLUSIVE,
        GateVerdict.PASS,
        GateVerdict.IMPROVED,
    ]
    better = judge([value + abs(shift) for value in values], RULE)

    assert rank.index(better.verdict) >= rank.index(judge(values, RULE).verdict)


def gates(rng: np.random.Generator, *, change: float, sd: float, most: int) -> GateVerdict:
    """One endpoint, looked at again and again until it is settled."""
    values: list[float] = []
    verdict = GateVerdict.INCONCLUSIVE
    for look in LOOKS[:most]:
        values += list(rng.normal(change, sd, look - len(values)))
        verdict = judge(values, RULE).verdict
        if verdict is not GateVerdict.INCONCLUSIVE:
            break
    return verdict


@pytest.mark.parametrize("sd", [0.02, 0.04])
def test_without_an_effect_fewer_than_one_in_a_hundred_is_called_regressed(sd: float) -> None:
    rng = np.random.default_rng(7)
    found = [gates(rng, change=0.0, sd=sd, most=6) for _ in range(1500)]

    # One endpoint of six has a sixth of 1 %: at most 2.5 of 1500 are expected.
    assert found.count(GateVerdict.REGRESSED) <= 7
    assert found.count(GateVerdict.INCONCLUSIVE) <= 0.01 * len(found)


def test_a_loss_of_the_whole_margin_passes_in_fewer_than_one_of_twenty() -> None:
    rng = np.random.default_rng(8)
    found = [gates(rng, change=math.log(0.95), sd=0.03, most=6) for _ in range(600)]

    assert found.count(GateVerdict.PASS) <= 0.05 * len(found)
    assert found.count(GateVerdict.REGRESSED) >= 0.95 * len(found)


def test_a_loss_of_two_per_cent_passes_at_a_margin_of_five() -> None:
    rng = np.random.default_rng(9)
    found = [gates(rng, change=math.log(0.98), sd=0.025, most=6) for _ in range(400)]

    assert found.count(GateVerdict.PASS) >= 0.9 * len(found)
