from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from loadtests.model.latency import LevelResult, LevelState, Quantile
from loadtests.model.plan import Cell
from loadtests.model.result import CellResult, ComparisonResult, Estimate, RunResult
from loadtests.model.tested.in_force import InForce
from loadtests.model.vocabulary import Bottleneck
from loadtests.report.text.variants import (
    equal_ones,
    in_force,
    load_of_times,
    notes,
    reasons,
    speedups,
    variants,
)
from tests.loadtests.builders import make_plan, make_result
from tests.loadtests.report.plots.test_levels import make_latency, make_level

PLAN = make_plan(workers=("gthread", "sync", "gevent"), workloads=("cpu",), replica_counts=(1, 2))
GIGABYTE = 10**9


def near(value: float, width: float = 0.02) -> Estimate:
    return Estimate(estimate=value, low=value * (1 - width), high=value * (1 + width))


def a_cell(cell: CellResult, rate: float, bottleneck: Bottleneck, cpu_us: float) -> CellResult:
    return replace(
        cell,
        throughput_rps=near(rate),
        cpu_got_cpus=rate * cpu_us / 1e6,
        cpu_us_per_request=cpu_us,
        memory_bytes=GIGABYTE / 10,
        bottleneck=bottleneck,
    )


def a_result(
    rates: dict[str, float],
    *,
    bottlenecks: Sequence[Bottleneck] = (Bottleneck.REPLICA_CPU,) * 3,
    cpu_us: Sequence[float] = (1000.0, 1000.0, 500.0),
    per_core: float = 2.0,
) -> RunResult:
    """Return a run of three variants at two replicas with these rates."""
    result = make_result(PLAN)
    names = list(rates)
    cells = tuple(
        a_cell(
            cell,
            rates[cell.cell.worker] / (3 - cell.cell.replicas),
            bottlenecks[names.index(cell.cell.worker)],
            cpu_us[names.index(cell.cell.worker)],
        )
        for cell in result.cells
    )
    comparisons = tuple(
        ComparisonResult(
            workload="cpu",
            replicas=2,
            worker=worker,
            against=against,
            ratio=near(rates[worker] / rates[against]),
            per_core_ratio=near(per_core if worker == "gevent" else 1.0),
        )
        for worker, against in (("sync", "gthread"), ("gevent", "gthread"), ("gevent", "sync"))
    )
    seen = (InForce(worker="sync", server="gunicorn", start_s=1.25),)
    return replace(result, cells=cells, comparisons=comparisons, in_force=seen)


def test_the_fastest_comes_first_with_its_figures_per_core_and_gigabyte() -> None:
    rows = variants(a_result({"gthread": 100, "sync": 101, "gevent": 200}))

    assert [row.worker for row in rows] == ["gevent", "sync", "gthread"]
    assert rows[0].per_core_rps == 2000
    assert rows[0].per_gigabyte_rps == 2000
    assert (rows[0].start_s, rows[1].start_s) == (None, 1.25)
    assert rows[0].at_share is None


def test_what_an_interval_cannot_tell_apart_is_said_to_be_equal_once() -> None:
    rows = variants(a_result({"gthread": 100, "sync": 101, "gevent": 200}))

    assert list(equal_ones(rows)) == ["Equal within the interval to sync: gthread."]
    assert rows[0].level_with == ()


def test_the_load_of_response_times_is_said_of_every_variant() -> None:
    full = variants(a_result({"gthread": 100, "sync": 101, "gevent": 200}))
    shared = [replace(row, at_share=0.7) for row in full]

    assert load_of_times(full) == "at full load"
    assert load_of_times(shared) == "at 70 % of capacity"
    assert load_of_times([*shared[:2], full[2]]) == (
        "at 70 % of capacity, but of gthread (cpu) at full load"
    )


def test_a_speed_up_has_its_interval() -> None:
    first, second, third = variants(a_result({"gthread": 100, "sync": 101, "gevent": 200}))
    rows = [
        replace(first, speedup=near(2.0, 0.05)),
        replace(second, speedup=Estimate(estimate=1.0, low=None, high=None)),
        replace(third, speedup=near(1.7, 0.1)),
    ]

    assert list(speedups(rows)) == [
        "Speed-up [95 %]: gevent 2.00 [1.90, 2.10], gthread 1.70 [1.53, 1.87]."
    ]
    assert list(speedups(rows[1:2])) == []


def with_level(result: RunResult, worker: str, level: LevelResult) -> RunResult:
    latency = replace(make_latency(level), worker=worker)
    return replace(result, latency=(*result.latency, latency))


