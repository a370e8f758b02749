"""Runs one trial: warm-up (dropped), window (counted), and draining of requests in flight."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic, process_time
from typing import Any

from gevent.pool import Group
from locust import User
from locust.env import Environment

from loadtests.generator.clock import EPOCH_S, now_s
from loadtests.generator.http.outcome import Outcome
from loadtests.generator.http.pool import Pool
from loadtests.generator.http.user import LeanHttpUser
from loadtests.generator.load import Load
from loadtests.generator.locustfile import UnusableLocustfile, local_runner, share_users
from loadtests.generator.loops.alarm import sleep_until
from loadtests.generator.loops.arrivals import arrivals
from loadtests.generator.loops.closed import ClosedGate
from loadtests.generator.loops.open import OpenGate
from loadtests.generator.loops.ticker import Lag, Ticker
from loadtests.generator.order import ALL, Share, TrialOrder
from loadtests.generator.recorder import NO_REPLICA, Recorder
from loadtests.generator.samples import Samples
from loadtests.generator.session.names import without_secrets

START_SHARE = 0.1
"""Share of the warm-up over which the users start: early, but not all at once."""

FIRST_USERS = 16
"""Users at the start of an open loop; more start when they are needed."""

Tell = Callable[[str, float], None]
"""Called at the window's edges with ``opened`` or ``closed`` and the time."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The moments of a trial, by the monotonic clock; sample times count from ``opens``."""

    starts: float
    opens: float
    closes: float
    epoch_s: float
    """Add this to a moment to get seconds since the epoch."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One trial for one process; ``share`` is the part of the load that it generates."""

    order: TrialOrder
    schedule: Schedule
    environment: Environment
    pool: Pool
    share: Share = ALL
    recorder: Recorder = field(default_factory=Recorder)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one process measured in a trial; moments are seconds since the epoch."""

    samples: Samples
    started_at_s: float
    opened_at_s: float
    closed_at_s: float
    drained_at_s: float
    cpu_s: float
    lag: Lag
    user_errors: tuple[str, ...]
    """The messages of all exceptions that the locustfile's own code raised."""
    user_errors_in_window: int = 0
    start_requests: int = 0
    start_failed: int = 0
    """Requests that users sent before their first task, and those of them that failed."""
    held_s: float = 0.0
    """For how long the limit of requests a second held users back in the window, all together."""
    refused: tuple[str, ...] = ()
    """Sentences about addresses that are not the target's, to which nothing was sent."""


def plan_schedule(order: TrialOrder, starts_at_s: float | None = None) -> Schedule:
    """Return the moments of the trial; it starts now, or at ``starts_at_s``."""
    starts = monotonic() if starts_at_s is None else starts_at_s - EPOCH_S
    opens = starts + order.settle_s
    return Schedule(starts=starts, opens=opens, closes=opens + order.window_s, epoch_s=EPOCH_S)


def run_trial(job: Job, tell: Tell) -> Result:
    """Run one trial with the job's locustfile; raises ``UnusableLocustfile``."""
    order, schedule, environment = job.order, job.schedule, job.environment
    runner = local_runner(environment)
    events: Any = environment.events  # Locust leaves them untyped
    environment.host = order.base_url
    for cls in environment.user_classes:
        cls.host = order.base_url
    runner.stats.clear_all()
    runner.exceptions.clear()
    with frozen_garbage():
        sleep_until(schedule.starts)
        events.test_start.fire(environment=environment)
        arrivals_gate = None
        if order.mode == "closed":
            start_closed(job)
        else:
            arrivals_gate = start_open(job)
        cpu_s, lag = watch_window(schedule, tell)
        if arrivals_gate is not None:
            arrivals_gate.hand_out_rest()
        events.test_stopping.fire(environment=environment)
        stop_users(runner.user_greenlets, order.drain_limit_s)
        if arrivals_gate is not None:
            arrivals_gate.close()
        drained = monotonic()
    runner.update_state("stopped")
    events.test_stop.fire(environment=environment)
    return Result(
        samples=job.recorder.samples(schedule.opens),
        started_at_s=schedule.starts + schedule.epoch_s,
        opened_at_s=schedule.opens + schedule.epoch_s,
        closed_at_s=schedule.closes + schedule.epoch_s,
        drained_at_s=drained + schedule.epoch_s,
        cpu_s=cpu_s,
        lag=lag,
        user_errors=tuple(
            error["msg"] for error in runner.exceptions.values() for _ in range(error["count"])
        ),
    )


def start_closed(job: Job) -> None:
    """Start all users."""
    order = job.order
    load = Load(
        pool=job.pool,
        gate=ClosedGate(job.schedule.closes),
        recorder=job.recorder,
        path=order.path,
        timeout_s=order.timeout_s,
        spread_s=order.settle_s * START_SHARE,
    )
    share_load(job.environment, load)
    start_users(job.environment, job.share.users(order.users))


def start_open(job: Job) -> OpenGate:
    """Start the arrivals; return their gate, to be closed when the users have ended."""
    order, recorder = job.order, job.recorder
    for cls in job.environment.user_classes:
        if not issubclass(cls, LeanHttpUser):
            raise UnusableLocustfile(
                f"{cls.__name__} cannot be used in an open loop, which decides when each request "
                "is sent. Derive it from loadtests.generator.http.user.LeanHttpUser."
            )
    name = recorder.name_index(without_secrets(order.path))
    spans_s = (order.settle_s, order.window_s)
    due = arrivals(order.arrivals, order.rate_rps, spans_s, seed=order.seed, shift_s=order.shift_s)
    users_max = max(1, job.share.users(order.max_in_flight))
    gate = OpenGate(
        job.schedule.starts + due[job.share.number :: job.share.of],
        users_max=users_max,
        more_users=lambda count: start_users(job.environment, count),
        drop=lambda due: recorder.add(due, due, due, 0, Outcome.DROPPED, NO_REPLICA, name),
    )
    load = Load(
        pool=job.pool, gate=gate, recorder=recorder, path=order.path, timeout_s=order.timeout_s
    )
    share_load(job.environment, load)
    gate.start(min(FIRST_USERS, users_max))
    return gate


def share_load(environment: Environment, load: Load) -> None:
    """Let all users that start from now on use ``load``."""
    environment.load = load  # type: ignore[attr-defined]  # travels with Locust's own record


def start_users(environment: Environment, count: int) -> None:
    """Start ``count`` users at once, distributed over the locustfile's user classes."""
    runner = local_runner(environment)
    runner.spawn_users(share_users(environment.user_classes, count))


def stop_users(users: Group, limit_s: float) -> None:
    """Let users finish their requests for at most ``limit_s``; then kill those that are left."""
    for greenlet in tuple(users):
        if not greenlet.dead and greenlet.args:
            user: User = greenlet.args[0]
            user.stop()
    if not users.join(timeout=limit_s):
        users.kill()


def watch_window(schedule: Schedule, tell: Tell) -> tuple[float, Lag]:
    """Wait until the window is over; return the CPU-seconds used in it, and the lag."""
    sleep_until(schedule.opens)
    cpu_before_s, ticker = process_time(), Ticker()
    tell("opened", now_s())
    sleep_until(schedule.closes)
    cpu_s = process_time() - cpu_before_s
    lag = ticker.stop()
    tell("closed", now_s())
    return cpu_s, lag


@contextmanager
def frozen_garbage() -> Iterator[None]:
    """Hide all existing objects from the garbage collector, so that its pauses stay short.

    Garbage is collected after the block, between trials.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.collect()
