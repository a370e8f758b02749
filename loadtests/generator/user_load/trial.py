"""Runs one trial of a user's own load, with users who live from trial to trial."""

from __future__ import annotations

import zlib
from time import monotonic
from typing import Any

from loadtests.generator.check_trial.replay import replayed
from loadtests.generator.http.outcome import Outcome
from loadtests.generator.loops.alarm import sleep_until
from loadtests.generator.loops.arrivals import arrivals
from loadtests.generator.loops.open import OpenGate
from loadtests.generator.order import ALL, Share, TrialOrder
from loadtests.generator.recorder import NO_REPLICA
from loadtests.generator.samples import Samples, renamed
from loadtests.generator.session.names import grouped_name
from loadtests.generator.trial import (
    FIRST_USERS,
    START_SHARE,
    Result,
    Schedule,
    Tell,
    frozen_garbage,
    watch_window,
)
from loadtests.generator.user_load.crowd import Crowd, TellStart
from loadtests.generator.user_load.loads import UserLoads
from loadtests.generator.user_load.orders import read_load


class UserTrial:
    """One trial of a user's own load on this process's ``share`` of the users."""

    def __init__(self, loads: UserLoads, order: TrialOrder, share: Share = ALL) -> None:
        """Load what the order needs; raises ``UnusableLocustfile``."""
        load = read_load(order)
        self._loads = loads
        self._order = order
        self._share = share
        self._crowd: Crowd = loads.crowd(
            load,
            order.base_url,
            timeout_s=order.timeout_s,
            share=share,
            exchanger=replayed(loads, load, order) if order.replay else None,
            seed=order.seed,
            anew=order.fresh_users,
        )

    def prepare(self, tell: TellStart) -> None:
        """Start the users that are missing; return when all have begun their first task.

        Raises ``UnusableLocustfile`` if they do not get that far.
        """
        order, crowd = self._order, self._crowd
        load = crowd.load
        load.start_requests = load.start_failed = 0
        crowd.runner.user_errors.clear()
        crowd.runner.stats.clear_all()
        load.recorder.clear()
        requests = self._loads.request_list(crowd)
        if requests is not None:
            requests.seed(zlib.crc32(f"{order.seed}/{order.id}".encode()))
            if not crowd.alive:  # the others keep theirs, so that no two have the same
                requests.first_row = order.first_row
        users = order.users
        if order.mode == "open":
            there = len(crowd.alive) * self._share.of
            users = min(order.max_in_flight, max(FIRST_USERS, there))
        with self._loads.watchdog.watching():
            crowd.grow(users, tell, fewest=order.fewest_users)
        self._users = users

    def run(self, schedule: Schedule, tell: Tell) -> Result:
        """Run the trial; its users must be prepared."""
        order, crowd = self._order, self._crowd
        with frozen_garbage(), self._loads.watchdog.watching():
            sleep_until(schedule.starts)
            crowd.gate.watch(schedule.opens, schedule.closes)
            arrivals_gate = self._begin(schedule)
            cpu_s, lag = watch_window(schedule, tell)
            if arrivals_gate is not None:
                arrivals_gate.hand_out_rest()
            crowd.drain(order.drain_limit_s)
            if arrivals_gate is not None:
                arrivals_gate.close()
            drained = monotonic()
        if order.replay:
            self._loads.forget(crowd)
        return Result(
            samples=self._samples(schedule),
            started_at_s=schedule.starts + schedule.epoch_s,
            opened_at_s=schedule.opens + schedule.epoch_s,
            closed_at_s=schedule.closes + schedule.epoch_s,
            drained_at_s=drained + schedule.epoch_s,
            cpu_s=cpu_s,
            lag=lag,
            **self._told(schedule),
        )

    def _begin(self, schedule: Schedule) -> OpenGate | None:
        """Begin the load; return the gate of an open loop's arrivals."""
        order, crowd = self._order, self._crowd
        may_go = crowd.choose(self._users)
        if order.mode == "closed":
            crowd.gate.begin_closed(schedule.closes, order.settle_s * START_SHARE, may_go)
            return None
        spans_s = (order.settle_s, order.window_s)
        due = arrivals(
            order.arrivals, order.rate_rps, spans_s, seed=order.seed, shift_s=order.shift_s
        )
        recorder = crowd.load.recorder
        name = recorder.name_index("(dropped)")
        users_max = max(1, self._share.users(order.max_in_flight))
        gate = OpenGate(
            schedule.starts + due[self._share.number :: self._share.of],
            users_max=users_max,
            more_users=crowd.start_more,
            drop=lambda due: recorder.add(due, due, due, 0, Outcome.DROPPED, NO_REPLICA, name),
            users=min(len(crowd.alive), users_max),  # the others are held back
            in_turn=True,
        )
        gate.start(0)
        crowd.gate.begin_open(gate, may_go)
        return gate

    def _samples(self, schedule: Schedule) -> Samples:
        load = self._crowd.load
        samples = load.recorder.samples(schedule.opens)
        grouped = load.names.grouped
        return renamed(samples, [grouped_name(name, grouped) for name in samples.names])

    def _told(self, schedule: Schedule) -> dict[str, Any]:
        """Return the fields of a result that tell of the user's code."""
        runner, load = self._crowd.runner, self._crowd.load
        errors = runner.user_errors
        inside = [error for error in errors if schedule.opens <= error.at < schedule.closes]
        guard = self._loads.guard
        refused = [
            f"{place}: {address} is not the target; nothing was sent to it."
            for address, place in (
                *load.refused.items(),
                *(
                    (name, place)
                    for name, (place, listener) in guard.refused.items()
                    if not listener
                ),
            )
        ]
        stopped = runner.stopped_at
        ended = () if stopped is None else (f"{stopped}: the file ends the test (runner.quit).",)
        runner.stopped_at = None
        return {
            "user_errors": (*map(str, errors), *ended),
            "user_errors_in_window": len(inside) + len(ended),
            "start_requests": load.start_requests,
            "start_failed": load.start_failed,
            "held_s": self._crowd.gate.held_s,
            "refused": tuple(refused),
        }
