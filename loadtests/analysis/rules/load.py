"""Was the system saturated, by a generator and through a proxy that kept up? PURE."""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.analysis import bottleneck
from loadtests.analysis.rules.finding import broad, found, unchecked
from loadtests.analysis.shared import user_gain
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Finding
from loadtests.model.trial import Calibration, CalibrationStep, Trial, Usage
from loadtests.model.vocabulary import Bottleneck, Role, RuleCode

CORE_LIMIT_RATIO = 0.85
"""A process that uses more of its core than this delays its own work: at 85 % utilisation
about five requests wait on average (M/M/1: ρ²/(1 − ρ))."""

LAG_LIMIT_MS = 20.0
"""How late the generator's timer may fire (99th percentile). A shared core causes 1 to 5 ms, and a
CPU quota with its period of 100 ms causes 50 to 95 ms."""

THROTTLED_LIMIT_RATIO = 0.05
"""Share of CPU periods in which a quota may throttle the proxy or the generator. Twofold sets them
none, so throttling comes from outside; a burst can meet it in one period of twenty."""

GAIN_LIMIT_RATIO = 0.05
"""Users are enough when twice as many raise the throughput by less than this."""

IN_FLIGHT_LIMIT_RATIO = 0.9
"""Least share of the users with a request in flight. They send the next request at once, so it is
0.99 or more in a sound run."""


HELD_RATIO = 0.9
"""Part of ``--max-rps`` from which on the limit may have held the load back in some moments."""

HELD_TIME_RATIO = 0.05
"""Share of their time for which users may wait for ``--max-rps``: where nothing is full they send
as much less, which is half of the loss that the target of 1.8 allows."""


