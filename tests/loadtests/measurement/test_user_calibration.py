from collections.abc import Callable
from dataclasses import replace

import pytest

from loadtests.config.options import Options
from loadtests.measurement.user_calibration import (
    calibrate,
)
from loadtests.model.plan import MOST_USERS, Plan, Timing, TrialSpec
from loadtests.model.tested.target import Target, TargetKind
from loadtests.model.trial import Calibration, Latency, Trial
from loadtests.model.vocabulary import Role
from loadtests.planning.run_plan import make_plan
from loadtests.targets import plain
from tests.loadtests.builders import make_machine, make_trial, make_usage

OPTIONS = replace(Options(), replicas=(1, 2))
PLAN: Plan = make_plan(OPTIONS, make_machine(), backend="fake", seed=1)


def measuring(
    rps: Callable[[int], float], timings: list[Timing] | None = None, *, failed: int = 0
) -> Callable[[TrialSpec, int, Timing], Trial]:
    def measure(spec: TrialSpec, users: int, timing: Timing) -> Trial:
        if timings is not None:
            timings.append(timing)
        rate = rps(users)
        mean_ms = 1000 * users / rate if rate else None
        latency = None
        if mean_ms is not None:
            latency = Latency(
                p50_ms=mean_ms, p90_ms=mean_ms, p99_ms=mean_ms, max_ms=mean_ms, mean_ms=mean_ms
            )
        return make_trial(
            spec=spec, users=users, throughput_rps=rate, latency=latency, failed=failed
        )

    return measure


def users_tried(worker: str, rps: Callable[[int], float]) -> list[int]:
    return [step.users for step in calibrate(PLAN, worker, "cpu", measuring(rps)).steps]


@pytest.mark.parametrize(
    ("worker", "limit", "users"),
    [
        ("gthread", 1, [1, 4]),
        ("gthread", 4, [1, 4, 8]),
        ("gthread", 8, [1, 4, 8, 16]),
        ("gevent", 1, [1, 2]),
        ("gevent", 40, [1, 2, 4, 8, 16, 32, 64, 128]),
    ],
)
def test_users_double_from_the_slots_on_until_they_gain_nothing(
    worker: str, limit: int, users: list[int]
) -> None:
    assert users_tried(worker, lambda count: 20.0 * min(count, limit)) == users


@pytest.mark.parametrize(("gain", "goes_on"), [(1.0499, False), (1.0501, True)])
def test_a_gain_of_less_than_five_per_cent_is_none(gain: float, goes_on: bool) -> None:
    tried = users_tried("gthread", lambda count: {1: 100.0, 4: 100.0 * gain}.get(count, 1.0))

    assert (len(tried) > 2) is goes_on


def test_the_larger_number_is_taken_with_a_queue_of_a_fifth_of_a_window() -> None:
    found = calibrate(PLAN, "gthread", "cpu", measuring(lambda count: 20.0 * min(count, 4)))

    assert found.steps[-1].users == 8
    assert found.users_per_replica == 80 * 2 * 0.2


def test_an_answer_takes_longer_by_the_queue() -> None:
    found = calibrate(PLAN, "gthread", "cpu", measuring(lambda count: 20.0 * min(count, 4)))

    assert found.steps[-1].mean_ms == 100.0
    assert found.answer_ms == 400.0


def test_nobody_knows_how_long_an_answer_takes_that_never_came() -> None:
    failing = measuring(lambda _: 0.0, failed=1)

    assert calibrate(PLAN, "gthread", "cpu", failing).answer_ms is None


def test_users_do_not_grow_for_ever() -> None:
    found = calibrate(PLAN, "gthread", "cpu", measuring(float))

    assert found.users_per_replica == MOST_USERS


def test_a_gain_by_chance_at_few_answers_does_not_add_users_for_ever() -> None:
    tried = users_tried("gthread", lambda users: 2.0 + 0.1 * users)

    assert tried == [1, 4, 8]  # 8 users at 2.8 requests/s wait for 2.9 s


def test_answers_that_take_long_alone_do_not_end_the_search() -> None:
    assert users_tried("gevent", lambda users: 0.5 * min(users, 16)) == [1, 2, 4, 8, 16, 32]


