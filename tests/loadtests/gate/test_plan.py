"""What a gate will do: balanced, repeatable, and refused where the machine cannot."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from pydantic import TypeAdapter

from loadtests.gate import options, plan
from loadtests.gate.model.evidence import WorkerLoad
from loadtests.gate.model.plan import GatePlan
from loadtests.gate.model.vocabulary import EndpointName, Mode, SideName
from loadtests.gate.options import GateOptions
from loadtests.model.errors import PlanError, UsageError
from tests.loadtests.gate.builders import MACHINE, make_gate_plan, make_pair

PLAN = make_gate_plan()


def test_noisier_endpoints_have_margins_of_their_own() -> None:
    assert PLAN.margins == {
        EndpointName.THROUGHPUT: 0.05,
        EndpointName.CPU: 0.05,
        EndpointName.P50: 0.1,
        EndpointName.P99: 0.25,
        EndpointName.SCALING: 0.1,
    }
    assert not make_gate_plan(scaling=False).scaling


def test_closed_windows_open_at_another_part_of_an_answer_each_time() -> None:
    """Eight users at 100 requests a second, of which the open loop's rate is 60."""
    load = WorkerLoad(worker="gthread", users=8, rate_rps=60.0, gain_ratio=0.0)
    settled = [plan.settle_s(PLAN, load, 0.3, what="x", number=number) for number in range(1, 7)]

    assert all(0.3 <= each <= 0.38 for each in settled)
    assert max(settled) - min(settled) > 0.05
    assert plan.settle_s(PLAN, load, 0.3, what="x", number=1) == settled[0]
    assert plan.settle_s(PLAN, load, 0.3, what="y", number=1) != settled[0]


def test_closed_windows_of_slow_answers_open_at_any_moment_of_one() -> None:
    """Eight users at one request a second, whose answers take 8 s."""
    load = WorkerLoad(worker="gthread", users=8, rate_rps=0.6, gain_ratio=0.0)
    settled = [plan.settle_s(PLAN, load, 0.3, what="x", number=number) for number in range(1, 7)]

    assert all(4.0 <= each <= 12.0 for each in settled)
    assert max(settled) - min(settled) > 5.0


def test_the_same_seed_gives_the_same_gate() -> None:
    again = make_gate_plan()

    assert [plan.pair_windows(PLAN, "gthread", n) for n in range(1, 9)] == [
        plan.pair_windows(again, "gthread", n) for n in range(1, 9)
    ]
    assert plan.pair_windows(PLAN, "gthread", 1) != plan.pair_windows(
        make_gate_plan(seed=2), "gthread", 1
    )


@pytest.mark.parametrize("seed", range(5))
def test_order_and_side_are_balanced_in_every_four_pairs(seed: int) -> None:
    planned = make_gate_plan(seed=seed)
    for first in (1, 5, 9):
        specs = [plan.pair_windows(planned, "gthread", first + step)[0] for step in range(4)]
        assert Counter((spec.mode, spec.base_first) for spec in specs) == Counter(
            (mode, base_first) for mode in Mode for base_first in (True, False)
        )


def test_every_pair_has_one_closed_window_and_two_open_ones_with_arrivals_of_their_own() -> None:
    seeds = set()
    for number in range(1, 20):
        windows = plan.pair_windows(PLAN, "gthread", number)
        assert [spec.mode for spec in windows].count(Mode.CLOSED) == 1
        one, other = (spec for spec in windows if spec.mode is Mode.OPEN)
        assert one.base_first is not other.base_first
        seeds |= {one.seed, other.seed}

    assert len(seeds) == 38


def test_the_arrivals_of_one_side_come_half_a_gap_after_their_twins() -> None:
    windows = plan.pair_windows(PLAN, "gthread", 1)

    assert windows
    for spec in windows:
        first, second = SideName if spec.base_first else tuple(SideName)[::-1]
        assert plan.twin_s(spec, first, 20.0) == 0
        assert plan.twin_s(spec, second, 20.0) == pytest.approx(0.025)


@pytest.mark.parametrize("seed", range(5))
def test_of_two_blocks_one_has_base_where_the_other_has_head(seed: int) -> None:
    planned = make_gate_plan(seed=seed)
    one, two = (plan.block_order(planned, "gthread", number) for number in (3, 4))

    assert [replicas for _, replicas in one] == [replicas for _, replicas in two]
    assert all(first != second for (first, _), (second, _) in zip(one, two, strict=True))
    assert len(set(one)) == 4


@pytest.mark.parametrize(
    ("numbers", "steps"),
    [
        (range(1, 9), [[1, 2], [3, 4], [5, 6], [7, 8]]),
        (range(4, 8), [[4], [5, 6], [7]]),
        (range(9, 9), []),
    ],
)
def test_two_blocks_of_one_order_are_measured_at_once(
    numbers: range, steps: list[list[int]]
) -> None:
    assert [list(step) for step in plan.block_steps(numbers)] == steps


def test_starts_are_alone_as_often_as_they_are_second() -> None:
    blocks = [plan.block_members(PLAN, number, 16) for number in range(1, 113)]

    assert len(set(blocks)) == 112
    for position in (0, 1):
        assert set(Counter(block[position] for block in blocks[:16]).values()) == {1}


