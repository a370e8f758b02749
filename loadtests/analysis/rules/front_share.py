"""Did the user's own proxy give each replica its share? By the replicas' CPU. PURE.

Answers through it name no replica. A replica's CPU grows with its requests, so the shares of CPU
tell those of the requests. Where all replicas use up their budgets the shares are equal, and
rightly so: each did all that it can.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loadtests.analysis.rules.finding import found, unchecked
from loadtests.analysis.rules.system import IDLE_LIMIT_RATIO
from loadtests.model.plan import Cell
from loadtests.model.result import Finding
from loadtests.model.tested.front import Front
from loadtests.model.trial import Trial, Usage
from loadtests.model.vocabulary import Role, RuleCode

LIMIT_RATIO = 0.25
"""Largest allowed deviation of a replica's CPU from an equal share, over a cell or in one trial of
four. Replicas alike differ by 2 to 4 %, and the work of single requests by more."""

TRIALS_RATIO = 0.25
"""Share of the trials from which unequal shares in single trials count."""

STARVED_RATIO = 0.5
"""Part of an equal share below which a replica counts as left out, where connections may be dealt
by chance: of 32 users on two replicas, one gets fewer than 8 in 1 trial of 500, but fewer than 12
in 1 of 9. Only below it is the little CPU of an idle replica taken for its own."""

CODE = RuleCode.REPLICA_SHARE


def finding(front: Front | None, cell: Cell, trials: Sequence[Trial]) -> Finding | None:
    """Return whether the shares are equal; None where no proxy of the user's is in front."""
    if front is None or names_replicas(trials):
        return None
    shares = [share for trial in trials if (share := cpu_by_replica(trial))]
    if not shares:
        return unchecked(CODE, cell, "Neither answers nor CPU tell which replica answered.")
    total = {name: sum(share.get(name, 0.0) for share in shares) for name in shares[0]}
    if not sum(total.values()):
        return unchecked(CODE, cell, "The replicas used no CPU that tells which of them answered.")
    name, deviation = furthest(total)
    uneven = sum(abs(furthest(share)[1]) > LIMIT_RATIO for share in shares) / len(shares)
    broken = abs(deviation) > LIMIT_RATIO or uneven >= TRIALS_RATIO
    requests = sum(trial.completed + trial.failed for trial in trials)
    part = round(requests * total[name] / sum(total.values()))
    sentences = [
        f"{name} got about {part:,} of {requests:,} requests, by its CPU; an equal share is"
        f" {requests / len(total):,.0f}."
    ]
    if broken:
        if abs(deviation) <= LIMIT_RATIO:
            sentences.append(f"The shares were unequal in {uneven:.0%} of the trials.")
        sentences.append(cause(front))
    return found(
        CODE,
        cell,
        broken=broken,
        figure=deviation,
        limit=LIMIT_RATIO,
        detail=" ".join(sentences),
    )


def names_replicas(trials: Sequence[Trial]) -> bool:
    """Return whether any answer names the replica that gave it."""
    return any(sum(trial.answers.values()) for trial in trials)


def cause(front: Front) -> str:
    """Return why a proxy of the user's passes requests on unequally, and what to do."""
    if front.by_address is None and front.failures and front.sets_aside_s is not None:
        return (
            f"{front.service} put a replica aside for {front.sets_aside_s:g} s after each failure"
            f" (max_fails, fail_timeout); its log tells of {front.failures}. Mend the failures, or"
            " set max_fails=0."
        )
    by_configuration = foreseen(front)
    if by_configuration is not None:
        return by_configuration
    if not front.known:
        return (
            f"What {front.service} does is not known: it is no nginx that tells its configuration."
        )
    return f"Nothing in the configuration of {front.service} tells why."


def foreseen(front: Front) -> str | None:
    """Return why shares will be unequal, by the configuration alone; None if nothing says so."""
    if front.by_address is not None:
        return (
            f"{front.service} has {front.by_address}, which sends all requests of one address to"
            " one replica, and the load has one address. Take it out for the measurement, or"
            " balance by a cookie."
        )
    if front.looked_up is not None:
        return (
            f"{front.service} looked the name {front.looked_up} up once, when it started, and knows"
            " no replica that came later. Reload it after scaling (nginx -s reload), or let it look"
            " again: resolver 127.0.0.11 valid=5s, and the name in a variable."
        )
    return None


def cpu_by_replica(trial: Trial) -> dict[str, float]:
    """Return the CPU-seconds of each replica.

    What an idle one may use counts as nothing, where it is also less than half of an equal share.
    Where all use as little, the requests themselves need hardly any CPU, and then it counts.
    """
    usages = [usage for usage in trial.usages if usage.role is Role.REPLICA]
    if all(is_idle(usage) for usage in usages):
        return {usage.member: usage.cpu_s for usage in usages}
    least_s = STARVED_RATIO * sum(usage.cpu_s for usage in usages) / len(usages)
    return {
        usage.member: 0.0 if is_idle(usage) and usage.cpu_s < least_s else usage.cpu_s
        for usage in usages
    }


def is_idle(usage: Usage) -> bool:
    """Return whether a replica used no more than one without requests may use."""
    return usage.cpu_s < IDLE_LIMIT_RATIO * (usage.budget_cpus or 1.0) * usage.span_s


def furthest(cpu_s: Mapping[str, float]) -> tuple[str, float]:
    """Return the replica whose CPU is furthest from an equal share, and how far it is."""
    equal = sum(cpu_s.values()) / len(cpu_s)
    deviations = {name: used / equal - 1 if equal else 0.0 for name, used in cpu_s.items()}
    name = max(deviations, key=lambda each: (abs(deviations[each]), deviations[each] < 0))
    return name, deviations[name]