@pytest.mark.parametrize(
    ("worker", "full_at", "most"),
    [("gevent", 8, 64), ("gevent", 1000, MOST_USERS), ("gthread", 8, MOST_USERS)],
)
def test_users_who_would_only_wait_for_a_full_cpu_are_not_added(
    worker: str, full_at: int, most: int
) -> None:
    """On a core that becomes faster from step to step, each of them looks like a gain."""
    measured = measuring(lambda users: 10.0 * min(users, 8) * users**0.1)

    def measure(spec: TrialSpec, users: int, timing: Timing) -> Trial:
        used = {"cpu_s": 0.1, "throttled_ratio": 0.9 if users >= full_at else 0.0}
        usage = make_usage(member=f"{worker}-1", **used)
        return replace(measured(spec, users, timing), usages=(usage,))

    assert calibrate(PLAN, worker, "cpu", measure).steps[-1].users == most


def test_steps_are_as_long_as_two_answers_ask_for() -> None:
    timings: list[Timing] = []
    calibrate(PLAN, "gthread", "cpu", measuring(lambda users: 4.0 * min(users, 4), timings))

    assert [(each.settle_s, each.window_s) for each in timings] == [
        (0.4, 1.0),
        (2.0, 2.0),  # 4 users at the 4 requests/s that one had
        (1.0, 1.0),  # 8 users at 16 requests/s
    ]


def test_a_step_after_one_without_an_answer_is_as_long_as_any() -> None:
    timings: list[Timing] = []
    calibrate(PLAN, "gthread", "cpu", measuring(lambda _: 0.0, timings, failed=1))

    assert {each.window_s for each in timings[1:]} == {4.0}


def test_a_step_whose_slots_are_all_held_by_slow_requests_is_measured_again_and_longer() -> None:
    timings: list[tuple[int, float]] = []

    def measure(spec: TrialSpec, users: int, timing: Timing) -> Trial:
        timings.append((users, timing.window_s))
        rate = 100.0 if users == 1 else 12.0 if timing.window_s > 3 else 0.0
        trial = measuring(lambda _: rate)(spec, users, timing)
        return replace(trial, completed=round(rate * timing.window_s), failed=0)

    found = calibrate(PLAN, "gthread", "cpu", measure)

    assert timings == [(1, 1.0), (4, 1.0), (4, 4.0)]
    assert found.steps[-1].throughput_rps == 12.0
    assert found.users_per_replica > 4


def test_a_step_is_measured_again_only_once_and_not_where_requests_fail_at_once() -> None:
    timings: list[tuple[int, float]] = []

    def measure(spec: TrialSpec, users: int, timing: Timing) -> Trial:
        timings.append((users, timing.window_s))
        trial = measuring(lambda _: 0.0)(spec, users, timing)
        return replace(trial, completed=0, failed=50 if users == 1 else 0)

    calibrate(PLAN, "gthread", "cpu", measure)

    assert timings == [(1, 1.0), (4, 4.0)]


def test_one_user_alone_tells_the_time_in_service() -> None:
    found = calibrate(PLAN, "gthread", "cpu", measuring(lambda count: 20.0 * min(count, 4)))

    assert found.service_ms == 50.0


def test_a_replica_that_never_succeeds_has_no_time_in_service() -> None:
    failing = measuring(lambda _: 0.0, failed=1)

    assert calibrate(PLAN, "gthread", "cpu", failing).service_ms is None


def test_one_replica_alone_is_loaded_and_no_round_is_named() -> None:
    specs: list[TrialSpec] = []

    def measure(spec: TrialSpec, users: int, timing: Timing) -> Trial:
        specs.append(spec)
        return measuring(lambda _: 50.0)(spec, users, timing)

    calibrate(PLAN, "sync", "cpu", measure)

    assert {(spec.cell.worker, spec.cell.replicas, spec.round) for spec in specs} == {
        ("sync", 1, 0)
    }
    behind = {upstream.port: upstream for upstream in PLAN.upstreams}
    assert behind[specs[0].port].members == specs[0].members
    assert behind[specs[0].port].worker == "sync"


