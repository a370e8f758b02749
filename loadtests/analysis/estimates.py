"""From trials to throughput, speed-up, doubling factors and comparisons.

PURE: records in, records out. Cells are compared round by round, so what a round shares (the
moment, the neighbours) cancels. A ratio that cannot be computed is None with a reason, never 0.
``docs/explanation/method.md`` explains the method.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean, median

from loadtests.analysis import bottleneck, core_speed
from loadtests.analysis.intervals import UNKNOWN, geometric_mean, half_width_ratio
from loadtests.analysis.shared import start_spread
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import CellResult, ComparisonResult, DoublingResult, Estimate
from loadtests.model.trial import Calibration, Latency, Trial
from loadtests.model.vocabulary import Role, Verdict

ByRound = Mapping[int, Trial]


def cells(
    plan: Plan, trials: Sequence[Trial], calibrations: Sequence[Calibration] = ()
) -> tuple[CellResult, ...]:
    """Return the result of every planned cell, in the plan's order."""
    by_cell = trials_by_cell(trials)
    users = {(cal.worker, cal.workload): cal.users_per_replica for cal in calibrations}
    return tuple(_cell_result(plan, cell, by_cell, users) for cell in plan.cells)


def doublings(plan: Plan, trials: Sequence[Trial]) -> tuple[DoublingResult, ...]:
    """Return D(n) = X(2n)/X(n) wherever n and 2n replicas were planned, not yet judged.

    ``verdict`` is ``inconclusive`` and ``reason`` is empty until ``verdict.judge_doubling`` fills
    them. Where a factor cannot be computed, ``reason`` says why.
    """
    by_cell = trials_by_cell(trials)
    return tuple(
        _doubling_result(small, large, by_cell.get(small, {}), by_cell.get(large, {}))
        for small, large in doubled_cells(plan)
    )


def comparisons(plan: Plan, trials: Sequence[Trial]) -> tuple[ComparisonResult, ...]:
    """Return the throughput of each worker model over each earlier one, at equal replicas.

    Their intervals hold for other starts of the same servers, too (``start_spread``).
    """
    by_cell = trials_by_cell(trials)
    return tuple(
        _comparison(
            plan,
            _cell(worker.name, workload.name, count),
            _cell(against.name, workload.name, count),
            by_cell,
        )
        for workload in plan.workloads
        for count in plan.replica_counts
        for against, worker in itertools.combinations(plan.workers, 2)
    )


def _comparison(
    plan: Plan, first: Cell, second: Cell, by_cell: Mapping[Cell, ByRound]
) -> ComparisonResult:
    trials, others = by_cell.get(first, {}), by_cell.get(second, {})
    pairs = math.comb(len(plan.workers), 2)
    of_rate, of_cpu = (
        [
            (spreads[cell.worker], len(_starts_of(by_cell.get(cell, {})) or {cell}))
            for cell in (first, second)
        ]
        for figure in (_throughput_of, cpu_us_per_request)
        for spreads in [_between_starts(plan, first.workload, by_cell, figure)]
    )
    rates = _ratios(trials, others, _throughput_of)
    shared = core_speed.margin_between([*trials.values()], [*others.values()])
    # Requests per CPU-second are the inverse of CPU per request, so the order is the other one.
    costs = _ratios(others, trials, cpu_us_per_request)
    per_core = start_spread.ratio(costs, of_cpu, shared=shared)
    return ComparisonResult(
        workload=first.workload,
        replicas=first.replicas,
        worker=first.worker,
        against=second.worker,
        ratio=start_spread.ratio(rates, of_rate, shared=shared),
        all_pairs_ratio=start_spread.ratio(rates, of_rate, shared=shared, pairs=pairs),
        per_core_ratio=None if per_core.estimate is None else per_core,
    )


def _between_starts(
    plan: Plan,
    workload: str,
    by_cell: Mapping[Cell, ByRound],
    figure: Callable[[Trial], float | None],
) -> dict[str, start_spread.Part]:
    """Return how starts of each worker model differ, from the trials of one replica."""
    by_start: dict[str, dict[tuple[int, ...], dict[int, float]]] = {}
    for worker in plan.workers:
        starts = by_start.setdefault(worker.name, {})
        for number, trial in by_cell.get(_cell(worker.name, workload, 1), {}).items():
            value = figure(trial)
            if value is not None and value > 0:
                starts.setdefault(trial.spec.members, {})[number] = math.log(value)
    return start_spread.between_starts(by_start)


