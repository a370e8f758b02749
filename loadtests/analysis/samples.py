"""From what was seen of a trial to its record. PURE."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loadtests.analysis import core_speed
from loadtests.analysis.failures import counting
from loadtests.analysis.nodes import use
from loadtests.analysis.nodes.host import host_use
from loadtests.analysis.request_distribution import distribution_of
from loadtests.model.generator_records import Finished, RawTrial
from loadtests.model.plan import Budget
from loadtests.model.stack import Reading
from loadtests.model.trial import (
    Conservation,
    GeneratorHealth,
    Latency,
    RequestDistribution,
    Trial,
    Usage,
)
from loadtests.model.vocabulary import Role

QUARTERS = 4
GIVEN_UP = ("timeout", "undrained")
"""Outcomes of requests for whose answer nobody waited any longer."""

MICROSECONDS = 1_000_000

PERIOD_S = 0.1
"""The period of CPU quotas, in seconds: the kernel's and Docker's default, and what Twofold sets
(``kernel/sched/fair.c``; ``scheduler/sched-bwc.rst`` in the kernel's documentation)."""

LONGEST_READING_RATIO = 0.05
"""Part of a window that reading a counter may take. It is not known at which moment of it the
counter was read, so the CPU in the window is uncertain by as much."""

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The samples of one trial, a row a request; see the generator's protocol for each column."""

    due_us: Integers
    sent_us: Integers
    done_us: Integers
    status: Integers
    outcome: Integers
    replica: Integers
    name: Integers
    body_bytes: Integers | None = None
    """Bytes of each body; None in the samples of older versions."""


def read_columns(samples: bytes) -> Columns:
    """Read the columns out of the bytes of an ``.npz``."""
    with np.load(io.BytesIO(samples), allow_pickle=False) as archive:
        return Columns(
            **{
                name: archive[name].astype(np.int64)
                for name in ("due_us", "sent_us", "done_us", "status", "outcome", "replica", "name")
            },
            body_bytes=archive["bytes"].astype(np.int64) if "bytes" in archive else None,
        )


def reduce(raw: RawTrial, budget: Budget, *, service_ms: float | None) -> Trial:
    """Work out the record of one trial: counts, percentiles, and what each member used."""
    finished = raw.finished
    columns = read_columns(raw.samples)
    window_s = finished.closed_at_s - finished.opened_at_s
    window_us = round(window_s * MICROSECONDS)
    inside = within(columns.done_us, window_us)
    ok = has_outcome(columns, finished.outcomes, "ok")
    good = inside & ok
    failed = (inside & ~ok) | never_answered(columns, finished.outcomes, window_us)
    names = [raw.addresses.get(address, address) for address in finished.replicas]
    answers = _answers(columns, inside, names)
    completed = int(np.count_nonzero(good))
    usages = _usages(raw, columns, names, budget)
    endings = _endings(finished, columns, names)
    speed = core_speed.between(raw.opened.pulse, raw.closed.pulse)
    return Trial(
        spec=raw.spec,
        users=raw.users,
        started_at_s=finished.started_at_s,
        window_s=window_s,
        wall_s=raw.wall_s,
        completed=completed,
        failed=int(np.count_nonzero(failed)) + finished.user_errors_in_window,
        failures=_failures(columns, failed, finished.outcomes) | _user_errors(finished),
        throughput_rps=completed / window_s,
        latency=latency(columns.done_us[good] - columns.due_us[good]),
        in_flight=in_flight(columns, window_us),
        answers={name: answers.get(name, 0) for name in (*raw.addresses.values(), *answers)},
        quarters_rps=_quarters(columns.done_us[good], window_us),
        usages=tuple(usage for usage in usages if not _is_idle(usage, raw)),
        idle_usages=tuple(usage for usage in usages if _is_idle(usage, raw)),
        conservation=_conservation(raw),
        generator=_health(finished, window_s, raw.users),
        host=host_use(raw.opened, raw.closed),
        identities=raw.identities,
        service_ms=service_ms,
        core_speed=None if speed is None else speed.hashing,
        memory_speed=None if speed is None else speed.reading,
        dealing=_dealing(raw, columns, names, window_us),
        requests=counting.outcomes_by_name(endings, good=good, failed=failed),
        examples=counting.examples_of(raw) if failed.any() else (),
        shared=tuple(edge.shared for edge in (raw.opened, raw.closed) if edge.shared is not None),
        network=use.network_uses(raw.opened, raw.closed),
        nodes=use.node_uses(raw),
        deployment=use.deployment_of(raw.opened, raw.closed),
    )


def _endings(finished: Finished, columns: Columns, names: Sequence[str]) -> counting.Endings:
    """Return how each request ended, with the tables of all names."""
    return counting.Endings(
        name=columns.name,
        status=columns.status,
        outcome=columns.outcome,
        replica=columns.replica,
        names=finished.names,
        outcomes=finished.outcomes,
        replicas=names,
        duration_us=columns.done_us - columns.due_us,
        waited_us=columns.done_us - columns.sent_us,
        body_bytes=columns.body_bytes,
    )


def _conservation(raw: RawTrial) -> Conservation:
    return Conservation(
        sent=raw.finished.sent,
        answered=raw.finished.answered,
        proxy=raw.proxy_requests,
        replicas=raw.replica_requests,
    )


def _dealing(
    raw: RawTrial, columns: Columns, names: Sequence[str], window_us: int
) -> RequestDistribution:
    """Return how requests were dealt to replicas over the whole trial, redirects included."""
    redirects = {
        raw.addresses.get(address, address): count
        for address, count in raw.finished.redirects.items()
    }
    return distribution_of(
        columns.done_us,
        columns.replica,
        names=names,
        members=tuple(raw.addresses.values()),
        end_us=window_us,
        redirects=redirects,
    )


def _user_errors(finished: Finished) -> dict[str, int]:
    """Return the exceptions of a locustfile's tasks as a kind of failure, if there were any."""
    count = finished.user_errors_in_window
    return {"exception in a task": count} if count else {}


def _health(finished: Finished, window_s: float, users: int) -> GeneratorHealth:
    return GeneratorHealth(
        cpu_ratio=finished.cpu_s / window_s,
        lag_p99_ms=finished.lag_p99_ms,
        lag_max_ms=finished.lag_max_ms,
        dropped=finished.dropped,
        lost_workers=finished.lost_workers,
        clock_offset_ms=finished.clock_offset_ms,
        clock_error_ms=finished.clock_error_ms,
        late_ms=finished.late_ms,
        held_ratio=finished.held_s / (window_s * max(1, users)),
    )


def within(moments_us: Integers, window_us: float) -> Flags:
    """Tell which of the moments (a column) lie inside the window."""
    inside: Flags = (moments_us >= 0) & (moments_us < window_us)
    return inside


def has_outcome(columns: Columns, outcomes: Sequence[str], *names: str) -> Flags:
    """Tell which requests ended as one of ``names``; ``outcomes`` is the table of all names."""
    return np.isin(columns.outcome, [outcomes.index(name) for name in names if name in outcomes])


def never_answered(columns: Columns, outcomes: Sequence[str], window_us: float) -> Flags:
    """Tell which requests were under way as the window closed, and were waited for in vain.

    They ended after it, as nobody waited any longer; but it is in it that they hung.
    """
    given_up = has_outcome(columns, outcomes, *GIVEN_UP)
    return given_up & (columns.sent_us < window_us) & (columns.done_us >= window_us)


def latency(durations_us: Integers) -> Latency | None:
    """Give exact percentiles (each a value that occurred), or None for no request at all."""
    if durations_us.size == 0:
        return None
    p50, p90, p99, top = np.percentile(
        durations_us, [50, 90, 99, 100], method="inverted_cdf"
    ).tolist()
    return Latency(
        mean_ms=float(durations_us.mean()) / 1000,
        sd_ms=float(durations_us.std()) / 1000,
        p50_ms=p50 / 1000,
        p90_ms=p90 / 1000,
        p99_ms=p99 / 1000,
        max_ms=top / 1000,
    )


def in_flight(columns: Columns, window_us: int) -> float:
    """Give how many requests were under way in the window, as a mean over its time."""
    first = np.clip(columns.sent_us, 0, window_us)
    last = np.clip(columns.done_us, 0, window_us)
    return float((last - first).sum() / window_us)


def _answers(columns: Columns, rows: Flags, names: list[str]) -> dict[str, int]:
    counts = np.bincount(columns.replica[rows & (columns.replica >= 0)], minlength=len(names))
    answers: dict[str, int] = {}
    for name, count in zip(names, counts.tolist(), strict=False):
        if count:
            answers[name] = answers.get(name, 0) + count
    return answers


def _failures(columns: Columns, rows: Flags, outcomes: list[str]) -> dict[str, int]:
    failures: dict[str, int] = {}
    kinds, counts = np.unique(
        np.stack((columns.outcome[rows], columns.status[rows])), axis=1, return_counts=True
    )
    for outcome, status, count in zip(*kinds.tolist(), counts.tolist(), strict=True):
        kind = counting.kind_of(outcomes[outcome], status)
        failures[kind] = failures.get(kind, 0) + count
    return failures


def _quarters(done_us: Integers, window_us: int) -> tuple[float, ...]:
    edges = np.linspace(0, window_us, QUARTERS + 1)
    counts, _ = np.histogram(done_us, bins=edges)
    return tuple((counts / (window_us / MICROSECONDS / QUARTERS)).tolist())


def _usages(raw: RawTrial, columns: Columns, names: list[str], budget: Budget) -> tuple[Usage, ...]:
    """Return what each member used; one whose counters went back was started anew: not known."""
    before = {reading.member: reading for reading in raw.opened.members}
    pairs = (
        (before[after.member], after)
        for after in raw.closed.members
        if after.member in before and after.grew_from(before[after.member])
    )
    return tuple(
        _usage(first, last, raw.finished, columns, names, budget)
        for first, last in pairs
        if _is_timely(first, last, raw.finished)
    )


def _usage(
    before: Reading,
    after: Reading,
    finished: Finished,
    columns: Columns,
    names: list[str],
    budget: Budget,
) -> Usage:
    # The counters are read a moment after the edge, so the requests are counted from reading to
    # reading, not from edge to edge.
    # A user's program may read them long after the load, when nothing is used any more.
    until_s = after.at_s
    if after.asked_at_s is not None:
        until_s = min(after.at_s, finished.drained_at_s)
    first_us = (before.at_s - finished.opened_at_s) * MICROSECONDS
    last_us = (until_s - finished.opened_at_s) * MICROSECONDS
    between = (columns.done_us >= first_us) & (columns.done_us < last_us)
    completed: int | None = None
    if after.role is Role.REPLICA:
        indices = [index for index, name in enumerate(names) if name == after.member]
        completed = int(np.count_nonzero(between & np.isin(columns.replica, indices)))
    elif after.role is Role.PROXY:
        completed = int(np.count_nonzero(between & (columns.replica >= 0)))
    return Usage(
        member=after.member,
        role=after.role,
        span_s=until_s - before.at_s,
        cpu_s=after.cpu_s - before.cpu_s,
        budget_cpus=after.limit_cpus or _budget_cpus(after.role, budget),
        throttled_ratio=throttled_ratio(before, after),
        completed=completed,
        memory_bytes=after.memory_bytes,
        periods=after.periods_since(before),
    )


def _is_timely(before: Reading, after: Reading, finished: Finished) -> bool:
    """Tell whether both readings were taken at a moment, and not over a part of the window.

    When the load was over before the second one began, its moment does not matter.
    """
    limit_s = LONGEST_READING_RATIO * (finished.closed_at_s - finished.opened_at_s)
    is_over = after.at_s - after.took_s / 2 >= finished.drained_at_s
    in_time = before.asked_at_s is None or before.at_s < finished.drained_at_s
    return in_time and before.took_s <= limit_s and (is_over or after.took_s <= limit_s)


def _is_idle(usage: Usage, raw: RawTrial) -> bool:
    """Tell whether a member is a replica that the trial did not load."""
    return usage.role is Role.REPLICA and usage.member not in raw.addresses.values()


def _budget_cpus(role: Role, budget: Budget) -> float | None:
    if role is Role.REPLICA:
        return budget.replica_cpus
    return budget.store_cpus if role is Role.STORE else None


def throttled_ratio(before: Reading, after: Reading) -> float | None:
    """Give the share of CPU periods in which a member was held back; None: it is not counted.

    The kernel's timer stops one period after the group has gone idle, so it counts no periods of
    longer idle times. Here these are periods, too: a member that waits for half of the time had CPU
    left.
    """
    counted = after.periods_since(before)
    if counted is None or None in {before.throttled_periods, after.throttled_periods}:
        return None
    held = (after.throttled_periods or 0) - (before.throttled_periods or 0)
    periods = max(counted, (after.at_s - before.at_s) / PERIOD_S)
    return held / periods if periods else 0.0
