"""Was it the system whose latency was measured, or the generator's own? PURE.

The rules of the closed loop hold here too, each for the open-loop trials of one cell at one rate;
and the arrivals have to be those that were asked for. A rate that breaks one has no verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from loadtests.analysis.rules import load, system
from loadtests.analysis.rules.finding import found
from loadtests.model.latency import LevelState
from loadtests.model.open_trial import OpenTrial
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Finding
from loadtests.model.vocabulary import RuleCode, RuleState

DROPPED_LIMIT_RATIO = 0.001
"""Due requests that may go unsent: as many as may fail (rule ``errors``)."""

OFFERED_LIMIT_RATIO = 0.005
"""By how much the rate at which requests were sent may miss the one that was asked for, beyond
what the edges of a window make by chance: requests that are due in it and sent after it."""

LATE_LIMIT_MS = 5.0
LATE_LIMIT_RATIO = 0.1
"""How late the generator may send (99th percentile): what a core shows that generator and proxy
share, or a tenth of what is measured."""

RULES = (load.generator_saturated, load.proxy_saturated, load.conservation, system.host_contention)


def judge(
    plan: Plan, cell: Cell, trials: Sequence[OpenTrial], *, may_drop: bool = False
) -> tuple[LevelState, str]:
    """Tell whether these trials of one cell at one rate count, and why not.

    ``may_drop`` where a request that could not be sent is an answer too: it came too late.
    """
    if not trials:
        return "missing", "It was not measured."
    measured = [each.measured for each in trials]
    for rule in RULES:
        finding = rule(plan, cell, measured)
        if finding.state is RuleState.BROKEN:
            return "invalid", finding.detail
    why = "" if may_drop else _dropped(trials)
    why = why or _missed(trials) or _late(trials)
    return ("invalid", why) if why else ("valid", "")


def _dropped(trials: Sequence[OpenTrial]) -> str:
    due, dropped = sum(each.due for each in trials), sum(each.dropped for each in trials)
    if dropped <= DROPPED_LIMIT_RATIO * due:
        return ""
    return (
        f"{dropped} of {due} requests that were due were not sent: as many as may be"
        f" ({trials[0].spec.max_in_flight}) were in flight. The rate is more than this cell takes."
    )


def _missed(trials: Sequence[OpenTrial]) -> str:
    asked = sum(each.spec.rate_rps * each.measured.window_s for each in trials)
    sent = sum(each.offered_rps * each.measured.window_s + each.dropped for each in trials)
    # One request more or less at each edge is no missed rate.
    if abs(sent - asked) <= OFFERED_LIMIT_RATIO * asked + len(trials):
        return ""
    return (
        f"Requests came due and were sent at {sent / asked:.1%} of the rate that was asked for"
        f" ({trials[0].spec.rate_rps:.1f} a second)."
    )


def _late(trials: Sequence[OpenTrial]) -> str:
    known = [each.late_p99_ms for each in trials if each.late_p99_ms is not None]
    if not known:
        return ""
    late = median(known)
    took = [each.response.p99_ms for each in trials if each.response.p99_ms is not None]
    limit = max(LATE_LIMIT_MS, LATE_LIMIT_RATIO * median(took) if took else 0.0)
    if late <= limit:
        return ""
    return (
        f"The generator sent {late:.1f} ms late (99th percentile; limit {limit:.1f} ms), so it"
        " would have measured itself. Give it a core of its own."
    )


def lost(trials: Sequence[OpenTrial]) -> tuple[Finding, ...]:
    """Tell of generator processes that went missing in open-loop trials: the run is not sound."""
    missing = sum(each.measured.generator.lost_workers for each in trials)
    if not missing:
        return ()
    return (
        found(
            RuleCode.GENERATOR_SATURATED,
            None,
            broken=True,
            figure=missing,
            limit=0,
            detail=f"{missing} of the generator's processes went missing while latency was"
            " measured; see its log.",
        ),
    )
