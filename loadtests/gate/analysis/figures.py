"""Computes the figures of one version in one window. PURE."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from loadtests.analysis import samples
from loadtests.analysis.nodes.host import host_use
from loadtests.analysis.samples import MICROSECONDS
from loadtests.gate.analysis import answers, medians
from loadtests.gate.model.evidence import Figures
from loadtests.gate.model.vocabulary import Mode
from loadtests.model.generator_records import Edge, LoadDone
from loadtests.model.stack import Reading


def figures(
    done: LoadDone,
    opened: Edge,
    closed: Edge,
    members: Collection[str],
    *,
    mode: Mode = Mode.CLOSED,
) -> Figures:
    """Return one version's figures: its requests, and the total CPU of its ``members``.

    What a task of a locustfile ended with, instead of its requests, has failed, too. Requests
    before users' first tasks are among the answers, also those that ended before the window.

    A closed window counts the requests that ended or hung in it. An open window counts the requests
    that were due in it, whenever they ended; otherwise, an answer that takes longer than the window
    would never count.
    """
    finished, columns = done.finished, samples.read_columns(done.samples)
    window_s = finished.closed_at_s - finished.opened_at_s
    window_us = round(window_s * MICROSECONDS)
    ok = samples.has_outcome(columns, finished.outcomes, "ok")
    if mode is Mode.OPEN:
        counted = samples.within(columns.due_us, window_us)
    else:
        hung = samples.never_answered(columns, finished.outcomes, window_us)
        counted = samples.within(columns.done_us, window_us) | hung
    good, failed = counted & ok, counted & ~ok
    taken_us = columns.done_us[good] - columns.due_us[good]
    times = samples.latency(taken_us)
    usages = _usages(opened, closed, members)
    completed = int(np.count_nonzero(good))
    return Figures(
        completed=completed,
        failed=int(np.count_nonzero(failed)) + finished.user_errors_in_window,
        throughput_rps=short(completed / window_s),
        cpu_us_per_request=_cpu_us(usages, columns, ok, finished.opened_at_s),
        p50_ms=times.p50_ms if times else None,
        p99_ms=times.p99_ms if times else None,
        got_cpus=_got(usages),
        throttled_ratio=_throttled(usages),
        quantiles_ms=_quantiles_ms(taken_us) if mode is Mode.OPEN else (),
        answers=(
            *answers.counted(columns, finished.names, good=good, failed=failed),
            *answers.of_starts(finished.start_requests, finished.start_failed),
        ),
    )


def with_starts(of_window: Figures, rehearsal: LoadDone) -> Figures:
    """Return figures with what users sent before their first task in the rehearsal before."""
    finished = rehearsal.finished
    starts = answers.of_starts(finished.start_requests, finished.start_failed)
    return replace(of_window, answers=(*of_window.answers, *starts))


def failed_of(done: LoadDone) -> int:
    """Return how many requests of a whole load failed, or had no answer at its end."""
    finished = done.finished
    ok = samples.has_outcome(samples.read_columns(done.samples), finished.outcomes, "ok")
    return finished.sent - finished.answered + int(np.count_nonzero(~ok))


def dispersion(done: LoadDone) -> float:
    """Return how many times as variable as by Poisson the answers of a closed window are."""
    finished, columns = done.finished, samples.read_columns(done.samples)
    window_us = round((finished.closed_at_s - finished.opened_at_s) * MICROSECONDS)
    good = samples.has_outcome(columns, finished.outcomes, "ok")
    good &= samples.within(columns.done_us, window_us)
    times = samples.latency(columns.done_us[good] - columns.due_us[good])
    return times.dispersion if times else 1.0


def _quantiles_ms(taken_us: samples.Integers) -> tuple[float, ...]:
    if not taken_us.size:
        return ()
    times_us = np.quantile(taken_us, medians.quantile_levels(taken_us.size))
    return tuple(short(time_ms) for time_ms in (times_us / MICROSECONDS * 1000).tolist())


def busy_ratio(done: LoadDone) -> float:
    """Return the generator's CPU in the window, as a share of one core."""
    finished = done.finished
    return short(finished.cpu_s / (finished.closed_at_s - finished.opened_at_s))


def taken_by_others(opened: Edge, closed: Edge) -> tuple[float | None, float | None]:
    """Return the shares of the cores that other programs and the host took, or None twice."""
    use = host_use(opened, closed)
    return (None, None) if use is None else (round(use.foreign_ratio, 4), round(use.steal_ratio, 4))


def cpus_of(opened: Edge, closed: Edge, member: str) -> float | None:
    """Return the mean CPU use of one member between two edges, in cores."""
    return _got(_usages(opened, closed, (member,)))


_Usages = list[tuple[Reading, Reading]]


def _usages(opened: Edge, closed: Edge, members: Collection[str]) -> _Usages:
    before = {reading.member: reading for reading in opened.members}
    return [
        (before[after.member], after)
        for after in closed.members
        if after.member in members
        and after.member in before
        and after.grew_from(before[after.member])
    ]


def _cpu_us(
    usages: _Usages,
    columns: samples.Columns,
    ok: samples.Flags,
    opened_at_s: float,
) -> float | None:
    """Return the CPU time per successful request, in µs, between the readings of the counters.

    The counters are read a moment after the window's edges, so requests are counted between the
    readings too. About as many requests are in flight at both, so their CPU time cancels.
    """
    if not usages:
        return None
    first_s = min(before.at_s for before, _ in usages)
    last_s = min(after.at_s for _, after in usages)
    from_us, to_us = ((at_s - opened_at_s) * MICROSECONDS for at_s in (first_s, last_s))
    counted = int(np.count_nonzero(ok & (columns.done_us >= from_us) & (columns.done_us < to_us)))
    if not counted:
        return None
    used_s = sum(after.cpu_s - before.cpu_s for before, after in usages)
    return short(used_s * MICROSECONDS / counted)


def _got(usages: _Usages) -> float | None:
    shares = [
        (after.cpu_s - before.cpu_s) / (after.at_s - before.at_s)
        for before, after in usages
        if after.at_s > before.at_s
    ]
    return short(sum(shares)) if shares else None


def _throttled(usages: _Usages) -> float | None:
    """Return the smallest share of CPU periods in which a member was throttled, or None."""
    ratios = []
    for before, after in usages:
        ratio = samples.throttled_ratio(before, after)
        if ratio is None:
            return None
        ratios.append(ratio)
    return short(min(ratios)) if ratios else None


def short(value: float) -> float:
    """Round to six digits: measurements are no finer, and ``verdict.json`` has thousands."""
    return float(f"{value:.6g}")
