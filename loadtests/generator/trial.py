"""One trial: load that is dropped, load that counts, and the wait for what is in flight."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, process_time, time

import gevent
from gevent.pool import Group
from locust.env import Environment

from loadtests.generator.closed import ClosedGate
from loadtests.generator.load import Load
from loadtests.generator.order import TrialOrder
from loadtests.generator.pool import Pool
from loadtests.generator.recorder import Recorder
from loadtests.generator.scenario import local_runner, share_users
from loadtests.generator.ticker import Lag, Ticker

START_SHARE = 0.1
"""Of the settling time, in which the users start: soon, but not all in one moment."""


@dataclass(frozen=True, kw_only=True)
class Edges:
    """The moments of a trial on both clocks; ``opens`` is the zero of the samples."""

    started: float
    opens: float
    closes: float
    epoch_s: float
    """Add it to a moment of the monotonic clock for seconds since the epoch."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one process measured of a trial, beside the samples."""

    started_at_s: float
    opened_at_s: float
    closed_at_s: float
    drained_at_s: float
    cpu_s: float
    lag: Lag
    epoch_s: float


def run_trial(
    order: TrialOrder, environment: Environment, pool: Pool, tell: Callable[[str, float], None]
) -> tuple[Measured, Recorder]:
    """Run one trial with the users of ``environment``.

    ``tell`` is called with ``opened`` and ``closed`` and the present moment, at the window's edges.
    """
    runner = local_runner(environment)
    events: Any = environment.events  # Locust leaves them untyped
    recorder = Recorder()
    started = monotonic()
    opens = started + order.settle_s
    closes = opens + order.window_s
    epoch_s = time() - monotonic()
    environment.host = order.base_url
    environment.stop_timeout = order.drain_limit_s
    environment.load = Load(  # type: ignore[attr-defined]  # travels with Locust's own record
        pool=pool,
        gate=ClosedGate(closes),
        recorder=recorder,
        path=order.path,
        timeout_s=order.timeout_s,
        spread_s=order.settle_s * START_SHARE,
    )
    for cls in environment.user_classes:
        cls.host = order.base_url
    runner.stats.clear_all()
    gc.collect()
    gc.freeze()
    events.test_start.fire(environment=environment)
    runner.spawn_users(share_users(environment.user_classes, order.users))
    events.spawning_complete.fire(user_count=order.users)
    sleep_until(opens)
    cpu_before, ticker = process_time(), Ticker()
    tell("opened", time())
    sleep_until(closes)
    cpu_s = process_time() - cpu_before
    tell("closed", time())
    lag = ticker.stop()
    events.test_stopping.fire(environment=environment)
    stop_users(runner.user_greenlets, order.drain_limit_s)
    runner.update_state("stopped")
    drained = monotonic()
    events.test_stop.fire(environment=environment)
    measured = Measured(
        started_at_s=started + epoch_s,
        opened_at_s=opens + epoch_s,
        closed_at_s=closes + epoch_s,
        drained_at_s=drained + epoch_s,
        cpu_s=round(cpu_s, 6),
        lag=lag,
        epoch_s=epoch_s,
    )
    return measured, recorder


def stop_users(users: Group, limit_s: float) -> None:
    """Let users end what they are doing, for at most ``limit_s``; then end them as they are."""
    for greenlet in tuple(users):
        if not greenlet.dead and greenlet.args:
            greenlet.args[0].stop()
    if not users.join(timeout=limit_s):
        users.kill()


def sleep_until(moment: float) -> None:
    """Sleep until ``moment`` of the monotonic clock, and wake before anything else that is due."""
    left = moment - monotonic()
    if left <= 0:
        return
    hub: Any = gevent.get_hub()  # the stubs know no priorities
    timer = hub.loop.timer(left)
    timer.priority = hub.loop.MAXPRI
    try:
        hub.wait(timer)
    finally:
        timer.close()