def _held_back(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding | None:
    """Return a finding where the load came near the most that it may be, or where users waited.

    Each process of the generator has an equal part of the limit, and may reach it alone.
    """
    if plan.max_rps is None:
        return None
    most = max(trial.throughput_rps for trial in trials)
    held = broad([trial.generator.held_ratio for trial in trials])
    if most < HELD_RATIO * plan.max_rps and held > HELD_TIME_RATIO:
        return found(
            RuleCode.GENERATOR_SATURATED,
            cell,
            broken=True,
            figure=held,
            limit=HELD_TIME_RATIO,
            detail=f"Users waited for --max-rps {plan.max_rps:g} in {held:.0%} of their time"
            f" ({most:.0f} answers a second; each of the generator's processes has an equal part of"
            " the limit). Raise it, or measure fewer replicas.",
        )
    if most < HELD_RATIO * plan.max_rps:
        return None
    return found(
        RuleCode.GENERATOR_SATURATED,
        cell,
        broken=True,
        figure=most,
        limit=HELD_RATIO * plan.max_rps,
        detail=f"The load was held to --max-rps {plan.max_rps:g} ({most:.0f} answers a second), so"
        " this limit was measured. Raise it, or measure fewer replicas.",
    )


def generator_saturated(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding:
    """Check that the generator kept up: its limit, processes, quota, timer and core."""
    return _held_back(plan, cell, trials) or _kept_up(cell, trials)


def lost_processes(missing: int, *, when: str, of: int | None = None) -> tuple[Finding, ...]:
    """Find generator processes that ended outside of the rounds; empty where none did.

    ``when`` is a clause, and ``of`` how many processes there were.
    """
    if not missing:
        return ()
    all_of_them = "processes" if of is None else f"{of} processes"
    detail = f"{missing} of the generator's {all_of_them} ended early, while {when}."
    return (
        found(
            RuleCode.GENERATOR_SATURATED,
            None,
            broken=True,
            figure=missing,
            limit=0,
            detail=f"{detail} See the generator's log.",
        ),
    )


def _kept_up(cell: Cell, trials: Sequence[Trial]) -> Finding:
    code = RuleCode.GENERATOR_SATURATED
    lost = max(trial.generator.lost_workers for trial in trials)
    if lost:
        return found(
            code,
            cell,
            broken=True,
            figure=lost,
            limit=0,
            detail=f"{lost} of the generator's processes ended early. See the generator's log.",
        )
    busy = broad([trial.generator.cpu_ratio for trial in trials])
    lag = broad([trial.generator.lag_p99_ms for trial in trials])
    throttled = _throttled(_usages(trials, Role.GENERATOR))
    if throttled is not None and throttled > THROTTLED_LIMIT_RATIO:
        return found(
            code,
            cell,
            broken=True,
            figure=throttled,
            limit=THROTTLED_LIMIT_RATIO,
            detail=f"A CPU quota from outside throttled the generator in {throttled:.0%} of the CPU"
            " periods. Remove that quota.",
        )
    if lag > LAG_LIMIT_MS:
        return found(
            code,
            cell,
            broken=True,
            figure=lag,
            limit=LAG_LIMIT_MS,
            detail=f"The generator's timer was {lag:.0f} ms late (99th percentile; limit"
            f" {LAG_LIMIT_MS:.0f} ms). The generator needs a core of its own.",
        )
    return found(
        code,
        cell,
        broken=busy >= CORE_LIMIT_RATIO,
        figure=busy,
        limit=CORE_LIMIT_RATIO,
        detail=f"The generator used {busy:.0%} of its core, and its timer was at most"
        f" {lag:.1f} ms late in 99 of 100 cases.",
    )


def proxy_saturated(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding:  # noqa: ARG001
    """Check that the proxy had CPU left, and passed every request on exactly once."""
    code = RuleCode.PROXY_SATURATED
    retried = sorted({name for trial in trials for name in trial.answers if "," in name})
    if retried:
        return found(
            code,
            cell,
            broken=True,
            figure=len(retried),
            limit=0,
            detail=f"The proxy sent one request to several replicas ({retried[0]}).",
        )
    usages = _usages(trials, Role.PROXY)
    if not usages:
        return unchecked(code, cell, "The proxy's CPU cannot be read here.")
    throttled = _throttled(usages)
    if throttled is not None and throttled > THROTTLED_LIMIT_RATIO:
        return found(
            code,
            cell,
            broken=True,
            figure=throttled,
            limit=THROTTLED_LIMIT_RATIO,
            detail=f"A CPU quota from outside throttled the proxy in {throttled:.0%} of the CPU"
            " periods. Remove that quota.",
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


def conservation(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding:  # noqa: ARG001
    """Check that generator, proxy and replicas counted the same requests.

    The counts are of whole trials, from before the first request to after the last answer, so no
    request is in flight at the edges. A failed request may be missing from any count.
    """
    code = RuleCode.CONSERVATION
    counted = [(trial.conservation.proxy, trial.conservation.replicas) for trial in trials]
    if all(counts == (None, None) for counts in counted):
        return unchecked(code, cell, "Neither the proxy nor the replicas report their counts here.")
    worst, detail = 0, "Generator, proxy and replicas counted the same requests in every trial."
    for trial in trials:
        counts = trial.conservation
        failed = counts.sent - counts.answered + sum(trial.failures.values())
        for who, count in (("proxy", counts.proxy), ("replicas", counts.replicas)):
            off = 0 if count is None else max(0, abs(count - counts.sent) - failed)
            if off > worst:
                worst = off
                detail = (
                    f"{trial.spec.id}: the generator sent {counts.sent} requests, and the {who}"
                    f" counted {count}."
                )
    return found(code, cell, broken=worst > 0, figure=worst, limit=0, detail=detail)


def not_saturated(
    plan: Plan, cell: Cell, trials: Sequence[Trial], *, calibrations: Sequence[Calibration]
) -> Finding:
    """Check that a resource was saturated, so that the throughput is the system's own limit.

    The users must have been there, whatever was saturated. Saturation is checked window by window,
    because a mean over all of them hides windows in which nothing was saturated.
    """
    return (
        _users_missing(plan, cell, trials)
        or _saturated(plan, cell, trials)
        or _more_users_gain(plan, cell, trials, calibrations)
    )


def _users_missing(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding | None:
    if user_gain.has_own_users(plan, cell):
        return None  # its users do more than wait for answers; a full resource has to be seen
    idle_ratios = [
        1 - trial.in_flight / trial.users
        for trial in trials
        if trial.in_flight is not None and trial.users
    ]
    idle = broad(idle_ratios) if idle_ratios else 0.0
    if idle <= 1 - IN_FLIGHT_LIMIT_RATIO:
        return None
    return found(
        RuleCode.NOT_SATURATED,
        cell,
        broken=True,
        figure=1 - idle,
        limit=IN_FLIGHT_LIMIT_RATIO,
        detail=f"Only {1 - idle:.0%} of the {trials[0].users} users had a request in flight on"
        " average, so the planned load was not reached.",
    )


def _saturated(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding | None:
    saturated = [use for use in bottleneck.resources(plan, cell, trials) if use.full]
    has_idle_windows = broad([float(not is_saturated(plan, cell, trial)) for trial in trials])
    if not saturated or saturated[0].kind is Bottleneck.HOST or has_idle_windows:
        return None
    return found(
        RuleCode.NOT_SATURATED,
        cell,
        broken=False,
        figure=saturated[0].used_ratio,
        limit=saturated[0].full_ratio,
        detail=f"Saturated: {saturated[0].detail}.",
    )


def is_saturated(plan: Plan, cell: Cell, trial: Trial) -> bool:
    """Return whether some resource but the host was full in a trial."""
    uses = bottleneck.resources(plan, cell, (trial,))
    return any(use.full for use in uses if use.kind is not Bottleneck.HOST)


def _more_users_gain(
    plan: Plan, cell: Cell, trials: Sequence[Trial], calibrations: Sequence[Calibration]
) -> Finding:
    before, last = _last_steps(cell, calibrations)
    gain = user_gain.ratio(before, last) if before and last else None
    broken = True
    if gain is None or gain >= GAIN_LIMIT_RATIO:
        detail = (
            f"No resource was saturated with {trials[0].users} users, and more users might raise"
            " the throughput."
        )
    elif before and (users := _users_per_replica(cell, calibrations)) < before.users:
        detail = (
            f"No resource was saturated, and each replica had {users} users, fewer than the"
            f" {before.users} that saturated one before: the proxy in front has no connections for"
            " more. Raise its worker_connections, or measure fewer replicas."
        )
    elif before and last and not user_gain.is_known(plan, cell, before, last):
        detail = (
            f"No resource was saturated, and one replica gave too few answers ({before.completed}"
            f" and {last.completed}) to tell whether twice the users raise its throughput. It can"
            " be told where its number of slots or its CPU limit is known."
        )
    else:
        broken = False
        detail = (
            "No resource was saturated, but twice the users raised the throughput of one replica"
            f" by only {gain:.1%}."
        )
    return found(
        RuleCode.NOT_SATURATED,
        cell,
        broken=broken,
        figure=gain,
        limit=GAIN_LIMIT_RATIO,
        detail=detail,
    )


def _users_per_replica(cell: Cell, calibrations: Sequence[Calibration]) -> int:
    return next(
        calibration.users_per_replica
        for calibration in calibrations
        if (calibration.worker, calibration.workload) == (cell.worker, cell.workload)
    )


def _last_steps(
    cell: Cell, calibrations: Sequence[Calibration]
) -> tuple[CalibrationStep, CalibrationStep] | tuple[None, None]:
    for calibration in calibrations:
        if (calibration.worker, calibration.workload) != (cell.worker, cell.workload):
            continue
        if len(calibration.steps) > 1:
            before, last = calibration.steps[-2:]
            return before, last
    return None, None


def _usages(trials: Sequence[Trial], role: Role) -> list[Usage]:
    return [usage for trial in trials for usage in trial.usages if usage.role is role]


def _throttled(usages: Sequence[Usage]) -> float | None:
    ratios = [usage.throttled_ratio for usage in usages if usage.throttled_ratio is not None]
    return broad(ratios) if ratios else None