@pytest.mark.parametrize("lanes", [1, 2, 3, 4])
def test_both_starts_of_a_block_are_of_its_lane(lanes: int) -> None:
    planned = replace(PLAN, cores=tuple(range(lanes)))

    for starts in (plan.fewest_starts(planned), 12, 24):
        for number in range(1, 40):
            members = plan.block_members(planned, number, starts)
            assert len(set(members)) == 2
            assert {plan.lane_of(planned, start) for start in members} == {
                plan.lane_of(planned, number)
            }


def test_pairs_take_the_cores_in_turn() -> None:
    assert [plan.lane_of(PLAN, number) for number in range(1, 5)] == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"cores": 1, "core_ids": (0,)}, "1 core"),
        ({"can_budget": False}, "CPU budget"),
        ({"can_pin": False}, "CPU budget"),
    ],
)
def test_a_machine_that_cannot_is_told_so(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(PlanError, match=words):
        plan.make_plan(GateOptions(), replace(MACHINE, **changed), seed=1)


def test_minutes_that_do_not_reach_the_first_look_are_refused() -> None:
    with pytest.raises(PlanError, match="--no-scaling"):
        make_gate_plan(max_minutes=1.0)
    assert make_gate_plan(max_minutes=1.2, scaling=False).max_minutes == 1.2


def test_larger_machines_measure_more_pairs_at_once_away_from_the_services() -> None:
    large = replace(MACHINE, cores=8, core_ids=tuple(range(8)))
    planned = plan.make_plan(GateOptions(), large, seed=1)

    assert planned.service_cores == (0, 1, 2)  # from 8 cores on, two of them are the generators'
    assert planned.cores == (3, 4, 5, 6)


@pytest.mark.parametrize(
    ("threads", "services", "lanes"),
    [
        (((0, 1), (2, 3)), (), (0, 2)),
        (((0, 4), (1, 5), (2, 6), (3, 7)), (0, 1), (2, 3)),
        (((0, 1),), (), (0, 1)),  # a single core: it cannot be avoided
    ],
)
def test_no_lane_has_a_sibling_of_another_lane_where_there_are_enough_cores(
    threads: tuple[tuple[int, ...], ...], services: tuple[int, ...], lanes: tuple[int, ...]
) -> None:
    ids = tuple(sorted(core for group in threads for core in group))
    machine = replace(MACHINE, cores=len(ids), core_ids=ids, hardware_threads=threads)
    planned = plan.make_plan(GateOptions(), machine, seed=1)

    assert (planned.service_cores, planned.cores) == (services, lanes)


@pytest.mark.parametrize(
    "changed",
    [
        {"workers": ()},
        {"workers": ("uwsgi",)},
        {"workers": ("sync", "sync")},
        {"workload": "gpu"},
        {"workload": "db"},
        {"margin": 0.0},
        {"margin": 0.9},
        {"max_minutes": 0.0},
    ],
)
def test_values_that_make_no_sense_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        options.check(GateOptions(**changed))


def test_a_secret_of_the_path_is_sent_and_never_written_down() -> None:
    plan = make_gate_plan(workload="/me?api_key=S3CRET")

    assert plan.path == "/me?api_key=S3CRET"
    assert plan.workload == "/me?api_key=***"
    for written in (plan, replace(plan, workload=plan.path)):
        assert "S3CRET" not in TypeAdapter(GatePlan).dump_json(written).decode()


def test_a_workload_may_be_a_path() -> None:
    assert make_gate_plan(workload="/serial?ms=20").path == "/serial?ms=20"
    assert PLAN.path == "/cpu"


@pytest.mark.parametrize(
    "word", ["BURN", "=5", "A-B=1", "A=it's", "A=$HOME", "SECRET_KEY=x", "A=***"]
)
def test_variables_that_compose_would_read_otherwise_are_refused(word: str) -> None:
    with pytest.raises(UsageError, match="--head-env"):
        options.environment([word], "--head-env")


def test_variables_are_read() -> None:
    assert options.environment(["A=1", "B=x=y"], "--head-env") == {"A": "1", "B": "x=y"}


def test_the_open_rate_follows_what_base_does_now() -> None:
    load = WorkerLoad(worker="gthread", users=8, rate_rps=60.0, gain_ratio=0.0)
    slower = [make_pair(PLAN, number) for number in (1, 2)]
    (rate,) = [w.base.throughput_rps for w in slower[1].windows if w.mode is Mode.CLOSED]

    assert plan.load_now(PLAN, load, ()) == load
    assert plan.load_now(PLAN, load, slower[1:]).rate_rps == pytest.approx(0.6 * rate, abs=0.05)
    # Only the last step of all lanes counts, and never what head does.
    better = [make_pair(PLAN, number, change=0.5) for number in (9, 1, 2)]
    assert plan.load_now(PLAN, load, better) == plan.load_now(PLAN, load, slower)


def test_a_base_that_did_nothing_does_not_change_the_rate() -> None:
    load = WorkerLoad(worker="gthread", users=8, rate_rps=60.0, gain_ratio=0.0)
    pair = make_pair(PLAN, 1)
    dead = replace(
        pair,
        windows=tuple(
            replace(each, base=replace(each.base, throughput_rps=0.0)) for each in pair.windows
        ),
    )

    assert plan.load_now(PLAN, load, [dead]) == load
