"""Did the load reach all replicas of a deployment? By their CPU. PURE.

Its own balancer may lead all requests to one replica, or the URL to something else. Where no answer
names its replica, only the CPU of the replicas shows that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from loadtests.analysis.rules.finding import found, unchecked
from loadtests.analysis.rules.front_share import (
    LIMIT_RATIO,
    STARVED_RATIO,
    TRIALS_RATIO,
    furthest,
    is_idle,
    names_replicas,
)
from loadtests.model.plan import Cell
from loadtests.model.result import Finding
from loadtests.model.trial import Trial, Usage
from loadtests.model.vocabulary import Role, RuleCode, RuleState

STEPS_S = (1.0, 0.1, 0.01)
"""Steps in which counters of CPU-seconds count: ``ps -o cputimes`` (1 s), figures that are rounded,
and clock ticks of /proc/PID/stat (0.01 s)."""

STEP_ERROR = 1e-3
"""Part of a step that the arithmetic may add."""

LEAST_CPU_S = 10e-6
"""CPU-seconds below which nothing answers a request and waits for something meanwhile. It has to be
read, passed on or put to sleep, and answered, which are several calls of the kernel. Who answers
without waiting is not idle at its limit."""

NAME_THEM = (
    "Let each replica send a header with its name, and name the header:"
    ' header = "X-Served-By" in [tool.twofold.external].'
)

STICKS = (
    "So the load sticks to some replicas. Look for kubectl port-forward, which leads to one pod;"
    " for session affinity by address (sessionAffinity: ClientIP), since the load has one address;"
    " and for a URL of one replica."
)

CODE = RuleCode.REPLICA_SHARE


def finding(cell: Cell, trials: Sequence[Trial]) -> Finding | None:
    """Return whether the load reached all replicas, and in equal shares.

    None where an answer names its replica, where nothing was answered, and where no trial has the
    CPU of all replicas.
    """
    seen = [trial for trial in trials if trial.completed and _replicas(trial)]
    if not seen or names_replicas(trials):
        return None
    if not all(is_idle(usage) for trial in seen for usage in _replicas(trial)):
        return _shares(cell, seen)
    cpu_s = sum(map(_cpus, seen)) / sum(trial.completed / trial.window_s for trial in seen)
    if cpu_s < LEAST_CPU_S and _would_be_seen(seen):
        return found(
            CODE,
            cell,
            broken=True,
            figure=None,
            limit=LIMIT_RATIO,
            detail="The load did not reach the replicas. For each answer they used"
            f" {cpu_s * 1e6:.1f} µs of CPU, and no server that is idle otherwise needs less than"
            f" {LEAST_CPU_S * 1e6:g} µs. Look what answers at the URL: another deployment, a cache,"
            " or other replicas than the hooks name. Or 'counters' prints no CPU-seconds, or"
            " only whole ones.",
        )
    shares = _shares(cell, seen)
    if shares.state is RuleState.BROKEN:
        return shares
    return unchecked(
        CODE,
        cell,
        "The replicas used hardly any CPU, which does not tell whether they were asked equally, or"
        f" at all. {NAME_THEM}",
    )


def _would_be_seen(trials: Sequence[Trial]) -> bool:
    """Return whether counters of whole seconds would show the least CPU that the answers need.

    Where all stand still, their steps are not known.
    """
    if any(usage.cpu_s for trial in trials for usage in _replicas(trial)):
        return True
    return LEAST_CPU_S * sum(trial.completed for trial in trials) > _error_s(1.0, windows=1)


def _replicas(trial: Trial) -> tuple[Usage, ...]:
    """Return what the replicas of a trial used; none where that of any is not known."""
    usages = tuple(
        usage for usage in trial.usages if usage.role is Role.REPLICA and usage.span_s > 0
    )
    members = {f"{trial.spec.cell.worker}-{number}" for number in trial.spec.members}
    return usages if {usage.member for usage in usages} == members else ()


def _cpus(trial: Trial) -> float:
    return sum(usage.cpu_s / usage.span_s for usage in _replicas(trial))


def _shares(cell: Cell, trials: Sequence[Trial]) -> Finding:
    """Return whether a replica was left out, by the whole CPU of each.

    What a replica uses for itself is not known: the work of a leader, or of a container beside it.
    So shares that differ less, or by a counter's steps, tell nothing.
    """
    used = [{usage.member: usage.cpu_s for usage in _replicas(trial)} for trial in trials]
    total = {name: sum(trial.get(name, 0.0) for trial in used) for name in used[0]}
    name, deviation = furthest(total)
    requests = sum(trial.completed + trial.failed for trial in trials)
    part = round(requests * (1 + deviation) / len(total))
    told = (
        f"{name} got about {part:,} of {requests:,} requests, by its CPU; an equal share is"
        f" {requests / len(total):,.0f}."
    )
    step_s = _step_s([cpu_s for trial in used for cpu_s in trial.values()])
    error_s = _error_s(step_s, windows=len(used))
    starved = _starved_ratio(used, _error_s(step_s, windows=1))
    is_out = _is_left_out(total, error_s)
    if is_out or starved >= TRIALS_RATIO:
        if not is_out:
            told += f" In {starved:.0%} of the trials a replica got less than half of one."
        return _found(cell, deviation, f"{told} {STICKS}", broken=True)
    is_coarse = len(total) > 1 and error_s >= STARVED_RATIO * sum(total.values()) / len(total)
    if is_coarse or _starved_ratio(used, 0.0) >= TRIALS_RATIO:
        return unchecked(
            CODE,
            cell,
            f"'counters' counts CPU in steps of {step_s:g} s, which are too coarse for these"
            f" windows. So it does not tell whether the replicas were asked equally. {NAME_THEM}",
        )
    if abs(deviation) > LIMIT_RATIO:
        return unchecked(
            CODE,
            cell,
            f"The CPU of {name} is {deviation:+.0%} from an equal share. That may be its own work"
            " (a leader's, or that of a container beside it), or its part of the requests."
            f" {NAME_THEM}",
        )
    return _found(cell, deviation, told, broken=False)


def _found(cell: Cell, deviation: float, detail: str, *, broken: bool) -> Finding:
    return found(CODE, cell, broken=broken, figure=deviation, limit=LIMIT_RATIO, detail=detail)


def _starved_ratio(used: Sequence[Mapping[str, float]], error_s: float) -> float:
    """Return the share of the trials in which a replica was left out."""
    return sum(_is_left_out(trial, error_s) for trial in used) / len(used)


def _is_left_out(cpu_s: Mapping[str, float], error_s: float) -> bool:
    """Return whether a replica got too little, even if it used ``error_s`` more."""
    equal_s = sum(cpu_s.values()) / len(cpu_s)
    return min(cpu_s.values()) + error_s < STARVED_RATIO * equal_s


def _step_s(differences_s: Sequence[float]) -> float:
    """Return the step of a counter, by what it counted in each window; 0 where it has none."""
    return next((step for step in STEPS_S if all(_is_of(step, s) for s in differences_s)), 0.0)


def _is_of(step_s: float, cpu_s: float) -> bool:
    steps = cpu_s / step_s
    return abs(steps - round(steps)) < STEP_ERROR


def _error_s(step_s: float, *, windows: int) -> float:
    """Return how far the steps may move a replica's CPU over so many windows: 3 deviations.

    What a counter of whole steps counts in a window is the difference of two roundings. Its error
    is triangular, with a variance of step²/6 (B. Widrow, I. Kollár, "Quantization Noise", 2008).
    """
    return 3 * step_s * math.sqrt(windows / 6)
