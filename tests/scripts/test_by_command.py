"""A pair of runs, by Compose and by a command, from made-up trials. Nothing is started."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.model.plan import Plan, TrialSpec
from loadtests.model.result import Estimate
from scripts import by_command
from scripts.by_command import COMMAND, COMPOSE, Side
from tests.loadtests.builders import make_plan, make_trials

COUNTS = (1, 2, 4)


def scaling(spec: TrialSpec) -> float:
    return 50.0 * spec.cell.replicas


def a_side(plan: Plan, rps: Callable[[TrialSpec], float] = scaling, **fields: Any) -> Side:
    """A side whose cores change their speed from round to round, and its throughput with them."""
    speed: float = fields.pop("speed", 1.0)

    def core_speed(spec: TrialSpec) -> float:
        return speed * (1 + 0.02 * (spec.round % 3 - 1))

    trials = tuple(
        replace(trial, core_speed=core_speed(trial.spec))
        for trial in make_trials(plan, rps=lambda spec: rps(spec) * core_speed(spec))
    )
    told = [
        {
            "replicas": count,
            "throughput_rps": {"estimate": rate, "low": 0.99 * rate, "high": 1.01 * rate},
        }
        for count in COUNTS
        for rate in (speed * 50.0 * count,)
    ]
    doubling = {"factor": 2.0, "low": 1.9, "high": 2.1, "verdict": "scales"}
    result = {
        "run_id": "r",
        "verdict": "scales",
        "wall_s": 180.04,
        "rounds": 6,
        "cells": told,
        "doublings": [{"from": 1, "to": 2, **doubling}, {"from": 2, "to": 4, **doubling}],
    }
    return Side(plan=plan, trials=trials, result=result | fields)


def by_url(**fields: Any) -> Plan:
    return make_plan(workers=("as-started",), **fields)


def test_the_same_application_overlaps_in_all_cells_also_on_cores_that_got_slower() -> None:
    sides = {COMPOSE: a_side(make_plan()), COMMAND: a_side(by_url(), speed=0.9)}

    rows = by_command.cells_of(sides)

    assert [row["replicas"] for row in rows] == [1, 2, 4]
    assert [row["overlap"] for row in rows] == [True, True, True]
    assert rows[2][COMPOSE]["estimate"] == pytest.approx(rows[2][COMMAND]["estimate"])
    assert not any(row["as_told"]["overlap"] for row in rows)
    assert rows[0]["as_told"][COMMAND] == {"estimate": 45.0, "low": 44.55, "high": 45.45}


def test_a_deployment_that_falls_short_at_four_replicas_does_not_overlap_there() -> None:
    def short(spec: TrialSpec) -> float:
        return scaling(spec) * (0.8 if spec.cell.replicas == 4 else 1.0)

    rows = by_command.cells_of({COMPOSE: a_side(make_plan()), COMMAND: a_side(by_url(), short)})

    assert [row["overlap"] for row in rows] == [True, True, False]


def test_a_cell_without_an_interval_does_not_overlap() -> None:
    known = Estimate(estimate=50.0, low=49.0, high=51.0)

    assert by_command.overlap(known, known)["overlap"]
    assert not by_command.overlap(known, Estimate(estimate=50.0, low=None, high=None))["overlap"]


def test_both_verdicts_of_a_doubling_stand_side_by_side() -> None:
    short = [
        {"from": 2, "to": 4, "factor": 1.6, "low": 1.5, "high": 1.7, "verdict": "falls_short"},
        {"from": 1, "to": 2, "factor": 2.0, "low": 1.9, "high": 2.1, "verdict": "scales"},
    ]
    other = a_side(by_url(), doublings=short, invalid=[{"code": "budget"}, {"code": "budget"}])

    pair = by_command.pair_of({COMPOSE: a_side(make_plan()), COMMAND: other})

    assert [(row["from"], row["to"], row["same"]) for row in pair["doublings"]] == [
        (1, 2, True),
        (2, 4, False),
    ]
    assert pair["doublings"][1][COMMAND]["factor"] == 1.6
    assert pair["invalid"] == {COMPOSE: [], COMMAND: ["budget"]}
    assert pair["wall_s"] == {COMPOSE: 180.0, COMMAND: 180.0}
    assert pair["replica_cpus"] == 0.1


def test_the_table_counts_cells_and_verdicts_and_is_read_again(tmp_path: Path) -> None:
    sides = {COMPOSE: a_side(make_plan()), COMMAND: a_side(by_url(), speed=0.9)}
    key = {"worker": "gthread", "time": 1}
    rows = [key | row for row in by_command.cells_of(sides)]
    pairs = [key | by_command.pair_of(sides)]
    out = tmp_path / "new" / "table.json"

    table = by_command.table_of(rows, pairs)
    by_command.write(out, table)

    assert by_command.there_in(out) == (rows, pairs)
    assert by_command.there_in(tmp_path / "none.json") == ([], [])
    assert (table["cells"], table["overlapping"], table["overlapping_as_told"]) == (3, 3, 0)
    assert by_command.in_short(table) == '{"cells": 3, "overlapping": 3, "same_verdicts": 2}'


def test_pairs_that_are_there_are_not_measured_again_and_nine_of_ten_cells_are_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "table.json"
    row = {"worker": "sync", "time": 1, "overlap": True, "as_told": {"overlap": True}}
    pair = {"worker": "sync", "time": 1, "doublings": []}
    words = ["--workers", "sync", "--times", "1", "--out", str(out)]
    monkeypatch.setattr(by_command, "measured", lambda *_, **__: pytest.fail("measured again"))

    by_command.write(out, by_command.table_of([row] * 9 + [row | {"overlap": False}], [pair]))
    assert by_command.main(words) == 0

    by_command.write(out, by_command.table_of([row] * 8 + [row | {"overlap": False}] * 2, [pair]))
    assert by_command.main(words) == 1
