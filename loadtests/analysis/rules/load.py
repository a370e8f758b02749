"""Was the system loaded, fully, by a sound generator through a sound proxy? PURE."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from loadtests.analysis import bottleneck
from loadtests.analysis.rules.finding import broad, found, unchecked
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Finding
from loadtests.model.trial import Calibration, Trial, Usage
from loadtests.model.vocabulary import Bottleneck, Role, RuleCode

CORE_LIMIT_RATIO = 0.85
"""A process that uses more of its core than this queues work of its own (design, section 5)."""

LAG_LIMIT_MS = 20.0
"""How late the generator's ticker may fire (99th percentile): below the 100 ms period in which a
held generator is paused (then it reads 50 to 95 ms), above what a shared core shows (1 to 5 ms)."""

HELD_LIMIT_RATIO = 0.05
"""Share of CPU periods in which a proxy or generator may be held back by a quota: it has none of
ours, so any holding comes from outside; one period in twenty is what a burst can meet."""

ERROR_LIMIT_RATIO = 0.001
"""Failed requests are cheaper than answers, so more of them than one in a thousand bend the
throughput by what is no longer small against the precision."""

GAIN_LIMIT_RATIO = 0.05
"""Users were enough when twice as many gain less than this."""

IN_FLIGHT_LIMIT_RATIO = 0.9
"""Share of the users that must have a request under way: they ask again as soon as they have their
answer, so all but a few of them do (measured 0.99 and more)."""


def generator_saturated(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding:  # noqa: ARG001
    """Tell whether the generator kept up: its core, its lag, its quota, its processes."""
    code = RuleCode.GENERATOR_SATURATED
    lost = max(trial.generator.lost_workers for trial in trials)
    if lost:
        return found(
            code,
            cell,
            broken=True,
            figure=lost,
            limit=0,
            detail=f"{lost} of the generator's processes went missing; see its log.",
        )
    busy = broad([trial.generator.cpu_ratio for trial in trials])
    lag = broad([trial.generator.lag_p99_ms for trial in trials])
    held = _held(_usages(trials, Role.GENERATOR))
    if held is not None and held > HELD_LIMIT_RATIO:
        return found(
            code,
            cell,
            broken=True,
            figure=held,
            limit=HELD_LIMIT_RATIO,
            detail=f"A CPU quota held the generator back in {held:.0%} of the CPU periods."
            " Give it a whole core.",
        )
    if lag > LAG_LIMIT_MS:
        return found(
            code,
            cell,
            broken=True,
            figure=lag,
            limit=LAG_LIMIT_MS,
            detail=f"The generator acted {lag:.0f} ms late (99th percentile; limit"
            f" {LAG_LIMIT_MS:.0f} ms). Give it a core of its own.",
        )
    return found(
        code,
        cell,
        broken=busy >= CORE_LIMIT_RATIO,
        figure=busy,
        limit=CORE_LIMIT_RATIO,
        detail=f"The generator used {busy:.0%} of its core, and acted {lag:.1f} ms late at most"
        " in 99 of 100 cases.",
    )


def proxy_saturated(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding:  # noqa: ARG001
    """Tell whether the proxy had CPU left, and passed every request on once."""
    code = RuleCode.PROXY_SATURATED
    retried = sorted({name for trial in trials for name in trial.answers if "," in name})
    if retried:
        return found(
            code,
            cell,
            broken=True,
            figure=len(retried),
            limit=0,
            detail=f"The proxy asked several replicas for one request ({retried[0]}).",
        )
    usages = _usages(trials, Role.PROXY)
    if not usages:
        return unchecked(code, cell, "The proxy's CPU cannot be read here.")
    held = _held(usages)
    if held is not None and held > HELD_LIMIT_RATIO:
        return found(
            code,
            cell,
            broken=True,
            figure=held,
            limit=HELD_LIMIT_RATIO,
            detail=f"A CPU quota held the proxy back in {held:.0%} of the CPU periods."
            " Give it a whole core.",
        )
    busy = broad([usage.cpu_s / usage.span_s for usage in usages if usage.span_s > 0] or [0.0])
    return found(
        code,
        cell,
        broken=busy >= CORE_LIMIT_RATIO,
        figure=busy,
        limit=CORE_LIMIT_RATIO,
        detail=f"The proxy used {busy:.0%} of its core.",
    )


def errors(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding:  # noqa: ARG001
    """Tell whether all but one in a thousand requests succeeded."""
    code = RuleCode.ERRORS
    failed = sum(trial.failed for trial in trials)
    ended = failed + sum(trial.completed for trial in trials)
    if not ended:
        return found(
            code,
            cell,
            broken=True,
            figure=None,
            limit=ERROR_LIMIT_RATIO,
            detail="Not one request ended inside a window.",
        )
    kinds: Counter[str] = Counter()
    for trial in trials:
        kinds.update(trial.failures)
    told = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common(3))
    ratio = failed / ended
    return found(
        code,
        cell,
        broken=ratio >= ERROR_LIMIT_RATIO,
        figure=ratio,
        limit=ERROR_LIMIT_RATIO,
        detail=f"{failed} of {ended} requests failed{f' ({told})' if told else ''}.",
    )


def conservation(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding:  # noqa: ARG001
    """Tell whether generator, proxy and replicas counted the same requests.

    Whole trials are counted, from before the first request to after the last answer, so that
    nothing is in flight at the edges. A failed request may have got lost on any stretch.
    """
    code = RuleCode.CONSERVATION
    counted = [(trial.conservation.proxy, trial.conservation.replicas) for trial in trials]
    if all(counts == (None, None) for counts in counted):
        return unchecked(code, cell, "Neither proxy nor replicas tell their counts here.")
    worst, told = 0, "Generator, proxy and replicas counted the same requests in every trial."
    for trial in trials:
        counts = trial.conservation
        failed = counts.sent - counts.answered + sum(trial.failures.values())
        for who, count in (("proxy", counts.proxy), ("replicas", counts.replicas)):
            off = 0 if count is None else max(0, abs(count - counts.sent) - failed)
            if off > worst:
                worst = off
                told = f"{trial.spec.id}: the generator sent {counts.sent}, the {who} had {count}."
    return found(code, cell, broken=worst > 0, figure=worst, limit=0, detail=told)


def not_saturated(
    plan: Plan, cell: Cell, trials: Sequence[Trial], *, calibrations: Sequence[Calibration]
) -> Finding:
    """Tell whether some means was used up, so that the throughput is the system's own limit.

    The users have to be there, whatever was full; and what is full has to be so window by window,
    because a mean over all of them hides those in which nothing was.
    """
    code = RuleCode.NOT_SATURATED
    away = _users_away(trials)
    if away is not None and away > 1 - IN_FLIGHT_LIMIT_RATIO:
        return found(
            code,
            cell,
            broken=True,
            figure=1 - away,
            limit=IN_FLIGHT_LIMIT_RATIO,
            detail=f"Only {1 - away:.0%} of the {trials[0].users} users had a request under way"
            " on average: the load that was asked for was not there.",
        )
    full = [use for use in bottleneck.resources(plan, cell, trials) if use.full]
    idle = broad([float(not _is_full(plan, cell, trial)) for trial in trials])
    if full and full[0].kind is not Bottleneck.HOST and not idle:
        return found(
            code,
            cell,
            broken=False,
            figure=full[0].used_ratio,
            limit=full[0].full_ratio,
            detail=f"Full: {full[0].detail}.",
        )
    gain = _last_gain(cell, calibrations)
    if gain is not None and gain < GAIN_LIMIT_RATIO:
        return found(
            code,
            cell,
            broken=False,
            figure=gain,
            limit=GAIN_LIMIT_RATIO,
            detail=f"Nothing was full, but twice the users gained only {gain:.1%} on one replica.",
        )
    users = trials[0].users
    return found(
        code,
        cell,
        broken=True,
        figure=gain,
        limit=GAIN_LIMIT_RATIO,
        detail=f"With {users} users nothing was full, and it is not known that more would gain"
        " nothing: this is not yet what the system can do. Let the users be calibrated.",
    )


def _is_full(plan: Plan, cell: Cell, trial: Trial) -> bool:
    uses = bottleneck.resources(plan, cell, (trial,))
    return any(use.full for use in uses if use.kind is not Bottleneck.HOST)


def _users_away(trials: Sequence[Trial]) -> float | None:
    """Give the share of users without a request under way; None: not known."""
    away = [
        1 - trial.in_flight / trial.users
        for trial in trials
        if trial.in_flight is not None and trial.users
    ]
    return broad(away) if away else None


def _last_gain(cell: Cell, calibrations: Sequence[Calibration]) -> float | None:
    for calibration in calibrations:
        if (calibration.worker, calibration.workload) != (cell.worker, cell.workload):
            continue
        if len(calibration.steps) > 1:
            before, last = calibration.steps[-2:]
            if before.throughput_rps > 0:
                return last.throughput_rps / before.throughput_rps - 1
    return None


def _usages(trials: Sequence[Trial], role: Role) -> list[Usage]:
    return [usage for trial in trials for usage in trial.usages if usage.role is role]


def _held(usages: Sequence[Usage]) -> float | None:
    known = [usage.throttled_ratio for usage in usages if usage.throttled_ratio is not None]
    return broad(known) if known else None
