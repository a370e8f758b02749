"""Several processes, as the harness meets them."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadtests.environments.child_python import python_path
from loadtests.generator.fleet import joined
from loadtests.generator.http.outcome import Outcome
from loadtests.generator.loops.ticker import Lag
from loadtests.generator.recorder import Recorder
from loadtests.generator.trial import Result
from loadtests.generator.worker import read_result, write_result
from tests.checkout import CHECKOUT
from tests.loadtests.clashing_folder import clashing
from tests.loadtests.generator.child import Answer, Child
from tests.loadtests.generator.stub_server import late, stub_server

pytestmark = pytest.mark.slow  # three processes start, and some of them again


@pytest.fixture(scope="module")
def fleet() -> Iterator[Child]:
    with Child("--processes", "2") as running:
        yield running


def workers_of(child: Child) -> list[int]:
    pid = child.process.pid
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def most_at_once(answer: Answer) -> int:
    """Return how many requests were in flight at the same time, at most."""
    sent_us, done_us = answer.columns["sent_us"], answer.columns["done_us"]
    steps = np.repeat([1, -1], len(sent_us))
    order = np.lexsort((steps, np.concatenate([sent_us, done_us])))
    return int(steps[order].cumsum().max())


def result(*, cpu_s: float, lag_ms: float, rows: int) -> Result:
    recorder = Recorder()
    for number in range(rows):
        recorder.add(number, number, number + 1, 200, Outcome.OK, recorder.replica_index(b"a"), 0)
    return Result(
        samples=recorder.samples(0.0),
        started_at_s=1.0,
        opened_at_s=2.0,
        closed_at_s=3.0,
        drained_at_s=3.0 + cpu_s,
        cpu_s=cpu_s,
        lag=Lag(p99_ms=lag_ms, max_ms=2 * lag_ms),
        user_errors=("why",),
        held_s=cpu_s / 2,
    )


@pytest.mark.parallel
def test_the_busiest_and_the_slowest_process_count() -> None:
    own = result(cpu_s=0.1, lag_ms=9.0, rows=0)

    whole = joined(own, [result(cpu_s=0.5, lag_ms=1, rows=2), result(cpu_s=0.2, lag_ms=3, rows=3)])

    assert (whole.cpu_s, whole.lag, whole.drained_at_s) == (0.5, Lag(p99_ms=3, max_ms=6), 3.5)
    assert len(whole.samples.columns["due_us"]) == 5
    assert whole.user_errors == ("why", "why")
    assert whole.held_s == pytest.approx(0.35)


@pytest.mark.parallel
def test_without_any_worker_left_there_is_still_a_result() -> None:
    own = result(cpu_s=0.1, lag_ms=9.0, rows=0)

    assert joined(own, []) is own


@pytest.mark.parallel
def test_a_result_comes_through_a_message_as_it_was() -> None:
    before = result(cpu_s=0.5, lag_ms=1, rows=2)

    after = read_result(write_result(before))

    assert (after.lag, after.user_errors, after.closed_at_s) == (before.lag, ("why",), 3.0)
    assert np.array_equal(after.samples.columns["sent_us"], before.samples.columns["sent_us"])
    assert after.samples.replicas == ("a",)
    assert after.held_s == 0.25


def test_two_workers_share_the_users_of_a_closed_trial(fleet: Child) -> None:
    with stub_server(late(0.02)) as (url, requests):
        answer = fleet.trial(base_url=url, users=5, settle_s=0.3)

    finished = answer.finished
    assert (finished["workers"], finished["lost_workers"]) == (2, 0)
    assert finished["sent"] == finished["answered"] == len(requests) == answer.count("ok")
    assert finished["sent"] < 180  # five users with 20 ms a request, over 0.7 s
    assert most_at_once(answer) == 5
    assert (np.diff(answer.columns["due_us"]) >= 0).all()
    assert answer.columns["sent_us"].min() > -320_000


def test_two_workers_share_the_arrivals_of_an_open_trial(fleet: Child) -> None:
    with stub_server() as (url, requests):
        answer = fleet.trial(
            base_url=url, mode="open", rate_rps=100, arrivals="constant", window_s=1.0
        )

    assert answer.finished["sent"] == len(requests) == 110
    gaps_us = np.diff(answer.columns["due_us"])
    assert np.abs(gaps_us - 10_000).max() <= 500  # the clocks' difference between two processes


@pytest.mark.parallel
def test_a_worker_that_is_killed_is_told_and_replaced(fleet: Child) -> None:
    with stub_server() as (url, _):
        fleet.trial(base_url=url)
        killed = workers_of(fleet)[0]

        answer = fleet.trial(lambda: os.kill(killed, signal.SIGKILL), base_url=url)
        after = fleet.trial(base_url=url)

    assert (answer.finished["workers"], answer.finished["lost_workers"]) == (2, 1)
    assert answer.count("ok") > 0  # what the other one did is there
    assert after.finished["lost_workers"] == 0
    assert killed not in workers_of(fleet)


@pytest.mark.parallel
def test_a_worker_that_is_killed_as_it_starts_is_told_and_replaced() -> None:
    with Child("--processes", "2") as child, stub_server() as (url, _):
        deadline = time.monotonic() + 20
        while not (starting := workers_of(child)) and time.monotonic() < deadline:
            time.sleep(0.005)
        os.kill(starting[0], signal.SIGKILL)  # a second of imports before it can have joined

        answer = child.trial(base_url=url)

    assert (answer.finished["workers"], answer.finished["lost_workers"]) == (2, 1)
    assert answer.count("ok") > 0


@pytest.mark.parallel
def test_without_any_worker_left_a_trial_ends_with_both_lost(fleet: Child) -> None:
    def kill_all() -> None:
        for pid in workers_of(fleet):
            os.kill(pid, signal.SIGKILL)

    with stub_server() as (url, _):
        answer = fleet.trial(kill_all, base_url=url)

    assert answer.finished["lost_workers"] == 2
    assert answer.finished["sent"] == 0


@pytest.mark.parallel
def test_a_scenario_that_fails_to_load_is_an_error(fleet: Child, tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text("1/0")

    error = fleet.trial(base_url="http://h", scenario=str(path)).lines[-1]

    assert (error["event"], error["kind"]) == ("error", "scenario")


@pytest.mark.parallel
def test_workers_end_with_the_agent() -> None:
    with Child("--processes", "2") as child, stub_server() as (url, _):
        child.trial(base_url=url)
        workers = workers_of(child)
        child.process.kill()
        child.process.wait()
        limit = time.monotonic() + 5
        while any(_is_running(pid) for pid in workers) and time.monotonic() < limit:
            time.sleep(0.05)

        assert [pid for pid in workers if _is_running(pid)] == []


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.parallel
def test_a_worker_that_dies_between_two_trials_is_told_in_the_second_and_once(
    fleet: Child,
) -> None:
    with stub_server(late(0.001)) as (url, _):
        trial: dict[str, Any] = {"base_url": url, "users": 4, "settle_s": 0.1, "window_s": 0.3}
        before = fleet.trial(**trial).finished["lost_workers"]
        os.kill(workers_of(fleet)[0], signal.SIGKILL)
        lost_workers = [fleet.trial(**trial).finished["lost_workers"] for _ in range(2)]

    assert (before, lost_workers) == (0, [1, 0])


@pytest.mark.parallel
def test_workers_import_nothing_from_the_current_folder_if_the_generator_does_not(
    tmp_path: Path,
) -> None:
    folder = clashing(tmp_path)
    with (
        Child("--processes", "2", flags=("-P",), env=python_path(), cwd=folder) as child,
        stub_server() as (url, _),
    ):
        answer = child.trial(base_url=url)

    assert (answer.finished["workers"], answer.finished["lost_workers"]) == (2, 0)
    assert answer.count("ok") > 0


@pytest.mark.parallel
def test_workers_find_the_package_by_the_current_folder_if_the_generator_does(
    tmp_path: Path,
) -> None:
    """So it is in the generator's container."""
    shutil.copytree(
        CHECKOUT / "loadtests/generator",
        tmp_path / "loadtests/generator",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    seen = "with open('imports', 'a') as file: file.write('x')\n"
    (tmp_path / "loadtests/__init__.py").write_text(seen)
    with Child("--processes", "2", cwd=tmp_path) as child, stub_server() as (url, _):
        answer = child.trial(base_url=url)

    assert (answer.finished["workers"], answer.finished["lost_workers"]) == (2, 0)
    assert (tmp_path / "imports").read_text() == "xxx"  # the generator and its workers
