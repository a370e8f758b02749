"""Did the network carry what was sent, the first time? PURE."""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.analysis.nodes.use import replicas_of
from loadtests.analysis.rules.finding import broad, covered, found, unchecked
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Finding
from loadtests.model.trial import NetworkUse, Trial
from loadtests.model.vocabulary import RuleCode

RETRANSMITTED_LIMIT_RATIO = 0.01
"""Share of TCP segments that may be sent again. A sound network between servers loses less than one
in ten thousand. On a machine with far too much to do, late confirmations alone gave up to 0.6 %."""

LEAST_RETRANSMITTED = 10
"""Segments sent again in a window from which on they are a share and not a chance."""

STALLED_LIMIT_RATIO = 0.01
"""Share of all users' time in the window that may pass in waits for a retransmission timer."""

STALLED_ONCE_RATIO = 0.05
"""The same of a single window: a link that was away for a second, which no interval covers."""

TIMEOUT_S = 0.2
"""The least wait for a retransmission timer on Linux (TCP_RTO_MIN)."""


def network(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding | None:  # noqa: ARG001
    """Check what TCP sent again between the members; None where nobody can look.

    Segments are counted where the members are, from one edge of the window to the other.
    Each side counts what it sent again itself, so without a replica's counters its answers may have
    been lost: then the rule is unchecked, unless the others show a loss.
    """
    known = [trial for trial in trials if trial.network]
    if not known:
        return None
    worst = max(known, key=_stalled)
    stalled = broad([_stalled(trial) for trial in known])
    if stalled > STALLED_LIMIT_RATIO or _stalled(worst) > STALLED_ONCE_RATIO:
        member = max(worst.network, key=lambda use: use.timeouts)
        return found(
            RuleCode.NETWORK,
            cell,
            broken=True,
            figure=_stalled(worst),
            limit=STALLED_LIMIT_RATIO if stalled > STALLED_LIMIT_RATIO else STALLED_ONCE_RATIO,
            detail=f"{worst.spec.id}: TCP waited for a retransmission {_timeouts(worst)} times,"
            f" most often at {member.member}. That stalls {_stalled(worst):.1%} of the users' time."
            " Look for a link that breaks or is full.",
        )
    again = broad([_again(trial.network) for trial in known])
    unread = [member for trial in trials for member in _unread(trial)[:1]]
    if len(unread) > covered(len(trials)) and again <= RETRANSMITTED_LIMIT_RATIO:
        return unchecked(
            RuleCode.NETWORK,
            cell,
            f"What {unread[0]} sent again was not read in {len(unread)} of {len(trials)} trials."
            f" Where it was read, TCP sent {again:.2%} of its segments again.",
        )
    return found(
        RuleCode.NETWORK,
        cell,
        broken=again > RETRANSMITTED_LIMIT_RATIO,
        figure=again,
        limit=RETRANSMITTED_LIMIT_RATIO,
        detail=f"TCP sent {again:.2%} of its segments again"
        + (". Look for a link that loses packets." if again > RETRANSMITTED_LIMIT_RATIO else "."),
    )


def _unread(trial: Trial) -> list[str]:
    """Return the replicas of a trial whose counters were not read."""
    read = {use.member for use in trial.network}
    return [member for member in replicas_of(trial) if member not in read]


def _timeouts(trial: Trial) -> int:
    return sum(use.timeouts for use in trial.network)


def _stalled(trial: Trial) -> float:
    return _timeouts(trial) * TIMEOUT_S / (max(1, trial.users) * trial.window_s)


def _again(uses: Sequence[NetworkUse]) -> float:
    segments = sum(use.segments for use in uses)
    again = sum(use.retransmitted for use in uses)
    return again / segments if segments and again >= LEAST_RETRANSMITTED else 0.0
