"""Did the load reach all replicas of a deployment? By their CPU. PURE.

Its own balancer may lead all requests to one replica, or the URL to something else. Where no answer
names its replica, only the CPU of the replicas shows that.
"""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.analysis.rules.finding import found, unchecked
from loadtests.analysis.rules.front_share import (
    LIMIT_RATIO,
    TRIALS_RATIO,
    cpu_by_replica,
    furthest,
    is_idle,
    names_replicas,
)
from loadtests.model.plan import Cell
from loadtests.model.result import Finding
from loadtests.model.trial import Trial, Usage
from loadtests.model.vocabulary import Role, RuleCode, RuleState

STARVED_RATIO = 0.5
"""Part of an equal share below which a replica counts as left out of a single trial. A balancer of
a deployment mostly deals connections, by chance: of 32 users on two replicas, one gets fewer than 8
in 1 trial of 500, but fewer than 12 in 1 of 9."""

LEAST_CPU_S = 10e-6
"""CPU-seconds below which nothing answers a request and waits for something meanwhile. It has to be
read, passed on or put to sleep, and answered, which are several calls of the kernel. Who answers
without waiting is not idle at its limit."""

NAME_THEM = (
    "Let each replica send a header with its name, and name the header:"
    ' header = "X-Served-By" in [tool.twofold.external].'
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
    if cpu_s < LEAST_CPU_S:
        return found(
            CODE,
            cell,
            broken=True,
            figure=None,
            limit=LIMIT_RATIO,
            detail="The load did not reach the replicas. For each answer they used"
            f" {cpu_s * 1e6:.1f} µs of CPU, and no server that is idle otherwise needs less than"
            f" {LEAST_CPU_S * 1e6:g} µs. Look what answers at the URL: another deployment, a cache,"
            " or other replicas than the hooks name. Or 'counters' prints no CPU-seconds.",
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
    shares = [cpu_by_replica(trial) for trial in trials]
    total = {name: sum(share.get(name, 0.0) for share in shares) for name in shares[0]}
    name, deviation = furthest(total)
    starved = sum(map(_is_left_out, shares)) / len(shares)
    broken = abs(deviation) > LIMIT_RATIO or starved >= TRIALS_RATIO
    requests = sum(trial.completed + trial.failed for trial in trials)
    part = round(requests * (1 + deviation) / len(total))
    sentences = [
        f"{name} got about {part:,} of {requests:,} requests, by its CPU; an equal share is"
        f" {requests / len(total):,.0f}."
    ]
    if broken and abs(deviation) <= LIMIT_RATIO:
        sentences.append(f"In {starved:.0%} of the trials a replica got less than half of one.")
    if broken:
        sentences.append(
            "So the load sticks to some replicas. Look for kubectl port-forward, which leads to one"
            " pod; for session affinity by address (sessionAffinity: ClientIP), since the load has"
            " one address; and for a URL of one replica."
        )
    return found(
        CODE,
        cell,
        broken=broken,
        figure=deviation,
        limit=LIMIT_RATIO,
        detail=" ".join(sentences),
    )


def _is_left_out(cpu_s: dict[str, float]) -> bool:
    equal = sum(cpu_s.values()) / len(cpu_s)
    return min(cpu_s.values()) < STARVED_RATIO * equal