def _starts_of(trials: ByRound) -> set[int]:
    return {member for trial in trials.values() for member in trial.spec.members}


def doubled_cells(plan: Plan) -> tuple[tuple[Cell, Cell], ...]:
    """Return the pairs (n replicas, 2n replicas) among the planned cells, in their order."""
    planned = set(plan.cells)
    doubled = ((cell, _cell(cell.worker, cell.workload, 2 * cell.replicas)) for cell in plan.cells)
    return tuple((small, large) for small, large in doubled if large in planned)


def trials_by_cell(trials: Sequence[Trial]) -> dict[Cell, dict[int, Trial]]:
    """Return the trials of each cell by round."""
    by_cell: dict[Cell, dict[int, Trial]] = {}
    for trial in trials:
        by_cell.setdefault(trial.spec.cell, {})[trial.spec.round] = trial
    return by_cell


def throughput_ratio(above: ByRound, below: ByRound) -> Estimate:
    """Return the ratio of two cells' throughputs with its interval, paired by rounds.

    Unknown when no round has a trial of both, or when one of those had no success.
    """
    return _paired(above, below, _throughput_of)


def cpu_per_request_ratio(above: ByRound, below: ByRound) -> Estimate:
    """Return the ratio of two cells' CPU per request with its interval, paired by rounds."""
    return _paired(above, below, cpu_us_per_request)


def cpu_got(trial: Trial) -> float | None:
    """Return the CPU that all replicas of a trial used, in CPU-seconds per second."""
    replicas = [usage for usage in trial.usages if usage.role is Role.REPLICA]
    return math.fsum(usage.cpu_s / usage.span_s for usage in replicas) if replicas else None


def cpu_us_per_request(trial: Trial) -> float | None:
    """Return the CPU time per request in µs: CPU of all replicas over their answers.

    Where no answer names its replica it is the rate of their CPU over that of all answers, if each
    one's CPU is known.
    """
    replicas = [usage for usage in trial.usages if usage.role is Role.REPLICA]
    answers = [usage.completed for usage in replicas if usage.completed is not None]
    used = math.fsum(usage.cpu_s for usage in replicas)
    ended: float = sum(answers) if len(answers) == len(replicas) else 0
    if trial.completed and not any(trial.answers.values()):
        used = (len(replicas) == trial.spec.cell.replicas and cpu_got(trial)) or 0.0
        ended = (trial.completed + trial.failed) / trial.window_s if used else 0
    # CPU time depends on the core's speed: state it for the run's mean speed, as throughput is.
    return 1e6 * used / trial.speed_correction / ended if ended else None


def _cell(worker: str, workload: str, replicas: int) -> Cell:
    return Cell(worker=worker, workload=workload, replicas=replicas)


def _throughput_of(trial: Trial) -> float:
    return trial.throughput_rps


def _paired(above: ByRound, below: ByRound, figure: Callable[[Trial], float | None]) -> Estimate:
    rounds = above.keys() & below.keys()
    cells = ([cell[number] for number in rounds] for cell in (above, below))
    shared = core_speed.margin_between(*cells)
    return geometric_mean(_ratios(above, below, figure), shared=shared)


def _ratios(above: ByRound, below: ByRound, figure: Callable[[Trial], float | None]) -> list[float]:
    """Return the logarithms of the rounds' ratios, or none where one of them has none."""
    logs = []
    for number in sorted(above.keys() & below.keys()):
        upper, lower = figure(above[number]), figure(below[number])
        if upper is None or lower is None or not (upper > 0 and lower > 0):
            return []
        logs.append(math.log(upper) - math.log(lower))
    return logs


def _doubling_result(small: Cell, large: Cell, below: ByRound, above: ByRound) -> DoublingResult:
    factor = throughput_ratio(above, below)
    return DoublingResult(
        worker=small.worker,
        workload=small.workload,
        replicas_from=small.replicas,
        replicas_to=large.replicas,
        rounds=len(above.keys() & below.keys()),
        factor=factor,
        half_width_ratio=half_width_ratio(factor),
        cpu_got_factor=_paired(above, below, cpu_got).estimate,
        cpu_per_request_factor=cpu_per_request_ratio(above, below).estimate,
        verdict=Verdict.INCONCLUSIVE,
        reason="" if factor.estimate else _why_unknown(small, large, below, above),
        settle_minutes=None,
    )


