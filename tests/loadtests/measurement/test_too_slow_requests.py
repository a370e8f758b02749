"""Requests that take longer than any window: their calibration is the end of the run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.config.options import Options
from loadtests.measurement.user_calibration import Measure, calibrate, calibrate_all
from loadtests.model.errors import EXIT_CANNOT_TELL, UnusableLoad
from loadtests.model.plan import Plan, Timing, TrialSpec
from loadtests.model.tested.workload import Locustfile, Workload
from loadtests.model.trial import Trial
from loadtests.planning.run_plan import make_plan
from tests.loadtests.builders import make_machine, make_trial

PLAN: Plan = make_plan(Options(), make_machine(), backend="fake", seed=1)


def unanswered(tried: list[tuple[int, float]], *, failed: int = 0) -> Measure:
    """Measure users who get no answer, of whose requests so many fail."""

    def measure(spec: TrialSpec, users: int, timing: Timing) -> Trial:
        tried.append((users, timing.window_s))
        return make_trial(spec=spec, users=users, throughput_rps=0.0, completed=0, failed=failed)

    return measure


def test_the_run_ends_after_one_user_and_says_what_to_do() -> None:
    """No answer at all came in any window of any round."""
    tried: list[tuple[int, float]] = []

    with pytest.raises(UnusableLoad) as raised:
        calibrate(PLAN, "gthread", "cpu", unanswered(tried))

    assert tried == [(1, 1.0), (1, 4.0)]
    assert raised.value.exit_code == EXIT_CANNOT_TELL
    assert str(raised.value) == (
        "gthread on cpu: with one user alone no request ended between 4 and 8 s after the start."
        " Windows take 6 s at most, which is too short for such requests. To get a verdict, measure"
        " requests that take less than 2.1 s."
    )


def test_requests_that_fail_are_measured_and_told_by_the_rules() -> None:
    tried: list[tuple[int, float]] = []

    calibration = calibrate(PLAN, "gthread", "cpu", unanswered(tried, failed=1))

    assert calibration.service_ms is None
    assert {users for users, _ in tried} == {1, 4}


PAUSES = replace(
    PLAN,
    workloads=(Workload(name="own", path="/", locustfile=Locustfile(path="locustfile.py")),),
)


def test_users_of_a_locustfile_who_pause_for_long_are_no_slow_requests() -> None:
    """As reviewed: ``constant(20)`` with ``--keep-waits``, or a task that sleeps for 20 s."""
    tried: list[tuple[int, float]] = []

    calibration = calibrate(PAUSES, "gthread", "own", unanswered(tried))

    assert calibration.users_per_replica >= 4
    assert max(users for users, _ in tried) > 1


FAST, EXPORT = (Workload(name=name, path=f"/{name}") for name in ("fast", "export"))
TWO_LOADS = replace(PLAN, workloads=(FAST, EXPORT))


def only_fast(spec: TrialSpec, users: int, timing: Timing) -> Trial:
    """Measure an export that takes 9 s beside fast requests."""
    if spec.cell.workload == "fast":
        return make_trial(spec=spec, users=users, throughput_rps=50.0)
    return unanswered([])(spec, users, timing)


def test_one_load_that_is_too_slow_leaves_the_others_their_verdict() -> None:
    said: list[str] = []

    calibrations, notes = calibrate_all(TWO_LOADS, only_fast, user_steps={}, say=said.append)

    slow = calibrations["gthread", "export"]
    assert calibrations["gthread", "fast"].steps[-1].throughput_rps == 50.0
    assert (slow.users_per_replica, slow.service_ms, slow.answer_ms) == (1, None, None)
    assert set(calibrations) == {
        (worker.name, load.name) for worker in PLAN.workers for load in (FAST, EXPORT)
    }
    assert len(notes) == len(PLAN.workers)
    assert notes[0].startswith("gthread on export: with one user alone no request ended between")
    assert notes[0].endswith("gthread on export has no verdict in this run.")


def test_where_all_loads_are_too_slow_the_run_ends() -> None:
    with pytest.raises(UnusableLoad, match=r"^gthread on fast: with one user alone"):
        calibrate_all(TWO_LOADS, unanswered([]), user_steps={}, say=lambda _: None)
