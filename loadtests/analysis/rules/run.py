"""Did the system stay the same from the first trial to the last? PURE."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from loadtests.analysis import estimates
from loadtests.analysis.bottleneck import FULL_CPU_RATIO
from loadtests.analysis.intervals import standard_error, student_chance
from loadtests.analysis.rules import growth
from loadtests.analysis.rules.drift import FEWEST_ROUNDS, drifts, wear
from loadtests.analysis.rules.finding import found, unchecked
from loadtests.analysis.shared import waiting
from loadtests.analysis.shared.service_time import service_s
from loadtests.model.plan import Plan
from loadtests.model.result import Finding
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import AS_SCALED, DEPLOYMENT, Role, RuleCode

TREND_LEVEL = 0.001
"""p-value below which a trend counts as real: a rule must not make a run invalid by chance."""

WINDOW_TREND_RATIO = 0.10
"""Largest allowed change of the mean throughput from the first half of a window to the second."""

SILENCE_LIMIT_MS = 300.0
"""How long a replica may answer nothing inside a window: three CPU periods. A throttled replica is
silent for most of one period, 60 to 100 ms."""

SILENCE_ANSWERS = 15
"""A silence must also last this many mean times between answers, where the replica's CPU is not
used up. By chance, one silence in three million is as long (e^−15)."""

SILENCE_SERVICES = 1.5
"""A silence must also last this many service times there: slots that began together also answer
together, and between two such waves a replica answers nothing."""

IDLE_PART = 0.5
"""Part of a silence in which a paused replica must have missed its usual CPU. A silent replica that
uses its CPU is at work: a full garbage collection of 40 ms takes 400 ms with a tenth of a core. A
paused replica misses the CPU of the whole silence."""

WEAR_LIMIT_RATIO = 0.20
"""Largest allowed change of all throughputs over a run. The mean is then off by a tenth at either
end, which is the gap between the perfect factor of 2 and the target of 1.8."""

SAME_RATIO = 1e-9
"""Ratios that differ by less than this differ by rounding only, so there is no spread to test."""


def identity(plan: Plan, trials: Sequence[Trial]) -> Finding:  # noqa: ARG001
    """Check that every member was the same container or process in all trials."""
    code = RuleCode.IDENTITY
    in_time = sorted(trials, key=lambda trial: trial.started_at_s)
    change = next(_changes(in_time), None)
    members = len(in_time[0].identities)
    if change is None and not members:
        return unchecked(code, None, "The identities of the replicas cannot be read here.")
    return found(
        code,
        None,
        broken=change is not None,
        figure=0 if change is None else 1,
        limit=0,
        detail=change or f"All {members} members were the same from the first trial to the last.",
    )


def _changes(in_time: Sequence[Trial]) -> Iterator[str]:
    """Yield what changed, in sentences: the deployment, or a member since the first trial."""
    for trial in in_time:
        now = trial.identities.get(DEPLOYMENT, AS_SCALED)
        if now != AS_SCALED:
            yield (
                f"The deployment changed before the end of {trial.spec.id}: {now}. Its own events"
                " tell who did that."
            )
    first = in_time[0].identities
    for trial in in_time[1:] if first else ():
        for member in sorted({*first, *trial.identities}):
            before, after = first.get(member, "not there"), trial.identities.get(member, "gone")
            if before != after:
                yield (
                    f"{member} changed before the end of {trial.spec.id}: {before} became {after}."
                    " Its log is in the run's folder."
                )


def steady(plan: Plan, trials: Sequence[Trial]) -> Finding:
    """Check that no replica paused, and that no throughput had a trend in windows or over rounds.

    A trend that all cells share cancels in the factors. It breaks the rule only where it is so
    large that no single throughput describes a cell.
    """
    broken = (
        _paused(plan, trials)
        or _trending(trials)
        or _drifting(plan, trials)
        or _growing(plan, trials)
    )
    if broken is not None:
        return broken
    inside = _trend_inside(trials)
    if inside is None:
        return unchecked(RuleCode.STEADY, None, "Too few windows to tell a trend from noise.")
    return found(
        RuleCode.STEADY,
        None,
        broken=False,
        figure=inside[0],
        limit=WINDOW_TREND_RATIO,
        detail="Throughput in the second half of the windows was"
        f" {inside[0]:+.1%} against the first half."
        f" {growth.explanation(plan, trials) if growth.of_bytes(trials) else ''}".rstrip(),
    )


def _paused(plan: Plan, trials: Sequence[Trial]) -> Finding | None:
    """Find a replica that was paused in some of a cell's windows.

    A system that pauses in half of the windows or more works that way; that is no disturbance.
    Nor is a wait for a lock that the replicas share.
    """
    usual = _usual_uses(trials)
    for cell, by_round in estimates.trials_by_cell(trials).items():
        paused = [
            (trial, silence)
            for trial in by_round.values()
            if (silence := _pause_in(plan, trial, usual))
        ]
        if not paused or len(paused) * 2 >= len(by_round) > 1:
            continue
        if waiting.holds_back(tuple(by_round.values())):
            continue
        trial, (member, silence_ms) = paused[0]
        return found(
            RuleCode.STEADY,
            cell,
            broken=True,
            figure=silence_ms,
            limit=SILENCE_LIMIT_MS,
            detail=f"{trial.spec.id}: {member} answered nothing for {silence_ms:.0f} ms and did no"
            f" work. Something paused it in {len(paused)} of {len(by_round)} windows of the cell.",
        )
    return None


@dataclass(frozen=True)
class _Use:
    """The CPU that a replica used, in CPU-seconds per second, and whether that is its limit."""

    cpus: float
    full: bool


Member = tuple[str, str]
"""A replica and a workload."""


def _pause_in(plan: Plan, trial: Trial, usual: Mapping[Member, _Use]) -> tuple[str, float] | None:
    """Return the replica with the longest silence in a trial and its ms, if it did no work then.

    Where answers are rare, or come in waves, long silences occur by chance, with less work in them.
    That is not so for a replica that always uses up its CPU.
    """
    silences = trial.dealing.silences_ms if trial.dealing is not None else {}
    if not silences or not trial.completed:
        return None
    name = max(silences, key=lambda member: silences[member])
    silence_ms, use = silences[name], _uses(trial).get(name)
    always = usual.get((name, trial.spec.cell.workload), _Use(0.0, full=False))
    mean_ms = 1000 * trial.window_s * len(silences) / trial.completed
    usual_ms = max(SILENCE_ANSWERS * mean_ms, 1000 * SILENCE_SERVICES * service_s(plan, trial))
    if silence_ms <= max(SILENCE_LIMIT_MS, 0 if always.full else usual_ms):
        return None
    missed = IDLE_PART * silence_ms / 1000 / trial.window_s
    at_work = use is not None and use.cpus > always.cpus * (1 - missed)
    return None if at_work else (name, silence_ms)


def _uses(trial: Trial) -> dict[str, _Use]:
    """Return the CPU use of each replica in a trial."""
    return {
        usage.member: _Use(
            usage.cpu_s / usage.span_s,
            # Not ``bottleneck.is_full``: a replica that is throttled in all periods in which it
            # runs can be paused in the others.
            usage.budget_cpus is not None
            and usage.cpu_s >= FULL_CPU_RATIO * usage.budget_cpus * usage.span_s,
        )
        for usage in trial.usages
        if usage.role is Role.REPLICA and usage.span_s > 0
    }


def _usual_uses(trials: Iterable[Trial]) -> dict[Member, _Use]:
    """Return the median CPU use of each replica over all its windows."""
    uses_of: dict[Member, list[_Use]] = {}
    for trial in trials:
        for name, use in _uses(trial).items():
            uses_of.setdefault((name, trial.spec.cell.workload), []).append(use)
    return {
        member: sorted(uses, key=lambda use: use.cpus)[len(uses) // 2]
        for member, uses in uses_of.items()
    }


def _trending(trials: Sequence[Trial]) -> Finding | None:
    """Find a trend inside windows: over all of them, and in each cell alone."""
    by_cell = {
        cell: tuple(by_round.values())
        for cell, by_round in estimates.trials_by_cell(trials).items()
    }
    for cell, group in ((None, trials), *by_cell.items()):
        inside = _trend_inside(group)
        level = TREND_LEVEL / (len(by_cell) if cell else 1)
        if inside is not None and abs(inside[0]) > WINDOW_TREND_RATIO and inside[1] < level:
            return found(
                RuleCode.STEADY,
                cell,
                broken=True,
                figure=inside[0],
                limit=WINDOW_TREND_RATIO,
                detail=f"Throughput in the second half of the windows was {inside[0]:+.1%} against"
                " the first half. The warm-up is too short, or the system slows down under load.",
            )
    return None


def _drifting(plan: Plan, trials: Sequence[Trial]) -> Finding | None:
    """Find a factor that drifts, or a throughput that changes over the whole run."""
    for drift in drifts(plan, trials):
        if abs(drift.ratio) > plan.precision_ratio and drift.chance < TREND_LEVEL:
            own = [
                trial for trial in trials if drift.what.startswith(f"{' '.join(_group(trial))} ×")
            ]
            return found(
                RuleCode.STEADY,
                None,
                broken=True,
                figure=drift.ratio,
                limit=plan.precision_ratio,
                detail=f"The factor {drift.what} drifted by {drift.ratio:+.1%} from the first round"
                " to the last. Pairing by rounds does not cancel that."
                f" {growth.explanation(plan, own)}".rstrip(),
            )
    for group in dict.fromkeys(_group(trial) for trial in trials):
        own = [trial for trial in trials if _group(trial) == group]
        worn = wear(own)
        if worn is not None and abs(worn.ratio) > WEAR_LIMIT_RATIO and worn.chance < TREND_LEVEL:
            return found(
                RuleCode.STEADY,
                None,
                broken=True,
                figure=worn.ratio,
                limit=WEAR_LIMIT_RATIO,
                detail=f"The throughput of {' '.join(group)} changed by {worn.ratio:+.1%} from the"
                " first trial to the last, with every number of replicas, so no single figure"
                " describes it."
                f" {growth.explanation(plan, own) or 'Look for a leak or a growing table.'}",
            )
    return None


def _growing(plan: Plan, trials: Sequence[Trial]) -> Finding | None:
    """Find a request whose answers are several times as long in the last round as in the first."""
    for grown in growth.of_bytes(trials):
        if grown.ratio >= growth.BROKEN_RATIO:
            own = [trial for trial in trials if _group(trial) == (grown.worker, grown.workload)]
            return found(
                RuleCode.STEADY,
                None,
                broken=True,
                figure=grown.ratio,
                limit=growth.BROKEN_RATIO,
                detail=f"{grown.worker} {grown.workload} was not the same load from round to round."
                f" {growth.explanation(plan, own)}",
            )
    return None


def _group(trial: Trial) -> tuple[str, str]:
    return trial.spec.cell.worker, trial.spec.cell.workload


def _trend_inside(trials: Sequence[Trial]) -> tuple[float, float] | None:
    """Return the change from first to second halves as a ratio, and its p-value."""
    logs = []
    for trial in trials:
        half = len(trial.quarters_rps) // 2
        first, second = sum(trial.quarters_rps[:half]), sum(trial.quarters_rps[half:])
        if first > 0 and second > 0:
            logs.append(math.log(second / first))
    if len(logs) < FEWEST_ROUNDS:
        return None
    mean = float(np.mean(logs))
    if np.ptp(logs) > SAME_RATIO:
        return math.expm1(mean), student_chance(mean / standard_error(logs), len(logs) - 1)
    return math.expm1(mean), 0.0 if abs(mean) > SAME_RATIO else 1.0
