"""The requests of each name: what a trial keeps of them, and what a run says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from loadtests.analysis import samples
from loadtests.analysis.failures import requests_by_name
from loadtests.model.failures import RequestOutcomes
from loadtests.model.result import RequestResult
from loadtests.model.trial import Trial
from tests.loadtests.analysis.test_request_table import make_raw
from tests.loadtests.builders import make_budget, make_plan, make_result, make_trials
from tests.loadtests.fakes import sample_bytes

PLAN = make_plan(replica_counts=(1, 2), rounds=4)


def outcomes(name: str, **fields: Any) -> RequestOutcomes:
    defaults: dict[str, Any] = {
        "completed": 90,
        "failed": 10,
        "p50_ms": 5.0,
        "p99_ms": 9.0,
        "body_bytes": 9_000,
    }
    return RequestOutcomes(name=name, **defaults | fields)


def rows(*requests: RequestOutcomes) -> list[RequestResult]:
    """Give the rows of the first cell, whose trials all have these requests."""
    trials = [replace(trial, requests=requests) for trial in make_trials(PLAN)]
    cells = make_result(PLAN, trials).cells
    found = requests_by_name.results(cells, trials)
    return [row for row in found if row.cell == PLAN.cells[0]]


def test_rates_add_up_to_that_of_the_cell_and_shares_to_one() -> None:
    common, rare = rows(outcomes("GET /rare", completed=20, failed=0), outcomes("GET /", failed=0))

    assert (common.name, rare.name) == ("GET /", "GET /rare")
    assert common.throughput_rps == pytest.approx(50.0 * 90 / 110)
    assert rare.throughput_rps == pytest.approx(50.0 * 20 / 110)
    assert (common.share_ratio, rare.share_ratio) == (90 / 110, 20 / 110)


def test_what_failed_is_in_the_share_and_not_in_the_rate() -> None:
    good, bad = rows(outcomes("GET /", failed=0), outcomes("GET /bad", completed=0, failed=30))

    assert (bad.requests, bad.failed, bad.throughput_rps) == (120, 120, 0.0)
    assert bad.share_ratio == 0.25
    assert bad.mean_bytes is None
    assert good.throughput_rps == pytest.approx(50.0)


def test_percentiles_are_medians_over_the_rounds_and_bytes_the_mean_of_all_answers() -> None:
    times = {1: 5.0, 2: 7.0, 3: 6.0, 4: 90.0}

    def changed(trial: Trial) -> Trial:
        number = trial.spec.round
        request = outcomes("GET /", p50_ms=times[number], completed=number, body_bytes=100)
        return replace(trial, requests=(request,))

    trials = [changed(trial) for trial in make_trials(PLAN)]
    row = requests_by_name.results(make_result(PLAN, trials).cells, trials)[0]

    assert row.p50_ms == 6.5
    assert row.mean_bytes == 400 / 10


def test_a_journal_of_an_older_version_has_no_rows_and_unknown_times_stay_unknown() -> None:
    trials = make_trials(PLAN)

    assert requests_by_name.results(make_result(PLAN, trials).cells, trials) == ()
    (row,) = rows(outcomes("GET /", p50_ms=None, p99_ms=None, body_bytes=None))
    assert (row.p50_ms, row.p99_ms, row.mean_bytes) == (None, None, None)


def reduced(**columns: Any) -> tuple[RequestOutcomes, ...]:
    packed = sample_bytes(
        done_us=[100, 200, 300, 400], duration_us=[1000, 2000, 3000, 90_000], **columns
    )
    return samples.reduce(make_raw(packed), make_budget(), service_ms=None).requests


def test_a_trial_keeps_times_and_bytes_of_the_correct_answers_of_each_name() -> None:
    (request,) = reduced(outcome=[0, 0, 0, 1], status=[200, 200, 200, 500], bytes=[10, 20, 30, 999])

    assert (request.completed, request.failed) == (3, 1)
    assert (request.p50_ms, request.p99_ms, request.body_bytes) == (2.0, 3.0, 60)


def test_samples_without_bytes_leave_them_unknown() -> None:
    (request,) = reduced()

    assert request.body_bytes is None
    assert request.p99_ms == 90.0


def test_a_name_without_a_correct_answer_has_no_times() -> None:
    (request,) = reduced(outcome=1, status=500, bytes=np.full(4, 5))

    assert (request.p50_ms, request.p99_ms, request.body_bytes) == (None, None, None)