def counting(
    rps: Callable[[int, Timing], float], seen: list[tuple[int, float]]
) -> Callable[[TrialSpec, int, Timing], Trial]:
    """Measure a replica whose CPU is idle, with as many answers as fit the window."""

    def measure(spec: TrialSpec, users: int, timing: Timing) -> Trial:
        seen.append((users, timing.window_s))
        rate = rps(users, timing)
        usages = (make_usage(role=Role.REPLICA, cpu_s=0.001, throttled_ratio=0.0),)
        return make_trial(
            spec=spec,
            users=users,
            throughput_rps=rate,
            completed=round(rate * timing.window_s),
            usages=usages,
        )

    return measure


def test_no_gain_of_few_answers_is_measured_again_before_it_is_believed() -> None:
    """A replica without known slots answers 4 times a second, and twice the users twice as often.

    The first window shows no gain by chance; then the users go on until something is full.
    """
    seen: list[tuple[int, float]] = []

    def rps(users: int, timing: Timing) -> float:
        return 4.0 if users == 2 and timing.window_s < 5 else 4.0 * min(users, 16)

    calibration = calibrate(PLAN, "gevent", "cpu", counting(rps, seen))

    assert [step.users for step in calibration.steps] == [1, 2, 4, 8, 16, 32]
    assert [entry for entry in seen if entry[0] <= 2][2:] == [(1, 25.0), (2, 25.0)]
    assert calibration.steps[1].throughput_rps == 8.0


def test_where_slots_are_known_as_many_users_fill_them() -> None:
    seen: list[tuple[int, float]] = []

    calibrate(PLAN, "gthread", "cpu", counting(lambda *_: 4.0, seen))

    assert [users for users, _ in seen] == [1, 4]


WEB = Target(kind=TargetKind.URL, given="web", name="web", url="http://10.0.0.1:80")


def replicas_that(rps: Callable[[int], float]) -> Callable[[TrialSpec, int, Timing], Trial]:
    """Measure replicas with these answers a second at so many users each."""

    def measure(spec: TrialSpec, users: int, timing: Timing) -> Trial:
        replicas = min(users, len(spec.members))
        return measuring(lambda _: replicas * rps(users // replicas))(spec, users, timing)

    return measure


def calibrated(
    replicas: tuple[int, ...], worker: str | None = None, *, step: int = 1
) -> Calibration:
    """Calibrate the sample application, or a deployment where no worker model is given."""
    options = replace(Options(), replicas=replicas, workers=(worker,) if worker else None)
    project = None if worker else plain.project(WEB)
    plan = make_plan(options, make_machine(), backend="fake", seed=1, project=project)
    measure = replicas_that(lambda users: 40.0 * min(users, 4))
    return calibrate(plan, plan.workers[0].name, plan.workloads[0].name, measure, step=step)


@pytest.mark.parametrize("worker", ["gthread", "gevent"])
@pytest.mark.parametrize("replicas", [(2, 4), (4, 8)])
def test_a_run_without_one_replica_is_calibrated_on_one_all_the_same(
    worker: str, replicas: tuple[int, ...]
) -> None:
    assert calibrated(replicas, worker) == calibrated((1, 2), worker)


@pytest.mark.parametrize("step", [1, 3])
def test_a_deployment_never_scaled_to_one_has_the_figures_of_one_replica(step: int) -> None:
    of_four, of_one = (calibrated(replicas, step=step) for replicas in ((4, 8), (1, 2)))

    assert of_four.users_per_replica == of_one.users_per_replica
    assert of_four.service_ms == of_one.service_ms
    assert [(each.users, each.throughput_rps, each.mean_ms) for each in of_four.steps] == [
        (each.users, each.throughput_rps, each.mean_ms) for each in of_one.steps
    ]
    assert of_four.users_per_replica % step == 0


def test_one_user_alone_on_several_replicas_is_one_user() -> None:
    plan = make_plan(
        replace(Options(), replicas=(4, 8)),
        make_machine(),
        backend="fake",
        seed=1,
        project=plain.project(WEB),
    )
    asked: list[int] = []

    def measure(spec: TrialSpec, users: int, timing: Timing) -> Trial:
        asked.append(users)
        return measuring(lambda _: 100.0)(spec, users, timing)

    calibrate(plan, plan.workers[0].name, plan.workloads[0].name, measure)

    assert asked[:2] == [1, 8]  # one in all, then two a replica
