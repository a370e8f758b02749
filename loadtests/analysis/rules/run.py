"""Did the system stay the same from the first trial to the last? PURE."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from loadtests.analysis import estimates
from loadtests.analysis.bottleneck import FULL_CPU_RATIO
from loadtests.analysis.intervals import standard_error, student_chance
from loadtests.analysis.rules.drift import FEWEST_ROUNDS, drifts, wear
from loadtests.analysis.rules.finding import found, unchecked
from loadtests.model.plan import Plan
from loadtests.model.result import Finding
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import Role, RuleCode

TREND_LEVEL = 0.001
"""Probability below which a trend is no chance: a rule may not take away a verdict by luck."""

WINDOW_TREND_RATIO = 0.10
"""How much faster or slower the second half of windows may be than the first, in the mean."""

SILENCE_LIMIT_MS = 300.0
"""How long a replica may answer nothing inside a window: three CPU periods. One that its budget
holds back is silent for most of a period (measured: 60 to 100 ms)."""

SILENCE_ANSWERS = 15
"""... and for so many of its mean times between answers, where its CPU is not used up: chance alone
makes one silence in three million as long (e^−15)."""

IDLE_PART = 0.5
"""The part of a silence in which a replica that stood still must have missed its CPU. One that used
as much as ever was at work: a full collection of garbage takes some 40 ms of CPU on a slow core,
and a replica with a tenth of one answers nothing for 400 ms (measured, at 96 to 100 % of its usual
CPU). One that is paused misses the whole of it."""

WEAR_LIMIT_RATIO = 0.20
"""How much faster or slower all cells may be at the end of a run than at its start. Their mean is
then off by a tenth at either end, as much as lies between twice and "about twice"."""

SAME_RATIO = 1e-9
"""Ratios that differ by less are the same but for rounding, and have no spread to test with."""


def identity(plan: Plan, trials: Sequence[Trial]) -> Finding:  # noqa: ARG001
    """Tell whether every member was the same container, or process, in all trials."""
    code = RuleCode.IDENTITY
    in_time = sorted(trials, key=lambda trial: trial.started_at_s)
    first = in_time[0].identities
    if not first:
        return unchecked(code, None, "Who answers cannot be told here.")
    for trial in in_time[1:]:
        for member in sorted({*first, *trial.identities}):
            before, after = first.get(member, "not there"), trial.identities.get(member, "gone")
            if before != after:
                return found(
                    code,
                    None,
                    broken=True,
                    figure=1,
                    limit=0,
                    detail=f"{member} changed before the end of {trial.spec.id}:"
                    f" {before} became {after}. Its log is in the run's folder.",
                )
    return found(
        code,
        None,
        broken=False,
        figure=0,
        limit=0,
        detail=f"All {len(first)} members were the same from the first trial to the last.",
    )


def steady(plan: Plan, trials: Sequence[Trial]) -> Finding:
    """Tell whether nothing stood still, tired inside windows, or drifted over the rounds.

    What all cells share cancels in the factors, and counts only where it is so much that the
    throughput of no cell can be told any more.
    """
    broken = _standstill(trials) or _tiring(trials) or _drifting(plan, trials)
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
        detail=f"The second half of the windows was {inside[0]:+.1%} against the first.",
    )


def _standstill(trials: Sequence[Trial]) -> Finding | None:
    """Find a replica that did nothing for long in some of a cell's windows.

    Where it does so in half of them or more, that is how this system works, and no disturbance.
    """
    usual = _usual_uses(trials)
    for cell, by_round in estimates.trials_by_cell(trials).items():
        still = [
            (trial, told) for trial in by_round.values() if (told := _stood_still(trial, usual))
        ]
        if not still or len(still) * 2 >= len(by_round) > 1:
            continue
        trial, (member, silence_ms) = still[0]
        return found(
            RuleCode.STEADY,
            cell,
            broken=True,
            figure=silence_ms,
            limit=SILENCE_LIMIT_MS,
            detail=f"{trial.spec.id}: {member} answered nothing for {silence_ms:.0f} ms, as in"
            f" {len(still)} of {len(by_round)} windows of the cell: something made it stand still.",
        )
    return None


@dataclass(frozen=True)
class _Use:
    """What a replica used, in CPUs, and whether that is all it may."""

    cpus: float
    full: bool


Member = tuple[str, str]
"""A replica and a workload."""


def _stood_still(trial: Trial, usual: Mapping[Member, _Use]) -> tuple[str, float] | None:
    """Give the replica that was silent for longest in a trial, if it did nothing meanwhile.

    Where answers are few, chance alone makes such silences, and less work with them. But not where
    a replica always uses its CPU up: one that does not has stood still.
    """
    silences = trial.dealing.silences_ms if trial.dealing is not None else {}
    if not silences or not trial.completed:
        return None
    name = max(silences, key=lambda each: silences[each])
    silence_ms, use = silences[name], _uses(trial).get(name)
    always = usual.get((name, trial.spec.cell.workload), _Use(0.0, full=False))
    mean_ms = 1000 * trial.window_s * len(silences) / trial.completed
    if silence_ms <= max(SILENCE_LIMIT_MS, 0 if always.full else SILENCE_ANSWERS * mean_ms):
        return None
    missed = IDLE_PART * silence_ms / 1000 / trial.window_s
    at_work = use is not None and use.cpus > always.cpus * (1 - missed)
    return None if at_work else (name, silence_ms)


def _uses(trial: Trial) -> dict[str, _Use]:
    """Give what each replica in a trial used."""
    return {
        usage.member: _Use(
            usage.cpu_s / usage.span_s,
            # Not ``bottleneck.is_full``: one that is held back in all periods that it runs in can
            # stand still in the others.
            usage.budget_cpus is not None
            and usage.cpu_s >= FULL_CPU_RATIO * usage.budget_cpus * usage.span_s,
        )
        for usage in trial.usages
        if usage.role is Role.REPLICA and usage.span_s > 0
    }


def _usual_uses(trials: Iterable[Trial]) -> dict[Member, _Use]:
    """Give what each replica uses in the middle one of all its windows."""
    found: dict[Member, list[_Use]] = {}
    for trial in trials:
        for name, use in _uses(trial).items():
            found.setdefault((name, trial.spec.cell.workload), []).append(use)
    return {
        member: sorted(uses, key=lambda use: use.cpus)[len(uses) // 2]
        for member, uses in found.items()
    }


def _tiring(trials: Sequence[Trial]) -> Finding | None:
    """Find a trend inside windows: over all of them, and in each cell alone."""
    by_cell = {
        cell: tuple(mine.values()) for cell, mine in estimates.trials_by_cell(trials).items()
    }
    for cell, mine in ((None, trials), *by_cell.items()):
        inside = _trend_inside(mine)
        level = TREND_LEVEL / (len(by_cell) if cell else 1)
        if inside is not None and abs(inside[0]) > WINDOW_TREND_RATIO and inside[1] < level:
            return found(
                RuleCode.STEADY,
                cell,
                broken=True,
                figure=inside[0],
                limit=WINDOW_TREND_RATIO,
                detail=f"The second half of the windows was {inside[0]:+.1%} against the first:"
                " the settling time is too short, or the system tires under load.",
            )
    return None


def _drifting(plan: Plan, trials: Sequence[Trial]) -> Finding | None:
    """Find a factor that drifts, or a throughput that is another at the end of the run."""
    for drift in drifts(plan, trials):
        if abs(drift.ratio) > plan.precision_ratio and drift.chance < TREND_LEVEL:
            return found(
                RuleCode.STEADY,
                None,
                broken=True,
                figure=drift.ratio,
                limit=plan.precision_ratio,
                detail=f"The factor {drift.what} drifted by {drift.ratio:+.1%} from the first round"
                " to the last, which pairing does not cancel.",
            )
    for group in dict.fromkeys(_group(trial) for trial in trials):
        worn = wear([trial for trial in trials if _group(trial) == group])
        if worn is not None and abs(worn.ratio) > WEAR_LIMIT_RATIO and worn.chance < TREND_LEVEL:
            return found(
                RuleCode.STEADY,
                None,
                broken=True,
                figure=worn.ratio,
                limit=WEAR_LIMIT_RATIO,
                detail=f"The throughput of {' '.join(group)} changed by {worn.ratio:+.1%} from the"
                " first trial to the last, at every number of replicas: no one figure is true of"
                " it. Does the application leak, or fill something up?",
            )
    return None


def _group(trial: Trial) -> tuple[str, str]:
    return trial.spec.cell.worker, trial.spec.cell.workload


def _trend_inside(trials: Sequence[Trial]) -> tuple[float, float] | None:
    """Give by how much the second halves differ, and the chance of as much without a trend."""
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
