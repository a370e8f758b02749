from dataclasses import replace

import pytest

from loadtests.analysis import verdict
from loadtests.analysis.shared import machine_share
from loadtests.model.plan import Cell
from loadtests.model.result import CellResult, DoublingResult, Estimate
from loadtests.model.vocabulary import Bottleneck, Verdict
from tests.loadtests.builders import make_budget, make_plan, make_result

PLAN = make_plan(replica_counts=(1, 2), budget=make_budget(replica_cpus=0.1))
CELLS = make_result().cells
FULL = tuple(replace(cell, bottleneck=Bottleneck.REPLICA_CPU) for cell in CELLS)


def doubling(cpu_per_request: float | None, *, factor: float = 2.0) -> DoublingResult:
    return DoublingResult(
        worker="gthread",
        workload="cpu",
        replicas_from=1,
        replicas_to=2,
        rounds=6,
        factor=Estimate(estimate=factor, low=factor * 0.98, high=factor * 1.02),
        half_width_ratio=0.0202,
        cpu_got_factor=2.0,
        cpu_per_request_factor=cpu_per_request,
        verdict=Verdict.INCONCLUSIVE,
        reason="",
        settle_minutes=None,
    )


def bounds(seen: DoublingResult) -> list[float]:
    assert seen.factor.low is not None
    assert seen.factor.high is not None
    return [seen.factor.low, seen.factor.high]


def test_cheaper_requests_let_the_interval_reach_down_by_as_much() -> None:
    seen = machine_share.widened(doubling(0.98), PLAN, FULL)

    assert bounds(seen) == pytest.approx([1.96 * 0.98, 2.04])
    assert seen.machine_share_ratio == pytest.approx(-0.02)
    assert seen.half_width_ratio == pytest.approx((2.04 / (1.96 * 0.98)) ** 0.5 - 1)


def test_dearer_requests_let_it_reach_up_by_three_per_cent_at_the_most() -> None:
    seen = machine_share.widened(doubling(1.4), PLAN, FULL)

    assert bounds(seen) == pytest.approx([1.96, 2.04 * 1.03])


@pytest.mark.parametrize(
    ("plan", "cells"),
    [
        (replace(PLAN, budget=make_budget(replica_cpus=1.0)), FULL),
        (replace(PLAN, budget=make_budget(replica_cpus=None)), FULL),
        (replace(PLAN, budget=make_budget(replica_cpus=0.5, replicas_apart=True)), FULL),
        (replace(PLAN, budget=make_budget(replica_cpus=0.5, replica_cores=(2, 3))), FULL),
        (PLAN, tuple(replace(cell, bottleneck=Bottleneck.WORKER_SLOTS) for cell in CELLS)),
        (PLAN, (FULL[0], *(replace(cell, bottleneck=Bottleneck.STORE) for cell in FULL[1:]))),
        (PLAN, ()),
    ],
    ids=[
        "a core each",
        "no budget",
        "machines of their own",
        "cores of their own",
        "slots are full",
        "the store is full at 2",
        "no cells",
    ],
)
def test_elsewhere_it_is_the_applications(plan: object, cells: tuple[CellResult, ...]) -> None:
    seen = machine_share.widened(doubling(0.95), plan, cells)  # type: ignore[arg-type]

    assert bounds(seen) == [1.96, 2.04]
    assert machine_share.in_words(seen) == ""


def test_without_counted_cpu_nothing_is_known_of_it() -> None:
    assert bounds(machine_share.widened(doubling(None), PLAN, FULL)) == [1.96, 2.04]


def test_the_reason_says_it() -> None:
    judged = verdict.judge_doubling(machine_share.widened(doubling(0.95), PLAN, FULL), target=1.8)

    assert judged.verdict is Verdict.SCALES
    assert judged.reason == (
        "The whole interval is at or above 1.8. CPU per request changed by -5.0%. 3 percentage"
        " points of that can be the shared cores' doing, so the interval reaches as much further"
        " down."
    )


def test_no_rounds_settle_what_may_be_the_machines() -> None:
    near = machine_share.widened(doubling(0.95, factor=1.83), PLAN, FULL)
    chance = doubling(1.0, factor=1.83)

    judged = verdict.judge_doubling(near, target=1.8, round_minutes=0.5)

    assert judged.verdict is Verdict.INCONCLUSIVE
    assert judged.settle_minutes is None
    assert verdict.minutes_to_settle(chance, target=1.8, round_minutes=0.5) is not None


def chain(*shares: float) -> tuple[DoublingResult, ...]:
    return tuple(
        replace(
            doubling(1.0),
            replicas_from=2**number,
            replicas_to=2 ** (number + 1),
            machine_share_ratio=share,
        )
        for number, share in enumerate(shares)
    )


def reached(replicas: int, *shares: float) -> tuple[float, float]:
    cell = Cell(worker="gthread", workload="cpu", replicas=replicas)
    reach = machine_share.reach(cell, chain(*shares))
    return reach.down, reach.up


def test_a_speed_up_reaches_as_far_as_its_doublings_together() -> None:
    assert reached(4, -0.03, -0.02) == pytest.approx((0.97 * 0.98, 1.0))
    assert reached(8, 0.03, -0.02, 0.01) == pytest.approx((0.98, 1.03 * 1.01))
    assert reached(2, -0.03, -0.02) == pytest.approx((0.97, 1.0))


def test_one_replica_and_a_count_without_a_doubling_reach_no_further() -> None:
    assert reached(1, -0.03) == (1.0, 1.0)
    assert reached(3, -0.03, -0.03) == (1.0, 1.0)


def test_a_perfect_system_whose_requests_get_cheaper_has_a_speed_up_that_holds_the_truth() -> None:
    """As recorded of sync on cpu: both doublings hold 2.0, and 4.38 alone does not hold 4.0."""
    fastest = replace(
        FULL[-1],
        cell=Cell(worker="gthread", workload="cpu", replicas=4),
        speedup=Estimate(estimate=4.38, low=4.38 * 0.96, high=4.38 * 1.04),
    )

    one, four = machine_share.with_wider_speedups((FULL[0], fastest), chain(-0.03, -0.03))

    assert four.speedup.low == pytest.approx(4.38 * 0.96 * 0.97**2)
    assert four.speedup.low is not None
    assert four.speedup.low <= 4.0
    assert four.speedup.high == pytest.approx(4.38 * 1.04)
    assert one == FULL[0]


def test_of_chance_is_the_interval_without_it() -> None:
    for cpu in (0.95, 1.05):
        back = machine_share.of_chance(machine_share.widened(doubling(cpu), PLAN, FULL))
        assert [back.low, back.high] == pytest.approx([1.96, 2.04])


def test_a_cell_of_another_worker_model_does_not_count() -> None:
    other = Cell(worker="sync", workload="cpu", replicas=1)
    cells = (replace(FULL[0], cell=other), *FULL[1:])

    assert machine_share.share_ratio(doubling(0.95), PLAN, cells) == 0.0
