"""Trials of replicas whose slots all begin together and answer together, measured as a run does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from loadtests.model.plan import Plan, Timing, TrialSpec
from loadtests.model.trial import Latency, RequestDistribution, Trial
from loadtests.planning import trial_timing
from tests.loadtests.builders import make_plan, make_trial, make_usage

SLOTS = 8
"""Of the builders' worker model gthread."""

USERS = 2 * SLOTS
"""A replica's users: as many wait for a slot as have one."""

SPREAD = 0.01
"""Service times vary by one per cent."""

Service = Callable[[int], float]
"""How long a request takes, by the number of replicas."""


def a_plan(seed: int, *, rounds: int = 6, window_s: float = 2.0) -> Plan:
    timing = Timing(settle_s=0.5, window_s=window_s, drain_limit_s=15.0)
    return make_plan(replica_counts=(1, 2), rounds=rounds, seed=seed, timing=timing)


def measured(plan: Plan, service_s: Service) -> list[Trial]:
    """Give the trials of all rounds, of requests that wait and hardly use CPU."""
    rng = np.random.default_rng(plan.seed)
    specs = [spec for planned in plan.rounds for spec in planned]
    return [_trial(rng, plan, spec, service_s) for spec in specs]


def _trial(rng: np.random.Generator, plan: Plan, spec: TrialSpec, service_s: Service) -> Trial:
    alone_s, taken_s = service_s(1), service_s(spec.cell.replicas)
    answer_s = USERS / SLOTS * taken_s
    known_s = answer_s if spec.round > 1 else USERS / SLOTS * alone_s  # by the calibration
    part = trial_timing.part(plan.seed, spec.cell, spec.round - 1)
    settle_s = trial_timing.settle_s(known_s, plan.timing.settle_s, part=part)
    rps = SLOTS / alone_s
    window_s = trial_timing.window_s(plan.timing.window_s, rps, service_s=alone_s)
    count = int((settle_s + window_s) / taken_s) + 3
    shape = (spec.cell.replicas, SLOTS, count)
    done_s = np.cumsum(rng.normal(taken_s, SPREAD * taken_s, shape), axis=2) - settle_s
    names = [f"{spec.cell.worker}-{member}" for member in spec.members]
    inside = (done_s >= 0) & (done_s < window_s)
    quarters, _ = np.histogram(done_s[inside], bins=4, range=(0, window_s))
    completed = int(inside.sum())
    return make_trial(
        spec=spec,
        users=USERS * spec.cell.replicas,
        window_s=window_s,
        throughput_rps=completed / window_s,
        completed=completed,
        quarters_rps=tuple((quarters / (window_s / 4)).tolist()),
        latency=latency_of(1000 * answer_s) if completed else None,
        service_ms=1000 * alone_s,
        dealing=RequestDistribution(
            silences_ms={
                name: _silence_ms(done_s[index][inside[index]], window_s)
                for index, name in enumerate(names)
            }
        ),
        usages=tuple(
            make_usage(member=name, cpu_s=0.02 * window_s, span_s=window_s, throttled_ratio=0.0)
            for name in names
        ),
    )


def latency_of(ms: float) -> Latency:
    return Latency(p50_ms=ms, p90_ms=ms, p99_ms=ms, max_ms=ms, mean_ms=ms, sd_ms=0.0)


def _silence_ms(done_s: Sequence[float], window_s: float) -> float:
    return 1000 * float(np.diff(np.sort(done_s), prepend=0, append=window_s).max())
