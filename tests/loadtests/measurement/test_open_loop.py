"""Latency under load, through the whole pipeline, with a stack and a generator in memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadtests import pipeline
from loadtests.model.result import RunResult
from loadtests.model.vocabulary import RuleCode, Verdict
from loadtests.report import rounding
from loadtests.report.formats import csv_tables, markdown, run_json
from loadtests.report.text import latency as latency_text
from loadtests.results import run_folder
from tests.loadtests.fakes import Order, World
from tests.loadtests.test_pipeline import run

LIMIT_SHARE = 0.8
"""Of the capacity: in this world requests are late above it, and never below."""


def queueing(order: Order, members: Sequence[str], due_s: Any) -> Any:
    """Let one request in ten wait 400 ms above a share of the capacity of 50 rps a replica."""
    load = order["rate_rps"] / (50.0 * len(members))
    rng = np.random.default_rng(order["seed"])
    late = rng.random(due_s.size) < (0.1 if load > LIMIT_SHARE else 0.0)
    return np.where(late, 400.0, rng.uniform(20.0, 60.0, due_s.size))


def stalling(_: Order, __: Sequence[str], due_s: Any) -> Any:
    """Let the server stand still for the first second of every four."""
    into = due_s % 4.0
    return np.where(into < 1.0, 1000.0 * (1.0 - into) + 5.0, 5.0)


@pytest.fixture(scope="module")
def sought(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, RunResult, Path]:
    world = World(wait_ms=queueing)
    result, folder = run(world, tmp_path_factory.mktemp("results"), rounds=4, slo="p99=250ms")
    return world, result, folder


def test_every_cell_is_loaded_at_each_share_of_its_capacity(
    sought: tuple[World, RunResult, Path],
) -> None:
    _, result, _ = sought

    assert [each.replicas for each in result.latency] == [1, 2]
    for each in result.latency:
        assert [level.share_ratio for level in each.levels] == [0.5, 0.7, 0.9]
        assert [level.state for level in each.levels] == ["valid"] * 3
        assert [level.rate_rps for level in each.levels] == pytest.approx(
            [share * 50 * each.replicas for share in (0.5, 0.7, 0.9)]
        )
        assert [(level.response.p99.ms or 0) > 250 for level in each.levels] == [
            *(False, False, True)
        ]


def test_a_search_finds_the_rate_that_keeps_the_objective_and_says_between_which(
    sought: tuple[World, RunResult, Path],
) -> None:
    _, result, _ = sought

    assert result.slo
    for each in result.slo:
        truth = LIMIT_SHARE * 50.0 * each.replicas
        assert each.low_rps is not None
        assert each.high_rps is not None
        assert each.low_rps <= truth <= each.high_rps
        assert each.high_rps / each.low_rps < 1.35


def test_the_capacity_under_the_objective_doubles_or_that_is_not_known(
    sought: tuple[World, RunResult, Path],
) -> None:
    _, result, _ = sought

    (doubling,) = result.slo_doublings
    assert doubling.low is not None
    assert doubling.high is not None
    assert doubling.low <= 2.0 <= doubling.high


def test_open_trials_are_in_the_journal_and_out_of_the_throughput(
    sought: tuple[World, RunResult, Path],
) -> None:
    _, result, folder = sought

    lines = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
    opened = [line for line in lines if line.get("mode") == "open"]
    recorded = run_folder.read(folder)
    assert len(recorded.trials) == len(lines) - len(opened) == 4 * 2
    assert len(recorded.open_trials) == len(opened) > 4 * 2 * 3
    assert result.cells[0].trials == 4
    assert result.measured_s == sum(trial.window_s for trial in recorded.trials)
    names = {line["spec"]["trial"]["id"] for line in opened}
    assert len(names) == len(opened)
    assert names <= {path.stem for path in (folder / "samples").iterdir()}


def test_replicas_rotate_and_arrivals_differ_from_window_to_window(
    sought: tuple[World, RunResult, Path],
) -> None:
    world, _, _ = sought

    opened = [order for order in world.trials if order.get("mode") == "open"]
    assert {order["arrivals"] for order in opened} == {"poisson"}
    assert len({order["seed"] for order in opened}) == len(opened)
    alone = {o["base_url"] for o in opened if o["id"].startswith("l") and "-1-50" in o["id"]}
    assert len(alone) == 2


def test_a_run_is_the_same_again_from_what_is_on_disk(
    sought: tuple[World, RunResult, Path],
) -> None:
    _, result, folder = sought

    assert pipeline.report(run_folder.Store(folder)) == result
    assert run_json.parse((folder / "run.json").read_text()) == result


def test_every_format_has_the_latency(sought: tuple[World, RunResult, Path]) -> None:
    _, result, folder = sought

    assert (folder / "latency.csv").read_text() == csv_tables.latency(result).replace("\r\n", "\n")
    assert "### Capacity under p99=250ms" in markdown.render(result)
    page = (folder / "report.html").read_text()
    for row in latency_text.level_rows(result):
        assert row[5] in page


def test_a_stall_that_the_closed_loop_hides_shows_in_the_open_one_and_both_are_reported(
    tmp_path: Path,
) -> None:
    result, _ = run(World(wait_ms=stalling), tmp_path, rounds=4, latency=True)

    (first, *_) = result.latency
    assert first.closed_p99_ms is not None
    assert first.closed_p99_ms < 400  # a queue of 16 users at 50 requests/s is 320 ms
    assert all((level.response.p99.ms or 0) > 900 for level in first.levels)
    rows = list(latency_text.level_rows(result))
    assert rows[0][1] == "closed loop"
    assert rows[0][5] == rounding.figure(first.closed_p99_ms)


def test_without_being_asked_nothing_is_measured_in_an_open_loop(tmp_path: Path) -> None:
    world = World()

    result, folder = run(world, tmp_path, rounds=2)

    assert {order.get("mode", "closed") for order in world.trials} == {"closed"}
    assert (result.latency, result.slo, result.slo_doublings) == ((), (), ())
    assert not (folder / "latency.csv").exists()


def test_a_disturbed_window_is_measured_again(tmp_path: Path) -> None:
    def foreign(order: Order) -> float:
        return 0.3 if order["id"].startswith("l01-01") and "again" not in order["id"] else 0.0

    _, folder = run(World(foreign=foreign), tmp_path, rounds=2, latency=True)

    aside = [each for each in run_folder.read(folder).open_trials if each.set_aside]
    assert [each.spec.trial.id[:6] for each in aside] == ["l01-01"]
    again = f"{aside[0].spec.trial.id}-again"
    assert again in {each.spec.trial.id for each in run_folder.read(folder).open_trials}


@pytest.mark.parametrize("when", ["ceiling", "calibrate", "r01-01", "l02-03", "o01"])
def test_a_process_of_the_generator_that_goes_missing_at_any_time_makes_the_run_invalid(
    tmp_path: Path, when: str
) -> None:
    once = iter([1])

    def lost(order: Order) -> int:
        return next(once, 0) if order["id"].startswith(when) else 0

    world = World(lost_workers=lost, wait_ms=queueing)
    result, _ = run(world, tmp_path, rounds=2, slo="p99=250ms", generator_processes=2)

    assert result.verdict is Verdict.INVALID
    assert {found.code for found in result.broken} == {RuleCode.GENERATOR_SATURATED}


def test_a_system_that_needs_most_of_the_generators_ceiling_has_no_verdict(
    tmp_path: Path,
) -> None:
    result, _ = run(World(ceiling_rps=110.0), tmp_path, rounds=2)

    assert result.verdict is Verdict.INVALID
    assert [(found.code, found.cell and found.cell.replicas) for found in result.broken] == [
        (RuleCode.GENERATOR_SATURATED, 2)
    ]
    assert [each.ceiling_ratio for each in result.cells] == pytest.approx([50 / 110, 100 / 110])