def test_times_at_70_per_cent_have_their_intervals_below_the_table() -> None:
    p50 = Quantile(ms=117.0, low_ms=115.0, high_ms=120.0)
    p99 = Quantile(ms=173.0, low_ms=160.0, high_ms=None)
    level = make_level(0.7)
    level = replace(level, response=replace(level.response, p50=p50, p99=p99))
    result = with_level(a_result({"gthread": 100, "sync": 101, "gevent": 200}), "sync", level)

    rows = variants(result)
    said = list(notes(rows))

    assert [(row.p50_ms, row.at_share) for row in rows if row.worker == "sync"] == [(117.0, 0.7)]
    assert "p50 in ms [95 %]: sync 117 [115, 120]." in said
    assert "p99 in ms [95 %]: sync 173 [160, –]." in said


@pytest.mark.parametrize(
    ("state", "reason", "why"),
    [("invalid", "The generator was late.", "The generator was late."), ("missing", "", "missing")],
)
def test_a_level_that_is_not_valid_gives_no_times_but_its_reason(
    state: LevelState, reason: str, why: str
) -> None:
    level = make_level(0.7, state=state, reason=reason)
    result = with_level(a_result({"gthread": 100, "sync": 101, "gevent": 200}), "sync", level)

    rows = variants(result)

    assert [(row.p50_ms, row.p99_ms) for row in rows if row.worker == "sync"] == [(None, None)]
    assert f"No response times of sync at 70 % of capacity: {why}" in notes(rows)
    assert "p50" not in " ".join(notes(rows))


def test_requests_per_core_are_compared_with_the_first_that_can_be_trusted() -> None:
    rows = variants(a_result({"gthread": 100, "sync": 101, "gevent": 200}))

    assert (
        "Requests per core, times those of gevent [95 %]: sync 0.50 [0.49, 0.51], gthread 0.50"
        " [0.49, 0.51]."
    ) in notes(rows)


def test_a_dearer_request_is_the_reason_where_cpu_is_full() -> None:
    assert reasons(a_result({"gthread": 100, "sync": 101, "gevent": 200})) == [
        "On cpu, gevent serves more than sync because a request costs it less CPU: 500 µs instead"
        " of 1000 µs, which is 2.00 [1.96, 2.04] times as many requests from a core."
    ]


def test_busy_slots_are_the_reason_where_the_other_has_too_few() -> None:
    full = (Bottleneck.WORKER_SLOTS, Bottleneck.WORKER_SLOTS, Bottleneck.REPLICA_CPU)

    assert reasons(a_result({"gthread": 100, "sync": 101, "gevent": 200}, bottlenecks=full)) == [
        "On cpu, gevent serves more than sync because all worker slots of sync were busy"
        " (2 in each replica)."
    ]


def with_slots(result: RunResult, slots: dict[str, int | None]) -> RunResult:
    workers = tuple(
        replace(worker, slots=slots.get(worker.name, worker.slots))
        for worker in result.plan.workers
    )
    return replace(result, plan=replace(result.plan, workers=workers))


@pytest.mark.parametrize(
    ("slots", "is_said"), [(4, False), (8, True), (None, True)], ids=["equal", "more", "no limit"]
)
def test_busy_slots_are_no_reason_where_the_first_was_held_by_as_many(
    slots: int | None, is_said: bool
) -> None:
    busy = (Bottleneck.WORKER_SLOTS,) * 3
    result = a_result({"gthread": 100, "sync": 101, "gevent": 200}, bottlenecks=busy)

    told = reasons(with_slots(result, {"gevent": slots, "sync": 4}))

    assert ["all worker slots of sync were busy" in sentence for sentence in told] == (
        [True] if is_said else []
    )


def test_without_a_reason_that_the_figures_show_nothing_is_said() -> None:
    unclear = a_result({"gthread": 100, "sync": 101, "gevent": 200}, per_core=1.0)
    level = a_result({"gthread": 100, "sync": 101, "gevent": 100.5})

    assert reasons(unclear) == []
    assert reasons(level) == []


def test_a_variant_that_was_not_put_into_force_is_named_as_it_runs() -> None:
    seen = InForce(
        worker="as-started",
        server="gunicorn",
        mode="sync",
        processes=2,
        threads=1,
        slots=2,
        seen_by="its log",
        as_started=True,
        notes=("mind this",),
    )
    result = replace(make_result(PLAN), in_force=(seen, InForce(worker="sync", server="gunicorn")))

    assert in_force(result) == [
        "as-started: as started: gunicorn sync, 2 workers, 2 requests at once (seen by its log).",
        "as-started: mind this",
    ]


def test_a_cell_without_throughput_is_left_out() -> None:
    result = a_result({"gthread": 100, "sync": 101, "gevent": 200})
    none = Estimate(estimate=None, low=None, high=None)
    silent = Cell(worker="sync", workload="cpu", replicas=2)
    cells = tuple(
        replace(cell, throughput_rps=none) if cell.cell == silent else cell for cell in result.cells
    )

    assert [row.worker for row in variants(replace(result, cells=cells))] == ["gevent", "gthread"]