def _why_unknown(small: Cell, large: Cell, below: ByRound, above: ByRound) -> str:
    for cell, trials in ((small, below), (large, above)):
        if any(not trial.throughput_rps for trial in trials.values()):
            return f"No request of {cell} succeeded in at least one round, so there is no ratio."
    return f"No round has a trial of both {small} and {large}."


def _cell_result(
    plan: Plan,
    cell: Cell,
    by_cell: Mapping[Cell, ByRound],
    users_per_replica: Mapping[tuple[str, str], int],
) -> CellResult:
    trials = tuple(by_cell.get(cell, {}).values())
    speedup = _speedup(cell, by_cell)
    resources = bottleneck.resources(plan, cell, trials)
    kind, detail = bottleneck.judge(resources)
    planned_users = users_per_replica.get((cell.worker, cell.workload), 0) * cell.replicas
    return CellResult(
        cell=cell,
        trials=len(trials),
        users=trials[-1].users if trials else planned_users,
        throughput_rps=_throughput(trials),
        speedup=speedup,
        efficiency_ratio=None if speedup.estimate is None else speedup.estimate / cell.replicas,
        p50_ms=_percentile(trials, lambda latency: latency.p50_ms),
        p90_ms=_percentile(trials, lambda latency: latency.p90_ms),
        p99_ms=_percentile(trials, lambda latency: latency.p99_ms),
        cpu_us_per_request=_mean(cpu_us_per_request(trial) for trial in trials),
        cpu_got_cpus=_mean(cpu_got(trial) for trial in trials),
        error_ratio=_error_ratio(trials),
        bottleneck=kind,
        bottleneck_detail=detail,
        memory_bytes=_mean(_memory_bytes(trial) for trial in trials),
        resources=resources,
        replica_rps=_replica_rps(trials),
    )


def _speedup(cell: Cell, by_cell: Mapping[Cell, ByRound]) -> Estimate:
    """Return S(n) = X(n)/X(1); of one replica it is 1 by definition and has no interval."""
    single = _cell(cell.worker, cell.workload, 1)
    if cell == single:
        throughput = _throughput(tuple(by_cell.get(cell, {}).values())).estimate
        return Estimate(estimate=1.0, low=None, high=None) if throughput else UNKNOWN
    return throughput_ratio(by_cell.get(cell, {}), by_cell.get(single, {}))


def _throughput(trials: Sequence[Trial]) -> Estimate:
    """Return the geometric mean over the rounds; where one had no success, their plain mean."""
    rates = [trial.throughput_rps for trial in trials]
    if rates and not all(rates):
        return Estimate(estimate=fmean(rates), low=None, high=None)
    logs = [math.log(rate) for rate in rates]
    return geometric_mean(logs, shared=core_speed.margin_between(trials, ()))


def _percentile(trials: Sequence[Trial], figure: Callable[[Latency], float]) -> float | None:
    values = [figure(trial.latency) for trial in trials if trial.latency is not None]
    return median(values) if values else None


def _mean(values: Iterable[float | None]) -> float | None:
    measured = [value for value in values if value is not None]
    return fmean(measured) if measured else None


def _error_ratio(trials: Sequence[Trial]) -> float | None:
    failed = sum(trial.failed for trial in trials)
    ended = failed + sum(trial.completed for trial in trials)
    return failed / ended if ended else None


def _memory_bytes(trial: Trial) -> float | None:
    used = [usage.memory_bytes for usage in trial.usages if usage.role is Role.REPLICA]
    return sum(size for size in used if size) if used and all(used) else None


def _replica_rps(trials: Sequence[Trial]) -> dict[str, float]:
    """Return each replica's mean rate of answers over the trials that it took part in."""
    rates: dict[str, list[float]] = {}
    for trial in trials:
        for replica, answers in trial.answers.items():
            rates.setdefault(replica, []).append(answers / trial.window_s)
    return {replica: fmean(rates[replica]) for replica in sorted(rates)}
