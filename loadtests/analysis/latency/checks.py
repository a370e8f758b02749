"""Was the system's latency measured, or the generator's own? PURE.

The rules of the closed loop apply to the open-loop trials of one cell at one rate, too. Requests
must also be sent when they were planned. A rate that breaks a rule has no verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from loadtests.analysis.rules import load, system
from loadtests.model.latency import LevelState
from loadtests.model.open_trial import OpenTrial
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Finding
from loadtests.model.vocabulary import RuleState

DROPPED_LIMIT_RATIO = 0.001
"""Share of the due requests that may stay unsent: as many as may fail (rule ``errors``)."""

OFFERED_LIMIT_RATIO = 0.005
"""Largest allowed deviation from the planned rate, beyond the chance effect of a window's edges:
requests that are due in the window and sent after it."""

LATE_LIMIT_MS = 5.0
LATE_LIMIT_RATIO = 0.1
"""How late the generator may send (99th percentile): the larger of 5 ms, which a core shared with
the proxy causes, and a tenth of the measured response time."""

RULES = (load.generator_saturated, load.proxy_saturated, load.conservation, system.host_contention)


def judge(
    plan: Plan, cell: Cell, trials: Sequence[OpenTrial], *, may_drop: bool = False
) -> tuple[LevelState, str]:
    """Return whether these trials of one cell at one rate are valid, and why not.

    With ``may_drop``, requests that could not be sent are allowed: they count as too late.
    """
    if not trials:
        return "missing", "It was not measured."
    measured = [trial.measured for trial in trials]
    for rule in RULES:
        finding = rule(plan, cell, measured)
        if finding.state is RuleState.BROKEN:
            return "invalid", finding.detail
    reason = "" if may_drop else _dropped(trials)
    reason = reason or _missed(trials) or _late(trials)
    return ("invalid", reason) if reason else ("valid", "")


def _dropped(trials: Sequence[OpenTrial]) -> str:
    due, dropped = sum(trial.due for trial in trials), sum(trial.dropped for trial in trials)
    if dropped <= DROPPED_LIMIT_RATIO * due:
        return ""
    return (
        f"{dropped} of {due} due requests were not sent, because {trials[0].spec.max_in_flight}"
        " were in flight, which is the limit. The cell cannot sustain this rate."
    )


def _missed(trials: Sequence[OpenTrial]) -> str:
    planned = sum(trial.spec.rate_rps * trial.measured.window_s for trial in trials)
    sent = sum(trial.offered_rps * trial.measured.window_s + trial.dropped for trial in trials)
    # One request more or less at the edges of each window is allowed.
    if abs(sent - planned) <= OFFERED_LIMIT_RATIO * planned + len(trials):
        return ""
    return (
        f"Requests were sent at {sent / planned:.1%} of the planned rate"
        f" ({trials[0].spec.rate_rps:.1f} requests/s)."
    )


def _late(trials: Sequence[OpenTrial]) -> str:
    delays = [trial.late_p99_ms for trial in trials if trial.late_p99_ms is not None]
    if not delays:
        return ""
    late = median(delays)
    responses = [trial.response.p99_ms for trial in trials if trial.response.p99_ms is not None]
    limit = max(LATE_LIMIT_MS, LATE_LIMIT_RATIO * median(responses) if responses else 0.0)
    if late <= limit:
        return ""
    return (
        f"The generator sent requests {late:.1f} ms late (99th percentile; limit {limit:.1f} ms),"
        " so it would have measured its own delay. It needs a core of its own."
    )


def lost(trials: Sequence[OpenTrial]) -> tuple[Finding, ...]:
    """Find generator processes that ended in open-loop trials; empty where none did."""
    missing = sum(trial.measured.generator.lost_workers for trial in trials)
    return load.lost_processes(missing, when="latency was measured")
