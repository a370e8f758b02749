"""The text of a plan, for people. PURE."""

from __future__ import annotations

import math
from dataclasses import replace

from loadtests.model.machine import Machine
from loadtests.model.plan import Plan
from loadtests.model.result import RunResult
from loadtests.model.tested.target import TargetKind
from loadtests.model.tested.variables import path_without_secrets
from loadtests.model.tested.workload import Workload
from loadtests.planning.budget import SAMPLE_STORE
from loadtests.report.rounding import figure, percent
from loadtests.report.text import tested

START_SPREADS = (0.02, 0.04)
"""Standard deviation of the speeds of an application's starts, as a share of their mean: the least
and the most that was measured (docs/measurements.md)."""


def render(plan: Plan, machine: Machine, why: str) -> str:
    """Return the plan as lines of text."""
    budget = "none can be set"
    if plan.budget.replica_cpus is not None:
        budget = f"{plan.budget.replica_cpus:g} CPU a replica"
    timing = plan.timing
    lines = [
        *tested.target(plan.tested),
        f"Backend    {plan.backend}: {why}",
        tested.starts(plan),
        f"Machine    {machine.cores_in_words}, {machine.cpu_model}, {machine.system}",
        f"Budget     {budget} ({plan.budget.reason})",
        f"Cores      replicas {_cores(plan.budget.replica_cores)};"
        f" generator and proxy {_cores(plan.budget.service_cores)}"
        + (f"; {_stores(plan)} {_cores(plan.budget.store_cores)}" if plan.with_store else ""),
        f"Generator  {plan.generator_processes} process{'es' * (plan.generator_processes > 1)}",
        f"Workers    {', '.join(map(tested.variant, plan.workers))}",
        f"Workload   {', '.join(map(_workload, plan.workloads))}",
        f"Replicas   {', '.join(str(count) for count in plan.replica_counts)}",
        f"Cells      {len(plan.cells)}, one loaded at a time",
        f"Trial      {timing.settle_s:g} s warm-up (longer for slow answers),"
        f" {timing.window_s:g} s window, then drained",
        *_rounds(plan),
        *_latency(plan),
        *_profile(plan),
        f"Target     a factor of {plan.target:g} or more counts as doubling",
        f"Seed       {plan.seed}",
        f"Duration   {_minutes(plan)} min, without building images",
        *(f"Note       {note}" for note in plan.notes),
        *tested.blocks(plan),
        "",
        "Order of the first round:",
        *(
            f"  {spec.position:2d}. {spec.cell} on {_members(spec.members)}"
            for spec in plan.rounds[0]
        ),
    ]
    return "\n".join(lines)


def _workload(workload: Workload) -> str:
    if workload.locustfile is not None:
        return f"{workload.name} (a locustfile)"
    path = path_without_secrets(workload.path)
    if workload.requests:
        count = len(workload.requests)
        return f"{workload.name} ({f'{count} requests' if count > 1 else path})"
    what = f"scenario {workload.scenario}" if workload.scenario else path
    return f"{workload.name} ({what})"


def with_ceiling(plan: Plan, last: RunResult | None) -> Plan:
    """Return the plan with a note on the generator's ceiling, as the last run measured it.

    ``last`` is of the same target and load: what its cells needed is then the best estimate before
    this run starts.
    """
    note = (
        "Generator: its ceiling is measured first. No earlier run here of this target and load has"
        " measured it."
    )
    if last is not None and last.ceiling is not None and last.ceiling.throughput_rps:
        note = (
            f"Generator: ceiling of {figure(last.ceiling.throughput_rps)} requests/s in run"
            f" {last.facts.run_id} ({last.ceiling.processes} process(es)). This run measures it"
            " again first."
        )
        cells = [cell for cell in last.cells if cell.ceiling_ratio is not None]
        if cells:
            largest = max(cells, key=lambda cell: cell.ceiling_ratio or 0.0)
            note += f" {largest.cell} needed the largest share: {percent(largest.ceiling_ratio)}."
    return replace(plan, notes=(*plan.notes, note))


def _rounds(plan: Plan) -> list[str]:
    """Return how many rounds there are, and of a deployment what precision to expect of them."""
    counts = f"{plan.rounds_min} to {plan.rounds_max}"
    if plan.tested.kind is not TargetKind.URL:
        return [
            f"Rounds     {counts}, until every factor is precise to ±{plan.precision_ratio:.0%}"
        ]
    fixed = plan.rounds_min == plan.rounds_max
    lines = [
        f"Rounds     {plan.rounds_min}"
        if fixed
        else f"Rounds     {counts}; fewer if every factor is precise to ±{plan.precision_ratio:.0%}"
    ]
    smallest = next((n for n in plan.replica_counts if 2 * n in plan.replica_counts), None)
    low, high = START_SPREADS
    expected = [
        f"±{_half_width(low, rounds, smallest):.0%} to ±{_half_width(high, rounds, smallest):.0%}"
        f" after {rounds}"
        for rounds in dict.fromkeys((plan.rounds_min, plan.rounds_max))
        if smallest is not None and rounds > 1
    ]
    if expected:
        lines.append(
            f"Precision  about {', '.join(expected)} rounds, where starts differ by"
            f" {low * 100:.0f} to {high:.0%}"
        )
    return lines


def _half_width(spread_ratio: float, rounds: int, replicas: int) -> float:
    """Return the half-width of the 95 % interval of a doubling of ``replicas`` to expect.

    Each cell of each round has new starts, whose speeds have this spread, and the mean of its
    starts. So ln D has the variance s²·(1/n + 1/2n) in each round, and the half-width is that of
    ``geometric_mean``.
    """
    # Only a deployment's plan needs it, and SciPy takes half a second.
    from loadtests.analysis.intervals import student_quantile

    deviation = spread_ratio * math.sqrt(1 / replicas + 1 / (2 * replicas))
    return math.expm1(student_quantile(rounds - 1) * deviation / math.sqrt(rounds))


def _minutes(plan: Plan) -> str:
    least, most = f"{plan.expected_s / 60:.1f}", f"{plan.expected_max_s / 60:.1f}"
    return least if least == most else f"{least} to {most}"


def _latency(plan: Plan) -> list[str]:
    latency = plan.latency
    if latency is None:
        return []
    shares = ", ".join(f"{share:.0%}" for share in latency.shares)
    levels = latency.rounds * len(latency.shares) * len(plan.cells)
    lines = [
        f"Latency    open loop at {shares} of each cell's capacity: {latency.rounds} rounds,"
        f" {levels} trials of {latency.settle_s:g} + {latency.window_s:g} s"
    ]
    if latency.objective is not None:
        trials = latency.step_windows * len(plan.cells)
        lines.append(
            f"Objective  {latency.objective}: at most {latency.steps_max} more steps"
            f" of {trials} trials"
        )
    return [*lines, f"           {latency.expected_s / 60:.1f} min of the duration, at most"]


def _profile(plan: Plan) -> list[str]:
    profile = plan.profile
    if profile is None:
        return []
    counts = ", ".join(map(str, profile.replica_counts))
    return [
        f"Profile    at {counts} replicas, {profile.window_s:g} s each: where requests wait;"
        f" {profile.expected_s:.0f} s of the duration"
    ]


def _stores(plan: Plan) -> str:
    return ", ".join(plan.tested.needs) or SAMPLE_STORE


def _cores(cores: tuple[int, ...]) -> str:
    return ", ".join(str(core) for core in cores) if cores else "any"


def _members(members: tuple[int, ...]) -> str:
    noun = "replica" if len(members) == 1 else "replicas"
    return f"{noun} {', '.join(str(number) for number in members)}"
