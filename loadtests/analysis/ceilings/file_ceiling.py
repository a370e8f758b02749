"""What the user's locustfile costs the generator, and whether planned cells can afford it. PURE.

It is measured with the proxy's static answer in the place of the application's. The user's code
gets the answers of the check trial meanwhile, so that it does what it always does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

import numpy as np

from loadtests.analysis import samples
from loadtests.analysis.ceilings.generator_ceiling import NEED_LIMIT_RATIO
from loadtests.analysis.rules.finding import found
from loadtests.model.errors import UnusableLoad
from loadtests.model.generator_records import LoadDone
from loadtests.model.latency import FileCeiling
from loadtests.model.plan import Plan
from loadtests.model.result import Finding
from loadtests.model.tested.workload import Workload
from loadtests.model.trial import Calibration, Trial
from loadtests.model.vocabulary import RuleCode

USERS = 16
"""Enough that one user is always ready to send while the others wait."""


def reduce(done: LoadDone, workload: Workload, file: str) -> FileCeiling:
    """Return what each request of a replayed trial cost; raise if there was none."""
    finished = done.finished
    columns = samples.read_columns(done.samples)
    window_s = finished.closed_at_s - finished.opened_at_s
    inside = samples.within(columns.done_us, window_s * samples.MICROSECONDS)
    count = int(np.count_nonzero(inside))
    if not count:
        raise UnusableLoad(f"{file} sent no request in {window_s:g} s against a static answer.")
    return FileCeiling(
        workload=workload.name, file=file, cpu_ms_per_request=finished.cpu_s / count * 1000
    )


def in_words(ceiling: FileCeiling) -> str:
    """Return what a file costs, in a sentence."""
    return (
        f"{ceiling.file} costs {milliseconds(ceiling.cpu_ms_per_request)} of CPU a request; at most"
        f" {ceiling.process_rps:,.0f}/s from one process"
    )


def refuse_dear(
    plan: Plan, calibrations: Sequence[Calibration], ceilings: Sequence[FileCeiling]
) -> None:
    """Raise :class:`UnusableLoad` if a planned cell needs more than the file can send."""
    for ceiling in ceilings:
        for calibration in calibrations:
            if calibration.workload != ceiling.workload:
                continue
            best_rps = max(step.throughput_rps for step in calibration.steps)
            need_rps = best_rps * max(plan.replica_counts)
            if need_rps > NEED_LIMIT_RATIO * ceiling.process_rps * plan.generator_processes:
                raise UnusableLoad(too_dear(plan, calibration, ceiling, best_rps))


def too_dear(plan: Plan, calibration: Calibration, ceiling: FileCeiling, best_rps: float) -> str:
    """Return the message about a file that costs too much for the planned cells."""
    most = max(plan.replica_counts)
    process_rps = NEED_LIMIT_RATIO * ceiling.process_rps
    processes = math.ceil(best_rps * most / process_rps)
    affordable = [
        count
        for count in plan.replica_counts
        if best_rps * count <= process_rps * plan.generator_processes
    ]
    fewer = ",".join(map(str, affordable))
    fits = f", or --replicas {fewer}" if len(affordable) > 1 else ""
    return (
        f"{in_words(ceiling)}. {most} replicas of {calibration.worker} want about"
        f" {best_rps * most:,.0f}/s, so the load generator would be what is measured. What fits:"
        f" --generator-processes {processes} on a machine with a core for each{fits}, or a cheaper"
        " locustfile."
    )


def check(
    plan: Plan, trials: Sequence[Trial], ceilings: Sequence[FileCeiling]
) -> tuple[Finding, ...]:
    """Find the cells whose throughput came near to what their locustfile can send at most."""
    findings = []
    for ceiling in ceilings:
        limit_rps = ceiling.process_rps * plan.generator_processes
        for cell in plan.cells:
            rates = [trial.throughput_rps for trial in trials if trial.spec.cell == cell]
            if cell.workload != ceiling.workload or not rates:
                continue
            share = fmean(rates) / limit_rps
            if share > NEED_LIMIT_RATIO:
                findings.append(
                    found(
                        RuleCode.GENERATOR_SATURATED,
                        cell,
                        broken=True,
                        figure=share,
                        limit=NEED_LIMIT_RATIO,
                        detail=f"{in_words(ceiling)}, and this cell needed {fmean(rates):,.0f}/s.",
                    )
                )
    return tuple(findings)


def milliseconds(value: float) -> str:
    """Return milliseconds with two digits that count."""
    return f"{value:.2g} ms" if value < 10 else f"{value:.0f} ms"
